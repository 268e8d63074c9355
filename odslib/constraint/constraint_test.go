package constraint_test

import (
	"math"
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

// A Gaussian measurement's graph code must agree with its own quadratic form, which goes through the operator's host
// code: so both sides of every linear operator are held together.
func TestOperatorsAndQuadratic(t *testing.T) {
	image := []int{6, 4, 2}
	keep := make([]bool, 48)
	for i := range keep {
		keep[i] = i%5 == 0 || i%7 == 3
	}
	for name, c := range map[string]struct {
		a     constraint.Operator
		m     int
		shape []int
	}{
		"identity":   {constraint.Identity{}, 48, image},
		"mask":       {constraint.Mask{Keep: keep}, 15, image},
		"left half":  {constraint.LeftHalf(image), 24, image},
		"right half": {constraint.RightHalf(image), 24, image},
		"upper half": {constraint.UpperHalf(image), 24, image},
		"lower half": {constraint.LowerHalf(image), 24, image},
		"blur":       {constraint.Blur{Sigma: 1.3}, 48, image},
		"downsample": {constraint.Downsample{Factor: 2}, 12, image},
		"matrix":     {constraint.Matrix{{1, -2, .5}, {0, 3, 1}}, 2, []int{3}},
	} {
		m, err := c.a.Size(c.shape)
		if err != nil || m != c.m {
			t.Errorf("%s: size %d (%v), want %d", name, m, err, c.m)
			continue
		}
		y := make([]float64, m)
		for i := range y {
			y[i] = math.Sin(float64(i))
		}
		g := constraint.Gaussian{A: c.a, Y: y, Sigma: .7}
		if err := g.Check(c.shape); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		x := normals(2, append([]int{5}, c.shape...)...)
		h, b, c0, err := g.Quadratic(c.shape)
		if err != nil {
			t.Fatal(err)
		}
		for i, got := range logR(t, g, x) {
			want, row := c0, x.Row(i)
			for j, v := range row {
				want += b[j] * float64(v)
				for k, w := range row {
					want += .5 * h[j][k] * float64(v) * float64(w)
				}
			}
			if math.Abs(got-want) > 1e-4*(1+math.Abs(want)) {
				t.Errorf("%s: log r %.6f, its quadratic form %.6f", name, got, want)
			}
		}
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
	for _, m := range []constraint.ErrorModel{constraint.Normal{Sigma: .8}, constraint.T{Nu: 4, Scale: .6}} {
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
	if p, logZ, err := c.Posterior(prior); err != nil || p != odslib.Prior(target) || logZ != 0 {
		t.Errorf("posterior %v, log Z %g, %v", p, logZ, err)
	}
	if _, _, err := c.Posterior(priors.Gaussian([]float64{0, 0}, 1)); err == nil {
		t.Error("the posterior of another prior was claimed to be known")
	}
}

func TestErrorsOfOneLine(t *testing.T) {
	image := []int{8, 8, 1}
	y := make([]float64, 64)
	for want, c := range map[string]interface{ Check([]int) error }{
		"Sigma is 0":            constraint.Gaussian{A: constraint.Identity{}, Y: y},
		"Nu is -1":              constraint.StudentT{A: constraint.Identity{}, Y: y, Nu: -1, Scale: 1},
		"Y has 64 values":       constraint.Gaussian{A: constraint.Downsample{Factor: 2}, Y: y, Sigma: 1},
		"does not divide":       constraint.Gaussian{A: constraint.Downsample{Factor: 3}, Y: y, Sigma: 1},
		"keeps nothing":         constraint.Gaussian{A: constraint.Mask{Keep: make([]bool, 64)}, Y: y, Sigma: 1},
		"needs an operator":     constraint.Gaussian{Y: y, Sigma: 1},
		"the matrix has no":     constraint.Gaussian{A: constraint.Matrix{}, Y: y, Sigma: 1},
		"it must be positive":   constraint.Gaussian{A: constraint.Blur{}, Y: y, Sigma: 1},
		"needs F and the size":  constraint.Gaussian{A: constraint.Func{}, Y: y, Sigma: 1},
		"the tilt has no":       constraint.Tilt{},
		"Precision has 1 numbe": constraint.Tilt{Precision: []float64{1}},
		"has no function F":     constraint.Reward{},
	} {
		if err := c.Check(image); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("want one line with %q, got %v", want, err)
		}
	}
	if _, err := (constraint.HostReward{}).LogRHost(engine.NewArray(2, 2)); err == nil {
		t.Error("a reward without a function was evaluated")
	}
}
