package constraint

import (
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/gomlx/gomlx/core/graph"
	"gonum.org/v1/gonum/mat"

	"odslab/odslib"
	"odslab/odslib/engine"
)

// Operator is a forward model A: x [B, shape…] → [B, m].
type Operator interface {
	// Size is m for samples of the shape, or an error that says what does not fit.
	Size(shape []int) (int, error)
	Apply(scope *odslib.Scope, x *odslib.Node) *odslib.Node
}

// LinearOperator is an operator that also works on the host, one flat sample at a time; its matrix follows from that, its
// adjoint from the graph ([odslib.Adjoint]).
type LinearOperator interface {
	Operator
	ApplyHost(shape []int, x []float64) []float64
}

// Inverted is a linear operator with its pseudo-inverse A† as graph code, [B, m] → [B, shape…].
type Inverted interface {
	LinearOperator
	Lift(scope *odslib.Scope, shape []int, r *odslib.Node) *odslib.Node
}

var (
	_ Inverted       = Identity{}
	_ Inverted       = Matrix{}
	_ Inverted       = Mask{}
	_ Inverted       = Downsample{}
	_ LinearOperator = Blur{}
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

// shaped undoes flat.
func shaped(x *odslib.Node, shape []int) *odslib.Node {
	return graph.Reshape(x, append([]int{x.Shape().Dimensions[0]}, shape...)...)
}

// Identity observes x itself.
type Identity struct{}

// Size implements Operator.
func (Identity) Size(shape []int) (int, error) { return count(shape), nil }

// Apply implements Operator.
func (Identity) Apply(_ *odslib.Scope, x *odslib.Node) *odslib.Node { return flat(x) }

// ApplyHost implements LinearOperator.
func (Identity) ApplyHost(_ []int, x []float64) []float64 { return slices.Clone(x) }

// Lift implements Inverted.
func (Identity) Lift(_ *odslib.Scope, shape []int, r *odslib.Node) *odslib.Node {
	return shaped(r, shape)
}

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
		for j, v := range row {
			if v-v != 0 {
				return 0, fmt.Errorf("the matrix has %g in row %d, column %d", v, i, j)
			}
		}
	}
	return len(a), nil
}

// Params implements odslib.Parametrised.
func (a Matrix) Params() odslib.Params {
	p := odslib.Params{{Name: "matrix", Value: engine.FromRows(a)}}
	if inverse, ok := a.inverse(); ok {
		p = append(p, engine.Param{Name: "inverse", Value: inverse})
	}
	return p
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

// Lift implements Inverted.
func (a Matrix) Lift(scope *odslib.Scope, shape []int, r *odslib.Node) *odslib.Node {
	if !engine.Has(scope, "inverse") {
		engine.Fail("no pseudo-inverse of a matrix of %d×%d is kept: it is too large", len(a), len(a[0]))
	}
	return shaped(graph.Einsum("bm,dm->bd", r, engine.Var(scope, r.Graph(), "inverse")), shape)
}

// inverted is the last matrix whose pseudo-inverse was asked for: one posterior is asked many times.
var inverted atomic.Pointer[struct {
	of      Matrix
	inverse odslib.Array
}]

// inverse is A† [d, m] by singular values, those below 1e-12 of the largest left out; ok is false for matrices so large that
// it would take seconds.
func (a Matrix) inverse() (odslib.Array, bool) {
	if len(a) == 0 || len(a)*len(a[0])*min(len(a), len(a[0])) > 1<<24 {
		return odslib.Array{}, false
	}
	if last := inverted.Load(); last != nil && slices.EqualFunc(last.of, a, slices.Equal[[]float64]) {
		return last.inverse, true
	}
	m, d := len(a), len(a[0])
	dense := mat.NewDense(m, d, nil)
	for i, row := range a {
		dense.SetRow(i, row)
	}
	var svd mat.SVD
	if !svd.Factorize(dense, mat.SVDThin) {
		return odslib.Array{}, false
	}
	var u, v, out mat.Dense
	svd.UTo(&u)
	svd.VTo(&v)
	values := svd.Values(nil)
	for j, s := range values {
		for i := range d {
			if s > 1e-12*values[0] {
				v.Set(i, j, v.At(i, j)/s)
			} else {
				v.Set(i, j, 0)
			}
		}
	}
	out.Mul(&v, u.T())
	inverse := engine.NewArray(d, m)
	for i := range d {
		for j := range m {
			inverse.Row(i)[j] = float32(out.At(i, j))
		}
	}
	copied := make(Matrix, m)
	for i, row := range a {
		copied[i] = slices.Clone(row)
	}
	inverted.Store(&struct {
		of      Matrix
		inverse odslib.Array
	}{copied, inverse})
	return inverse, true
}

// Func is any differentiable forward model from x [B, shape…] to [B, M]. What F captures is a constant of the program: another
// value is another compilation. FWith finds the numbers of Numbers in its scope instead (engine.Var), and they may change.
type Func struct {
	F       func(x *odslib.Node) *odslib.Node
	FWith   func(scope *odslib.Scope, x *odslib.Node) *odslib.Node // in place of F
	Numbers odslib.Params
	M       int
}

// Size implements Operator.
func (f Func) Size([]int) (int, error) {
	if f.M < 1 {
		return 0, fmt.Errorf("the forward model needs the size M of its output")
	}
	return f.M, oneOf("forward model", f.F, f.FWith, f.Numbers)
}

// Params implements odslib.Parametrised.
func (f Func) Params() odslib.Params { return f.Numbers.Under("numbers") }

// Apply implements Operator.
func (f Func) Apply(scope *odslib.Scope, x *odslib.Node) *odslib.Node {
	y := call(f.F, f.FWith, scope, x)
	if want := engine.Float32(x.Shape().Dimensions[0], f.M); !y.Shape().Equal(want) {
		engine.Fail("the forward model turns %s into %s, it promised %s", x.Shape(), y.Shape(), want)
	}
	return y
}

// call is the user's own graph code, with its numbers in the scope or without.
func call(f func(x *odslib.Node) *odslib.Node, with func(scope *odslib.Scope, x *odslib.Node) *odslib.Node, scope *odslib.Scope, x *odslib.Node) *odslib.Node {
	if with != nil {
		return with(scope.At("numbers"), x)
	}
	return f(x)
}

func oneOf(what string, f func(x *odslib.Node) *odslib.Node, with func(scope *odslib.Scope, x *odslib.Node) *odslib.Node, numbers odslib.Params) error {
	switch {
	case f == nil && with == nil:
		return fmt.Errorf("the %s has no function F", what)
	case f != nil && with != nil:
		return fmt.Errorf("the %s has both F and FWith; one is enough", what)
	case f != nil && len(numbers) > 0:
		return fmt.Errorf("the %s has Numbers, which F cannot read; FWith can", what)
	}
	return nil
}

// fits refuses matrices that would fill the memory.
func fits(m, d int) error {
	if m > 1<<27/max(1, d) {
		return fmt.Errorf("a matrix of %d×%d numbers is too large; odslib.Gram and odslib.Adjoint do without", m, d)
	}
	return nil
}

// DenseOf is the matrix [m][d] of a linear operator on flat samples of the shape.
func DenseOf(a LinearOperator, shape []int) ([][]float64, error) {
	m, err := a.Size(shape)
	if err != nil {
		return nil, err
	}
	d := count(shape)
	if err := fits(m, d); err != nil {
		return nil, err
	}
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
