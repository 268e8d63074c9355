package guide_test

import (
	"context"
	"math"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/graph"

	"odslab/odslib"
	"odslab/odslib/constraint"
	"odslab/odslib/diffusion"
	"odslab/odslib/exact"
	"odslab/odslib/guide"
	"odslab/odslib/measure"
	"odslab/odslib/priors"
)

// TestDiffPIRIsItsRecursion: under N(0, s²) every step of DiffPIR is linear, so that mean and variance of its samples follow a
// recursion of numbers. Nothing but the schedule is shared with the sampler.
func TestDiffPIRIsItsRecursion(t *testing.T) {
	const n, steps, y, sigma, zeta = 20000, 50, 1.5, .5, .4
	for _, s := range []float64{1, 2} {
		sch, v := diffusion.VPLinear{}, s*s
		mean, variance := 0., sch.Alpha(1)*sch.Alpha(1)*v+sch.Sigma(1)*sch.Sigma(1)
		for k := steps; k > 0; k-- {
			at, st := sch.Alpha(float64(k)/steps), sch.Sigma(float64(k)/steps)
			as, ss := sch.Alpha(float64(k-1)/steps), sch.Sigma(float64(k-1)/steps)
			w := st * st / (at * at * sigma * sigma)
			w /= 1 + w
			c := at * v / (at*at*v + st*st) // x̂0 = c·x_t
			// x* = (1−w)·x̂0 + w·y, x_s = a·x_t + (α_s − a·α_t)·x* + std·ε
			a := ss * math.Sqrt(1-zeta) / st
			b := as - a*at
			gain := a + b*(1-w)*c
			mean, variance = gain*mean+b*w*y, gain*gain*variance+ss*ss*zeta
		}
		post := odslib.Given(priors.Gaussian([]float64{0}, s*s), constraint.Gaussian{A: constraint.Identity{}, Y: []float64{y}, Sigma: sigma})
		r := sample(t, guide.DiffPIR{Steps: steps, Zeta: zeta}, post, n, 3)
		x := make([]float64, n)
		for i := range x {
			x[i] = float64(r.Samples.Data[i])
		}
		m, va := moments(x)
		t.Logf("s=%g: mean %.4f (%.4f), variance %.4f (%.4f); posterior %.4f, %.4f", s, m, mean, va, variance, y*v/(v+sigma*sigma), v*sigma*sigma/(v+sigma*sigma))
		// Four standard errors.
		if math.Abs(m-mean) > 4*math.Sqrt(variance/n) || math.Abs(va/variance-1) > 4*math.Sqrt(2./n) {
			t.Errorf("s=%g: mean %.4f, not %.4f; variance %.4f, not %.4f", s, m, mean, va, variance)
		}
	}
}

// TestDiffPIRDescends: where only the gradient of log r is known, descent finds what the closed form has: the same noise gives
// the same samples, on one measurement and on three that see their directions with very different sharpness.
func TestDiffPIRDescends(t *testing.T) {
	for name, m := range map[string]constraint.Gaussian{
		"one":   {A: constraint.Matrix{{1, .5, 0}}, Y: []float64{1.5}, Sigma: .2},
		"three": {A: constraint.Matrix{{1, .5, 0}, {0, 3, 0}, {1, 0, -1}}, Y: []float64{1.5, -1, .3}, Sigma: .3},
	} {
		prior := priors.Gaussian([]float64{0, 1, 2}, 1.5)
		a := sample(t, guide.DiffPIR{Steps: 30}, odslib.Given(prior, m), 200, 4)
		hidden := constraint.Reward{F: func(x *odslib.Node) *odslib.Node {
			var sum *odslib.Node
			for i, row := range m.A.(constraint.Matrix) {
				e := graph.Const(x.Graph(), float32(m.Y[i]))
				r := graph.BroadcastToDims(e, x.Shape().Dimensions[0])
				for j, w := range row {
					r = graph.Sub(r, graph.MulScalar(graph.Reshape(graph.Slice(x, graph.AxisRange(), graph.AxisElem(j)), -1), w))
				}
				if sum == nil {
					sum = graph.Square(r)
				} else {
					sum = graph.Add(sum, graph.Square(r))
				}
			}
			return graph.MulScalar(sum, -.5/(m.Sigma*m.Sigma))
		}}
		b := sample(t, guide.DiffPIR{Steps: 30, Inner: 40}, odslib.Given(prior, hidden), 200, 4)
		worst := 0.
		for i, v := range a.Samples.Data {
			worst = math.Max(worst, math.Abs(float64(v-b.Samples.Data[i])))
		}
		t.Logf("%s: %.5f apart", name, worst)
		if worst > .03 {
			t.Errorf("%s: descent and closed form are %.4f apart", name, worst)
		}
	}
}

