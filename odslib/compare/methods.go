package compare

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"time"

	"odslab/odslib"
	"odslab/odslib/balance"
	"odslab/odslib/diffusion"
	"odslab/odslib/engine"
	"odslab/odslib/exact"
	"odslab/odslib/guide"
	"odslab/odslib/rtb"
	"odslab/odslib/smc"
	"odslab/odslib/twist"
)

// Line is one line of the standard table before it is run.
type Line struct {
	Case      func(seed int) (exact.Case, error)
	Name      string
	Sampler   odslib.Sampler
	Train     func(ctx context.Context, post odslib.Posterior, seed uint64) (odslib.Sampler, error) // makes the Sampler first, once a seed
	N, Seeds  int
	Reference bool // compute Z_T, for samplers that target the discretised chain
}

// trained is a line of a method that trains first, for so many iterations.
func trained[P odslib.Sampler](c exact.Case, name string, t odslib.Trainer[odslib.Posterior, P], iterations, n, seeds int, reference bool) Line {
	return Line{
		Case: func(int) (exact.Case, error) { return c, nil }, Name: fmt.Sprintf("%s, %d iterations", name, iterations), N: n, Seeds: seeds, Reference: reference,
		Train: func(ctx context.Context, post odslib.Posterior, seed uint64) (odslib.Sampler, error) {
			return t.Train(ctx, post, odslib.Budget{Steps: iterations}, seed)
		},
	}
}

// Standard are the lines of docs/methods.md. quick takes fewer seeds and shorter training.
func Standard(quick bool) []Line { return append(dataLines(quick), noiseLines(quick)...) }

