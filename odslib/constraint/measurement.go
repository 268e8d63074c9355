package constraint

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/gomlx/gomlx/core/graph"

	"odslab/odslib"
	"odslab/odslib/engine"
)

var (
	_ odslib.Widening    = Measurement{}
	_ odslib.Experiment  = Measurement{}
	_ odslib.Conditioned = Measurement{}
	_ odslib.Checked     = Measurement{}
	_ odslib.Linear      = Measurement{}
	_ odslib.Lifted      = Measurement{}
	_ odslib.Quadratic   = Measurement{}
	_ odslib.Composite   = Measurement{}
)

// Measurement is y = A(x) + error: any operator, any error model. [Gaussian] and [StudentT] are shorter forms of it.
type Measurement struct {
	A     Operator
	Y     []float64 // [m], flat
	Error ErrorModel
}

// Check implements odslib.Checked.
func (c Measurement) Check(shape []int) error {
	if c.A == nil || c.Error == nil {
		return fmt.Errorf("the measurement needs an operator A and an error model")
	}
	m, err := c.A.Size(shape)
	if err != nil {
		return err
	}
	if err := c.Error.Check(m); err != nil {
		return err
	}
	if len(c.Y) != m {
		return fmt.Errorf("%d values in Y, the operator gives %d from samples of shape %v", len(c.Y), m, shape)
	}
	for i, v := range c.Y {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Errorf("value %d of Y is %g; leave missing values out with a Mask", i, v)
		}
	}
	return nil
}

// Offers implements odslib.Composite: what a linear operator with Gaussian error, or an inverse, alone makes possible.
func (c Measurement) Offers(what any) error {
	switch what.(type) {
	case *odslib.Linear, *odslib.Quadratic:
		if _, ok := c.A.(LinearOperator); !ok {
			return fmt.Errorf("a measurement by %T, which is not linear", c.A)
		}
		if _, ok := c.Error.(Normal); !ok {
			return fmt.Errorf("a measurement with %T error, which is not Gaussian", c.Error)
		}
	case *odslib.Lifted:
		if _, ok := c.A.(Inverted); !ok {
			return fmt.Errorf("a measurement by %T, which has no pseudo-inverse here", c.A)
		}
	}
	return nil
}

// Params implements odslib.Parametrised: the observation and the numbers of operator and error model.
func (c Measurement) Params() odslib.Params {
	p := odslib.Params{{Name: "y", Value: engine.FromVector(c.Y)}}
	return append(append(p, odslib.ParamsOf(c.A)...), c.Error.Params()...)
}

// Conditions implements odslib.Conditioned: a y for each row.
func (c Measurement) Conditions([]int) int { return len(c.Y) }

// Residual implements odslib.Measured: y − A(x), [B, m].
func (c Measurement) Residual(scope *odslib.Scope, x, given *odslib.Node) *odslib.Node {
	out := c.A.Apply(scope, x)
	if given == nil {
		given = graph.BroadcastToShape(graph.ExpandAxes(engine.Var(scope, x.Graph(), "y"), 0), out.Shape())
	}
	return graph.Sub(given, out)
}

// LogR is log p(y|x).
func (c Measurement) LogR(scope *odslib.Scope, x *odslib.Node) *odslib.Node {
	return c.LogRWith(scope, x, nil, nil)
}

// LogRGiven implements odslib.Conditioned.
func (c Measurement) LogRGiven(scope *odslib.Scope, x, given *odslib.Node) *odslib.Node {
	return c.LogRWith(scope, x, nil, given)
}

// LogRWith implements odslib.Widening; extra and given may be nil.
func (c Measurement) LogRWith(scope *odslib.Scope, x, extra, given *odslib.Node) *odslib.Node {
	return c.Error.LogDensity(scope, c.Residual(scope, x, given), extra)
}

// DrawY implements odslib.Experiment.
func (c Measurement) DrawY(ax []float64, rng *rand.Rand) []float64 { return c.Error.Draw(ax, rng) }

// At implements odslib.Experiment.
func (c Measurement) At(y []float64) odslib.Constraint {
	c.Y = y
	return c
}

// System implements odslib.Linear.
func (c Measurement) System(shape []int) (odslib.System, error) {
	if err := c.Offers((*odslib.Linear)(nil)); err != nil {
		return odslib.System{}, fmt.Errorf("%w: %w", odslib.ErrNoClosedForm, err)
	}
	if err := c.Check(shape); err != nil {
		return odslib.System{}, err
	}
	a, err := DenseOf(c.A.(LinearOperator), shape)
	if err != nil {
		return odslib.System{}, err
	}
	out, normal := odslib.System{A: a}, c.Error.(Normal)
	for i, row := range a {
		sigma := normal.at(i)
		out.LogScale -= math.Log(sigma)
		for j := range row {
			row[j] /= sigma
		}
		out.Y = append(out.Y, c.Y[i]/sigma)
	}
	return out, nil
}

// Whitened implements odslib.Linear.
func (c Measurement) Whitened(scope *odslib.Scope, x, given *odslib.Node) *odslib.Node {
	r := c.Residual(scope, x, given)
	return graph.Div(r, perValue(scope, "sigma", r))
}

// Lift implements odslib.Lifted, in units of the measurement.
func (c Measurement) Lift(scope *odslib.Scope, shape []int, r *odslib.Node) *odslib.Node {
	return c.A.(Inverted).Lift(scope, shape, r)
}

// Quadratic implements odslib.Quadratic: H = −AᵀA, b = Aᵀy, c = −½|y|² − ½m·log 2π + LogScale of the System.
func (c Measurement) Quadratic(shape []int) (h [][]float64, b []float64, c0 float64, err error) {
	s, err := c.System(shape)
	if err != nil {
		return nil, nil, 0, err
	}
	if err := fits(count(shape), count(shape)); err != nil {
		return nil, nil, 0, err
	}
	d := count(shape)
	h, b, c0 = square(d), make([]float64, d), s.LogScale
	for r, row := range s.A {
		for i, ai := range row {
			if ai == 0 {
				continue
			}
			b[i] += ai * s.Y[r]
			for j, aj := range row {
				h[i][j] -= ai * aj
			}
		}
		c0 -= .5*s.Y[r]*s.Y[r] + .5*math.Log(2*math.Pi)
	}
	return h, b, c0, nil
}

// String names the constraint.
func (c Measurement) String() string {
	return fmt.Sprintf("%d measurements (%T, %v)", len(c.Y), c.A, c.Error)
}

func square(d int) [][]float64 {
	m := make([][]float64, d)
	for i := range m {
		m[i] = make([]float64, d)
	}
	return m
}
