package constraint

import (
	"fmt"
	"math"

	"github.com/gomlx/gomlx/core/graph"

	"odslab/odslib"
	"odslab/odslib/engine"
)

// Operator is a forward model A: x [B, shape…] → [B, m].
type Operator interface {
	// Size is m for samples of the shape, or an error that says what does not fit.
	Size(shape []int) (int, error)
	Apply(scope *odslib.Scope, x *odslib.Node) *odslib.Node
}

// LinearOperator is an operator that also works on the host, one flat sample at a time; its matrix follows from that.
type LinearOperator interface {
	Operator
	ApplyHost(shape []int, x []float64) []float64
}

var (
	_ LinearOperator = Identity{}
	_ LinearOperator = Matrix{}
	_ LinearOperator = Mask{}
	_ LinearOperator = Blur{}
	_ LinearOperator = Downsample{}
	_ Operator       = Func{}
)

func count(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

func flat(x *odslib.Node) *odslib.Node {
	if x.Rank() == 2 {
		return x
	}
	return graph.Reshape(x, x.Shape().Dimensions[0], -1)
}

// Identity observes x itself.
type Identity struct{}

// Size implements Operator.
func (Identity) Size(shape []int) (int, error) { return count(shape), nil }

// Apply implements Operator.
func (Identity) Apply(_ *odslib.Scope, x *odslib.Node) *odslib.Node { return flat(x) }

// ApplyHost implements LinearOperator.
func (Identity) ApplyHost(_ []int, x []float64) []float64 { return x }

// Matrix is A·x for flattened x: m rows of d numbers.
type Matrix [][]float64

// Size implements Operator.
func (a Matrix) Size(shape []int) (int, error) {
	if len(a) == 0 {
		return 0, fmt.Errorf("the matrix has no rows")
	}
	for i, row := range a {
		if len(row) != count(shape) {
			return 0, fmt.Errorf("row %d of the matrix has %d numbers, samples of shape %v have %d", i, len(row), shape, count(shape))
		}
	}
	return len(a), nil
}

// Params implements odslib.Parametrised.
func (a Matrix) Params() odslib.Params {
	return odslib.Params{{Name: "matrix", Value: engine.FromRows(a)}}
}

// Apply implements Operator.
func (a Matrix) Apply(scope *odslib.Scope, x *odslib.Node) *odslib.Node {
	return graph.Einsum("bd,md->bm", flat(x), engine.Var(scope, x.Graph(), "matrix"))
}

// ApplyHost implements LinearOperator.
func (a Matrix) ApplyHost(_ []int, x []float64) []float64 {
	y := make([]float64, len(a))
	for i, row := range a {
		for j, v := range row {
			y[i] += v * x[j]
		}
	}
	return y
}

// Mask observes some values of x and hides the others: inpainting.
type Mask struct {
	Keep []bool // one for each value of a flat sample
}

func (m Mask) index() []int {
	var index []int
	for i, k := range m.Keep {
		if k {
			index = append(index, i)
		}
	}
	return index
}

// Size implements Operator.
func (m Mask) Size(shape []int) (int, error) {
	if len(m.Keep) != count(shape) {
		return 0, fmt.Errorf("the mask has %d values, samples of shape %v have %d", len(m.Keep), shape, count(shape))
	}
	n := len(m.index())
	if n == 0 {
		return 0, fmt.Errorf("the mask keeps nothing")
	}
	return n, nil
}

// Apply implements Operator.
func (m Mask) Apply(_ *odslib.Scope, x *odslib.Node) *odslib.Node {
	var pieces []*odslib.Node
	x = flat(x)
	// Runs of kept values are slices: a gather's gradient is a scatter, which is slow.
	for i := 0; i < len(m.Keep); {
		if !m.Keep[i] {
			i++
			continue
		}
		j := i
		for j < len(m.Keep) && m.Keep[j] {
			j++
		}
		pieces = append(pieces, graph.Slice(x, graph.AxisRange(), graph.AxisRange(i, j)))
		i = j
	}
	if len(pieces) == 1 {
		return pieces[0]
	}
	return graph.Concatenate(pieces, 1)
}

// ApplyHost implements LinearOperator.
func (m Mask) ApplyHost(_ []int, x []float64) []float64 {
	var y []float64
	for _, i := range m.index() {
		y = append(y, x[i])
	}
	return y
}

// Hide returns samples with NaN where the mask keeps nothing: what was seen, for pictures.
func (m Mask) Hide(x odslib.Array) odslib.Array {
	out := x.Clone()
	for i := range out.Len() {
		for j := range out.Row(i) {
			if j >= len(m.Keep) || !m.Keep[j] {
				out.Row(i)[j] = float32(math.NaN())
			}
		}
	}
	return out
}

// LeftHalf keeps the left half of images of shape [h, w, c].
func LeftHalf(shape []int) Mask { return half(shape, func(_, j int) bool { return j < shape[1]/2 }) }

// RightHalf keeps the right half.
func RightHalf(shape []int) Mask { return half(shape, func(_, j int) bool { return j >= shape[1]/2 }) }

// UpperHalf keeps the upper half.
func UpperHalf(shape []int) Mask { return half(shape, func(i, _ int) bool { return i < shape[0]/2 }) }

// LowerHalf keeps the lower half.
func LowerHalf(shape []int) Mask { return half(shape, func(i, _ int) bool { return i >= shape[0]/2 }) }

func half(shape []int, keep func(i, j int) bool) Mask {
	if len(shape) < 2 {
		return Mask{}
	}
	channels := count(shape[2:])
	m := Mask{Keep: make([]bool, count(shape))}
	for k := range m.Keep {
		p := k / channels
		m.Keep[k] = keep(p/shape[1], p%shape[1])
	}
	return m
}

// Blur is a Gaussian blur of images [h, w, c]; Sigma is in pixels. Weights that would fall outside are given to the
// pixels inside, so that a constant image stays as it is.
type Blur struct{ Sigma float64 }

// Size implements Operator.
func (b Blur) Size(shape []int) (int, error) {
	if len(shape) != 3 {
		return 0, fmt.Errorf("a blur wants images of shape [h, w, c], samples have shape %v", shape)
	}
	if !(b.Sigma > 0) {
		return 0, fmt.Errorf("the blur has Sigma %g; it must be positive", b.Sigma)
	}
	return count(shape), nil
}

func (b Blur) weights(n int) [][]float64 {
	w := make([][]float64, n)
	for i := range w {
		w[i] = make([]float64, n)
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

// Apply implements Operator.
func (b Blur) Apply(_ *odslib.Scope, x *odslib.Node) *odslib.Node {
	return separable(x, b.weights(x.Shape().Dimensions[1]), b.weights(x.Shape().Dimensions[2]))
}

// ApplyHost implements LinearOperator.
func (b Blur) ApplyHost(shape []int, x []float64) []float64 {
	return separableHost(shape, x, b.weights(shape[0]), b.weights(shape[1]))
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

// Apply implements Operator.
func (d Downsample) Apply(_ *odslib.Scope, x *odslib.Node) *odslib.Node {
	return separable(x, d.weights(x.Shape().Dimensions[1]), d.weights(x.Shape().Dimensions[2]))
}

// ApplyHost implements LinearOperator.
func (d Downsample) ApplyHost(shape []int, x []float64) []float64 {
	return separableHost(shape, x, d.weights(shape[0]), d.weights(shape[1]))
}

func separable(x *odslib.Node, rows, cols [][]float64) *odslib.Node {
	g := x.Graph()
	r, c := graph.Const(g, float32s(rows)), graph.Const(g, float32s(cols))
	return flat(graph.Einsum("bpwc,qw->bpqc", graph.Einsum("bhwc,ph->bpwc", x, r), c))
}

func separableHost(shape []int, x []float64, rows, cols [][]float64) []float64 {
	h, w, ch := shape[0], shape[1], shape[2]
	y := make([]float64, len(rows)*len(cols)*ch)
	for p, rw := range rows {
		for q, cw := range cols {
			for k := range ch {
				sum := 0.
				for i := range h {
					if rw[i] == 0 {
						continue
					}
					for j := range w {
						sum += rw[i] * cw[j] * x[(i*w+j)*ch+k]
					}
				}
				y[(p*len(cols)+q)*ch+k] = sum
			}
		}
	}
	return y
}

func float32s(rows [][]float64) [][]float32 {
	out := make([][]float32, len(rows))
	for i, row := range rows {
		out[i] = make([]float32, len(row))
		for j, v := range row {
			out[i][j] = float32(v)
		}
	}
	return out
}

// Func is any differentiable forward model: F maps x [B, shape…] to [B, M].
type Func struct {
	F func(x *odslib.Node) *odslib.Node
	M int
}

// Size implements Operator.
func (f Func) Size([]int) (int, error) {
	if f.F == nil || f.M < 1 {
		return 0, fmt.Errorf("the forward model needs F and the size M of its output")
	}
	return f.M, nil
}

// Apply implements Operator.
func (f Func) Apply(_ *odslib.Scope, x *odslib.Node) *odslib.Node {
	y := f.F(x)
	if want := engine.Float32(x.Shape().Dimensions[0], f.M); !y.Shape().Equal(want) {
		engine.Fail("the forward model turns %s into %s, it promised %s", x.Shape(), y.Shape(), want)
	}
	return y
}

// DenseOf is the matrix [m][d] of a linear operator on flat samples of the shape.
func DenseOf(a LinearOperator, shape []int) ([][]float64, error) {
	m, err := a.Size(shape)
	if err != nil {
		return nil, err
	}
	d := count(shape)
	out := make([][]float64, m)
	for i := range out {
		out[i] = make([]float64, d)
	}
	unit := make([]float64, d)
	for j := range d {
		unit[j] = 1
		for i, v := range a.ApplyHost(shape, unit) {
			out[i][j] = v
		}
		unit[j] = 0
	}
	return out, nil
}
