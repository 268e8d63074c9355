package constraint_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/graph"

	"odslab/odslib"
	"odslab/odslib/constraint"
	"odslab/odslib/engine"
	_ "odslab/odslib/engine/xla"
	"odslab/odslib/priors"
)

func logR(t *testing.T, c odslib.Constraint, x odslib.Array) []float64 {
	t.Helper()
	e, err := engine.Open()
	if err != nil {
		t.Fatal(err)
	}
	var params odslib.Params
	if p, ok := c.(odslib.Parametrised); ok {
		params = p.Params()
	}
	p, err := engine.NewProgram(e, params, func(scope *engine.Scope, in []*engine.Node) []*engine.Node {
		return []*engine.Node{c.LogR(scope, in[0])}
	})
	if err != nil {
		t.Fatal(err)
	}
	a, err := p.Call1(x.Tensor())
	if err != nil {
		t.Fatalf("%T: %v", c, err)
	}
	out := make([]float64, len(a.Data))
	for i, v := range a.Data {
		out[i] = float64(v)
	}
	return out
}

func normals(seed uint64, shape ...int) odslib.Array {
	x, rng := engine.NewArray(shape...), engine.RNG(seed, "test")
	for i := range x.Data {
		x.Data[i] = float32(rng.NormFloat64())
	}
	return x
}

type operatorCase struct {
	a     constraint.LinearOperator
	m     int
	shape []int
}

// operators are all linear operators, some on images.
func operators() map[string]operatorCase {
	image := []int{6, 4, 2}
	keep := make([]bool, 48)
	for i := range keep {
		keep[i] = i%5 == 0 || i%7 == 3
	}
	return map[string]operatorCase{
		"identity":   {constraint.Identity{}, 48, image},
		"mask":       {constraint.Mask{Keep: keep}, 15, image},
		"left half":  {constraint.LeftHalf(image), 24, image},
		"right half": {constraint.RightHalf(image), 24, image},
		"upper half": {constraint.UpperHalf(image), 24, image},
		"lower half": {constraint.LowerHalf(image), 24, image},
		"blur":       {constraint.Blur{Sigma: 1.3}, 48, image},
		"downsample": {constraint.Downsample{Factor: 2}, 12, image},
		"matrix":     {constraint.Matrix{{1, -2, .5}, {0, 3, 1}}, 2, []int{3}},
		"tall":       {constraint.Matrix{{1, 0}, {1, 1}, {2, 1}}, 3, []int{2}}, // rank 2
		"deficient":  {constraint.Matrix{{1, 2, 0}, {2, 4, 0}}, 2, []int{3}},
	}
}

func sines(m int) []float64 {
	y := make([]float64, m)
	for i := range y {
		y[i] = math.Sin(float64(i))
	}
	return y
}

// job is graph code with its parameters.
type job struct {
	params odslib.Params
	f      func(scope *odslib.Scope, x *odslib.Node) *odslib.Node
}

