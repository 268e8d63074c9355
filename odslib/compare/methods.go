package compare

import (
	"context"
	"fmt"
	"math"

	"odslab/odslib"
	"odslab/odslib/balance"
	"odslab/odslib/diffusion"
	"odslab/odslib/exact"
	"odslab/odslib/guide"
	"odslab/odslib/mcmc"
	"odslab/odslib/rtb"
	"odslab/odslib/smc"
)

// Line is one line of the standard table before it is run.
type Line struct {
	Case    func(seed int) (exact.Case, error)
	Name    string
	Sampler odslib.Sampler
	Train   *balance.Settings // train RTB with these settings first, for Iterations
	Iterations,
	N, Seeds int
	Reference bool // compute Z_T, for samplers that target the discretised chain
}

// Standard are the lines of docs/methods.md. quick takes fewer seeds and shorter training.
func Standard(quick bool) []Line {
	seeds, n := 10, 1000
	if quick {
		seeds, n = 2, 500
	}
	one := func(c exact.Case) func(int) (exact.Case, error) {
		return func(int) (exact.Case, error) { return c, nil }
	}
	t2 := func(seed int) (exact.Case, error) { return exact.T2(8, 1, seed) }
	widened := diffusion.VPLinear{}.Sigma
	steps := guide.Settings{Steps: 100}
	plain, norm := guide.Plain{Settings: steps}, guide.DPS{Zeta: .1, Settings: steps}
	likelihood := guide.DPS{Scaling: guide.Likelihood, ErrorAt: widened, Settings: steps}
	short := guide.DPS{Scaling: guide.Likelihood, Settings: steps}
	bootstrap := smc.Bootstrap{Particles: 4000}
	iterations := 2000
	if quick {
		iterations = 300
	}
	return []Line{
		{Case: one(exact.T1()), Name: "plain", Sampler: plain, N: n, Seeds: seeds},
		{Case: one(exact.T1()), Name: "DPS, likelihood", Sampler: short, N: n, Seeds: seeds},
		{Case: one(exact.T1()), Name: "bootstrap SMC, K=4000", Sampler: bootstrap, N: n, Seeds: seeds, Reference: true},
		{Case: one(exact.T1()), Name: fmt.Sprintf("RTB, %d iterations", iterations), Train: &balance.Settings{}, Iterations: iterations, N: n, Seeds: 1, Reference: true},
		{Case: t2, Name: "plain", Sampler: plain, N: n, Seeds: seeds},
		{Case: t2, Name: "DPS, norm ζ=.1", Sampler: norm, N: n, Seeds: seeds},
		{Case: t2, Name: "DPS, likelihood, widened by σ_t", Sampler: likelihood, N: n, Seeds: seeds},
		{Case: t2, Name: "bootstrap SMC, K=4000", Sampler: bootstrap, N: n, Seeds: seeds},
		{Case: one(exact.T6()), Name: "DPS, likelihood", Sampler: short, N: n, Seeds: seeds},
		{Case: one(exact.T6()), Name: "bootstrap SMC, K=4000", Sampler: bootstrap, N: n, Seeds: seeds, Reference: true},
		{Case: one(exact.T10()), Name: "elliptical slice", Sampler: mcmc.EllipticalSlice{}, N: n, Seeds: seeds},
		{Case: one(exact.T11(2)), Name: "elliptical slice", Sampler: mcmc.EllipticalSlice{}, N: n, Seeds: seeds},
		{Case: one(exact.T12(2, 1)), Name: "plain", Sampler: plain, N: n, Seeds: seeds},
		{Case: one(exact.T12(2, 1)), Name: "bootstrap SMC, K=4000", Sampler: bootstrap, N: n, Seeds: seeds, Reference: true},
		{Case: one(exact.T12(2, 1)), Name: "RTB, 300 iterations", Train: &balance.Settings{}, Iterations: 300, N: n, Seeds: 1, Reference: true},
		{Case: one(exact.T13(1)), Name: "DPS, likelihood", Sampler: short, N: n, Seeds: seeds},
		{Case: one(exact.T13(2)), Name: "DPS, likelihood", Sampler: short, N: n, Seeds: seeds},
		{Case: one(exact.T13(2)), Name: "bootstrap SMC, K=4000", Sampler: bootstrap, N: n, Seeds: seeds, Reference: true},
	}
}

// Run runs the line.
func (l Line) Run(ctx context.Context) (Entry, error) {
	s := l.Sampler
	c, err := l.Case(0)
	if err != nil {
		return Entry{}, err
	}
	trained := 0.
	if l.Train != nil {
		policy, err := rtb.Sampler{Settings: *l.Train}.Train(ctx, c.Post, odslib.Budget{Steps: l.Iterations}, 0)
		if err != nil {
			return Entry{}, err
		}
		s, trained = policy, policy.Seconds
	}
	e, err := Run(ctx, l.Case, s, l.Name, l.N, l.Seeds)
	if err != nil {
		return e, err
	}
	e.Seconds += trained
	if l.Reference {
		logZ, _, err := ReferenceLogZ(ctx, c.Post, guide.Settings{Steps: 100, Kernel: diffusion.Noisy{}, Batch: 8192}, 200000, 0)
		if err != nil {
			return e, err
		}
		_, exactZ, err := c.Post.Exact()
		if err != nil {
			return e, err
		}
		e.LogZT = logZ - exactZ
	}
	return e, nil
}

// Markdown writes entries as a table; a dash stands for what a method does not give.
func Markdown(entries []Entry) string {
	num := func(format string, v float64) string {
		if math.IsNaN(v) {
			return "–"
		}
		return fmt.Sprintf(format, v)
	}
	pm := func(m, se float64) string {
		if math.IsNaN(m) || math.IsNaN(se) {
			return num("%.3f", m)
		}
		return num("%.3f", m) + num(" ± %.3f", se)
	}
	out := "| case | sampler | sliced W1 | floor | log Ẑ − log Z | log Z_T − log Z | modes found | least share | TV of modes | evaluations | seconds | seeds |\n|---|---|---|---|---|---|---|---|---|---|---|---|\n"
	for _, e := range entries {
		found := "–"
		if e.Counted > 0 {
			found = fmt.Sprintf("%.3g of %.3g", e.Found, e.Counted)
		}
		out += fmt.Sprintf("| %s | %s | %s | %.3f | %s | %s | %s | %s | %s | %d | %.1f | %d |\n", e.Case, e.Sampler, pm(e.Distance, e.Error), e.Floor,
			pm(e.LogZ, e.LogZError), num("%.3f", e.LogZT), found, num("%.2f", e.Least), num("%.3f", e.Modes), e.Evaluations, e.Seconds, e.Seeds)
	}
	return out
}
