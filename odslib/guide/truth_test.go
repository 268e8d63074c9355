package guide_test

import (
	"context"
	"math"
	"testing"

	"odslab/odslib"
	"odslab/odslib/constraint"
	"odslab/odslib/diffusion"
	"odslab/odslib/exact"
	"odslab/odslib/guide"
	"odslab/odslib/priors"
	"odslab/odslib/twist"
)

// T13, posterior of N(0, s²I) under one measurement by a = (1, .5), y = 1.5, σ = .5: variance along a and across it.
func t13(s float64) (mean, along, across float64) {
	norm := math.Sqrt(1.25)
	along = 1 / (1/(s*s) + norm*norm/.25)
	return along * norm * 1.5 / .25, along, s * s
}

// ΠGDM is exact where the prior's variance is the one it is told, TMPD on every Gaussian prior; what is left falls with the
// number of steps.
func TestExactOnGaussianPriors(t *testing.T) {
	if testing.Short() {
		t.Skip("1600 steps for 40000 samples")
	}
	const n = 40000
	for _, c := range []struct {
		s       odslib.Sampler
		spread  float64
		correct bool
	}{
		{guide.PiGDM{Steps: 1600}, 1, true},
		{guide.PiGDM{Steps: 1600}, 2, false},
		{guide.PiGDM{Steps: 1600, Variance: 4}, 2, true},
		{guide.TMPD{Steps: 1600}, 1, true},
		{guide.TMPD{Steps: 1600}, 2, true},
		{guide.TMPD{Steps: 1600, Iterations: 1}, 2, true},
	} {
		mean, along, across := t13(c.spread)
		r := sample(t, c.s, exact.T13(c.spread).Post, n, 5)
		u, v := make([]float64, n), make([]float64, n)
		for i := range n {
			x, y := float64(r.Samples.Row(i)[0]), float64(r.Samples.Row(i)[1])
			u[i], v[i] = (x+.5*y)/math.Sqrt(1.25), (y-.5*x)/math.Sqrt(1.25)
		}
		m, va := moments(u)
		_, vb := moments(v)
		t.Logf("%T %+v, s=%g: mean %.4f (%.4f), variance along %.4f (%.4f), across %.4f (%.4f)", c.s, c.s, c.spread, m, mean, va, along, vb, across)
		// A variance of n samples has a standard error of √(2/n), .7 %; the mean one of σ/√n.
		right := math.Abs(va/along-1) < .02 && math.Abs(vb/across-1) < .02 && math.Abs(m-mean) < .02
		if right != c.correct {
			t.Errorf("%T, s=%g: right is %v, want %v", c.s, c.spread, right, c.correct)
		}
	}
}

// Each stage of Heun is guided, so that it ends where Euler ends.
func TestHeunGuidesBothStages(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles for seconds")
	}
	const n = 20000
	post := exact.T13(1).Post
	for name, s := range map[string]func(k diffusion.Kernel) odslib.Sampler{
		"ΠGDM": func(k diffusion.Kernel) odslib.Sampler {
			return guide.PiGDM{Steps: 200, Chain: diffusion.Chain{Kernel: k}}
		},
		"DPS, likelihood": func(k diffusion.Kernel) odslib.Sampler {
			return guide.DPS{Steps: 200, Scaling: guide.Likelihood, ErrorAt: func(t float64) float64 { return math.Sqrt(1.25) * diffusion.VPLinear{}.Sigma(t) }, Chain: diffusion.Chain{Kernel: k}}
		},
		"DPS, norm": func(k diffusion.Kernel) odslib.Sampler {
			return guide.DPS{Steps: 200, Zeta: .005, Chain: diffusion.Chain{Kernel: k}} // a larger ζ flips the residual from step to step
		},
	} {
		euler, heun := sample(t, s(diffusion.Euler{}), post, n, 1), sample(t, s(diffusion.Heun{}), post, n, 1)
		if heun.NetworkEvals != n*399 {
			t.Errorf("%s: %d evaluations", name, heun.NetworkEvals)
		}
		for j := range 2 {
			// Same starts, so only the order of the method differs: the first-order error of Euler at 200 steps.
			if d := math.Abs(euler.Mean()[j] - heun.Mean()[j]); d > .03 {
				t.Errorf("%s: mean %d is %.3f by Euler, %.3f by Heun", name, j, euler.Mean()[j], heun.Mean()[j])
			}
			if q := heun.Std()[j] / euler.Std()[j]; math.Abs(q-1) > .04 {
				t.Errorf("%s: standard deviation %d by Heun is %.3f of Euler's", name, j, q)
			}
		}
	}
}