// dataLines are the samplers of the data itself.
func dataLines(quick bool) []Line {
	seeds, n, iterations := 10, 1000, 2000
	if quick {
		seeds, n, iterations = 2, 500, 300
	}
	one := func(c exact.Case) func(int) (exact.Case, error) {
		return func(int) (exact.Case, error) { return c, nil }
	}
	t2 := func(seed int) (exact.Case, error) { return exact.T2(8, 1, seed) }
	plain, norm := guide.Plain{Check: true}, guide.DPS{Steps: 100, Zeta: .1, Check: true}
	widened := guide.DPS{Steps: 100, Scaling: guide.Likelihood, ErrorAt: diffusion.VPLinear{}.Sigma, Check: true}
	likelihood := guide.DPS{Steps: 100, Scaling: guide.Likelihood, Check: true}
	bootstrap := smc.Bootstrap{Particles: 4000}
	tds := func(t twist.Twist) smc.TDS { return smc.TDS{Particles: 4000, Twist: t} }
	line := func(c func(int) (exact.Case, error), name string, s odslib.Sampler) Line {
		return Line{Case: c, Name: name, Sampler: s, N: n, Seeds: seeds}
	}
	chain := func(c exact.Case, name string, s odslib.Sampler) Line {
		l := line(one(c), name, s)
		l.Reference = true
		return l
	}
	guided, free := balance.Drift{Guide: twist.Kernel{}, Variances: true}, balance.Drift{Guide: twist.Isotropic{}, Variances: true}
	t1, t6, t12 := exact.T1(), exact.T6(), exact.T12(2, 1)
	two, square := products()
	controlled := smc.Bootstrap{Particles: 4000, Control: true}
	return []Line{
		line(one(t1), "plain", plain),
		line(one(t1), "DPS, likelihood", likelihood),
		chain(t1, "bootstrap SMC, K=4000", bootstrap),
		trained(t1, "RTB", rtb.Sampler{}, iterations, n, 1, true),
		trained(t1, "RTB, guided by samples of the prior", rtb.Sampler{Drift: guided}, iterations, n, 1, true),
		trained(t1, "on-policy RTB", rtb.OnPolicy{}, iterations, n, 1, true),
		trained(t1, "policy gradient, KL", rtb.PolicyGradient{}, iterations, n, 1, true),
		trained(t1, "DDPO", rtb.DDPO{}, iterations, n, 1, true),
		trained(t1, "adjoint matching", rtb.AdjointMatching{}, iterations, n, 1, true),
		trained(t1, "tilt matching", rtb.TiltMatching{}, 10*iterations, n, 1, true),
		trained(t1, "classifier guidance", rtb.ClassifierGuidance{}, iterations, n, 1, false),
		line(t2, "plain", plain),
		line(t2, "DPS, norm ζ=.1", norm),
		line(t2, "DPS, likelihood, widened by σ_t", widened),
		line(t2, "ΠGDM", guide.PiGDM{Check: true}),
		line(t2, "TMPD", guide.TMPD{Check: true}),
		line(t2, "LGD-MC", guide.LGD{Check: true}),
		line(t2, "DiffPIR", guide.DiffPIR{Check: true}),
		line(t2, "split Gibbs", guide.SplitGibbs{Check: true}),
		line(t2, "bootstrap SMC, K=4000", bootstrap),
		line(t2, "TDS, point, K=4000", tds(twist.Point{})),
		line(t2, "TDS, isotropic, K=4000", tds(twist.Isotropic{})),
		line(t2, "TDS, covariance, K=4000", tds(twist.Covariance{})),
		line(one(t6), "DPS, likelihood", likelihood),
		chain(t6, "bootstrap SMC, K=4000", bootstrap),
		chain(t6, "FK steering, K=4000", smc.FK{Particles: 4000}),
		chain(t6, "TDS, point, K=4000", tds(twist.Point{})),
		line(one(t6), "tempering, K=4000", smc.Tempering{Particles: 4000}),
		line(one(t12), "plain", plain),
		chain(t12, "bootstrap SMC, K=4000", bootstrap),
		trained(t12, "RTB", rtb.Sampler{}, 300, n, 1, true),
		trained(exact.T9(), "RTB", rtb.Sampler{}, iterations, n, 1, true),
		trained(exact.T9(), "RTB, guided by samples of the prior", rtb.Sampler{Drift: guided}, iterations, n, 1, true),
		trained(exact.Sharp(.5), "RTB", rtb.Sampler{}, iterations/2, n, 1, true),
		trained(exact.Sharp(.5), "RTB, step variances", rtb.Sampler{Drift: free}, iterations/2, n, 1, true),
		trained(exact.Sharp(.1), "RTB", rtb.Sampler{}, iterations/2, n, 1, true),
		trained(exact.Sharp(.1), "RTB, step variances", rtb.Sampler{Drift: free}, iterations/2, n, 1, true),
		line(one(two), "bootstrap SMC, K=4000", bootstrap),
		line(one(two), "bootstrap SMC with control, K=4000", controlled),
		line(one(square), "bootstrap SMC, K=4000", bootstrap),
		line(one(square), "bootstrap SMC with control, K=4000", controlled),
		line(one(exact.T13(1)), "DPS, likelihood", likelihood),
		line(one(exact.T13(1)), "ΠGDM", guide.PiGDM{Check: true}),
		line(one(exact.T13(1)), "LGD-MC", guide.LGD{Check: true}),
		line(one(exact.T13(1)), "DiffPIR", guide.DiffPIR{Check: true}),
		line(one(exact.T13(1)), "split Gibbs", guide.SplitGibbs{Check: true}),
		line(one(exact.T13(2)), "DPS, likelihood", likelihood),
		line(one(exact.T13(2)), "ΠGDM", guide.PiGDM{Check: true}),
		line(one(exact.T13(2)), "TMPD", guide.TMPD{Check: true}),
		chain(exact.T13(2), "bootstrap SMC, K=4000", bootstrap),
		chain(exact.T13(2), "TDS, covariance, K=4000", tds(twist.Covariance{})),
	}
}

