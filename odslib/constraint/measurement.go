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
	_ odslib.Linear      = Gaussian{}
	_ odslib.Quadratic   = Gaussian{}
	_ odslib.Composite   = Gaussian{}
	_ odslib.Experiment  = Gaussian{}
	_ odslib.Experiment  = StudentT{}
)

// Measurement is y = A(x) + error: any operator, any error model.
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
	if err := c.Error.Check(); err != nil {
		return err
	}
	m, err := c.A.Size(shape)
	if err != nil {
		return err
	}
	if len(c.Y) != m {
		return fmt.Errorf("Y has %d values, the operator gives %d from samples of shape %v", len(c.Y), m, shape)
	}
	for i, v := range c.Y {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Errorf("Y[%d] is %g; leave missing values out with a Mask", i, v)
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

// Gaussian is y = A(x) + N(0, Sigma²).
type Gaussian struct {
	A     Operator
	Y     []float64
	Sigma float64
}

func (c Gaussian) measurement() Measurement {
	return Measurement{A: c.A, Y: c.Y, Error: Normal{c.Sigma}}
}

// Check implements odslib.Checked.
func (c Gaussian) Check(shape []int) error { return c.measurement().Check(shape) }

// Params implements odslib.Parametrised.
func (c Gaussian) Params() odslib.Params { return c.measurement().Params() }

// Conditions implements odslib.Conditioned.
func (c Gaussian) Conditions([]int) int { return len(c.Y) }

// Residual implements odslib.Measured.
func (c Gaussian) Residual(scope *odslib.Scope, x, given *odslib.Node) *odslib.Node {
	return c.measurement().Residual(scope, x, given)
}

// LogR implements odslib.Constraint.
func (c Gaussian) LogR(scope *odslib.Scope, x *odslib.Node) *odslib.Node {
	return c.measurement().LogR(scope, x)
}

// LogRGiven implements odslib.Conditioned.
func (c Gaussian) LogRGiven(scope *odslib.Scope, x, given *odslib.Node) *odslib.Node {
	return c.measurement().LogRGiven(scope, x, given)
}

// LogRWith implements odslib.Widening.
func (c Gaussian) LogRWith(scope *odslib.Scope, x, extra, given *odslib.Node) *odslib.Node {
	return c.measurement().LogRWith(scope, x, extra, given)
}

// DrawY implements odslib.Experiment.
func (c Gaussian) DrawY(ax []float64, rng *rand.Rand) []float64 {
	return c.measurement().DrawY(ax, rng)
}

// At implements odslib.Experiment.
func (c Gaussian) At(y []float64) odslib.Constraint {
	c.Y = y
	return c
}

// Offers implements odslib.Composite: what a linear operator alone makes possible.
func (c Gaussian) Offers(what any) error {
	switch what.(type) {
	case *odslib.Linear, *odslib.Quadratic:
		if _, ok := c.A.(LinearOperator); !ok {
			return fmt.Errorf("a measurement by %T, which is not linear", c.A)
		}
	}
	return nil
}

// System implements odslib.Linear.
func (c Gaussian) System(shape []int) (odslib.System, error) {
	lin, ok := c.A.(LinearOperator)
	if !ok {
		return odslib.System{}, fmt.Errorf("%w: the operator %T is not linear", odslib.ErrNoClosedForm, c.A)
	}
	if err := c.Check(shape); err != nil {
		return odslib.System{}, err
	}
	a, err := DenseOf(lin, shape)
	if err != nil {
		return odslib.System{}, err
	}
	out := odslib.System{A: a, LogScale: -float64(len(c.Y)) * math.Log(c.Sigma)}
	for i, row := range a {
		for j := range row {
			row[j] /= c.Sigma
		}
		out.Y = append(out.Y, c.Y[i]/c.Sigma)
	}
	return out, nil
}

// Whitened implements odslib.Linear.
func (c Gaussian) Whitened(scope *odslib.Scope, x, given *odslib.Node) *odslib.Node {
	r := c.Residual(scope, x, given)
	return graph.Div(r, graph.BroadcastToShape(engine.Var(scope, x.Graph(), "sigma"), r.Shape()))
}

// Quadratic implements odslib.Quadratic: H = −AᵀA, b = Aᵀy, c = −½|y|² − ½m·log 2π + LogScale of the System.
func (c Gaussian) Quadratic(shape []int) (h [][]float64, b []float64, c0 float64, err error) {
	s, err := c.System(shape)
	if err != nil {
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
func (c Gaussian) String() string {
	return fmt.Sprintf("%d Gaussian measurements (%T, σ=%g)", len(c.Y), c.A, c.Sigma)
}

// StudentT is y = A(x) + Student-t error with Nu degrees of freedom.
type StudentT struct {
	A         Operator
	Y         []float64
	Nu, Scale float64
}

func (c StudentT) measurement() Measurement {
	return Measurement{A: c.A, Y: c.Y, Error: T{Nu: c.Nu, Scale: c.Scale}}
}

// Check implements odslib.Checked.
func (c StudentT) Check(shape []int) error { return c.measurement().Check(shape) }

// Params implements odslib.Parametrised.
func (c StudentT) Params() odslib.Params { return c.measurement().Params() }

// Conditions implements odslib.Conditioned.
func (c StudentT) Conditions([]int) int { return len(c.Y) }

// Residual implements odslib.Measured.
func (c StudentT) Residual(scope *odslib.Scope, x, given *odslib.Node) *odslib.Node {
	return c.measurement().Residual(scope, x, given)
}

// LogR implements odslib.Constraint.
func (c StudentT) LogR(scope *odslib.Scope, x *odslib.Node) *odslib.Node {
	return c.measurement().LogR(scope, x)
}

// LogRGiven implements odslib.Conditioned.
func (c StudentT) LogRGiven(scope *odslib.Scope, x, given *odslib.Node) *odslib.Node {
	return c.measurement().LogRGiven(scope, x, given)
}

// LogRWith implements odslib.Widening.
func (c StudentT) LogRWith(scope *odslib.Scope, x, extra, given *odslib.Node) *odslib.Node {
	return c.measurement().LogRWith(scope, x, extra, given)
}

// DrawY implements odslib.Experiment.
func (c StudentT) DrawY(ax []float64, rng *rand.Rand) []float64 {
	return c.measurement().DrawY(ax, rng)
}

// At implements odslib.Experiment.
func (c StudentT) At(y []float64) odslib.Constraint {
	c.Y = y
	return c
}

func square(d int) [][]float64 {
	m := make([][]float64, d)
	for i := range m {
		m[i] = make([]float64, d)
	}
	return m
}
