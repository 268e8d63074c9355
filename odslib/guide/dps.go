package guide

import (
	"context"
	"fmt"

	"github.com/gomlx/gomlx/core/graph"

	"odslab/odslib"
	"odslab/odslib/diffusion"
)

var _ odslib.Sampler = DPS{}

// Scaling says how DPS weighs its gradient; both are published.
type Scaling int

const (
	// Norm subtracts ζ·∇‖y−A(x̂0)‖²/‖y−A(x̂0)‖ after the step, the norm taken for each sample (Chung et al. 2023).
	Norm Scaling = iota
	// Likelihood adds g = ζ(t)·∇ log p(y|x̂0) to the score, the error model widened by ErrorAt(t).
	Likelihood
)

// DPS is diffusion posterior sampling (Chung et al. 2023, 2209.14687): the gradient of the likelihood at x̂0(x_t)
// guides each reverse step. It is biased even with the exact score: p(y|x_t) is replaced by p(y|x̂0).
type DPS struct {
	Settings         // 1000 steps by default, as published
	Scaling  Scaling // Norm needs a measurement, Likelihood any differentiable constraint
	Zeta     float64 // strength; 0 means 1
	ZetaAt   Curve   // strength over time, replaces Zeta
	ErrorAt  Curve   // Likelihood: standard deviation of further noise in the error model over time; nil means none
}

// widened is a measurement whose error model can be widened.
type widened interface {
	LogRWith(scope *odslib.Scope, x, extra *odslib.Node) *odslib.Node
}

// Sample implements odslib.Sampler.
func (s DPS) Sample(ctx context.Context, post odslib.Posterior, n int, seed uint64) (*odslib.Result, error) {
	if err := odslib.CheckDraw(post, n); err != nil {
		return nil, err
	}
	c, err := differentiable("DPS", post)
	if err != nil {
		return nil, err
	}
	zeta := s.Zeta
	if zeta == 0 {
		zeta = 1
	}
	g := guidance{columns: []Curve{s.ZetaAt.or(zeta), s.ErrorAt.or(0)}}
	switch s.Scaling {
	case Norm:
		r, ok := c.(odslib.Residual)
		if !ok {
			return nil, fmt.Errorf("DPS with Norm scaling needs a measurement y = A(x) + error; got %T (set Scaling: guide.Likelihood)", c)
		}
		g.steer = func(scope *odslib.Scope, x, x0 *odslib.Node, _ diffusion.At, _ odslib.Level, extra []*odslib.Node) (*odslib.Node, *odslib.Node) {
			square := graph.ReduceSum(graph.Square(r.Residual(scope.At("constraint"), x0)), -1)
			// 1e-12 only keeps 0/0 away where the residual vanishes; the gradient is 0 there.
			scale := graph.Div(graph.BroadcastToShape(extra[0], square.Shape()), graph.AddScalar(graph.Sqrt(graph.StopGradient(square)), 1e-12))
			return x0, graph.Mul(diffusion.PerRow(scale, x), gradient(square, x))
		}
	case Likelihood:
		w, canWiden := c.(widened)
		if s.ErrorAt != nil && !canWiden {
			return nil, fmt.Errorf("DPS with ErrorAt needs a measurement with an error model; got %T", c)
		}
		g.steer = func(scope *odslib.Scope, x, x0 *odslib.Node, at diffusion.At, level odslib.Level, extra []*odslib.Node) (*odslib.Node, *odslib.Node) {
			var logr *odslib.Node
			if s.ErrorAt != nil {
				logr = w.LogRWith(scope.At("constraint"), x0, graph.BroadcastToShape(extra[1], level.T.Shape()))
			} else {
				logr = c.LogR(scope.At("constraint"), x0)
			}
			scale := graph.Mul(graph.Div(graph.Square(at.Sigma), at.Alpha), extra[0])
			return graph.Add(x0, graph.Mul(graph.BroadcastToShape(scale, x.Shape()), gradient(logr, x))), nil
		}
	default:
		return nil, fmt.Errorf("DPS: no scaling %d; use guide.Norm or guide.Likelihood", s.Scaling)
	}
	return reverse(ctx, "DPS", s, s.Settings, 1000, post, n, seed, g)
}
