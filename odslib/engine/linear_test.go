package engine_test

import (
	"context"
	"fmt"
	"math"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"gonum.org/v1/gonum/mat"

	"odslab/odslib/engine"
)

// eachEngine runs the test on the engine of this test run and on pure Go.
func eachEngine(t *testing.T, test func(t *testing.T, e *engine.Engine)) {
	t.Helper()
	e := open(t)
	t.Run(e.Name, func(t *testing.T) { test(t, e) })
	if e.Name == "go" {
		return
	}
	e, err := engine.Choose("go")
	if err != nil {
		t.Fatal(err)
	}
	t.Run(e.Name, func(t *testing.T) { test(t, e) })
}

type code = func(in []*engine.Node) []*engine.Node

// evaluate runs graph code once.
func evaluate(t *testing.T, e *engine.Engine, f code, inputs ...engine.Array) []engine.Array {
	t.Helper()
	p, err := engine.NewProgram(e, nil, func(_ *engine.Scope, in []*engine.Node) []*engine.Node { return f(in) })
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	args := make([]any, len(inputs))
	for i, a := range inputs {
		args[i] = a.Tensor()
	}
	ts, err := p.Call(args...)
	if err != nil {
		t.Fatal(err)
	}
	defer engine.Free(ts...)
	return arrays(t, ts)
}