// TestSplitGibbs: at a fixed η its stationary law is that of the posterior with an error of σ² + η²AAᵀ. On T13 that is known,
// for a unit and for a wide prior; and with the published fall of η it is near the posterior itself.
func TestSplitGibbs(t *testing.T) {
	if testing.Short() {
		t.Skip("statistics")
	}
	const n = 10000
	for _, s := range []float64{1, 2} {
		for _, eta := range []float64{.4, 0} {
			g := guide.SplitGibbs{Rounds: 30, Steps: 20, First: eta, Last: eta}
			blur := eta
			if eta == 0 {
				g.Rounds, blur = 60, .1
			}
			r := sample(t, g, exact.T13(s).Post, n, 2)
			u, v := make([]float64, n), make([]float64, n)
			for i := range n {
				x, y := float64(r.Samples.Row(i)[0]), float64(r.Samples.Row(i)[1])
				u[i], v[i] = (x+.5*y)/math.Sqrt(1.25), (y-.5*x)/math.Sqrt(1.25)
			}
			noise := .25 + blur*blur*1.25
			along := 1 / (1/(s*s) + 1.25/noise)
			mean := along * math.Sqrt(1.25) * 1.5 / noise
			m, va := moments(u)
			_, vb := moments(v)
			t.Logf("s=%g, η=%g: mean %.4f (%.4f), variance along %.4f (%.4f), across %.4f (%.4f)", s, eta, m, mean, va, along, vb, s*s)
			// Four errors of 10,000 draws: .06 of a variance, .04 of a deviation.
			if math.Abs(m-mean) > .04*math.Sqrt(along) || math.Abs(va/along-1) > .06 || math.Abs(vb/(s*s)-1) > .06 {
				t.Errorf("s=%g, η=%g: mean %.4f, not %.4f; variances %.4f and %.4f, not %.4f and %.4f", s, eta, m, mean, va, vb, along, s*s)
			}
		}
	}
}

// TestPseudoInverse: without error of measurement ΠGDM by a pseudo-inverse is ΠGDM by linear algebra; and it takes operators
// that are not linear, or have no gradient.
func TestPseudoInverse(t *testing.T) {
	prior := priors.Gaussian([]float64{0, 0}, 1)
	lift := func(y *odslib.Node) *odslib.Node { // A† of (1, 2)
		return graph.Concatenate([]*odslib.Node{graph.MulScalar(y, .2), graph.MulScalar(y, .4)}, 1)
	}
	post := odslib.Given(prior, constraint.Gaussian{A: constraint.Matrix{{1, 2}}, Y: []float64{1.3}, Sigma: 1e-4})
	a, b := sample(t, guide.PiGDM{}, post, 500, 1), sample(t, guide.PiGDM{Inverse: lift}, post, 500, 1)
	for i, v := range a.Samples.Data {
		if math.Abs(float64(v-b.Samples.Data[i])) > 2e-3 {
			t.Fatalf("value %d: %g by linear algebra, %g by the pseudo-inverse", i, v, b.Samples.Data[i])
		}
	}
	first := func(x *odslib.Node) *odslib.Node { return graph.Slice(x, graph.AxisRange(), graph.AxisRange(0, 1)) }
	fill := func(y *odslib.Node) *odslib.Node { return graph.Concatenate([]*odslib.Node{y, graph.ZerosLike(y)}, 1) }
	for name, c := range map[string]struct {
		f       func(x *odslib.Node) *odslib.Node
		inverse func(y *odslib.Node) *odslib.Node
		y, want float64
		within  float64
	}{
		// y = sinh x_1, which is not linear: x_1 = arsinh y.
		"sinh": {
			func(x *odslib.Node) *odslib.Node {
				e := graph.Exp(first(x))
				return graph.MulScalar(graph.Sub(e, graph.Reciprocal(e)), .5)
			},
			func(y *odslib.Node) *odslib.Node {
				return fill(graph.Log(graph.Add(y, graph.Sqrt(graph.OnePlus(graph.Square(y))))))
			}, 2, math.Asinh(2), .25, // five deviations of the last step
		},
		// y is x_1 to the nearest half: a step function.
		"rounded": {
			func(x *odslib.Node) *odslib.Node {
				return graph.MulScalar(graph.ConvertDType(graph.Floor(graph.AddScalar(graph.MulScalar(first(x), 2), .5)), x.DType()), .5)
			}, fill, 1, 1, .4,
		},
	} {
		post := odslib.Given(prior, constraint.Measurement{A: constraint.Func{F: c.f, M: 1}, Y: []float64{c.y}, Error: constraint.Normal{Sigma: .01}})
		r := sample(t, guide.PiGDM{Inverse: c.inverse}, post, 2000, 1)
		x2 := make([]float64, 2000)
		for i := range x2 {
			row := r.Samples.Row(i)
			if math.Abs(float64(row[0])-c.want) > c.within {
				t.Fatalf("%s: x_1 = %g, not %g", name, row[0], c.want)
			}
			x2[i] = float64(row[1])
		}
		if m, v := moments(x2); math.Abs(m) > .1 || math.Abs(v-1) > .13 {
			t.Errorf("%s: x_2, of which nothing is known, has mean %.3f and variance %.3f", name, m, v)
		}
	}
}

