package priors_test

import (
	"context"
	"math"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/graph"

	"odslab/odslib"
	"odslab/odslib/constraint"
	"odslab/odslib/diffusion"
	"odslab/odslib/engine"
	_ "odslab/odslib/engine/xla"
	"odslab/odslib/priors"
)

// tilted is a mixture with full covariances: the posterior of the grid under a measurement.
func tilted(t *testing.T) *priors.Mixture {
	t.Helper()
	c := constraint.Gaussian{A: constraint.Matrix{{1, -1}}, Y: []float64{3}, Sigma: .5}
	p, _, err := priors.Grid25().Exact(c)
	if err != nil {
		t.Fatal(err)
	}
	return p.(*priors.Mixture)
}

// Tweedie's formula ties the denoiser to the density, which is written apart from it in float64: x̂0 = (x + σ²∇log p_t)/α.
func TestDenoiserIsTweedie(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles for seconds")
	}
	for _, m := range []*priors.Mixture{priors.Grid25(), tilted(t), priors.Grid25().On(diffusion.Flow{}), priors.Grid25().On(diffusion.EDM{})} {
		for _, at := range []float64{.05, .3, .8} {
			a, s := m.Schedule().Alpha(at), m.Schedule().Sigma(at)
			clean, err := m.Sample(context.Background(), 40, 3)
			if err != nil {
				t.Fatal(err)
			}
			rng := engine.RNG(4, "test")
			for i := range clean.Data {
				clean.Data[i] = float32(a)*clean.Data[i] + float32(s*rng.NormFloat64())
			}
			got, err := priors.Denoised(m, clean, at)
			if err != nil {
				t.Fatal(err)
			}
			for i := range clean.Len() {
				x := []float64{float64(clean.Row(i)[0]), float64(clean.Row(i)[1])}
				for j := range x {
					const h = 1e-4
					up, down := append([]float64{}, x...), append([]float64{}, x...)
					up[j] += h
					down[j] -= h
					score := (m.LogDensityHost(up, a, s) - m.LogDensityHost(down, a, s)) / (2 * h)
					want := (x[j] + s*s*score) / a
					if d := math.Abs(float64(got.Row(i)[j]) - want); d > 2e-3*(1+math.Abs(want)) {
						t.Errorf("%T t=%g sample %d: x̂0 %.5f, by the score %.5f", m.Schedule(), at, i, got.Row(i)[j], want)
					}
				}
			}
		}
	}
}

// The graph's log-density is the host's, which integrates to one.
func TestLogDensity(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles for seconds")
	}
	e, err := engine.Open()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range []*priors.Mixture{priors.Grid25(), tilted(t)} {
		p, err := engine.NewProgram(e, m.Params(), func(scope *engine.Scope, in []*engine.Node) []*engine.Node {
			return []*engine.Node{m.LogDensity(scope, in[0], odslib.Level{T: in[1], Alpha: in[1], Sigma: in[2]})}
		})
		if err != nil {
			t.Fatal(err)
		}
		x, err := m.Sample(context.Background(), 20, 1)
		if err != nil {
			t.Fatal(err)
		}
		alpha, sigma := engine.NewArray(20), engine.NewArray(20)
		for i := range alpha.Data {
			alpha.Data[i], sigma.Data[i] = 1, .2
		}
		got, err := p.Call1(x.Tensor(), alpha.Tensor(), sigma.Tensor())
		if err != nil {
			t.Fatal(err)
		}
		for i := range x.Len() {
			want := m.LogDensityHost([]float64{float64(x.Row(i)[0]), float64(x.Row(i)[1])}, 1, .2)
			if math.Abs(float64(got.Data[i])-want) > 1e-3 {
				t.Errorf("sample %d: %.5f, host %.5f", i, got.Data[i], want)
			}
		}
		sum, h := 0., .05
		for a := -16.; a < 16; a += h {
			for b := -16.; b < 16; b += h {
				sum += math.Exp(m.LogDensityHost([]float64{a, b}, 1, .2)) * h * h
			}
		}
		if math.Abs(sum-1) > 1e-4 {
			t.Errorf("the density integrates to %.6f", sum)
		}
	}
}

