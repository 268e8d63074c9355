package twist

import (
	"fmt"
	"math"

	"github.com/gomlx/gomlx/core/graph"

	"odslab/odslib"
	"odslab/odslib/engine"
)

// Widened is the twist p(y|x̂0) under an error model with further Gaussian noise: a time-dependent error model, for any
// measurement.
type Widened struct {
	// By is the noise's standard deviation over t; nil means what A(x_0) has given x_t, with A linearised at x̂0 and the
	// covariance (σ²/α)·J of x_0 that the denoiser's Jacobian J gives: the root mean square over the measured values, exact
	// for one value and a Gaussian prior. It is held fixed in gradients.
	By odslib.Curve
}

// probes is how many random directions estimate the mean over several measured values.
const probes = 4

// Bind implements Twist.
func (w Widened) Bind(post odslib.Posterior, seed uint64) (Bound, error) {
	c, err := odslib.Need[odslib.Widening](post, "twist.Widened")
	if err != nil || w.By != nil {
		return widened{bare{post}, c, w.By}, err
	}
	if _, ok := post.Prior.(odslib.Diffusion); !ok {
		return nil, fmt.Errorf("twist.Widened without By needs the denoiser of a diffusion prior; got %T", post.Prior)
	}
	m := 1
	if given, ok := odslib.Can[odslib.Conditioned](post.Constraint); ok {
		m = given.Conditions(post.Shape())
	}
	signs := [][]float64{{1}}
	if m > 1 {
		signs = signs[:0]
		rng := engine.RNG(seed, "twist.Widened")
		for range min(m, probes) {
			row := make([]float64, m)
			for j := range row {
				row[j] = float64(2*rng.IntN(2)-1) / math.Sqrt(float64(m))
			}
			signs = append(signs, row)
		}
	}
	return spread{bare{post}, c, odslib.Params{{Name: "signs", Value: engine.FromRows(signs)}}}, nil
}

type widened struct {
	bare
	c  odslib.Widening
	by odslib.Curve
}

// Columns implements Bound.
func (b widened) Columns() []odslib.Curve { return []odslib.Curve{b.by} }

// LogTwist implements Bound.
func (b widened) LogTwist(scope *odslib.Scope, _, x0 *odslib.Node, at odslib.Level) *odslib.Node {
	return b.c.LogRWith(scope.At("constraint"), x0, at.Extra[0], b.post.ConstraintGiven(at.Given))
}

type spread struct {
	bare
	c      odslib.Widening
	params odslib.Params
}

func (b spread) Params() odslib.Params { return b.params }

// Products implements Costly.
func (b spread) Products() int { return b.params[0].Value.Len() }

// LogTwist implements Bound. For a sign vector s of length 1, sᵀA·C·Aᵀs is on average the mean of the diagonal of A·C·Aᵀ.
func (b spread) LogTwist(scope *odslib.Scope, x, x0 *odslib.Node, at odslib.Level) *odslib.Node {
	given := b.post.ConstraintGiven(at.Given)
	r := b.c.Residual(scope.At("constraint"), x0, given)
	signs := engine.Var(scope.At("twist"), x.Graph(), "signs")
	k := signs.Shape().Dimensions[0]
	var sum *odslib.Node
	for i := range k {
		s := graph.BroadcastToShape(graph.Slice(signs, graph.AxisRange(i, i+1)), r.Shape())
		seen := engine.VJP(r, x0, s)                     // −Aᵀs
		each := graph.Mul(engine.VJP(x0, x, seen), seen) // its product with J
		v := graph.ReduceSum(graph.Reshape(each, each.Shape().Dimensions[0], -1), -1)
		if sum == nil {
			sum = v
		} else {
			sum = graph.Add(sum, v)
		}
	}
	v := graph.Mul(graph.DivScalar(sum, float64(k)), graph.Div(graph.Square(at.Sigma), at.Alpha))
	// A learned J may have negative directions: there x̂0 counts as certain.
	extra := graph.Sqrt(graph.MaxScalar(v, 1e-20))
	return b.c.LogRWith(scope.At("constraint"), x0, graph.StopGradient(extra), given)
}