func arrays(t *testing.T, ts []*tensors.Tensor) []engine.Array {
	t.Helper()
	out := make([]engine.Array, len(ts))
	for i, o := range ts {
		var err error
		if out[i], err = engine.ToArray(o); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// difference is the derivative of f at x in direction v, extrapolated from central differences.
func difference(f func(x engine.Array) engine.Array, x, v engine.Array) engine.Array {
	at := func(h float32) engine.Array {
		moved := x.Clone()
		for i := range moved.Data {
			moved.Data[i] += h * v.Data[i]
		}
		return f(moved)
	}
	slope := func(h float32) engine.Array {
		up, down := at(h), at(-h)
		for i := range up.Data {
			up.Data[i] = (up.Data[i] - down.Data[i]) / (2 * h)
		}
		return up
	}
	const h = .04
	fine, coarse := slope(h/2), slope(h)
	for i := range fine.Data {
		fine.Data[i] = (4*fine.Data[i] - coarse.Data[i]) / 3
	}
	return fine
}

func dot(a, b engine.Array) (sum float64) {
	for i, v := range a.Data {
		sum += float64(v) * float64(b.Data[i])
	}
	return sum
}

// curved is a map [3, 4] → [3, 3] with what networks and mixtures are made of; its rows do not depend on each other.
func curved(x *engine.Node) *engine.Node {
	g := x.Graph()
	w := graph.Sin(graph.MulScalar(graph.IotaFull(g, engine.Float32(4, 5)), 1.3))
	h := graph.Tanh(graph.Dot(x, w).Product())
	left := graph.Slice(h, graph.AxisRange(), graph.AxisRange(0, 2))
	spaced := graph.Slice(h, graph.AxisRange(), graph.AxisRange(0, 5).Stride(2)) // 3 of 5
	soft := graph.Softmax(spaced, -1)
	size := graph.Sqrt(graph.AddScalar(graph.ReduceAndKeep(graph.Square(left), graph.ReduceSum, 1), 1))
	padded := graph.Pad(left, graph.ScalarOne(g, left.DType()), compute.PadAxis{}, compute.PadAxis{Interior: 1})
	return graph.Add(graph.Div(graph.Mul(soft, graph.Exp(padded)), size), graph.Log(graph.OnePlus(graph.Square(spaced))))
}

func TestJacobianProducts(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles for seconds")
	}
	eachEngine(t, func(t *testing.T, e *engine.Engine) {
		x, v, u := normals(1, 3, 4), normals(2, 3, 4), normals(3, 3, 3)
		out := evaluate(t, e, func(in []*engine.Node) []*engine.Node {
			y := curved(in[0])
			return []*engine.Node{engine.JVP(y, in[0], in[1]), engine.VJP(y, in[0], in[2])}
		}, x, v, u)
		want := difference(func(x engine.Array) engine.Array {
			return evaluate(t, e, func(in []*engine.Node) []*engine.Node { return []*engine.Node{curved(in[0])} }, x)[0]
		}, x, v)
		for i := range want.Data {
			near(t, fmt.Sprintf("J·v, value %d", i), float64(out[0].Data[i]), float64(want.Data[i]), 1e-4)
		}
		near(t, "uᵀ(J·v) = (Jᵀu)ᵀ·v", dot(u, out[0]), dot(out[1], v), 1e-5)
	})
}

// The products of a step's Jacobian inside a loop are those outside.
func TestJacobianProductsInLoop(t *testing.T) {
	e := open(t)
	x, v, u := normals(1, 3, 4), normals(2, 3, 4), normals(3, 3, 3)
	products := func(x, v, u *engine.Node) (jv, ju *engine.Node) {
		y := curved(x)
		return engine.JVP(y, x, v), engine.VJP(y, x, u)
	}
	want := evaluate(t, e, func(in []*engine.Node) []*engine.Node {
		jv, ju := products(in[0], in[1], in[2])
		return []*engine.Node{jv, ju}
	}, x, v, u)
	loop := engine.Loop{Step: engine.Step{Build: func(_ *engine.Scope, s []*engine.Node, row *engine.Node) []*engine.Node {
		jv, ju := products(s[0], s[1], s[2])
		return []*engine.Node{s[0], s[1], s[2], jv, ju}
	}}}
	defer loop.Close()
	out, _, err := loop.Run(context.Background(), []*tensors.Tensor{x.Tensor(), v.Tensor(), u.Tensor(), engine.NewArray(3, 3).Tensor(), engine.NewArray(3, 4).Tensor()}, table(2), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer engine.Free(out...)
	for k, got := range arrays(t, out[3:]) {
		for i := range got.Data {
			near(t, fmt.Sprintf("product %d, value %d", k, i), float64(got.Data[i]), float64(want[k].Data[i]), 1e-5)
		}
	}
}

// definite are n random symmetric positive definite matrices [n, m, m].
func definite(seed uint64, n, m int) engine.Array {
	root, out := normals(seed, n, m, m), engine.NewArray(n, m, m)
	for k := range n {
		r := root.Row(k)
		for i := range m {
			for j := range m {
				for l := range m {
					out.Row(k)[i*m+j] += r[i*m+l] * r[j*m+l] / float32(m)
				}
			}
			out.Row(k)[i*m+i] += .3
		}
	}
	return out
}

func symmetric(row []float32, m int) *mat.SymDense {
	a := mat.NewSymDense(m, nil)
	for i := range m {
		for j := range i + 1 {
			a.SetSym(i, j, float64(row[i*m+j]))
		}
	}
	return a
}

func TestCholesky(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles for seconds")
	}
	eachEngine(t, func(t *testing.T, e *engine.Engine) {
		for _, m := range []int{1, 2, 5, 8} {
			const n, k = 3, 2
			a, b, v := definite(uint64(m), n, m), normals(9, n, m, k), normals(8, n, m)
			out := evaluate(t, e, func(in []*engine.Node) []*engine.Node {
				c := engine.NewCholesky(in[0], 0)
				return []*engine.Node{c.LogDet(), c.Solve(in[1]), c.Solve(in[2]), c.Whiten(in[2])}
			}, a, b, v)
			for i := range n {
				var c mat.Cholesky
				if !c.Factorize(symmetric(a.Row(i), m)) {
					t.Fatal("not positive definite")
				}
				near(t, fmt.Sprintf("log |A|, m=%d", m), float64(out[0].Data[i]), c.LogDet(), 2e-5)
				x, right := mat.NewDense(m, k, nil), mat.NewDense(m, k, nil)
				for r := range m {
					for s := range k {
						right.Set(r, s, float64(b.Row(i)[r*k+s]))
					}
				}
				if err := c.SolveTo(x, right); err != nil {
					t.Fatal(err)
				}
				for j, got := range out[1].Row(i) {
					near(t, fmt.Sprintf("A⁻¹b, m=%d, value %d", m, j), float64(got), x.At(j/k, j%k), 1e-5*mat.Norm(x, 2))
				}
				quad := 0.
				for _, w := range out[3].Row(i) {
					quad += float64(w) * float64(w)
				}
				near(t, fmt.Sprintf("vᵀA⁻¹v, m=%d", m), quad, dot(engine.Array{Data: v.Row(i)}, engine.Array{Data: out[2].Row(i)}), 2e-5*(1+quad))
			}
		}
	})
}

// A log-density of a Gaussian by the factor has the gradient that differences say, in the matrix and in the vector.
func TestCholeskyGradient(t *testing.T) {
	eachEngine(t, func(t *testing.T, e *engine.Engine) {
		const n, m = 2, 4
		value := func(in []*engine.Node) *engine.Node {
			a := graph.MulScalar(graph.Add(in[0], graph.Transpose(in[0], 1, 2)), .5)
			c := engine.NewCholesky(a, 0)
			return graph.Add(graph.ReduceSum(graph.Square(c.Whiten(in[1])), 1), graph.Add(c.LogDet(), graph.ReduceSum(c.Solve(in[1]), 1)))
		}
		inputs := []engine.Array{definite(3, n, m), normals(4, n, m)}
		grads := evaluate(t, e, func(in []*engine.Node) []*engine.Node {
			return graph.Gradient(graph.ReduceAllSum(value(in)), in...)
		}, inputs...)
		for k := range inputs {
			direction := normals(uint64(5+k), inputs[k].Shape...)
			for i := range direction.Data {
				direction.Data[i] /= 5 // the matrix must stay positive definite
			}
			slope := difference(func(x engine.Array) engine.Array {
				moved := []engine.Array{inputs[0], inputs[1]}
				moved[k] = x
				return evaluate(t, e, func(in []*engine.Node) []*engine.Node { return []*engine.Node{value(in)} }, moved...)[0]
			}, inputs[k], direction)
			near(t, fmt.Sprintf("slope in input %d", k), dot(grads[k], direction), float64(slope.Data[0]+slope.Data[1]), 2e-3)
		}
	})
}

func TestCholeskyOfOneMatrixAndOfNone(t *testing.T) {
	e := open(t)
	one, b := definite(1, 1, 3), normals(2, 5, 3)
	many := engine.NewArray(5, 3, 3)
	for i := range 5 {
		copy(many.Row(i), one.Data)
	}
	solve := func(in []*engine.Node) []*engine.Node {
		c := engine.NewCholesky(in[0], 0)
		return []*engine.Node{c.Solve(in[1]), c.LogDet()}
	}
	got, want := evaluate(t, e, solve, one, b), evaluate(t, e, solve, many, b)
	for i := range want[0].Data {
		near(t, "one matrix for all", float64(got[0].Data[i]), float64(want[0].Data[i]), 1e-6)
	}
	bad := evaluate(t, e, solve, engine.Array{Shape: []int{1, 2, 2}, Data: []float32{1, 2, 2, 1}}, engine.NewArray(1, 2))
	if !math.IsNaN(float64(bad[1].Data[0])) {
		t.Errorf("log |A| of a matrix that is not positive definite is %v", bad[1].Data)
	}
	for want, shapes := range map[string][2][]int{
		"[B, m, m]": {{2, 3, 4}, {2, 3}},
		"at most":   {{1, 40, 40}, {1, 40}},
		"4 rows":    {{2, 3, 3}, {2, 4}},
	} {
		p, err := engine.NewProgram(e, nil, func(_ *engine.Scope, in []*engine.Node) []*engine.Node { return solve(in) })
		if err != nil {
			t.Fatal(err)
		}
		_, err = p.Call(engine.NewArray(shapes[0]...).Tensor(), engine.NewArray(shapes[1]...).Tensor())
		oneLine(t, want, err, want)
		p.Close()
	}
}

func TestConjugateGradients(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles for seconds")
	}
	eachEngine(t, func(t *testing.T, e *engine.Engine) {
		const n, m = 3, 20
		a, b := definite(1, n, m), normals(2, n, m)
		clear(b.Row(1)) // solved before it begins
		run := func(iterations int) (x, residual engine.Array) {
			out := evaluate(t, e, func(in []*engine.Node) []*engine.Node {
				x, r := engine.ConjugateGradients(func(v *engine.Node) *engine.Node { return graph.Einsum("bij,bj->bi", in[0], v) }, in[1], iterations)
				return []*engine.Node{x, r}
			}, a, b)
			return out[0], out[1]
		}
		x, residual := run(m + 5)
		for i := range n {
			var c mat.Cholesky
			c.Factorize(symmetric(a.Row(i), m))
			var want mat.VecDense
			right := make([]float64, m)
			for j, v := range b.Row(i) {
				right[j] = float64(v)
			}
			if err := c.SolveVecTo(&want, mat.NewVecDense(m, right)); err != nil {
				t.Fatal(err)
			}
			for j, got := range x.Row(i) {
				near(t, fmt.Sprintf("system %d, value %d", i, j), float64(got), want.AtVec(j), 1e-4)
			}
			near(t, "residual", float64(residual.Data[i]), 0, 1e-5)
		}
		if _, residual := run(2); residual.Data[0] < .01 || residual.Data[1] != 0 {
			t.Errorf("residuals after 2 of %d iterations: %v", m, residual.Data)
		}
	})
}

