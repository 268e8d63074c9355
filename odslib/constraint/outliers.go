package constraint

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/gomlx/gomlx/core/graph"

	"odslab/odslib"
	"odslab/odslib/engine"
)

var _ ErrorModel = Outliers{}

// Outliers is Normal error of which a Share is wide: (1−Share)·N(0, Sigma²) + Share·N(0, Wide²) for each value.
type Outliers struct {
	Sigma float64
	Share float64 // of outliers; 0 means .05
	Wide  float64 // 0 means 10·Sigma
}

func (e Outliers) full() Outliers {
	if e.Share == 0 {
		e.Share = .05
	}
	if e.Wide == 0 {
		e.Wide = 10 * e.Sigma
	}
	return e
}

// Check implements ErrorModel.
func (e Outliers) Check(int) error {
	e = e.full()
	if !(e.Share > 0 && e.Share < 1) {
		return fmt.Errorf("a Share of %g; outliers are more than none and less than all", e.Share)
	}
	if err := scale("Sigma", e.Sigma); err != nil {
		return err
	}
	return scale("Wide", e.Wide)
}

// Params implements odslib.Parametrised.
func (e Outliers) Params() odslib.Params {
	e = e.full()
	number := func(name string, v float64) engine.Param {
		return engine.Param{Name: name, Value: odslib.Array{Data: []float32{float32(v)}}}
	}
	return odslib.Params{number("sigma", e.Sigma), number("wide", e.Wide), number("log_share", math.Log(e.Share)), number("log_rest", math.Log1p(-e.Share))}
}

// LogDensity implements ErrorModel: further Gaussian noise widens both parts, exactly.
func (e Outliers) LogDensity(scope *odslib.Scope, r, extra *odslib.Node) *odslib.Node {
	part := func(width, share string) *odslib.Node {
		v := spread(scope, width, r, extra)
		log := graph.MulScalar(graph.Add(graph.Div(graph.Square(r), v), graph.Log(graph.MulScalar(v, 2*math.Pi))), -.5)
		return graph.Add(log, perValue(scope, share, r))
	}
	a, b := part("sigma", "log_rest"), part("wide", "log_share")
	top := graph.Max(a, b)
	both := graph.Log1P(graph.Exp(graph.Neg(graph.Abs(graph.Sub(a, b)))))
	return graph.ReduceSum(graph.Add(top, both), -1)
}

// Draw implements ErrorModel.
func (e Outliers) Draw(ax []float64, rng *rand.Rand) []float64 {
	e = e.full()
	y := make([]float64, len(ax))
	for i, v := range ax {
		width := e.Sigma
		if rng.Float64() < e.Share {
			width = e.Wide
		}
		y[i] = v + width*rng.NormFloat64()
	}
	return y
}

// String says how large the error is.
func (e Outliers) String() string {
	e = e.full()
	return fmt.Sprintf("σ=%g, %g %% outliers of %g", e.Sigma, 100*e.Share, e.Wide)
}
