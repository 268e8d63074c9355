package constraint

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/gomlx/gomlx/core/graph"

	"odslab/odslib"
)

var _ ErrorModel = Laplace{}

// Laplace is error of density exp(−|r|/Scale)/(2·Scale) for each value. Widened by Gaussian noise of standard deviation e it is
// taken for the Laplace density of the same variance, 2·Scale² + e².
type Laplace struct{ Scale float64 }

// Check implements ErrorModel.
func (e Laplace) Check(int) error { return scale("Scale", e.Scale) }

// Params implements odslib.Parametrised.
func (e Laplace) Params() odslib.Params {
	return odslib.Params{{Name: "scale", Value: odslib.Array{Data: []float32{float32(e.Scale)}}}}
}

// LogDensity implements ErrorModel.
func (e Laplace) LogDensity(scope *odslib.Scope, r, extra *odslib.Node) *odslib.Node {
	if extra != nil {
		extra = graph.MulScalar(extra, math.Sqrt(.5))
	}
	b := graph.Sqrt(spread(scope, "scale", r, extra))
	return graph.Neg(graph.ReduceSum(graph.Add(graph.Div(graph.Abs(r), b), graph.Log(graph.MulScalar(b, 2))), -1))
}

// Draw implements ErrorModel.
func (e Laplace) Draw(ax []float64, rng *rand.Rand) []float64 {
	y := make([]float64, len(ax))
	for i, v := range ax {
		y[i] = v + e.Scale*(rng.ExpFloat64()-rng.ExpFloat64())
	}
	return y
}

// String says how large the error is.
func (e Laplace) String() string { return fmt.Sprintf("Laplace, scale %g", e.Scale) }