// together runs the jobs on x in one program: a compilation each would take most of the time.
func together(t *testing.T, x odslib.Array, jobs ...job) []odslib.Array {
	t.Helper()
	e, err := engine.Open()
	if err != nil {
		t.Fatal(err)
	}
	var params odslib.Params
	for k, j := range jobs {
		params = append(params, j.params.Under(fmt.Sprint("job", k))...)
	}
	program, err := engine.NewProgram(e, params, func(scope *engine.Scope, in []*engine.Node) (out []*engine.Node) {
		for k, j := range jobs {
			out = append(out, j.f(scope.At("job%d", k), in[0]))
		}
		return out
	})
	if err != nil {
		t.Fatal(err)
	}
	defer program.Close()
	ts, err := program.Call(x.Tensor())
	if err != nil {
		t.Fatal(err)
	}
	out := make([]odslib.Array, len(ts))
	for k := range ts {
		if out[k], err = engine.ToArray(ts[k]); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// agree holds the graph's log r to the quadratic form.
func agree(t *testing.T, name string, shape []int, cs ...odslib.Quadratic) {
	t.Helper()
	x := normals(2, append([]int{5}, shape...)...)
	jobs := make([]job, len(cs))
	for k, c := range cs {
		jobs[k] = job{odslib.ParamsOf(c), c.LogR}
	}
	for k, got := range together(t, x, jobs...) {
		h, b, c0, err := cs[k].Quadratic(shape)
		if err != nil {
			t.Fatal(name, err)
		}
		for i, got := range got.Data {
			want, row := c0, x.Row(i)
			for j, v := range row {
				want += b[j] * float64(v)
				for k, w := range row {
					want += .5 * h[j][k] * float64(v) * float64(w)
				}
			}
			if math.Abs(float64(got)-want) > 1e-4*(1+math.Abs(want)) {
				t.Errorf("%s, %v: log r %.6f, its quadratic form %.6f", name, cs[k], got, want)
			}
		}
	}
}

// A Gaussian measurement's graph code must agree with its own quadratic form, which goes through the operator's host
// code: so both sides of every linear operator are held together, with one σ and with many, alone and with others.
func TestOperatorsAndQuadratic(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles for seconds")
	}
	for name, c := range operators() {
		m, err := c.a.Size(c.shape)
		if err != nil || m != c.m {
			t.Errorf("%s: size %d (%v), want %d", name, m, err, c.m)
			continue
		}
		one := constraint.Gaussian{A: c.a, Y: sines(m), Sigma: .7}
		sigmas := make([]float64, m)
		for i := range sigmas {
			sigmas[i] = .4 + .1*float64(i%7)
		}
		many := constraint.Gaussian{A: c.a, Y: sines(m), Sigmas: sigmas}
		d := engine.NewArray(append([]int{1}, c.shape...)...).Dim()
		tilt := constraint.Tilt{Linear: sines(d), Precision: make([]float64, d)}
		tilt.Precision[d-1] = .3
		cs := []odslib.Quadratic{one, many, constraint.All{one, many}, constraint.All{tilt, constraint.All{many}}}
		for _, g := range cs {
			if err := odslib.Given(odslib.Normal{Dims: c.shape}, g).Check(); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		agree(t, name, c.shape, cs...)
	}
}

// run evaluates graph code of the parameters.
func run(t *testing.T, p odslib.Params, f func(scope *odslib.Scope, in *odslib.Node) *odslib.Node, x odslib.Array) odslib.Array {
	t.Helper()
	return together(t, x, job{p, f})[0]
}

func closeTo(t *testing.T, what string, got []float32, want []float64, tolerance float64) {
	t.Helper()
	for i, w := range want {
		if !(math.Abs(float64(got[i])-w) <= tolerance*(1+math.Abs(w))) {
			t.Errorf("%s, value %d: %g, want %g", what, i, got[i], w)
			return
		}
	}
}

func times(a [][]float64, x []float32) []float64 { // A·x
	y := make([]float64, len(a))
	for i, row := range a {
		for j, v := range row {
			y[i] += v * float64(x[j])
		}
	}
	return y
}

func transposed(a [][]float64) [][]float64 {
	out := make([][]float64, len(a[0]))
	for j := range out {
		for i := range a {
			out[j] = append(out[j], a[i][j])
		}
	}
	return out
}

// Adjoint and Gram are the products of the system's matrix, alone and stacked; A·A† projects onto the columns of A, A†·A·A† = A†.
func TestProductsWithoutAMatrix(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles for seconds")
	}
	for name, c := range operators() {
		sigmas := make([]float64, c.m)
		for i := range sigmas {
			sigmas[i] = .5 + .2*float64(i%3)
		}
		one := constraint.Gaussian{A: c.a, Y: sines(c.m), Sigmas: sigmas}
		both := constraint.All{one, constraint.Gaussian{A: constraint.Identity{}, Y: sines(len(dense(t, one, c.shape).A[0])), Sigma: 2}}
		for what, g := range map[string]odslib.Linear{"one": one, "all": both} {
			s := dense(t, g, c.shape)
			v := normals(4, 3, len(s.A))
			out := together(t, v,
				job{odslib.ParamsOf(g), func(scope *odslib.Scope, v *odslib.Node) *odslib.Node { return odslib.Adjoint(g, scope, c.shape, v) }},
				job{odslib.ParamsOf(g), func(scope *odslib.Scope, v *odslib.Node) *odslib.Node { return odslib.Gram(g, scope, c.shape, v) }})
			if !slices.Equal(out[0].Shape[1:], c.shape) {
				t.Fatalf("%s: the adjoint has shape %v", name, out[0].Shape)
			}
			for i := range 3 {
				want := times(transposed(s.A), v.Row(i))
				closeTo(t, name+": adjoint, "+what, out[0].Row(i), want, 1e-5)
				x := make([]float32, len(want))
				for j := range x {
					x[j] = float32(want[j])
				}
				closeTo(t, name+": Gram, "+what, out[1].Row(i), times(s.A, x), 1e-5)
			}
		}
		lifted, ok := odslib.Can[odslib.Lifted](one)
		if _, has := c.a.(constraint.Inverted); ok != has {
			t.Errorf("%s: offers a lift: %v", name, ok)
		}
		if !ok {
			continue
		}
		r := normals(6, 3, c.m)
		a, err := constraint.DenseOf(c.a, c.shape)
		if err != nil {
			t.Fatal(err)
		}
		out := together(t, r,
			job{one.Params(), func(scope *odslib.Scope, r *odslib.Node) *odslib.Node { return lifted.Lift(scope, c.shape, r) }},
			job{one.Params(), func(scope *odslib.Scope, r *odslib.Node) *odslib.Node {
				return lifted.Lift(scope, c.shape, c.a.Apply(scope, lifted.Lift(scope, c.shape, r)))
			}},
			job{one.Params(), func(scope *odslib.Scope, r *odslib.Node) *odslib.Node {
				return c.a.Apply(scope, lifted.Lift(scope, c.shape, r))
			}})
		for i := range 3 {
			again := make([]float64, out[0].Dim())
			for j := range again {
				again[j] = float64(out[0].Row(i)[j])
			}
			closeTo(t, name+": A†·A·A†", out[1].Row(i), again, 1e-5)
			closeTo(t, name+": A·A†", out[2].Row(i), times(projection(a), r.Row(i)), 1e-5)
		}
	}
}

// projection is the orthogonal one onto the columns of a, by Gram–Schmidt: what A·A† must be.
func projection(a [][]float64) [][]float64 {
	m := len(a)
	p := make([][]float64, m)
	for i := range p {
		p[i] = make([]float64, m)
	}
	var basis [][]float64
	for _, col := range transposed(a) {
		for range 2 { // twice is enough
			for _, b := range basis {
				dot := 0.
				for i := range b {
					dot += b[i] * col[i]
				}
				for i := range b {
					col[i] -= dot * b[i]
				}
			}
		}
		norm := 0.
		for _, v := range col {
			norm += v * v
		}
		if norm < 1e-12 {
			continue
		}
		for i := range col {
			col[i] /= math.Sqrt(norm)
		}
		basis = append(basis, col)
		for i := range p {
			for j := range p {
				p[i][j] += col[i] * col[j]
			}
		}
	}
	return p
}

func dense(t *testing.T, c odslib.Linear, shape []int) odslib.System {
	t.Helper()
	s, err := c.System(shape)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestLargeImages: 64×64×3, where a matrix would have 150 million numbers: products go through the graph, the matrix is
// refused in one line. What is known of the adjoint: ⟨A·x, v⟩ = ⟨x, Aᵀ·v⟩.
func TestLargeImages(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles for seconds")
	}
	shape := []int{64, 64, 3}
	random := constraint.Mask{Keep: make([]bool, 64*64*3)}
	rng := engine.RNG(1, "test")
	for i := range random.Keep {
		random.Keep[i] = rng.Float64() < .4
	}
	for _, a := range []constraint.LinearOperator{constraint.Blur{Sigma: 2}, constraint.Downsample{Factor: 4}, random} {
		m, err := a.Size(shape)
		if err != nil {
			t.Fatal(err)
		}
		g := constraint.Gaussian{A: a, Y: make([]float64, m), Sigma: .5}
		x, v := normals(1, 2, 64, 64, 3), normals(2, 2, m)
		ax := run(t, g.Params(), func(scope *odslib.Scope, x *odslib.Node) *odslib.Node { return g.Whitened(scope, x, nil) }, x)
		back := run(t, g.Params(), func(scope *odslib.Scope, v *odslib.Node) *odslib.Node { return odslib.Adjoint(g, scope, shape, v) }, v)
		gram := run(t, g.Params(), func(scope *odslib.Scope, v *odslib.Node) *odslib.Node { return odslib.Gram(g, scope, shape, v) }, v)
		for i := range 2 {
			left, right, square, norm := 0., 0., 0., 0.
			for j, u := range v.Row(i) {
				left -= float64(ax.Row(i)[j]) * float64(u)
				square += float64(gram.Row(i)[j]) * float64(u)
			}
			for j, u := range back.Row(i) {
				right += float64(u) * float64(x.Row(i)[j])
				norm += float64(u) * float64(u)
			}
			host := 0.
			flat := make([]float64, x.Dim())
			for j, u := range x.Row(i) {
				flat[j] = float64(u)
			}
			for j, u := range a.ApplyHost(shape, flat) {
				host += u / .5 * float64(v.Row(i)[j])
			}
			if math.Abs(left-right) > 1e-3*math.Sqrt(norm) || math.Abs(left-host) > 1e-3*math.Sqrt(norm) || math.Abs(square/norm-1) > 1e-4 {
				t.Errorf("%T: ⟨Ax, v⟩ = %g (%g on the host), ⟨x, Aᵀv⟩ = %g, ⟨v, AAᵀv⟩ = %g, |Aᵀv|² = %g", a, left, host, right, square, norm)
			}
		}
	}
	blur := constraint.Gaussian{A: constraint.Blur{Sigma: 2}, Y: make([]float64, 64*64*3), Sigma: .5}
	if _, err := blur.System(shape); err == nil || !strings.Contains(err.Error(), "too large") {
		t.Errorf("a dense matrix of 12288 squared: %v", err)
	}
}

// TestNumbersAreParameters: graph code of one operator gives with the numbers of another what that other gives: it holds none
// itself, so a new one of the same shapes needs no compilation.
func TestNumbersAreParameters(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles for seconds")
	}
	image := []int{6, 4, 2}
	for _, pair := range [][2]constraint.Gaussian{
		{{A: constraint.Blur{Sigma: 1.3}, Y: sines(48), Sigma: 1}, {A: constraint.Blur{Sigma: .6}, Y: make([]float64, 48), Sigma: 2}},
		{{A: constraint.LeftHalf(image), Y: sines(24), Sigma: 1}, {A: constraint.LowerHalf(image), Y: make([]float64, 24), Sigma: 3}},
		{{A: constraint.Downsample{Factor: 2}, Y: sines(12), Sigma: 1}, {A: constraint.Downsample{Factor: 2}, Y: make([]float64, 12), Sigma: 3}},
	} {
		x := normals(3, 4, 6, 4, 2)
		want := logR(t, pair[1], x)
		got := run(t, pair[1].Params(), pair[0].LogR, x)
		grad := func(c constraint.Gaussian) odslib.Array {
			return run(t, pair[1].Params(), func(scope *odslib.Scope, x *odslib.Node) *odslib.Node {
				return graph.Gradient(graph.ReduceAllSum(c.LogR(scope, x)), x)[0]
			}, x)
		}
		closeTo(t, fmt.Sprintf("%T", pair[0].A), got.Data, want, 1e-6)
		a, b := grad(pair[0]), grad(pair[1])
		if !slices.Equal(a.Data, b.Data) {
			t.Errorf("%T: the gradient holds numbers of its own", pair[0].A)
		}
	}
	r := constraint.Reward{Numbers: odslib.Params{{Name: "y", Value: engine.FromVector([]float64{1, 2})}}, FWith: func(scope *odslib.Scope, x *odslib.Node) *odslib.Node {
		y := graph.BroadcastToShape(graph.ExpandAxes(engine.Var(scope, x.Graph(), "y"), 0), x.Shape())
		return graph.Neg(graph.ReduceSum(graph.Square(graph.Sub(x, y)), -1))
	}}
	if err := r.Check(nil); err != nil {
		t.Fatal(err)
	}
	if got := logR(t, r, odslib.Array{Shape: []int{1, 2}, Data: []float32{3, 3}})[0]; got != -5 {
		t.Errorf("a reward that reads its numbers gives %g, want -5", got)
	}
}