// Run runs the line.
func (l Line) Run(ctx context.Context) (Entry, error) {
	c, err := l.Case(0)
	if err != nil {
		return Entry{}, err
	}
	s := l.Sampler
	if l.Train != nil {
		s = &retrained{make: l.Train}
	}
	e, err := Run(ctx, l.Case, s, l.Name, l.N, l.Seeds)
	if err != nil || !l.Reference {
		return e, err
	}
	logZ, _, err := ReferenceLogZ(ctx, c.Post, diffusion.Chain{Batch: 8192}, 200000, 0)
	if err != nil {
		return e, err
	}
	_, exactZ, err := c.Exact()
	e.LogZT = logZ - exactZ
	return e, err
}

// retrained is a trainer as a sampler: it trains for each seed anew, and its time counts.
type retrained struct {
	make    func(ctx context.Context, post odslib.Posterior, seed uint64) (odslib.Sampler, error)
	seconds float64 // of the last training
}

// Sample implements odslib.Sampler.
func (t *retrained) Sample(ctx context.Context, post odslib.Posterior, n int, seed uint64) (*odslib.Result, error) {
	start := time.Now()
	s, err := t.make(ctx, post, seed)
	if err != nil {
		return nil, err
	}
	t.seconds = time.Since(start).Seconds()
	if k, ok := s.(taught); ok {
		t.seconds = k.seconds
	}
	r, err := s.Sample(ctx, post, n, seed)
	if r != nil {
		r.Seconds += t.seconds
	}
	return r, err
}

// taught is a trained sampler that was perhaps trained for another line, with the time that its training took.
type taught struct {
	odslib.Sampler
	seconds float64
}

// JSON is the entry as one line. What a method does not give is null.
func (e Entry) JSON() ([]byte, error) {
	number := func(v float64) any {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil
		}
		return v
	}
	return json.Marshal(struct {
		Case       string `json:"case"`
		Method     string `json:"method"`
		Engine     string `json:"engine"`
		N          int    `json:"n"`
		Seeds      int    `json:"seeds"`
		Metric     string `json:"metric"`
		Value      any    `json:"value"`
		SE         any    `json:"se"`
		Floor      any    `json:"floor"`
		LogZ       any    `json:"dlogz"`
		LogZError  any    `json:"dlogz_se"`
		LogZT      any    `json:"dlogz_t"`
		Coverage90 any    `json:"coverage90"`
		Seconds    any    `json:"seconds"`
		Evals      int64  `json:"net_evals"`
		Constr     int64  `json:"constraint_evals"`
		Products   int64  `json:"jacobian_products"`
		Warned     any    `json:"warned"`
		Warning    string `json:"warning,omitempty"`
	}{
		e.Case, e.Sampler, engine.InUse(), e.N, e.Seeds, "sliced W1", number(e.Distance), number(e.Error), number(e.Floor), number(e.LogZ), number(e.LogZError), number(e.LogZT),
		number(e.Coverage90), number(e.Seconds), e.Evaluations, e.Constraints, e.Products, number(e.Warned), e.Warning,
	})
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
	out := "| case | sampler | sliced W1 | floor | times the floor | warned | log Ẑ − log Z | log Z_T − log Z | modes found | least share | TV of modes | hills off | ESS/n | evaluations | training s | seconds | seeds |\n|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|\n"
	for _, e := range entries {
		found, training := "–", "–"
		if e.Training > 0 {
			training = fmt.Sprintf("%.1f", e.Training)
		}
		if e.Counted > 0 {
			found = fmt.Sprintf("%.3g of %.3g", e.Found, e.Counted)
		}
		out += fmt.Sprintf("| %s | %s | %s | %.3f | %.2f | %s | %s | %s | %s | %s | %s | %s | %s | %d | %s | %.1f | %d |\n", e.Case, e.Sampler, pm(e.Distance, e.Error), e.Floor, e.Distance/e.Floor, fmt.Sprintf("%.0f of %d", e.Warned*float64(e.Seeds), e.Seeds),
			pm(e.LogZ, e.LogZError), num("%.3f", e.LogZT), found, num("%.2f", e.Least), num("%.3f", e.Modes), num("%.3f", e.Hills), num("%.2f", e.ESS), e.Evaluations, training, e.Seconds, e.Seeds)
	}
	return out
}