// A step may solve a system whose matrix is part of its state, and be differentiated beside it.
func TestConjugateGradientsInLoop(t *testing.T) {
	open(t)
	const n, m = 2, 6
	loop := engine.Loop{Step: engine.Step{Build: func(_ *engine.Scope, s []*engine.Node, _ *engine.Node) []*engine.Node {
		x, _ := engine.ConjugateGradients(func(v *engine.Node) *engine.Node { return graph.Einsum("bij,bj->bi", s[1], v) }, s[0], m)
		slope := graph.Gradient(graph.ReduceAllSum(graph.Mul(graph.Square(s[2]), x)), s[2])[0] // 2·s·x
		return []*engine.Node{x, s[1], graph.MulScalar(slope, .5)}
	}}}
	defer loop.Close()
	a, b := definite(7, n, m), normals(8, n, m)
	ones := engine.NewArray(n, m)
	for i := range ones.Data {
		ones.Data[i] = 1
	}
	out, _, err := loop.Run(context.Background(), []*tensors.Tensor{b.Tensor(), a.Tensor(), ones.Tensor()}, table(2), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer engine.Free(out...)
	got := arrays(t, out)
	for i := range n {
		var c mat.Cholesky
		c.Factorize(symmetric(a.Row(i), m))
		var x, y mat.VecDense
		right := make([]float64, m)
		for j, v := range b.Row(i) {
			right[j] = float64(v)
		}
		if err := c.SolveVecTo(&x, mat.NewVecDense(m, right)); err != nil {
			t.Fatal(err)
		}
		if err := c.SolveVecTo(&y, &x); err != nil {
			t.Fatal(err)
		}
		for j := range m {
			near(t, fmt.Sprintf("A⁻²b, row %d, value %d", i, j), float64(got[0].Row(i)[j]), y.AtVec(j), 2e-4*(1+math.Abs(y.AtVec(j))))
			near(t, fmt.Sprintf("slope, row %d, value %d", i, j), float64(got[2].Row(i)[j]), x.AtVec(j)*y.AtVec(j), 1e-3*(1+math.Abs(x.AtVec(j)*y.AtVec(j))))
		}
	}
}