// A blur keeps a constant image, and halves stack up to the whole.
func TestBlurKeepsConstants(t *testing.T) {
	shape := []int{5, 7, 1}
	x := make([]float64, 35)
	for i := range x {
		x[i] = 2.5
	}
	for i, v := range (constraint.Blur{Sigma: 2}).ApplyHost(shape, x) {
		if math.Abs(v-2.5) > 1e-12 {
			t.Fatalf("pixel %d of a constant image became %g", i, v)
		}
	}
	upper, lower := constraint.UpperHalf(shape), constraint.LowerHalf(shape)
	for i := range upper.Keep {
		if upper.Keep[i] == lower.Keep[i] {
			t.Fatalf("pixel %d is in both halves or in neither", i)
		}
	}
}

// Error models are normalised densities: they integrate to 1 over y, also when widened.
func TestErrorModelsAreNormalised(t *testing.T) {
	e, err := engine.Open()
	if err != nil {
		t.Fatal(err)
	}
	const n, h = 40001, .01
	grid := engine.NewArray(n, 1)
	for i := range n {
		grid.Data[i] = float32((float64(i) - n/2) * h)
	}
	for _, m := range []constraint.ErrorModel{constraint.Normal{Sigma: .8}, constraint.Normal{Sigmas: []float64{.5}}, constraint.T{Nu: 4, Scale: .6}} {
		for _, extra := range []float64{0, .5} {
			p, err := engine.NewProgram(e, m.Params(), func(scope *engine.Scope, in []*engine.Node) []*engine.Node {
				return []*engine.Node{m.LogDensity(scope, in[0], graph.BroadcastToDims(in[1], n))}
			})
			if err != nil {
				t.Fatal(err)
			}
			a, err := p.Call1(grid.Tensor(), float32(extra))
			if err != nil {
				t.Fatal(err)
			}
			sum := 0.
			for _, v := range a.Data {
				sum += math.Exp(float64(v)) * h
			}
			if math.Abs(sum-1) > 2e-4 { // the t's tails beyond ±200 hold less than 1e-8
				t.Errorf("%+v widened by %g integrates to %.6f", m, extra, sum)
			}
		}
	}
	// scipy.stats.t.logpdf(1.3, 4, scale=.6) = -2.4218…; by hand: lgamma(2.5)−lgamma(2)−½log(4π)−log .6−2.5·log(1+(1.3/.6)²/4)
	c := constraint.StudentT{A: constraint.Identity{}, Y: []float64{1.3}, Nu: 4, Scale: .6}
	a, _ := math.Lgamma(2.5)
	want := a - .5*math.Log(4*math.Pi) - math.Log(.6) - 2.5*math.Log(1+1.3*1.3/.36/4)
	if got := logR(t, c, engine.NewArray(1, 1))[0]; math.Abs(got-want) > 1e-5 {
		t.Errorf("log density %.6f, want %.6f", got, want)
	}
}