// Divided by the weight of x̂0 in the step, DPS's shift is the published subtraction after it: one step by hand.
func TestNormScalingIsASubtractionAfterTheStep(t *testing.T) {
	post := odslib.Given(odslib.Normal{Dims: []int{1}}, constraint.Gaussian{A: constraint.Identity{}, Y: []float64{2}, Sigma: .5})
	k := diffusion.DDIM{}
	s := guide.DPS{Zeta: .3, Chain: diffusion.Chain{Grid: []float64{.9, .6, 0}, Kernel: k, Observe: []int{0, 1, 2}}}
	r := sample(t, s, post, 64, 1)
	sch := diffusion.VPLinear{}
	for i, grid := range [][2]float64{{.9, .6}, {.6, 0}} {
		a, b, _ := k.Coefficients(sch, grid[0], grid[1])
		alpha := sch.Alpha(grid[0])
		for j := range 64 {
			x := float64(r.States[i].Data[j])
			x0 := alpha * x // α²+σ² = 1
			sign := 1.
			if 2-x0 < 0 {
				sign = -1
			}
			// ∇‖y−x̂0‖²/‖y−x̂0‖ = −2·sign·α
			want := a*x + b*x0 + .3*2*sign*alpha
			if got := float64(r.States[i+1].Data[j]); math.Abs(got-want) > 1e-5*(1+math.Abs(want)) {
				t.Fatalf("step %d from %g: %g, want %g", i+1, x, got, want)
			}
		}
	}
}

func TestGainOfNothing(t *testing.T) {
	s := guide.DPS{Chain: diffusion.Chain{Kernel: frozen{}}}
	if _, err := s.Sample(context.Background(), exact.T13(1).Post, 3, 1); err == nil || len(err.Error()) > 200 {
		t.Errorf("a kernel without weight for x̂0: %v", err)
	}
}

type frozen struct{}

func (frozen) Coefficients(odslib.Schedule, float64, float64) (a, b, std float64) { return 1, 0, 0 }

// A measurement of its own for each row: draws of the rows are those of each y alone.
func TestRowsOfConditions(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles for seconds")
	}
	prior := priors.Gaussian([]float64{0, 0}, 1)
	family, err := odslib.FamilyOf(odslib.Given(prior, constraint.Gaussian{A: constraint.Matrix{{1, .5}}, Y: []float64{0}, Sigma: .5}))
	if err != nil {
		t.Fatal(err)
	}
	const each = 4000
	ys := []float64{-2, 0, 3}
	y := odslib.Array{Shape: []int{3 * each, 1}, Data: make([]float32, 3*each)}
	for i := range y.Data {
		y.Data[i] = float32(ys[i/each])
	}
	for _, s := range []odslib.Sampler{guide.PiGDM{}, guide.TMPD{}, guide.Gradient{Twist: twist.Tempered{}}, guide.DPS{Steps: 100, Zeta: .1}, guide.DPS{Steps: 100, Scaling: guide.Likelihood, ErrorAt: diffusion.VPLinear{}.Sigma}} {
		all := sample(t, s, family.Rows(y), 3*each, 1)
		for k, v := range ys {
			one := sample(t, s, family.At([]float64{v}), each, 2)
			part := odslib.Result{Samples: all.Samples.Slice(k*each, (k+1)*each)}
			for j := range 2 {
				// Two means of 4000 draws of standard deviation at most 1: 4 standard errors of their difference.
				if d := math.Abs(part.Mean()[j] - one.Mean()[j]); d > .09 {
					t.Errorf("%T, y=%g: mean %d is %.3f among rows, %.3f alone", s, v, j, part.Mean()[j], one.Mean()[j])
				}
			}
		}
	}
	if _, err := (guide.PiGDM{}).Sample(context.Background(), family.Rows(y), 5, 1); err == nil {
		t.Error("5 draws of 12000 conditions")
	}
}
