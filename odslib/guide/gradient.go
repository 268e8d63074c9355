package guide

import (
	"context"

	"odslab/odslib"
	"odslab/odslib/diffusion"
	"odslab/odslib/twist"
)

var (
	_ odslib.Sampler = Gradient{}
	_ Guide          = Gradient{}
)

// Gradient guides by the gradient of a twist: x̂0 ← x̂0 + (σ²/α)·∇ log ψ_t(x_t). Were the twist p(y|x_t) itself, the chain
// would be that of the posterior.
type Gradient struct {
	Twist twist.Twist // nil means twist.Point{}
	Steps int         // 0 means 100
	Chain diffusion.Chain
	Check bool // say how far the draws are from the posterior, a hundred at least, and warn; at up to thrice the evaluations
}

// Sample implements odslib.Sampler.
func (s Gradient) Sample(ctx context.Context, post odslib.Posterior, n int, seed uint64) (*odslib.Result, error) {
	return sample(ctx, "gradient", s, s.Chain.WithSteps(s.Steps, 100), s.Check, post, n, seed)
}

// About is what holds of every run.
func (Gradient) About() string {
	return "biased by construction where the twist is not p(y|x_t) itself"
}

// Bind implements Guide.
func (s Gradient) Bind(post odslib.Posterior, seed uint64) (Bound, error) {
	if _, err := odslib.Need[odslib.Constraint](post, "guidance"); err != nil {
		return nil, err
	}
	if s.Twist == nil {
		s.Twist = twist.Point{}
	}
	b, err := s.Twist.Bind(post, seed)
	return gradient{b}, err
}

type gradient struct{ twist.Bound }

// Products implements twist.Costly.
func (b gradient) Products() int { return twist.GradientProducts(b.Bound) }

// Evaluations implements twist.Several.
func (b gradient) Evaluations() int { return twist.EvaluationsOf(b.Bound) }

// X0 implements Bound.
func (b gradient) X0(scope *odslib.Scope, x, x0 *odslib.Node, at odslib.Level) *odslib.Node {
	return shifted(x0, b.LogTwist(scope, x, x0, at), x, unit(at))
}
