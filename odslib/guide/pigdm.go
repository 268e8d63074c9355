package guide

import (
	"context"
	"fmt"

	"github.com/gomlx/gomlx/core/graph"

	"odslab/odslib"
	"odslab/odslib/diffusion"
	"odslab/odslib/engine"
	"odslab/odslib/twist"
)

var (
	_ odslib.Sampler = PiGDM{}
	_ Guide          = PiGDM{}
)

// PiGDM is pseudo-inverse guidance, ΠGDM (Song et al. 2023): with p(x_0|x_t) ≈ N(x̂0, r_t²I) the measurement given x_t is
// Gaussian, and g = Jᵀ Aᵀ (r_t²AAᵀ + σ_y²)⁻¹ (y − A·x̂0). Exact for Gaussian priors of the variance that it is given.
//
// With a pseudo-inverse in place of linear algebra, g = Jᵀ (A†(y) − A†(A(x̂0)))/r_t²: for operators that are not linear, or
// not even differentiable (its equation 9), and without error of measurement.
type PiGDM struct {
	Steps    int     // 0 means 100
	Variance float64 // of the data; 0 means 1, as published
	// Inverse is A† as graph code, [B, m] → [B, shape…]; nil means linear algebra where the measurement is linear with Gaussian
	// error, and else the pseudo-inverse that its operator has.
	Inverse func(y *odslib.Node) *odslib.Node
	Chain   diffusion.Chain
	Check   bool // say how far the draws are from the posterior, a hundred at least, and warn; at up to thrice the evaluations
}

// Sample implements odslib.Sampler.
func (s PiGDM) Sample(ctx context.Context, post odslib.Posterior, n int, seed uint64) (*odslib.Result, error) {
	return sample(ctx, "ΠGDM", s, s.Chain.WithSteps(s.Steps, 100), s.Check, post, n, seed)
}

// About is what holds of every run.
func (PiGDM) About() string {
	return "biased by construction but for Gaussian priors of the variance that it is given: x_0 given x_t is taken for N(x̂0, r_t²I)"
}

// Bind implements Guide.
func (s PiGDM) Bind(post odslib.Posterior, seed uint64) (Bound, error) {
	_, linear := odslib.Can[odslib.Linear](post.Constraint)
	_, lifted := odslib.Can[odslib.Lifted](post.Constraint)
	if s.Inverse == nil && (linear || !lifted) {
		if _, err := odslib.Need[odslib.Linear](post, "ΠGDM without Inverse"); err != nil {
			return nil, err
		}
		return Gradient{Twist: twist.Isotropic{Variance: s.Variance}}.Bind(post, seed)
	}
	c, err := odslib.Need[odslib.Measured](post, "ΠGDM")
	if err != nil {
		return nil, err
	}
	if s.Variance < 0 {
		return nil, fmt.Errorf("ΠGDM: Variance is %g; it must be positive", s.Variance)
	}
	if s.Variance == 0 {
		s.Variance = 1
	}
	return pseudoInverse{post, c, s}, nil
}

type pseudoInverse struct {
	post odslib.Posterior
	c    odslib.Measured
	s    PiGDM
}

func (pseudoInverse) Params() odslib.Params { return nil }

// Products implements twist.Costly.
func (pseudoInverse) Products() int { return 1 }

// Columns implements Bound.
func (pseudoInverse) Columns() []odslib.Curve { return nil }

// X0 implements Bound: a product with Jᵀ is all that is differentiated.
func (b pseudoInverse) X0(scope *odslib.Scope, x, x0 *odslib.Node, at odslib.Level) *odslib.Node {
	inner := scope.At("constraint")
	r := b.c.Residual(inner, x0, b.post.ConstraintGiven(at.Given))
	var off *odslib.Node
	if b.s.Inverse == nil {
		c, _ := odslib.Can[odslib.Lifted](b.post.Constraint)
		off = c.Lift(inner, b.post.Shape(), r) // A† is linear
	} else {
		ax := graph.Neg(b.c.Residual(inner, x0, graph.ZerosLike(r)))
		off = graph.Sub(b.s.Inverse(graph.Add(r, ax)), b.s.Inverse(ax))
		if !off.Shape().Equal(x0.Shape()) {
			engine.Fail("ΠGDM: Inverse gives %s for samples %s", off.Shape(), x0.Shape())
		}
	}
	s2 := graph.Square(at.Sigma)
	r2 := graph.Div(graph.MulScalar(s2, b.s.Variance), graph.Add(graph.MulScalar(graph.Square(at.Alpha), b.s.Variance), s2))
	back := engine.VJP(x0, x, graph.StopGradient(off))
	return graph.Add(x0, graph.Mul(diffusion.PerRow(graph.Div(unit(at), r2), x), back))
}
