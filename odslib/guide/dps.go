package guide

import (
	"context"
	"fmt"
	"math"

	"github.com/gomlx/gomlx/core/graph"

	"odslab/odslib"
	"odslab/odslib/diffusion"
	"odslab/odslib/engine"
	"odslab/odslib/twist"
)

var (
	_ odslib.Sampler = DPS{}
	_ Guide          = DPS{}
)

// Scaling says how DPS weighs its gradient; both are published.
type Scaling int

const (
	// Norm subtracts ζ·∇‖y−A(x̂0)‖²/‖y−A(x̂0)‖ after the step, the norm taken for each sample (Chung et al. 2023).
	Norm Scaling = iota
	// Likelihood adds ζ(t)·∇ log p(y|x̂0) to the score, the error model widened by ErrorAt(t).
	Likelihood
)

// DPS is diffusion posterior sampling (Chung et al. 2023, 2209.14687): the gradient of the likelihood at x̂0(x_t)
// guides each reverse step. It is biased even with the exact score: p(y|x_t) is replaced by p(y|x̂0).
type DPS struct {
	Steps   int          // 0 means 1000, as published
	Scaling Scaling      // Norm needs a measurement, Likelihood any differentiable constraint
	Zeta    float64      // strength (published: .3 to 1); 0 means 1 for Likelihood, and one that adapts for Norm: see [Reach]
	ZetaAt  odslib.Curve // strength over time, replaces Zeta
	ErrorAt odslib.Curve // Likelihood: standard deviation of further noise in the error model over time; nil means none
	Chain   diffusion.Chain
	Check   bool // say how far the draws are from the posterior, a hundred at least, and warn; at up to thrice the evaluations
}

// Sample implements odslib.Sampler.
func (s DPS) Sample(ctx context.Context, post odslib.Posterior, n int, seed uint64) (*odslib.Result, error) {
	return sample(ctx, "DPS", s, s.Chain.WithSteps(s.Steps, 1000), s.Check, post, n, seed)
}

// About is what holds of every run.
func (DPS) About() string {
	return "biased by construction, even with the exact score: p(y|x_t) is replaced by p(y|x̂0)"
}

// Bind implements Guide.
func (s DPS) Bind(post odslib.Posterior, seed uint64) (Bound, error) {
	if _, err := odslib.Need[odslib.Constraint](post, "DPS"); err != nil {
		return nil, err
	}
	zeta := s.ZetaAt
	adapts := zeta == nil && s.Zeta == 0 && s.Scaling == Norm
	if zeta == nil {
		fixed := s.Zeta
		if adapts {
			fixed = Reach / float64(s.steps())
		}
		if fixed == 0 {
			fixed = 1
		}
		zeta = func(float64) float64 { return fixed }
	}
	switch s.Scaling {
	case Norm:
		r, err := odslib.Need[odslib.Measured](post, "DPS with Norm scaling")
		if err != nil {
			return nil, fmt.Errorf("%w (or set Scaling: guide.Likelihood)", err)
		}
		return normDPS{post, r, zeta, adapts}, nil
	case Likelihood:
		var log twist.Twist = twist.Point{}
		if s.ErrorAt != nil {
			log = twist.Widened{By: s.ErrorAt}
		}
		b, err := log.Bind(post, seed)
		return likelihoodDPS{b, zeta}, err
	}
	return nil, fmt.Errorf("DPS: no scaling %d; use guide.Norm or guide.Likelihood", s.Scaling)
}

// Reach is what the pushes of Norm scaling without a Zeta add up to: with ζ = Reach·√m/(T·‖∇_{x̂0} ‖y−A(x̂0)‖‖) their sum over T steps
// moves x̂0 by 2·Reach·√m at most, whatever the units of m measured values and however many the steps. The published 1 over 1000
// steps is as much for images of 256×256; on few values it keeps x_t on y and away from the prior.
const Reach = 4.5

func (s DPS) steps() int {
	c := s.Chain.WithSteps(s.Steps, 1000)
	if c.Grid != nil {
		return max(1, len(c.Grid)-1)
	}
	return max(1, c.Steps)
}

type normDPS struct {
	post   odslib.Posterior
	c      odslib.Measured
	zeta   odslib.Curve
	adapts bool
}

func (normDPS) dividesByGain() {}

// Products implements twist.Costly.
func (normDPS) Products() int { return 1 }

func (normDPS) Params() odslib.Params { return nil }

// Columns implements Bound: ζ.
func (b normDPS) Columns() []odslib.Curve { return []odslib.Curve{b.zeta} }

// X0 implements Bound: what x̂0 adds to the step is Gain·x̂0, so −ζ·∇/Gain is the published subtraction after it.
func (b normDPS) X0(scope *odslib.Scope, x, x0 *odslib.Node, at odslib.Level) *odslib.Node {
	if at.Gain == nil {
		engine.Fail("DPS with Norm scaling acts within a chain, where x̂0 has a weight; use Scaling: guide.Likelihood outside")
	}
	r := b.c.Residual(scope.At("constraint"), x0, b.post.ConstraintGiven(at.Given))
	square := graph.ReduceSum(graph.Square(r), -1)
	// 1e-12 only keeps 0/0 away where the residual vanishes; the gradient is 0 there.
	norm := graph.AddScalar(graph.Sqrt(graph.StopGradient(square)), 1e-12)
	zeta := at.Extra[0]
	if b.adapts {
		slope := graph.StopGradient(graph.Gradient(graph.ReduceAllSum(square), x0)[0]) // 2‖r‖·∇‖r‖
		size := graph.Sqrt(graph.ReduceSum(graph.Square(graph.Reshape(slope, slope.Shape().Dimensions[0], -1)), -1))
		m := math.Sqrt(float64(r.Shape().Dimensions[1]))
		zeta = graph.Div(graph.MulScalar(zeta, m), graph.AddScalar(graph.Div(size, graph.MulScalar(norm, 2)), 1e-12))
	}
	return shifted(x0, square, x, graph.Neg(graph.Div(graph.Div(zeta, norm), at.Gain)))
}

type likelihoodDPS struct {
	twist.Bound
	zeta odslib.Curve
}

// Products implements twist.Costly.
func (b likelihoodDPS) Products() int { return twist.GradientProducts(b.Bound) }

// Columns implements Bound: those of the likelihood, then ζ.
func (b likelihoodDPS) Columns() []odslib.Curve { return append(b.Bound.Columns(), b.zeta) }

// X0 implements Bound.
func (b likelihoodDPS) X0(scope *odslib.Scope, x, x0 *odslib.Node, at odslib.Level) *odslib.Node {
	zeta := at.Extra[len(at.Extra)-1]
	return shifted(x0, b.LogTwist(scope, x, x0, at), x, graph.Mul(unit(at), zeta))
}
