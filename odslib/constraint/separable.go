package constraint

import (
	"fmt"
	"math"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"

	"odslab/odslib"
	"odslab/odslib/engine"
)

// Blur is a Gaussian blur of images [h, w, c]; Sigma is in pixels. Weights that would fall outside are given to the
// pixels inside, so that a constant image stays as it is. It has no pseudo-inverse here: what it takes away is lost to
// rounding.
type Blur struct{ Sigma float64 }

// Size implements Operator.
func (b Blur) Size(shape []int) (int, error) {
	if len(shape) != 3 {
		return 0, fmt.Errorf("a blur wants images of shape [h, w, c], samples have shape %v", shape)
	}
	if !(b.Sigma > 0) || math.IsInf(b.Sigma, 0) {
		return 0, fmt.Errorf("the blur has Sigma %g; it must be positive", b.Sigma)
	}
	return count(shape), nil
}

// Params implements odslib.Parametrised.
func (b Blur) Params() odslib.Params {
	return odslib.Params{{Name: "blur", Value: odslib.Array{Data: []float32{float32(b.Sigma)}}}}
}

// weights are the rows of the blur along an axis of n pixels, in the graph.
func (b Blur) weights(scope *odslib.Scope, g *graph.Graph, n int) *odslib.Node {
	at := func(axis int) *odslib.Node { return graph.Iota(g, shapes.Make(dtypes.Float32, n, n), axis) }
	d := graph.Div(graph.Sub(at(0), at(1)), graph.BroadcastToDims(engine.Var(scope, g, "blur"), n, n))
	return graph.Softmax(graph.MulScalar(graph.Square(d), -.5), -1)
}

// Apply implements Operator.
func (b Blur) Apply(scope *odslib.Scope, x *odslib.Node) *odslib.Node {
	return separable(x, b.weights(scope, x.Graph(), x.Shape().Dimensions[1]), b.weights(scope, x.Graph(), x.Shape().Dimensions[2]))
}

func (b Blur) weightsHost(n int) [][]float64 {
	w := square(n)
	for i := range w {
		sum := 0.
		for j := range n {
			d := float64(i-j) / b.Sigma
			w[i][j] = math.Exp(-.5 * d * d)
			sum += w[i][j]
		}
		for j := range n {
			w[i][j] /= sum
		}
	}
	return w
}

// ApplyHost implements LinearOperator.
func (b Blur) ApplyHost(shape []int, x []float64) []float64 {
	return separableHost(shape, x, b.weightsHost(shape[0]), b.weightsHost(shape[1]))
}

// Downsample averages blocks of Factor×Factor pixels of images [h, w, c].
type Downsample struct{ Factor int }

// Size implements Operator.
func (d Downsample) Size(shape []int) (int, error) {
	if len(shape) != 3 {
		return 0, fmt.Errorf("downsampling wants images of shape [h, w, c], samples have shape %v", shape)
	}
	if d.Factor < 1 || shape[0]%d.Factor != 0 || shape[1]%d.Factor != 0 {
		return 0, fmt.Errorf("downsampling by %d does not divide images of %d×%d", d.Factor, shape[0], shape[1])
	}
	return count(shape) / (d.Factor * d.Factor), nil
}

func (d Downsample) weights(n int) [][]float64 {
	w := make([][]float64, n/d.Factor)
	for i := range w {
		w[i] = make([]float64, n)
		for j := range d.Factor {
			w[i][i*d.Factor+j] = 1 / float64(d.Factor)
		}
	}
	return w
}

// Apply implements Operator. The weights follow from the shapes: another factor is another program in any case.
func (d Downsample) Apply(_ *odslib.Scope, x *odslib.Node) *odslib.Node {
	along := func(axis int) *odslib.Node {
		w := engine.FromRows(d.weights(x.Shape().Dimensions[axis]))
		return graph.Reshape(graph.Const(x.Graph(), w.Data), w.Shape...)
	}
	return separable(x, along(1), along(2))
}

// ApplyHost implements LinearOperator.
func (d Downsample) ApplyHost(shape []int, x []float64) []float64 {
	return separableHost(shape, x, d.weights(shape[0]), d.weights(shape[1]))
}

// Lift implements Inverted: every pixel of a block becomes its mean.
func (d Downsample) Lift(_ *odslib.Scope, shape []int, r *odslib.Node) *odslib.Node {
	h, w, c, f, n := shape[0]/d.Factor, shape[1]/d.Factor, shape[2], d.Factor, r.Shape().Dimensions[0]
	return shaped(graph.BroadcastToDims(graph.Reshape(r, n, h, 1, w, 1, c), n, h, f, w, f, c), shape)
}

// separable is the operator that works along rows and columns apart; x [B, h, w, c], rows [p, h], cols [q, w] → [B, p·q·c].
func separable(x, rows, cols *odslib.Node) *odslib.Node {
	return flat(graph.Einsum("bpwc,qw->bpqc", graph.Einsum("bhwc,ph->bpwc", x, rows), cols))
}

func separableHost(shape []int, x []float64, rows, cols [][]float64) []float64 {
	h, w, ch := shape[0], shape[1], shape[2]
	half := make([]float64, len(rows)*w*ch)
	for p, rw := range rows {
		for i := range h {
			if rw[i] == 0 {
				continue
			}
			for k := range w * ch {
				half[p*w*ch+k] += rw[i] * x[i*w*ch+k]
			}
		}
	}
	y := make([]float64, len(rows)*len(cols)*ch)
	for p := range rows {
		for q, cw := range cols {
			for j := range w {
				if cw[j] == 0 {
					continue
				}
				for k := range ch {
					y[(p*len(cols)+q)*ch+k] += cw[j] * half[(p*w+j)*ch+k]
				}
			}
		}
	}
	return y
}
