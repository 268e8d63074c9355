package constraint

import (
	"fmt"
	"math"

	"github.com/gomlx/gomlx/core/graph"

	"odslab/odslib"
	"odslab/odslib/engine"
)

var (
	_ odslib.Residual  = Measurement{}
	_ odslib.Checked   = Measurement{}
	_ odslib.Linear    = Gaussian{}
	_ odslib.Quadratic = Gaussian{}
	_ odslib.Residual  = StudentT{}
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
	if a, ok := c.A.(odslib.Parametrised); ok {
		p = append(p, a.Params()...)
	}
	return append(p, c.Error.Params()...)
}

// Residual is y − A(x), [B, m].
func (c Measurement) Residual(scope *odslib.Scope, x *odslib.Node) *odslib.Node {
	out := c.A.Apply(scope, x)
	y := engine.Var(scope, x.Graph(), "y")
	return graph.Sub(graph.BroadcastToShape(graph.ExpandAxes(y, 0), out.Shape()), out)
}

// LogR is log p(y|x).
func (c Measurement) LogR(scope *odslib.Scope, x *odslib.Node) *odslib.Node {
	return c.LogRWith(scope, x, nil)
}

// LogRWith is log p(y|x) with further Gaussian noise of standard deviation extra, [B] or nil.
func (c Measurement) LogRWith(scope *odslib.Scope, x, extra *odslib.Node) *odslib.Node {
	return c.Error.LogDensity(scope, c.Residual(scope, x), extra)
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

// Residual implements odslib.Residual.
func (c Gaussian) Residual(scope *odslib.Scope, x *odslib.Node) *odslib.Node {
	return c.measurement().Residual(scope, x)
}

// LogR implements odslib.Constraint.
func (c Gaussian) LogR(scope *odslib.Scope, x *odslib.Node) *odslib.Node {
	return c.measurement().LogR(scope, x)
}

// LogRWith is LogR with further noise.
func (c Gaussian) LogRWith(scope *odslib.Scope, x, extra *odslib.Node) *odslib.Node {
	return c.measurement().LogRWith(scope, x, extra)
}

// System implements odslib.Linear; it fails for operators that are not linear.
func (c Gaussian) System(shape []int) (a [][]float64, y []float64, sigma float64, err error) {
	lin, ok := c.A.(LinearOperator)
	if !ok {
		return nil, nil, 0, fmt.Errorf("%w: the operator %T is not linear", odslib.ErrNoClosedForm, c.A)
	}
	if err := c.Check(shape); err != nil {
		return nil, nil, 0, err
	}
	a, err = DenseOf(lin, shape)
	return a, c.Y, c.Sigma, err
}

// Quadratic implements odslib.Quadratic: H = −AᵀA/σ², b = Aᵀy/σ², c = −½|y|²/σ² − ½m·log 2πσ².
func (c Gaussian) Quadratic(shape []int) (h [][]float64, b []float64, c0 float64, err error) {
	a, y, sigma, err := c.System(shape)
	if err != nil {
		return nil, nil, 0, err
	}
	d, s2 := count(shape), sigma*sigma
	h, b = square(d), make([]float64, d)
	for r, row := range a {
		for i, ai := range row {
			if ai == 0 {
				continue
			}
			b[i] += ai * y[r] / s2
			for j, aj := range row {
				h[i][j] -= ai * aj / s2
			}
		}
		c0 -= .5*y[r]*y[r]/s2 + .5*math.Log(2*math.Pi*s2)
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

// Residual implements odslib.Residual.
func (c StudentT) Residual(scope *odslib.Scope, x *odslib.Node) *odslib.Node {
	return c.measurement().Residual(scope, x)
}

// LogR implements odslib.Constraint.
func (c StudentT) LogR(scope *odslib.Scope, x *odslib.Node) *odslib.Node {
	return c.measurement().LogR(scope, x)
}

// LogRWith is LogR with further noise.
func (c StudentT) LogRWith(scope *odslib.Scope, x, extra *odslib.Node) *odslib.Node {
	return c.measurement().LogRWith(scope, x, extra)
}

func square(d int) [][]float64 {
	m := make([][]float64, d)
	for i := range m {
		m[i] = make([]float64, d)
	}
	return m
}
