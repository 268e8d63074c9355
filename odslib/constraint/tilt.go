package constraint

import (
	"context"
	"fmt"
	"math"
	"reflect"

	"github.com/gomlx/gomlx/core/graph"

	"odslab/odslib"
	"odslab/odslib/engine"
)

var (
	_ odslib.Quadratic      = Tilt{}
	_ odslib.Checked        = Tilt{}
	_ odslib.Constraint     = Reward{}
	_ odslib.HostConstraint = HostReward{}
	_ odslib.KnownPosterior = DensityRatio{}
)

// Tilt is log r(x) = Linear·x − ½Σ_j Precision_j (x_j − Center_j)²: exponential tilts and quadratic rewards. Fields that
// are nil are zero.
type Tilt struct{ Linear, Precision, Center []float64 }

func (c Tilt) full(d int) (linear, precision, center []float64) {
	or := func(v []float64) []float64 {
		if v == nil {
			return make([]float64, d)
		}
		return v
	}
	return or(c.Linear), or(c.Precision), or(c.Center)
}

func (c Tilt) dim() int { return max(len(c.Linear), len(c.Precision), len(c.Center)) }

// Check implements odslib.Checked.
func (c Tilt) Check(shape []int) error {
	for name, v := range map[string][]float64{"Linear": c.Linear, "Precision": c.Precision, "Center": c.Center} {
		if v != nil && len(v) != count(shape) {
			return fmt.Errorf("the tilt's %s has %d numbers, samples of shape %v have %d", name, len(v), shape, count(shape))
		}
		for i, x := range v {
			if math.IsNaN(x) || math.IsInf(x, 0) {
				return fmt.Errorf("the tilt's %s[%d] is %g", name, i, x)
			}
		}
	}
	if c.dim() == 0 {
		return fmt.Errorf("the tilt has no numbers")
	}
	return nil
}

// Params implements odslib.Parametrised.
func (c Tilt) Params() odslib.Params {
	l, p, m := c.full(c.dim())
	return odslib.Params{{Name: "linear", Value: engine.FromVector(l)}, {Name: "precision", Value: engine.FromVector(p)}, {Name: "center", Value: engine.FromVector(m)}}
}

// LogR implements odslib.Constraint.
func (c Tilt) LogR(scope *odslib.Scope, x *odslib.Node) *odslib.Node {
	x = flat(x)
	v := func(name string) *odslib.Node {
		return graph.BroadcastToShape(graph.ExpandAxes(engine.Var(scope, x.Graph(), name), 0), x.Shape())
	}
	quad := graph.Mul(v("precision"), graph.Square(graph.Sub(x, v("center"))))
	return graph.ReduceSum(graph.Sub(graph.Mul(v("linear"), x), graph.MulScalar(quad, .5)), -1)
}

// Quadratic implements odslib.Quadratic.
func (c Tilt) Quadratic(shape []int) (h [][]float64, b []float64, c0 float64, err error) {
	if err := c.Check(shape); err != nil {
		return nil, nil, 0, err
	}
	d := count(shape)
	l, p, m := c.full(d)
	h, b = square(d), make([]float64, d)
	for i := range d {
		h[i][i] = -p[i]
		b[i] = l[i] + p[i]*m[i]
		c0 -= .5 * p[i] * m[i] * m[i]
	}
	return h, b, c0, nil
}

// String names the constraint.
func (c Tilt) String() string { return "exponential tilt" }

// Reward is log r as the user's own graph code, x [B, shape…] → [B].
type Reward struct {
	F func(x *odslib.Node) *odslib.Node
}

// LogR implements odslib.Constraint.
func (c Reward) LogR(_ *odslib.Scope, x *odslib.Node) *odslib.Node {
	r := c.F(x)
	if want := engine.Float32(x.Shape().Dimensions[0]); !r.Shape().Equal(want) {
		engine.Fail("the reward turns %s into %s; it must give one value a sample, %s", x.Shape(), r.Shape(), want)
	}
	return r
}

// Check implements odslib.Checked.
func (c Reward) Check([]int) error {
	if c.F == nil {
		return fmt.Errorf("the reward has no function F")
	}
	return nil
}

// HostReward is log r as an ordinary Go function of one flat sample: a simulator, a table, a person. It has no gradient.
type HostReward struct {
	F func(x []float32) float64
}

// LogRHost implements odslib.HostConstraint.
func (c HostReward) LogRHost(ctx context.Context, x odslib.Array) ([]float64, error) {
	if c.F == nil {
		return nil, fmt.Errorf("the reward has no function F")
	}
	out := make([]float64, x.Len())
	for i := range out {
		if err := ctx.Err(); err != nil {
			return out[:i], err
		}
		out[i] = c.F(x.Row(i))
	}
	return out, nil
}

// DensityRatio is log r = log p_target(x) − log p_prior(x): the posterior is the target itself and Z = 1, which makes a
// sampler's every error visible.
type DensityRatio struct {
	Target, Prior interface {
		odslib.Diffusion
		odslib.Density
		odslib.Parametrised
	}
}

// Params implements odslib.Parametrised.
func (c DensityRatio) Params() odslib.Params {
	return append(c.Target.Params().Under("target"), c.Prior.Params().Under("prior")...)
}

// LogR implements odslib.Constraint.
func (c DensityRatio) LogR(scope *odslib.Scope, x *odslib.Node) *odslib.Node {
	zero := graph.BroadcastToDims(graph.Const(x.Graph(), float32(0)), x.Shape().Dimensions[0])
	clean := odslib.Level{T: zero, Alpha: graph.OnePlus(zero), Sigma: zero}
	return graph.Sub(c.Target.LogDensity(scope.At("target"), x, clean), c.Prior.LogDensity(scope.At("prior"), x, clean))
}

// Posterior implements odslib.KnownPosterior.
func (c DensityRatio) Posterior(prior odslib.Prior) (odslib.Prior, float64, error) {
	if !reflect.DeepEqual(prior, odslib.Prior(c.Prior)) { // by value: cells keep values, not pointers
		return nil, 0, fmt.Errorf("%w: the ratio was made for another prior", odslib.ErrNoClosedForm)
	}
	return c.Target, 0, nil
}
