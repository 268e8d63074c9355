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
	// Check says what is wrong with the model for m values, or nil.
	Check(m int) error
}

// Normal is N(0, Sigma²) error, or N(0, Sigmas[i]²) of value i.
type Normal struct {
	Sigma  float64
	Sigmas []float64 // [m]; nil means Sigma for all
}

// Check implements ErrorModel.
func (e Normal) Check(m int) error {
	if e.Sigmas == nil {
		return scale("Sigma", e.Sigma)
	}
	if e.Sigma != 0 {
		return fmt.Errorf("both Sigma and Sigmas are set; set one")
	}
	if len(e.Sigmas) != m {
		return fmt.Errorf("%d values in Sigmas for %d measured ones", len(e.Sigmas), m)
	}
	for i, s := range e.Sigmas {
		if err := scale(fmt.Sprintf("Sigmas[%d]", i), s); err != nil {
			return err
		}
	}
	return nil
}

// at is the standard deviation of value i.
func (e Normal) at(i int) float64 {
	if e.Sigmas != nil {
		return e.Sigmas[i]
	}
	return e.Sigma
}

// Params implements odslib.Parametrised.
func (e Normal) Params() odslib.Params {
	if e.Sigmas != nil {
		return odslib.Params{{Name: "sigma", Value: engine.FromVector(e.Sigmas)}}
	}
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
		y[i] = v + e.at(i)*rng.NormFloat64()
	}
	return y
}

// String says how large the error is.
func (e Normal) String() string {
	if e.Sigmas != nil {
		return fmt.Sprintf("%d values of σ", len(e.Sigmas))
	}
	return fmt.Sprintf("σ=%g", e.Sigma)
}

// T is Student-t error with Nu degrees of freedom and the given Scale: heavy tails for measurements with outliers.
type T struct{ Nu, Scale float64 }

// Check implements ErrorModel.
func (e T) Check(int) error {
	if err := positive("Nu", e.Nu); err != nil {
		return err
	}
	return positive("Scale", e.Scale)
}

// Params implements odslib.Parametrised; log_norm is what the density of one value has beside the residual.
func (e T) Params() odslib.Params {
	a, _ := math.Lgamma((e.Nu + 1) / 2)
	b, _ := math.Lgamma(e.Nu / 2)
	scalar := func(v float64) odslib.Array { return odslib.Array{Data: []float32{float32(v)}} }
	return odslib.Params{
		{Name: "scale", Value: scalar(e.Scale)},
		{Name: "nu", Value: scalar(e.Nu)},
		{Name: "log_norm", Value: scalar(a - b - .5*math.Log(e.Nu*math.Pi))},
	}
}

// LogDensity implements ErrorModel.
func (e T) LogDensity(scope *odslib.Scope, r, extra *odslib.Node) *odslib.Node {
	v, nu := spread(scope, "scale", r, extra), perValue(scope, "nu", r)
	tail := graph.Mul(graph.AddScalar(nu, 1), graph.Log1P(graph.Div(graph.Div(graph.Square(r), v), nu)))
	each := graph.Sub(perValue(scope, "log_norm", r), graph.MulScalar(graph.Add(tail, graph.Log(v)), .5))
	return graph.ReduceSum(each, -1)
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

// String says how large the error is.
func (e T) String() string { return fmt.Sprintf("Student-t, ν=%g, scale %g", e.Nu, e.Scale) }

// perValue is a parameter that is one number, or one for each of the m values, for residuals [B, m].
func perValue(scope *odslib.Scope, name string, r *odslib.Node) *odslib.Node {
	v := engine.Var(scope, r.Graph(), name)
	if v.Rank() == 1 {
		v = graph.ExpandAxes(v, 0)
	}
	return graph.BroadcastToShape(v, r.Shape())
}

// spread is the variance of each residual: the parameter squared plus extra².
func spread(scope *odslib.Scope, name string, r, extra *odslib.Node) *odslib.Node {
	v := graph.Square(perValue(scope, name, r))
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