// TestLGD: its gradient is that of the mean of r over draws; with many it is ΠGDM's, where that is exact.
func TestLGD(t *testing.T) {
	if testing.Short() {
		t.Skip("200 draws a step")
	}
	mean, along, _ := t13(1)
	r := sample(t, guide.LGD{Draws: 200}, exact.T13(1).Post, 10000, 1)
	u := make([]float64, 10000)
	for i := range u {
		u[i] = (float64(r.Samples.Row(i)[0]) + .5*float64(r.Samples.Row(i)[1])) / math.Sqrt(1.25)
	}
	m, v := moments(u)
	t.Logf("mean %.3f (%.3f), variance %.3f (%.3f)", m, mean, v, along)
	// 200 draws know the mean of r to a few hundredths where the measurement is in reach; 100 steps leave a tenth of a variance.
	if math.Abs(m-mean) > .1 || math.Abs(v/along-1) > .25 {
		t.Errorf("mean %.3f, not %.3f; variance %.3f, not %.3f", m, mean, v, along)
	}
}

// TestPlugRefusals: one line says what is missing.
func TestPlugRefusals(t *testing.T) {
	prior := priors.Gaussian([]float64{0, 0}, 1)
	onHost := odslib.Given(prior, constraint.HostReward{F: func([]float32) float64 { return 0 }})
	tilt := odslib.Given(prior, constraint.Tilt{Linear: []float64{1, 0}})
	for want, c := range map[string]struct {
		s    odslib.Sampler
		post odslib.Posterior
	}{
		"DiffPIR needs":           {guide.DiffPIR{}, onHost},
		"Zeta is 2":               {guide.DiffPIR{Zeta: 2}, tilt},
		"split Gibbs needs":       {guide.SplitGibbs{}, tilt},
		"η from 0.1 to 0.2":       {guide.SplitGibbs{First: .1, Last: .2}, exact.T13(1).Post},
		"ΠGDM without Inverse":    {guide.PiGDM{}, tilt},
		"guidance needs a constr": {guide.LGD{}, onHost},
	} {
		_, err := c.s.Sample(context.Background(), c.post, 5, 1)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("want one line with %q, got %v", want, err)
		}
	}
}

// TestDPSAdapts: without a Zeta, Norm scaling comes nearer to the posterior than with the published 1, whatever the units of the
// measurement and the number of steps; and it is the same in other units of y.
func TestDPSAdapts(t *testing.T) {
	if testing.Short() {
		t.Skip("statistics")
	}
	t2, err := exact.T2(8, 1, 1)
	if err != nil {
		t.Fatal(err)
	}
	readme := func(unit float64) odslib.Posterior {
		return odslib.Given(priors.Grid25(), constraint.Gaussian{A: constraint.Matrix{{unit, -unit}}, Y: []float64{3 * unit}, Sigma: .5 * unit})
	}
	for name, post := range map[string]odslib.Posterior{"T13": exact.T13(1).Post, "25 modes": readme(1), "25 modes in other units": readme(100), "T2": t2.Post} {
		truth, _, err := post.Exact()
		if err != nil {
			t.Fatal(err)
		}
		want, err := truth.Sample(context.Background(), 1000, 1)
		if err != nil {
			t.Fatal(err)
		}
		own, published := 0., 0.
		for _, steps := range []int{100, 400} {
			distance := func(zeta float64) float64 {
				d, err := measure.SlicedW1{}.Distance(sample(t, guide.DPS{Steps: steps, Zeta: zeta}, post, 1000, 1).Samples, want)
				if err != nil {
					t.Fatal(err)
				}
				return d
			}
			one := 1.
			if name == "25 modes in other units" {
				one = .01 // the same strength there
			}
			a, b := distance(0), distance(one)
			t.Logf("%s, %d steps: %.3f by default, %.3f with ζ=%g", name, steps, a, b, one)
			own, published = own+a, published+b
		}
		// With ζ=1 these are 6 to 45 floors off; a quarter less is more than chance.
		if own > .75*published {
			t.Errorf("%s: %.3f by default, %.3f with ζ=1", name, own/2, published/2)
		}
	}
}
