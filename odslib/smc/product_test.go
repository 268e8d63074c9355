package smc

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"

	"gonum.org/v1/gonum/integrate"

	"odslab/odslib"
	"odslab/odslib/constraint"
	"odslab/odslib/diffusion"
	"odslab/odslib/priors"
)

// powerOfNormal is log ∫N(x; m, v·I)^γ in d dimensions.
func powerOfNormal(gamma, v float64, d int) float64 {
	return .5 * float64(d) * (math.Log(2*math.Pi*v/gamma) - gamma*math.Log(2*math.Pi*v))
}

// TestAnnealedGaussian: the reverse steps of N(m, v·I) are exact, and so E[Ẑ] = ∫p^γ for any number of steps and particles; under a
// measurement too, and for products of two.
func TestAnnealedGaussian(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles for seconds")
	}
	const v = .6
	p := priors.Gaussian([]float64{1, -2}, v)
	normal := func(y, v float64) float64 { return -.5*y*y/v - .5*math.Log(2*math.Pi*v) }
	y := constraint.Gaussian{A: constraint.Matrix{{1, 1}}, Y: []float64{0}, Sigma: .5}
	two := Product{{p, 1.5}, {priors.Gaussian([]float64{0, 0}, 2), .5}}
	// Precisions 1.5/.6 + .5/2 = 2.75; −½Σγ_j·log 2πv_j a coordinate, and what completing the square leaves.
	pair := -1.5*math.Log(2*math.Pi*.6) - .5*math.Log(2*math.Pi*2) + math.Log(2*math.Pi/2.75) - .5*5*(2.5*.25/2.75)
	for _, c := range []struct {
		name string
		core feynmanKac
		post odslib.Posterior
		logZ float64
	}{
		{"p^½", Bootstrap{Particles: 32, Steps: 10}.core(), odslib.Given(Annealed(p, .5), nil), powerOfNormal(.5, v, 2)},
		{"p^1.5, 5 steps", Bootstrap{Particles: 64, Steps: 5, Threshold: 1}.core(), odslib.Given(Annealed(p, 1.5), nil), powerOfNormal(1.5, v, 2)},
		{"two", Bootstrap{Particles: 128, Steps: 10}.core(), odslib.Given(two, nil), pair},
		{"p^½ under a measurement, TDS", TDS{Particles: 64, Steps: 10}.core(), odslib.Given(Annealed(p, .5), y), powerOfNormal(.5, v, 2) + normal(1, .25+4*v)},
	} {
		o, err := c.core.open(c.post, 1, 0)
		if err != nil {
			t.Fatal(err)
		}
		unbiased(t, c.name, o, c.logZ, 200)
		o.close()
	}
	res, err := Bootstrap{Particles: 4000, Steps: 100, Control: true}.Sample(context.Background(), odslib.Given(two, nil), 4000, 1)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("two: %v, exact %.4f, mean %.3f, std %.3f", res, pair, res.Mean(), res.Std())
	se := .6 / math.Sqrt(res.ESS)
	if off := math.Hypot(res.Mean()[0]-2.5/2.75, res.Mean()[1]+5/2.75); off > 4*se || math.Abs(res.Std()[0]-math.Sqrt(1/2.75)) > 3*se || math.Abs(res.LogZ-pair) > 4*res.LogZError {
		t.Errorf("two: %v, mean %.3f, std %.3f", res, res.Mean(), res.Std())
	}
	if res.NetworkEvals < 2*4000*100 {
		t.Errorf("%d evaluations of two networks", res.NetworkEvals)
	}
}