// J-transpose products come from Gradient; the local covariance (σ²/α)·J of a Gaussian is known.
func TestJacobian(t *testing.T) {
	e, err := engine.Open()
	if err != nil {
		t.Fatal(err)
	}
	m := priors.Gaussian([]float64{1, 2}, 4)
	a, s := .8, .6
	p, err := engine.NewProgram(e, m.Params(), func(scope *engine.Scope, in []*engine.Node) []*engine.Node {
		x0 := m.Denoise(scope, in[0], odslib.Level{T: in[1], Alpha: in[1], Sigma: in[2]})
		return []*engine.Node{gradientOfFirst(x0, in[0])}
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := p.Call1([][]float32{{.3, -1}}, []float32{float32(a)}, []float32{float32(s)})
	if err != nil {
		t.Fatal(err)
	}
	want := a * 4 / (a*a*4 + s*s)
	if math.Abs(float64(got.Data[0])-want) > 1e-5 || math.Abs(float64(got.Data[1])) > 1e-6 {
		t.Errorf("first row of the Jacobian %v, want [%.5f 0]", got.Data, want)
	}
}

// Samples at one level and samples that each have theirs take different ways to the same x̂0, Jacobian and density.
func TestOneLevelForAll(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles for seconds")
	}
	e, err := engine.Open()
	if err != nil {
		t.Fatal(err)
	}
	cube := func(d int) *priors.Mixture {
		rng := engine.RNG(uint64(d), "test")
		means := make([][]float64, 5)
		for k := range means {
			means[k] = make([]float64, d)
			for j := range means[k] {
				means[k][j] = 3 * rng.NormFloat64()
			}
		}
		return priors.Isotropic([]float64{1, 2, 3, 4, 5}, means, .5)
	}
	for _, m := range []*priors.Mixture{priors.Grid25(), tilted(t), cube(1), cube(4), cube(5)} {
		d := m.Shape()[0]
		p, err := engine.NewProgram(e, m.Params(), func(scope *engine.Scope, in []*engine.Node) []*engine.Node {
			x, n := in[0], in[0].Shape().Dimensions[0]
			one := func(v *engine.Node) *engine.Node { // as At.Level makes it
				return graph.BroadcastToDims(graph.Squeeze(graph.Slice(v, graph.AxisRange(0, 1)), 0), n)
			}
			var out []*engine.Node
			for _, level := range []odslib.Level{{T: one(in[1]), Alpha: one(in[1]), Sigma: one(in[2])}, {T: in[1], Alpha: in[1], Sigma: in[2]}} {
				x0, logp := m.Denoise(scope, x, level), graph.ExpandAxes(m.LogDensity(scope, x, level), 1)
				out = append(out, graph.Concatenate([]*engine.Node{x0, gradientOfFirst(x0, x), logp, graph.Gradient(graph.ReduceAllSum(logp), x)[0]}, 1))
			}
			return []*engine.Node{graph.Concatenate(out, 1)}
		})
		if err != nil {
			t.Fatal(err)
		}
		x, alpha, sigma := make([][]float32, 30), make([]float32, 30), make([]float32, 30)
		rng := engine.RNG(7, "test")
		for i := range x {
			alpha[i], sigma[i], x[i] = .8, .6, make([]float32, d)
			for j := range x[i] {
				x[i][j] = float32(3 * rng.NormFloat64())
			}
		}
		x[0][0] = 300 // far from all components
		got, err := p.Call1(x, alpha, sigma)
		if err != nil {
			t.Fatal(err)
		}
		for i := range x {
			row := got.Row(i)
			half := len(row) / 2
			for j := range half {
				one, each := float64(row[j]), float64(row[half+j])
				if !(math.Abs(one-each) <= 2e-4*(1+math.Abs(each))) {
					t.Errorf("d=%d, sample %d, output %d: %g with one level for all, %g with a level for each", d, i, j, one, each)
				}
			}
		}
		p.Close()
	}
}

// TestChainsAtAnyScale: the reverse chain of 100 steps draws the grid of 25 at any scale and far from the origin: every mode
// has its weight, and its variance to a half.
func TestChainsAtAnyScale(t *testing.T) {
	const n = 4000
	for _, c := range []struct{ scale, mean float64 }{{.001, 0}, {.03, 1000}, {1, 0}, {30, 0}, {1000, 1000}} {
		grid, m := priors.Grid25(), &priors.Mixture{}
		f := c.scale / math.Sqrt(50.3)
		for k := range grid.Means {
			mean, variance := make([]float64, 2), make([]float64, 2)
			for j := range mean {
				mean[j], variance[j] = f*grid.Means[k][j]+c.scale*c.mean, f*f*grid.Variances[k][j]
			}
			m.Means, m.Variances = append(m.Means, mean), append(m.Variances, variance)
		}
		x, err := diffusion.Chain{}.Run(context.Background(), m, n, 1)
		if err != nil {
			t.Fatal(err)
		}
		count, within := make([]float64, 25), 0.
		for i := range n {
			best, at := math.Inf(1), 0
			for k, mean := range m.Means {
				if d := math.Hypot(float64(x.Row(i)[0])-mean[0], float64(x.Row(i)[1])-mean[1]); d < best {
					best, at = d, k
				}
			}
			count[at]++
			within += best * best / m.Variances[0][0] / 2 / n
		}
		tv := 0.
		for _, k := range count {
			tv += math.Abs(k/n-.04) / 2
		}
		t.Logf("scale %g, mean %g: variance of a mode %.2f of its own, TV of weights %.3f", c.scale, c.mean*c.scale, within, tv)
		if within > 1.6 || within < .9 || tv > .06 { // TV of an exact sample of 4000 is .03
			t.Errorf("scale %g, mean %g: variance of a mode %.2f of its own, TV of weights %.3f", c.scale, c.mean*c.scale, within, tv)
		}
	}
}

func TestMixtureErrors(t *testing.T) {
	for name, m := range map[string]*priors.Mixture{
		"no components":      {},
		"weights for":        {Weights: []float64{1, 2}, Means: [][]float64{{0}}, Variances: [][]float64{{1}}},
		"must be positive":   priors.Gaussian([]float64{0}, 0),
		"not negative":       priors.Isotropic([]float64{-1}, [][]float64{{0}}, 1),
		"all weights are 0":  priors.Isotropic([]float64{0, 0}, [][]float64{{0}, {1}}, 1),
		"component 1 has 2 ": {Means: [][]float64{{0}, {1, 2}}, Variances: [][]float64{{1}, {1, 1}}},
	} {
		if err := m.Err(); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("want an error with %q, got %v", name, err)
		}
	}
}

func gradientOfFirst(x0, x *engine.Node) *engine.Node {
	return graph.Gradient(graph.ReduceAllSum(graph.Slice(x0, graph.AxisRange(), graph.AxisRange(0, 1))), x)[0]
}
