package odslib_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/graph"

	"odslab/odslib"
	"odslab/odslib/constraint"
	"odslab/odslib/engine"
	"odslab/odslib/priors"
)

func firstOf(x *odslib.Node) *odslib.Node {
	n := x.Shape().Dimensions[0]
	return graph.Reshape(graph.Slice(graph.Reshape(x, n, -1), graph.AxisRange(), graph.AxisRange(0, 1)), n)
}

// squares is a latent prior of a test: x = z², of an inner mixture; it has a generator too, which must not be asked.
type squares struct{ inner *priors.Mixture }

func (p squares) Shape() []int { return []int{2} }

func (p squares) Sample(ctx context.Context, n int, seed uint64) (odslib.Array, error) {
	z, err := p.inner.Sample(ctx, n, seed)
	for i, v := range z.Data {
		z.Data[i] = v * v
	}
	return z, err
}

func (p squares) Inner() odslib.Prior { return p.inner }

func (p squares) Params() odslib.Params {
	return odslib.Params{{Name: "power", Value: odslib.Array{Data: []float32{2}}}}
}

func (p squares) Decode(scope *odslib.Scope, z *odslib.Node) *odslib.Node {
	return graph.Pow(graph.Abs(z), graph.BroadcastToShape(engine.Var(scope, z.Graph(), "power"), z.Shape()))
}

func (p squares) NoiseShape() []int { return []int{5} }

func (p squares) Generate(*odslib.Scope, *odslib.Node) *odslib.Node { panic("the latent comes first") }

// hostMap is x = 2z on the host alone.
type hostMap struct{ wrong bool }

func (hostMap) Shape() []int { return []int{2} }

func (hostMap) NoiseShape() []int { return []int{2} }

func (h hostMap) Sample(ctx context.Context, n int, seed uint64) (odslib.Array, error) {
	z, err := odslib.Normal{Dims: []int{2}}.Sample(ctx, n, seed)
	if err != nil {
		return z, err
	}
	return h.GenerateHost(ctx, z)
}

func (h hostMap) GenerateHost(_ context.Context, z odslib.Array) (odslib.Array, error) {
	if h.wrong {
		return engine.NewArray(z.Len(), 3), nil
	}
	x := z.Clone()
	for i := range x.Data {
		x.Data[i] *= 2
	}
	return x, nil
}

