package constraint

import (
	"math/rand/v2"

	"odslab/odslib"
)

var (
	_ odslib.Widening    = Gaussian{}
	_ odslib.Experiment  = Gaussian{}
	_ odslib.Conditioned = Gaussian{}
	_ odslib.Linear      = Gaussian{}
	_ odslib.Lifted      = Gaussian{}
	_ odslib.Quadratic   = Gaussian{}
	_ odslib.Composite   = Gaussian{}
	_ odslib.Widening    = StudentT{}
	_ odslib.Experiment  = StudentT{}
	_ odslib.Conditioned = StudentT{}
	_ odslib.Lifted      = StudentT{}
	_ odslib.Composite   = StudentT{}
)

// Gaussian is y = A(x) + N(0, Sigma²), or N(0, Sigmas[i]²) for value i.
type Gaussian struct {
	A      Operator
	Y      []float64
	Sigma  float64
	Sigmas []float64 // [m], in place of Sigma
}

// The forms say in their own fields what a Measurement says; its methods do the work.
func (c Gaussian) measurement() Measurement {
	return Measurement{A: c.A, Y: c.Y, Error: Normal{Sigma: c.Sigma, Sigmas: c.Sigmas}}
}

// Check implements odslib.Checked.
func (c Gaussian) Check(shape []int) error { return c.measurement().Check(shape) }

// Offers implements odslib.Composite.
func (c Gaussian) Offers(what any) error { return c.measurement().Offers(what) }

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

// System implements odslib.Linear.
func (c Gaussian) System(shape []int) (odslib.System, error) { return c.measurement().System(shape) }

// Whitened implements odslib.Linear.
func (c Gaussian) Whitened(scope *odslib.Scope, x, given *odslib.Node) *odslib.Node {
	return c.measurement().Whitened(scope, x, given)
}

// Lift implements odslib.Lifted.
func (c Gaussian) Lift(scope *odslib.Scope, shape []int, r *odslib.Node) *odslib.Node {
	return c.measurement().Lift(scope, shape, r)
}

// Quadratic implements odslib.Quadratic.
func (c Gaussian) Quadratic(shape []int) (h [][]float64, b []float64, c0 float64, err error) {
	return c.measurement().Quadratic(shape)
}

// String names the constraint.
func (c Gaussian) String() string { return c.measurement().String() }

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

// Offers implements odslib.Composite.
func (c StudentT) Offers(what any) error { return c.measurement().Offers(what) }

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

// Lift implements odslib.Lifted.
func (c StudentT) Lift(scope *odslib.Scope, shape []int, r *odslib.Node) *odslib.Node {
	return c.measurement().Lift(scope, shape, r)
}

// String names the constraint.
func (c StudentT) String() string { return c.measurement().String() }
