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

// ErrorModel is a normalised density of the residual y − A(x), independent for each of its m values.
type ErrorModel interface {
	// LogDensity sums over the values: residual [B, m] → [B]. extra, [B] or nil, is the standard deviation of further
	// Gaussian noise, an uncertainty about x itself that guidance may add.
	LogDensity(scope *odslib.Scope, residual, extra *odslib.Node) *odslib.Node
	// Draw draws y around ax = A(x), [m].
	Draw(ax []float64, rng *rand.Rand) []float64
	Params() odslib.Params
	Check() error
}

// Normal is N(0, Sigma²) error.
type Normal struct{ Sigma float64 }

// Check implements ErrorModel.
func (e Normal) Check() error { return positive("Sigma", e.Sigma) }

// Params implements odslib.Parametrised.
func (e Normal) Params() odslib.Params {
	return odslib.Params{{Name: "sigma", Value: odslib.Array{Data: []float32{float32(e.Sigma)}}}}
}

// LogDensity implements ErrorModel.
func (e Normal) LogDensity(scope *odslib.Scope, r, extra *odslib.Node) *odslib.Node {
	v := spread(scope, "sigma", r, extra)
	return graph.MulScalar(graph.ReduceSum(graph.Add(graph.Div(graph.Square(r), v), graph.Log(graph.MulScalar(v, 2*math.Pi))), -1), -.5)
}

// Draw implements ErrorModel.
func (e Normal) Draw(ax []float64, rng *rand.Rand) []float64 {
	y := make([]float64, len(ax))
	for i, v := range ax {
		y[i] = v + e.Sigma*rng.NormFloat64()
	}
	return y
}

// T is Student-t error with Nu degrees of freedom and the given Scale: heavy tails for measurements with outliers.
type T struct{ Nu, Scale float64 }

// Check implements ErrorModel.
func (e T) Check() error {
	if err := positive("Nu", e.Nu); err != nil {
		return err
	}
	return positive("Scale", e.Scale)
}

// Params implements odslib.Parametrised.
func (e T) Params() odslib.Params {
	return odslib.Params{{Name: "scale", Value: odslib.Array{Data: []float32{float32(e.Scale)}}}}
}

// LogDensity implements ErrorModel.
func (e T) LogDensity(scope *odslib.Scope, r, extra *odslib.Node) *odslib.Node {
	v := spread(scope, "scale", r, extra)
	a, _ := math.Lgamma((e.Nu + 1) / 2)
	b, _ := math.Lgamma(e.Nu / 2)
	each := graph.Add(
		graph.MulScalar(graph.Log1P(graph.DivScalar(graph.Div(graph.Square(r), v), e.Nu)), -(e.Nu+1)/2),
		graph.MulScalar(graph.Log(v), -.5))
	return graph.AddScalar(graph.ReduceSum(each, -1), float64(r.Shape().Dimensions[1])*(a-b-.5*math.Log(e.Nu*math.Pi)))
}

// Draw implements ErrorModel.
func (e T) Draw(ax []float64, rng *rand.Rand) []float64 {
	t := distuv.StudentsT{Sigma: e.Scale, Nu: e.Nu, Src: rng}
	y := make([]float64, len(ax))
	for i, v := range ax {
		y[i] = v + t.Rand()
	}
	return y
}

// spread is the variance of each residual: the parameter squared plus extra².
func spread(scope *odslib.Scope, name string, r, extra *odslib.Node) *odslib.Node {
	v := graph.BroadcastToShape(graph.Square(engine.Var(scope, r.Graph(), name)), r.Shape())
	if extra != nil {
		v = graph.Add(v, graph.BroadcastToShape(graph.ExpandAxes(graph.Square(extra), 1), r.Shape()))
	}
	return v
}

func positive(name string, v float64) error {
	if !(v > 0) || math.IsInf(v, 0) {
		return fmt.Errorf("%s is %g; it must be positive", name, v)
	}
	return nil
}
