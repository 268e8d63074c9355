package constraint

import (
	"fmt"
	"math"

	"github.com/gomlx/gomlx/core/graph"

	"odslab/odslib"
	"odslab/odslib/engine"
)

var (
	_ odslib.Quadratic = Tilt{}
	_ odslib.Checked   = Tilt{}
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
	for k, v := range [][]float64{c.Linear, c.Precision, c.Center} {
		name := [...]string{"Linear", "Precision", "Center"}[k]
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
	if err := fits(d, d); err != nil {
		return nil, nil, 0, err
	}
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
