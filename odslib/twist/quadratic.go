package twist

import (
	"fmt"
	"math"

	"github.com/gomlx/gomlx/core/graph"
	"gonum.org/v1/gonum/mat"

	"odslab/odslib"
	"odslab/odslib/engine"
)

// Quadratic takes x_0 given x_t for N(x̂0, C), C = (σ²/α)·J as [Covariance] does, under a quadratic log r without a direction
// in which it grows like a square: exponential tilts and bounded quadratic rewards. With log r = bᵀx − ½‖Y − A·x‖² + c, b in
// the null space of A,
//
//	ψ_t = exp(bᵀx̂0 + ½bᵀCb + c) · E exp(−½‖Y − A·(x_0 + C·b)‖²),   exact for every Gaussian prior.
//
// Each direction that log r knows costs one product with Jᵀ; up to [MostMeasured] of them. C is held fixed in gradients.
type Quadratic struct{}

// Bind implements Twist: H = −AᵀA is taken apart once, and enters as numbers.
func (Quadratic) Bind(post odslib.Posterior, _ uint64) (Bound, error) {
	c, err := odslib.Need[odslib.Quadratic](post, "twist.Quadratic")
	if err != nil {
		return nil, err
	}
	if _, ok := post.Prior.(odslib.Diffusion); !ok {
		return nil, fmt.Errorf("twist.Quadratic needs the denoiser of a diffusion prior; got %T", post.Prior)
	}
	h, b, c0, err := c.Quadratic(post.Shape())
	if err != nil {
		return nil, fmt.Errorf("twist.Quadratic: %w", err)
	}
	sym := mat.NewSymDense(len(h), nil)
	for i := range h {
		for j := range i + 1 {
			sym.SetSym(i, j, -h[i][j])
		}
	}
	var eig mat.EigenSym
	if !eig.Factorize(sym, true) {
		return nil, fmt.Errorf("twist.Quadratic: the matrix of log r has no eigenvalues; are its numbers finite?")
	}
	var vectors mat.Dense
	eig.VectorsTo(&vectors)
	values := eig.Values(nil)
	top := math.Max(math.Abs(values[0]), math.Abs(values[len(values)-1]))
	rest, matrix, y := append([]float64{}, b...), [][]float64{}, []float64{}
	for k, l := range values {
		if l < -1e-9*top {
			return nil, fmt.Errorf("twist.Quadratic: log r grows like a square in a direction (%g), so it has no largest value", -l)
		}
		if l <= 1e-9*top {
			continue
		}
		row, along := mat.Col(nil, k, &vectors), 0.
		for i, v := range row {
			along += v * b[i]
		}
		for i, v := range row {
			rest[i] -= along * v
			row[i] *= math.Sqrt(l)
		}
		matrix, y = append(matrix, row), append(y, along/math.Sqrt(l))
		c0 += .5 * along * along / l
	}
	if len(matrix) > MostMeasured {
		return nil, fmt.Errorf("twist.Quadratic takes up to %d directions, log r has %d", MostMeasured, len(matrix))
	}
	out := quadratic{bare: bare{post}, m: len(matrix)}
	out.params = odslib.Params{{Name: "constant", Value: odslib.Array{Data: []float32{float32(c0)}}}}
	size := 0.
	for _, v := range rest {
		size = math.Max(size, math.Abs(v))
	}
	if out.tilted = size > 1e-9*(1+math.Sqrt(top)); out.tilted {
		out.params = append(out.params, engine.Param{Name: "tilt", Value: engine.FromVector(rest)})
	}
	if out.m > 0 {
		out.params = append(out.params, engine.Param{Name: "matrix", Value: engine.FromRows(matrix)}, engine.Param{Name: "observed", Value: engine.FromVector(y)})
	}
	return out, nil
}

type quadratic struct {
	bare
	m      int
	tilted bool
	params odslib.Params
}

func (b quadratic) Params() odslib.Params { return b.params }

// Products implements Costly.
func (b quadratic) Products() int {
	if b.tilted {
		return b.m + 1
	}
	return b.m
}

// LogTwist implements Bound.
func (b quadratic) LogTwist(scope *odslib.Scope, x, x0 *odslib.Node, at odslib.Level) *odslib.Node {
	v := func(name string) *odslib.Node { return engine.Var(scope.At("twist"), x.Graph(), name) }
	n := x.Shape().Dimensions[0]
	ratio := graph.Div(graph.Square(at.Sigma), at.Alpha)
	log, mean := graph.BroadcastToShape(v("constant"), ratio.Shape()), graph.Reshape(x0, n, -1)
	if b.tilted {
		tilt := graph.BroadcastToShape(graph.ExpandAxes(v("tilt"), 0), mean.Shape())
		moved := graph.Mul(column(ratio, mean), graph.Reshape(engine.VJP(x0, x, graph.Reshape(tilt, x0.Shape().Dimensions...)), n, -1))
		moved = graph.StopGradient(moved) // C·b
		log = graph.Add(log, graph.ReduceSum(graph.Mul(tilt, graph.Add(mean, graph.MulScalar(moved, .5))), -1))
		mean = graph.Add(mean, moved)
	}
	if b.m == 0 {
		return log
	}
	a := v("matrix")
	e := graph.Neg(graph.Einsum("bd,md->bm", mean, a))
	e = graph.Add(e, graph.BroadcastToShape(graph.ExpandAxes(v("observed"), 0), e.Shape()))
	factor := seen(x, x0, a, ratio)
	return graph.Sub(log, graph.MulScalar(graph.Add(graph.ReduceSum(graph.Square(factor.Whiten(e)), -1), factor.LogDet()), .5))
}
