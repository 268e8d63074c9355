package constraint

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/gomlx/gomlx/core/graph"
	"gonum.org/v1/gonum/stat/distuv"

	"odslab/odslib"
	"odslab/odslib/engine"
)

var (
	_ odslib.Conditioned = Poisson{}
	_ odslib.Experiment  = Poisson{}
	_ odslib.Checked     = Poisson{}
)

// Poisson is a measurement of counts, y ~ Poisson(Gain·A(x) + Background) value by value: photons, events. Where the rate is not
// positive log r is −Inf.
type Poisson struct {
	A          Operator
	Y          []float64 // [m], whole numbers
	Gain       float64   // 0 means 1
	Background float64
}

// Check implements odslib.Checked.
func (c Poisson) Check(shape []int) error {
	if c.A == nil {
		return fmt.Errorf("the measurement needs an operator A")
	}
	m, err := c.A.Size(shape)
	if err != nil {
		return err
	}
	if len(c.Y) != m {
		return fmt.Errorf("%d values in Y, the operator gives %d from samples of shape %v", len(c.Y), m, shape)
	}
	for i, v := range c.Y {
		if v < 0 || v != math.Trunc(v) || math.IsInf(v, 0) {
			return fmt.Errorf("value %d of Y is %g; counts are whole numbers", i, v)
		}
	}
	if c.Gain < 0 || c.Background < 0 || math.IsInf(c.Gain, 0) || math.IsInf(c.Background, 0) || math.IsNaN(c.Gain+c.Background) {
		return fmt.Errorf("a Gain of %g and a Background of %g; neither can be negative", c.Gain, c.Background)
	}
	return nil
}

func (c Poisson) gain() float64 {
	if c.Gain == 0 {
		return 1
	}
	return c.Gain
}

// Params implements odslib.Parametrised.
func (c Poisson) Params() odslib.Params {
	number := func(name string, v float64) engine.Param {
		return engine.Param{Name: name, Value: odslib.Array{Data: []float32{float32(v)}}}
	}
	return append(odslib.Params{{Name: "y", Value: engine.FromVector(c.Y)}, number("gain", c.gain()), number("background", c.Background)}, odslib.ParamsOf(c.A)...)
}

// Conditions implements odslib.Conditioned: a y for each row.
func (c Poisson) Conditions([]int) int { return len(c.Y) }

// rate is Gain·A(x) + Background.
func (c Poisson) rate(scope *odslib.Scope, x *odslib.Node) *odslib.Node {
	ax := c.A.Apply(scope, x)
	return graph.Add(graph.Mul(ax, perValue(scope, "gain", ax)), perValue(scope, "background", ax))
}

// Residual implements odslib.Measured: (y − Background)/Gain − A(x), in units of A(x).
func (c Poisson) Residual(scope *odslib.Scope, x, given *odslib.Node) *odslib.Node {
	rate := c.rate(scope, x)
	return graph.Div(graph.Sub(c.counts(scope, rate, given), rate), perValue(scope, "gain", rate))
}

func (c Poisson) counts(scope *odslib.Scope, like, given *odslib.Node) *odslib.Node {
	if given != nil {
		return given
	}
	return graph.BroadcastToShape(graph.ExpandAxes(engine.Var(scope, like.Graph(), "y"), 0), like.Shape())
}

// LogR implements odslib.Constraint.
func (c Poisson) LogR(scope *odslib.Scope, x *odslib.Node) *odslib.Node {
	return c.LogRGiven(scope, x, nil)
}

// LogRGiven implements odslib.Conditioned. log y! is Stirling's series from y = 8 on and a product below.
func (c Poisson) LogRGiven(scope *odslib.Scope, x, given *odslib.Node) *odslib.Node {
	rate := c.rate(scope, x)
	y := c.counts(scope, rate, given)
	some := graph.GreaterThan(rate, graph.ZerosLike(rate))
	log := graph.Log(graph.Where(some, rate, graph.OnesLike(rate)))
	each := graph.Sub(graph.Sub(graph.Mul(y, log), rate), logFactorial(y))
	least := graph.MulScalar(graph.OnesLike(each), math.Inf(-1))
	return graph.ReduceSum(graph.Where(some, each, least), -1)
}

func logFactorial(y *odslib.Node) *odslib.Node {
	product, shifted := graph.ZerosLike(y), y
	for range 8 { // log (y+1)…(y+8), taken off again below
		shifted = graph.AddScalar(shifted, 1)
		product = graph.Add(product, graph.Log(shifted))
	}
	z := graph.AddScalar(shifted, 1) // log Γ(z), z ≥ 9
	series := graph.Div(graph.OnesLike(z), graph.MulScalar(z, 12))
	stirling := graph.Add(graph.Sub(graph.Mul(graph.AddScalar(z, -.5), graph.Log(z)), z), graph.AddScalar(series, .5*math.Log(2*math.Pi)))
	return graph.Sub(stirling, product)
}

// DrawY implements odslib.Experiment.
func (c Poisson) DrawY(ax []float64, rng *rand.Rand) []float64 {
	y := make([]float64, len(ax))
	for i, v := range ax {
		if rate := c.gain()*v + c.Background; rate > 0 {
			y[i] = distuv.Poisson{Lambda: rate, Src: rng}.Rand()
		}
	}
	return y
}

// At implements odslib.Experiment.
func (c Poisson) At(y []float64) odslib.Constraint {
	c.Y = y
	return c
}

// String names the constraint.
func (c Poisson) String() string {
	return fmt.Sprintf("%d counts (%T, gain %g)", len(c.Y), c.A, c.gain())
}