// TestAnnealedMixture: p^γ of two modes in one dimension by quadrature, evidence and weight of the left one.
func TestAnnealedMixture(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles for seconds")
	}
	p := priors.Isotropic([]float64{.3, .7}, [][]float64{{-2}, {1.5}}, .4)
	for _, gamma := range []float64{.5, 2} {
		var x, f, left []float64
		for u := -9.; u <= 9; u += 1e-3 {
			r := math.Exp(gamma * p.LogDensityHost([]float64{u}, 1, 0))
			x, f, left = append(x, u), append(f, r), append(left, 0)
			if u < -.25 {
				left[len(left)-1] = r
			}
		}
		z := integrate.Trapezoidal(x, f)
		share := integrate.Trapezoidal(x, left) / z
		for _, control := range []bool{false, true} {
			res, err := Bootstrap{Particles: 8000, Control: control}.Sample(context.Background(), odslib.Given(Annealed(p, gamma), nil), 4000, 1)
			if err != nil {
				t.Fatal(err)
			}
			got := 0.
			for i := range res.Samples.Len() {
				if res.Samples.Row(i)[0] < -.25 {
					got += 1 / float64(res.Samples.Len())
				}
			}
			t.Logf("γ=%g, control %v: log Z %.4f ± %.4f, exact %.4f, shift %.4f ± %.4f; left %.4f, exact %.4f; ESS %.0f", gamma, control, res.LogZ, res.LogZError, math.Log(z), res.Shift, res.ShiftError, got, share, res.ESS)
			// .03 is for the chain's 100 steps.
			if math.Abs(res.LogZ-math.Log(z)) > 4*res.LogZError+.03 || math.Abs(got-share) > 4*.5/math.Sqrt(res.ESS) {
				t.Errorf("γ=%g, control %v: log Z %.4f ± %.4f, exact %.4f; left %.4f, exact %.4f", gamma, control, res.LogZ, res.LogZError, math.Log(z), got, share)
			}
		}
	}
}

// TestProductOfMixtures: the product of two mixtures is one, with a component for each pair.
func TestProductOfMixtures(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles for seconds")
	}
	a := priors.Isotropic([]float64{.5, .5}, [][]float64{{-2, 0}, {2, 0}}, .5)
	b := priors.Isotropic([]float64{.4, .6}, [][]float64{{2, 1}, {-1, -1}}, .8)
	z, right := 0., 0.
	for i, m := range a.Means {
		for j, n := range b.Means {
			d2 := (m[0]-n[0])*(m[0]-n[0]) + (m[1]-n[1])*(m[1]-n[1])
			w := []float64{.5, .5}[i] * []float64{.4, .6}[j] * math.Exp(-.5*d2/1.3) / (2 * math.Pi * 1.3)
			z += w
			if i == 1 {
				right += w
			}
		}
	}
	for _, control := range []bool{false, true} {
		res, err := Bootstrap{Particles: 8000, Control: control}.Sample(context.Background(), odslib.Given(Product{{a, 1}, {b, 1}}, nil), 4000, 1)
		if err != nil {
			t.Fatal(err)
		}
		got := 0.
		for i := range res.Samples.Len() {
			if res.Samples.Row(i)[0] > .2 {
				got += 1 / float64(res.Samples.Len())
			}
		}
		if math.Abs(res.LogZ-math.Log(z)) > 4*res.LogZError+.03 || math.Abs(got-right/z) > 4*.5/math.Sqrt(res.ESS) {
			t.Errorf("control %v: log Z %.4f ± %.4f, exact %.4f; right %.4f, exact %.4f", control, res.LogZ, res.LogZError, math.Log(z), got, right/z)
		}
		t.Logf("control %v: log Z %.4f ± %.4f, exact %.4f, shift %.4f ± %.4f; right %.4f, exact %.4f; ESS %.0f", control, res.LogZ, res.LogZError, math.Log(z), res.Shift, res.ShiftError, got, right/z, res.ESS)
	}
}

// TestProductRefusals: one line each.
func TestProductRefusals(t *testing.T) {
	p := priors.Gaussian([]float64{0, 0}, 1)
	for _, c := range []struct {
		p    Product
		s    Bootstrap
		want string
	}{
		{Product{}, Bootstrap{}, "a product of no priors"},
		{Product{{nil, 1}}, Bootstrap{}, "factor 1 of the product has no prior"},
		{Product{{p, 1}, {priors.Gaussian([]float64{0}, 1), 1}}, Bootstrap{}, "factor 2 of the product has samples of shape [1]"},
		{Annealed(p, math.NaN()), Bootstrap{}, "the power of factor 1 of the product is NaN"},
		{Annealed(p, -1), Bootstrap{}, "cannot be normalised"},
		{Annealed(p, 2), Bootstrap{Chain: diffusion.Chain{Kernel: diffusion.Ancestral{}}}, "has no noise (diffusion.Ancestral)"},
	} {
		_, err := c.s.Sample(context.Background(), odslib.Given(c.p, nil), 1, 1)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%v: %v, want one line with %q", fmt.Sprint(c.p), err, c.want)
		}
	}
}