// The ratio of two densities is what their difference says, and its posterior is the target.
func TestDensityRatio(t *testing.T) {
	prior := priors.Grid25()
	target := priors.Isotropic([]float64{1, 3}, [][]float64{{-5, 0}, {5, 5}}, .3)
	c := constraint.DensityRatio{Target: target, Prior: prior}
	x := odslib.Array{Shape: []int{2, 2}, Data: []float32{-5.2, .1, 4.5, 5.3}}
	for i, got := range logR(t, c, x) {
		row := []float64{float64(x.Row(i)[0]), float64(x.Row(i)[1])}
		want := target.LogDensityHost(row, 1, 0) - prior.LogDensityHost(row, 1, 0)
		if math.Abs(got-want) > 1e-4 {
			t.Errorf("log ratio %.5f, want %.5f", got, want)
		}
	}
	if p, logZ, err := odslib.Given(prior, c).Exact(); err != nil || p != odslib.Prior(target) || logZ != 0 {
		t.Errorf("posterior %v, log Z %g, %v", p, logZ, err)
	}
	if _, _, err := odslib.Given(priors.Gaussian([]float64{0, 0}, 1), c).Exact(); !errors.Is(err, odslib.ErrNoClosedForm) {
		t.Error("the posterior of another prior was claimed to be known")
	}
}