// TestInside: log r of z is log r of x = f(z), for every kind of map and constraint, and its innermost forms are what the map
// and the constraint allow.
func TestInside(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles for seconds")
	}
	ctx := context.Background()
	line := constraint.Gaussian{A: constraint.Matrix{{1, -1}}, Y: []float64{3}, Sigma: .5}
	host := hostFunc(func(_ context.Context, x odslib.Array) ([]float64, error) {
		out := make([]float64, x.Len())
		for i := range out {
			out[i] = float64(x.Row(i)[0]) * float64(x.Row(i)[1])
		}
		return out, nil
	})
	hills := priors.InverseCDF{Weights: []float64{.3, .7}, Means: []float64{-2, 1.5}, Variances: []float64{.25, .64}, Dim: 2}
	for name, prior := range map[string]odslib.Prior{
		"affine": priors.Affine{W: [][]float64{{1, 2, 0}, {0, 1, 1}}, B: []float64{1, 2}}, "inverse CDF": hills, "latent": squares{priors.Grid25()}, "host": hostMap{},
		"normal": odslib.Normal{Dims: []int{2}},
	} {
		for what, c := range map[string]any{"graph": line, "host": host, "both kinds": constraint.All{line, host}, "known": constraint.Known{Constraint: line, Is: priors.Grid25()}, "none": nil} {
			post := odslib.Given(prior, c)
			in, err := post.Inside()
			if err != nil {
				t.Fatal(name, what, err)
			}
			z, err := in.Prior.Sample(ctx, 5000, 1)
			if err != nil {
				t.Fatal(err)
			}
			x, err := in.Out(ctx, z)
			if err != nil || !slices.Equal(x.Shape, []int{5000, 2}) {
				t.Fatal(name, what, x.Shape, err)
			}
			want, err := post.Rewards(ctx, x)
			if err != nil {
				t.Fatal(err)
			}
			got, err := in.Rewards(ctx, z)
			if err != nil {
				t.Fatal(name, what, err)
			}
			for i := range want {
				if !(math.Abs(got[i]-want[i]) <= 1e-3*(1+math.Abs(want[i]))) {
					t.Fatalf("%s, %s: log r of z %d is %g, of its x %g", name, what, i, got[i], want[i])
				}
			}
			_, inGraph := odslib.Can[odslib.Constraint](in.Constraint)
			if want := name != "host" && (what == "graph" || what == "known"); inGraph != want {
				t.Errorf("%s, %s: in the graph %v, want %v", name, what, inGraph, want)
			}
			_, linear := odslib.Can[odslib.Linear](in.Constraint)
			if want := name == "affine" && (what == "graph" || what == "known"); linear != want {
				t.Errorf("%s, %s: linear %v, want %v", name, what, linear, want)
			}
		}
	}
	for want, post := range map[string]odslib.Posterior{
		"no inside":            odslib.Given(priors.Grid25(), line),
		"W is empty":           odslib.Given(priors.Affine{}, nil),
		"no prior":             {},
		"row 0 of the matrix ": odslib.Given(hills, constraint.Gaussian{A: constraint.Matrix{{1}}, Y: []float64{1}, Sigma: 1}),
	} {
		if _, err := post.Inside(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
	in, err := odslib.Given(hostMap{wrong: true}, line).Inside()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := in.Rewards(ctx, normals(1, 4, 2)); err == nil || !strings.Contains(err.Error(), "shape [4 3] for 4 samples of shape [2]") {
		t.Errorf("a generator of the wrong shape: %v", err)
	}
}

// TestPulledBackForms: System, Quadratic and drawn y of the pulled-back constraint against the map written out.
func TestPulledBackForms(t *testing.T) {
	a := priors.Affine{W: [][]float64{{1, 2, 0}, {0, 1, 1}}, B: []float64{1, 2}}
	line := constraint.Gaussian{A: constraint.Matrix{{1, -1}, {2, 0}}, Y: []float64{3, 1}, Sigmas: []float64{.5, 2}}
	tilt := constraint.Tilt{Linear: []float64{1, 0}, Precision: []float64{.5, 2}, Center: []float64{0, 1}}
	for _, c := range []odslib.Constraint{line, tilt, constraint.All{tilt, line}} {
		in, err := odslib.Given(a, c).Inside()
		if err != nil {
			t.Fatal(err)
		}
		z := normals(3, 50, 3)
		r, err := in.Rewards(context.Background(), z)
		if err != nil {
			t.Fatal(err)
		}
		q, err := odslib.Need[odslib.Quadratic](in.Posterior, "x")
		if err != nil {
			t.Fatal(err)
		}
		h, b, c0, err := q.Quadratic([]int{3})
		if err != nil {
			t.Fatal(err)
		}
		l, linear := odslib.Can[odslib.Linear](in.Constraint)
		var s odslib.System
		if linear {
			if s, err = l.System([]int{3}); err != nil {
				t.Fatal(err)
			}
		}
		for i := range r {
			form, row := c0, z.Row(i)
			for j, v := range row {
				form += b[j] * float64(v)
				for k, w := range row {
					form += .5 * h[j][k] * float64(v) * float64(w)
				}
			}
			if math.Abs(form-r[i]) > 1e-4*(1+math.Abs(r[i])) {
				t.Fatalf("%T: quadratic form %g, log r %g", c, form, r[i])
			}
			if !linear {
				continue
			}
			sum := s.LogScale
			for j, y := range s.Y {
				for k, v := range row {
					y -= s.A[j][k] * float64(v)
				}
				sum -= .5 * (y*y + math.Log(2*math.Pi))
			}
			if math.Abs(sum-r[i]) > 1e-4*(1+math.Abs(r[i])) {
				t.Fatalf("%T: log N of the system %g, log r %g", c, sum, r[i])
			}
		}
		if _, one := c.(constraint.Gaussian); linear != one {
			t.Errorf("%T: linear %v", c, linear)
		}
	}
	// It is a value: two of the same parts are alike, and nothing in them is a function.
	one, err := odslib.Given(a, line).Inside()
	if err != nil {
		t.Fatal(err)
	}
	two, err := odslib.Given(a, line).Inside()
	if err != nil || fmt.Sprintf("%#v", one) != fmt.Sprintf("%#v", two) {
		t.Errorf("%#v and %#v, %v", one, two, err)
	}
	// Through a second map it is pulled back twice.
	twice, err := odslib.Given(priors.Affine{W: [][]float64{{1, 0}, {0, 2}, {1, 1}}}, one.Constraint).Inside()
	if err != nil {
		t.Fatal(err)
	}
	l, err := odslib.Need[odslib.Linear](twice.Posterior, "x")
	if err != nil {
		t.Fatal(err)
	}
	s, err := l.System(nil)
	// A·W = [[1, 1, −1], [2, 4, 0]], times the second map [[0, 1], [2, 8]], in units of σ.
	if want := "[[0 2] [1 4]]"; err != nil || fmt.Sprint(s.A) != want {
		t.Errorf("A = %v, %v; want %s", s.A, err, want)
	}
	if want := "[8 -0.5]"; fmt.Sprint(s.Y) != want { // y − A·b = (3+1, 1−2)
		t.Errorf("Y = %v, want %s", s.Y, want)
	}
}

// TestFamily: y is drawn from its error model around A(x); rows of y give the log r that each has alone; At is one of them.
func TestFamily(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles for seconds")
	}
	ctx := context.Background()
	line := constraint.Gaussian{A: constraint.Matrix{{1, -1}}, Y: []float64{3}, Sigma: .5}
	tail := constraint.StudentT{A: constraint.Identity{}, Y: []float64{0, 0}, Nu: 5, Scale: .3}
	for _, c := range []odslib.Constraint{line, tail, constraint.All{line, tail}} {
		f, err := odslib.FamilyOf(odslib.Given(priors.Grid25(), c))
		if err != nil {
			t.Fatal(err)
		}
		const n = 5001
		x, err := f.Prior.Sample(ctx, n, 1)
		if err != nil {
			t.Fatal(err)
		}
		y, err := f.Y(ctx, x, 2)
		if err != nil {
			t.Fatal(err)
		}
		again, err := f.Y(ctx, x, 2)
		if err != nil || !slices.Equal(y.Data, again.Data) || y.Len() != n {
			t.Fatalf("%T: another y for the same seed, or %v", c, err)
		}
		rows, err := f.Rows(y).Rewards(ctx, x)
		if err != nil {
			t.Fatal(err)
		}
		miss := make([]float64, y.Dim())
		for i := range n {
			v := x.Row(i)
			ax := map[int][]float64{1: {float64(v[0] - v[1])}, 2: {float64(v[0]), float64(v[1])}, 3: {float64(v[0] - v[1]), float64(v[0]), float64(v[1])}}[y.Dim()]
			for j, m := range ax {
				miss[j] += (float64(y.Row(i)[j]) - m) / n
			}
			if i%1000 != 0 {
				continue
			}
			one, err := f.At(y.Rows()[i]).Rewards(ctx, x.Slice(i, i+1))
			if err != nil || math.Abs(one[0]-rows[i]) > 1e-3*(1+math.Abs(one[0])) {
				t.Errorf("%T, row %d: log r %g alone, %g among others, %v", c, i, one[0], rows[i], err)
			}
		}
		for j, m := range miss {
			if math.Abs(m) > 4*.55/math.Sqrt(n) {
				t.Errorf("%T: y[%d] is off A(x) by %g in the mean", c, j, m)
			}
		}
	}
	short := normals(1, 3, 1)
	rows := odslib.Given(priors.Grid25(), line)
	rows.Given = &short
	if _, err := rows.Rewards(ctx, normals(1, 4, 2)); err == nil || !strings.Contains(err.Error(), "conditions for 3 samples, got 4") {
		t.Errorf("fewer conditions than samples: %v", err)
	}
	for _, c := range []any{constraint.Tilt{Linear: []float64{1, 0}}, constraint.HostReward{F: func([]float32) float64 { return 0 }}, constraint.All{line, constraint.Tilt{Linear: []float64{1, 0}}}} {
		if _, err := odslib.FamilyOf(odslib.Given(priors.Grid25(), c)); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%T is a family: %v", c, err)
		}
	}
}

// TestPullbackDraws: the error model of a pulled-back measurement is the measurement's.
func TestPullbackDraws(t *testing.T) {
	in, err := odslib.Given(priors.Affine{W: [][]float64{{1}, {2}}}, constraint.Gaussian{A: constraint.Identity{}, Y: []float64{0, 0}, Sigma: 1e-9}).Inside()
	if err != nil {
		t.Fatal(err)
	}
	e, err := odslib.Need[odslib.Experiment](in.Posterior, "x")
	if err != nil {
		t.Fatal(err)
	}
	y := e.DrawY([]float64{3, 6}, rand.New(rand.NewPCG(1, 1)))
	if math.Abs(y[0]-3)+math.Abs(y[1]-6) > 1e-7 {
		t.Errorf("y = %v", y)
	}
	r, err := odslib.Given(in.Prior, e.At(y)).Rewards(context.Background(), odslib.Array{Shape: []int{1, 1}, Data: []float32{3}})
	if err != nil || r[0] < 30 {
		t.Errorf("log r at the truth %v, %v", r, err)
	}
}
