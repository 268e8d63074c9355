package guide

import (
	"context"
	"fmt"
	"math"

	"github.com/gomlx/gomlx/core/graph"

	"odslab/odslib"
	"odslab/odslib/diffusion"
)

var (
	_ odslib.Sampler   = DiffPIR{}
	_ Guide            = DiffPIR{}
	_ diffusion.Kernel = Renoise{}
)

// DiffPIR is plug-and-play restoration along the reverse chain (Zhu et al. 2023, 2305.08995): x̂0 is replaced by
// argmin_x −log p(y|x) + (ρ_t/2)·‖x − x̂0‖², ρ_t = λ·α²/σ², and noised again by [Renoise]. No gradient goes through the
// network. Closed form for linear Gaussian measurements; other differentiable constraints take gradient steps.
type DiffPIR struct {
	Steps  int     // 0 means 100, as published
	Lambda float64 // λ; 0 means 1
	Zeta   float64 // of Renoise; 0 means .3 (published: .1 to 1)

	Inner int             // gradient steps where there is no closed form (Barzilai & Borwein 1988); 0 means 10
	Chain diffusion.Chain // its Kernel, if any, replaces Renoise
	Check bool            // say how far the draws are from the posterior, a hundred at least, and warn; at up to thrice the evaluations
}

// Renoise is DiffPIR's step: x_s = α_s·x̂0 + σ_s·(√(1−ζ)·ε̂ + √ζ·ε), ε̂ the noise that x̂0 leaves in x_t.
type Renoise struct{ Zeta float64 }

// Coefficients implements diffusion.Kernel.
func (k Renoise) Coefficients(sch odslib.Schedule, t, s float64) (a, b, std float64) {
	ss := sch.Sigma(s)
	a = ss * math.Sqrt(1-k.Zeta) / sch.Sigma(t)
	return a, sch.Alpha(s) - a*sch.Alpha(t), ss * math.Sqrt(k.Zeta)
}

// Sample implements odslib.Sampler.
func (s DiffPIR) Sample(ctx context.Context, post odslib.Posterior, n int, seed uint64) (*odslib.Result, error) {
	if s.Zeta == 0 {
		s.Zeta = .3
	}
	if !(s.Zeta > 0 && s.Zeta <= 1) {
		return nil, fmt.Errorf("DiffPIR: Zeta is %g; it must lie in (0, 1]", s.Zeta)
	}
	chain := s.Chain.WithSteps(s.Steps, 100)
	if chain.Kernel == nil {
		chain.Kernel = Renoise{s.Zeta}
	}
	return sample(ctx, "DiffPIR", s, chain, s.Check, post, n, seed)
}

// About is what holds of every run.
func (DiffPIR) About() string {
	return "biased by construction: x̂0 is moved to the best point near it, where a draw would be due"
}

// Bind implements Guide.
func (s DiffPIR) Bind(post odslib.Posterior, _ uint64) (Bound, error) {
	if s.Lambda == 0 {
		s.Lambda = 1
	}
	if s.Inner == 0 {
		s.Inner = 10
	}
	if !(s.Lambda > 0) || s.Inner < 0 {
		return nil, fmt.Errorf("DiffPIR: Lambda is %g and Inner %d; they must be positive", s.Lambda, s.Inner)
	}
	if _, ok := odslib.Can[odslib.Linear](post.Constraint); ok {
		p, err := newProximal(post, "DiffPIR")
		return diffPIR{p, s}, err
	}
	_, err := odslib.Need[odslib.Constraint](post, "DiffPIR")
	return diffPIR{proximal{post: post}, s}, err
}

type diffPIR struct {
	proximal
	s DiffPIR
}

func (b diffPIR) Params() odslib.Params { return b.params }

// Evaluations implements twist.Several.
func (b diffPIR) Evaluations() int {
	if b.c != nil {
		return 1
	}
	return b.s.Inner + 1
}

// Columns implements Bound.
func (diffPIR) Columns() []odslib.Curve { return nil }

// X0 implements Bound.
func (b diffPIR) X0(scope *odslib.Scope, _, x0 *odslib.Node, at odslib.Level) *odslib.Node {
	r2 := graph.DivScalar(graph.Square(graph.Div(at.Sigma, at.Alpha)), b.s.Lambda) // 1/ρ_t
	if b.c != nil {
		return b.at(scope, x0, r2, at.Given, nil)
	}
	return b.descend(scope, x0, r2, at)
}

// descend minimises ½‖x − x̂0‖² − r²·log r(x) from x̂0 by steps of the curvature that the last step has shown, 1 at most, which
// is that of the first term alone. The first step only looks.
func (b diffPIR) descend(scope *odslib.Scope, x0, r2 *odslib.Node, at odslib.Level) *odslib.Node {
	x0 = graph.StopGradient(x0)
	r := diffusion.PerRow(r2, x0)
	slope := func(x *odslib.Node) *odslib.Node {
		g := graph.Gradient(graph.ReduceAllSum(b.post.LogR(scope, x, at.Given)), x)[0]
		return graph.Sub(graph.Sub(x, x0), graph.Mul(r, g))
	}
	dot := func(u, v *odslib.Node) *odslib.Node {
		p := graph.Mul(u, v)
		return graph.ReduceSum(graph.Reshape(p, p.Shape().Dimensions[0], -1), -1)
	}
	const look = 1e-2
	reach := graph.MulScalar(graph.Sqrt(graph.Div(r2, graph.OnePlus(r2))), look) // of the width that x_0 has given x_t
	last, d := x0, slope(x0)
	norm := graph.AddScalar(graph.Sqrt(dot(d, d)), 1e-20) // 0 where x̂0 is the best point already
	x := graph.Sub(x0, graph.Mul(diffusion.PerRow(graph.Div(reach, norm), x0), d))
	for range b.s.Inner {
		next := slope(x)
		moved, bent := graph.Sub(x, last), dot(graph.Sub(x, last), graph.Sub(next, d))
		one := graph.OnesLike(bent)
		bends := graph.GreaterThan(bent, graph.ZerosLike(bent))
		step := graph.Where(bends, graph.Min(graph.Div(dot(moved, moved), graph.Where(bends, bent, one)), one), one)
		last, d = x, next
		x = graph.Sub(x, graph.Mul(diffusion.PerRow(step, x), next))
	}
	return x
}