func TestErrorsOfOneLine(t *testing.T) {
	image := []int{8, 8, 1}
	y := make([]float64, 64)
	for want, c := range map[string]any{
		"Sigma is 0":                      constraint.Gaussian{A: constraint.Identity{}, Y: y},
		"Nu is -1":                        constraint.StudentT{A: constraint.Identity{}, Y: y, Nu: -1, Scale: 1},
		"64 values in Y":                  constraint.Gaussian{A: constraint.Downsample{Factor: 2}, Y: y, Sigma: 1},
		"does not divide":                 constraint.Gaussian{A: constraint.Downsample{Factor: 3}, Y: y, Sigma: 1},
		"keeps nothing":                   constraint.Gaussian{A: constraint.Mask{Keep: make([]bool, 64)}, Y: y, Sigma: 1},
		"needs an operator":               constraint.Gaussian{Y: y, Sigma: 1},
		"the matrix has no":               constraint.Gaussian{A: constraint.Matrix{}, Y: y, Sigma: 1},
		"it must be positive":             constraint.Gaussian{A: constraint.Blur{}, Y: y, Sigma: 1},
		"needs the size M":                constraint.Gaussian{A: constraint.Func{}, Y: y, Sigma: 1},
		"the tilt has no":                 constraint.Tilt{},
		"Precision has 1 numbe":           constraint.Tilt{Precision: []float64{1}},
		"reward has no function F":        constraint.Reward{},
		"function F":                      constraint.HostReward{},
		"Chunk -1":                        constraint.Batched{F: func(context.Context, odslib.Array) ([]float64, error) { return nil, nil }, Chunk: -1},
		"both F and FWith":                constraint.Reward{F: first, FWith: func(_ *odslib.Scope, x *odslib.Node) *odslib.Node { return first(x) }},
		"F cannot read":                   constraint.Reward{F: first, Numbers: odslib.Params{{Name: "y"}}},
		"no parts":                        constraint.All{},
		"part 1: constraint: Sigma is -1": constraint.All{constraint.Reward{F: first}, constraint.Gaussian{A: constraint.Identity{}, Y: y, Sigma: -1}},
		"int is not a constraint":         constraint.All{7},
		"part 0 is nil":                   constraint.All{nil},
		"Sigma and Sigmas":                constraint.Gaussian{A: constraint.Identity{}, Y: y, Sigma: 1, Sigmas: y},
		"2 values in Sigmas for 64":       constraint.Gaussian{A: constraint.Identity{}, Y: y, Sigmas: []float64{1, 2}},
		"Sigmas[0] is 0":                  constraint.Gaussian{A: constraint.Identity{}, Y: y, Sigmas: y},
		"prior Of is nil":                 constraint.LogDensity{},
		"shape [2], the posterior's":      constraint.LogDensity{Of: priors.Grid25()},
		"Is is nil":                       constraint.Known{Constraint: constraint.Reward{F: first}},
		"samples of shape [2], the prior": constraint.Known{Constraint: constraint.Reward{F: first}, Is: priors.Grid25()},
		"string is not a constraint":      constraint.Known{Constraint: "?", Is: odslib.Normal{Dims: image}},
		"the matrix has NaN":              constraint.Gaussian{A: constraint.Matrix{make64(math.NaN())}, Y: y[:1], Sigma: 1},
	} {
		if err := odslib.Given(odslib.Normal{Dims: image}, c).Check(); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("want one line with %q, got %v", want, err)
		}
	}
	if _, err := (constraint.HostReward{}).LogRHost(context.Background(), engine.NewArray(2, 2)); err == nil {
		t.Error("a reward without a function was evaluated")
	}
}

func make64(first float64) []float64 {
	v := make([]float64, 64)
	v[0] = first
	return v
}

// first is the first value of each sample.
func first(x *odslib.Node) *odslib.Node {
	n := x.Shape().Dimensions[0]
	return graph.Reshape(graph.Slice(graph.Reshape(x, n, -1), graph.AxisRange(), graph.AxisRange(0, 1)), n)
}
