package guide_test

import (
	"context"
	"math"
	"strings"
	"testing"

	"odslab/odslib"
	"odslab/odslib/constraint"
	"odslab/odslib/diffusion"
	"odslab/odslib/exact"
	"odslab/odslib/guide"
	"odslab/odslib/nn"
	"odslab/odslib/priors"
)

// TestReSampleIsItsRecursion: with an affine decoder of one number every step is linear, so that mean and variance follow a
// recursion of numbers that shares nothing but the schedule; and what it gives is not the posterior.
func TestReSampleIsItsRecursion(t *testing.T) {
	const n, steps, every, gamma, y, sigma, w, b = 20000, 50, 5, 3., 1.5, .5, 2., .3
	for _, weight := range []float64{1e4, .2} {
		sch := diffusion.VPLinear{}
		mean, variance := 0., 1.
		for k := range steps {
			t, s := 1-float64(k)/steps, 1-float64(k+1)/steps
			at, st, as, ss := sch.Alpha(t), sch.Sigma(t), sch.Alpha(s), sch.Sigma(s)
			c := at / (at*at + st*st)     // ẑ0 = c·z
			step := as*c + ss*(1-at*c)/st // DDIM: α_s·ẑ0 + σ_s·ε̂
			gain, shift, noise := step, 0., 0.
			if left := steps - 1 - k; left%every == 0 && 3*left < 2*steps {
				pull := weight * w / (sigma*sigma + weight*w*w) // ẑ0* = ẑ0 + pull·(y − b − w·ẑ0)
				abar, next := at*at, as*as
				s2 := gamma * (1 - next) / (1 - abar) * (1 - abar/next)
				share := 1 / (1 + gamma/(1-abar)*(1-abar/next)) // (1−ᾱ')/(s+1−ᾱ'), also where both are 0
				gain = share*step + (1-share)*as*c*(1-pull*w)
				shift = (1 - share) * as * pull * (y - b)
				if s2 > 0 {
					noise = 1 / (1/s2 + 1/(1-next))
				}
			}
			mean, variance = gain*mean+shift, gain*gain*variance+noise
		}
		post := odslib.Given(priors.Affine{W: [][]float64{{w}}, B: []float64{b}}, constraint.Gaussian{A: constraint.Identity{}, Y: []float64{y}, Sigma: sigma})
		r := sample(t, guide.ReSample{Steps: steps, Every: every, Gamma: gamma, Weight: weight}, post, n, 3)
		x := make([]float64, n)
		for i := range x {
			x[i] = float64(r.Samples.Data[i])
		}
		m, v := moments(x)
		mean, variance = w*mean+b, w*w*variance
		exact := 1 / (1/(w*w) + 1/(sigma*sigma))
		t.Logf("weight %g: mean %.4f (%.4f), variance %.5f (%.5f); of the posterior %.4f", weight, m, mean, v, variance, exact)
		// Four standard errors.
		if math.Abs(m-mean) > 4*math.Sqrt(variance/n) || math.Abs(v/variance-1) > 4*math.Sqrt(2./n) {
			t.Errorf("weight %g: mean %.4f, not %.4f; variance %.5f, not %.5f", weight, m, mean, v, variance)
		}
		if weight == 1e4 && v > .5*exact {
			t.Errorf("variance %.4f: hard consistency is narrower than the posterior's %.4f", v, exact)
		}
		if !strings.Contains(r.About, "biased") || r.Noise == nil || r.NetworkEvals != n*steps || r.ConstraintEvals == 0 {
			t.Errorf("%+v", r.About)
		}
	}
}

// TestReSampleDescends: a decoder that is not affine is met by descent, T11's: the last step leaves 1/(1+γ) of the distance. A
// network's decoder under a trained latent prior is met too, and what cannot be moved says so.
func TestReSampleDescends(t *testing.T) {
	if testing.Short() {
		t.Skip("trains a small VAE")
	}
	prior := priors.InverseCDF{Weights: []float64{.3, .7}, Means: []float64{-2, 1.5}, Variances: []float64{.25, .64}, Dim: 2}
	post := odslib.Given(prior, constraint.Gaussian{A: constraint.Identity{}, Y: []float64{1, -1.5}, Sigma: .1})
	r := sample(t, guide.ReSample{}, post, 500, 1)
	t.Logf("T11: mean %.3f, std %.3f", r.Mean(), r.Std())
	for j, y := range []float64{1, -1.5} {
		if math.Abs(r.Mean()[j]-y) > .1 || r.Std()[j] > .2 {
			t.Errorf("x_%d is %.3f ± %.3f, measured %g ± .1", j, r.Mean()[j], r.Std()[j], y)
		}
	}

	ctx := context.Background()
	data, err := priors.Gaussian([]float64{0, 0}, 4).Sample(ctx, 1000, 1)
	if err != nil {
		t.Fatal(err)
	}
	net := nn.Tower{Hidden: 32, Layers: 1}
	vae, err := priors.VAE{Latents: []int{2}, Encoder: net, Decoder: net, Fit: priors.Fit{Batch: 64, Rate: nn.Rate{Peak: 3e-3}, Bin: .3}}.Train(ctx, data, odslib.Budget{Steps: 250}, 1)
	if err != nil {
		t.Fatal(err)
	}
	latent, err := priors.LatentDiffusion{Outer: vae, Training: priors.Training{Net: nn.MLP{Hidden: 32, Layers: 2}}}.Train(ctx, data, odslib.Budget{Steps: 200}, 1)
	if err != nil {
		t.Fatal(err)
	}
	measured := odslib.Given(latent, constraint.Gaussian{A: constraint.Matrix{{1, 1}}, Y: []float64{3}, Sigma: .3})
	r, plain := sample(t, guide.ReSample{Steps: 50}, measured, 300, 1), sample(t, guide.ReSample{Steps: 50}, odslib.Given(latent, constraint.Gaussian{A: constraint.Matrix{{1, 1}}, Y: []float64{3}, Sigma: 1e6}), 300, 1)
	off := func(r *odslib.Result) (worst float64) {
		for i := range r.Samples.Len() {
			worst += math.Abs(float64(r.Samples.Row(i)[0]+r.Samples.Row(i)[1])-3) / float64(r.Samples.Len())
		}
		return worst
	}
	t.Logf("latent diffusion: %.3f from the measurement, %.3f where it does not count", off(r), off(plain))
	if off(r) > .3 || off(plain) < 1.5 {
		t.Errorf("latent diffusion: %.3f from the measurement, %.3f where it does not count", off(r), off(plain))
	}
	for want, p := range map[string]odslib.Posterior{"no inside": exact.T13(1).Post, "gradient": odslib.Given(prior, constraint.HostReward{F: func([]float32) float64 { return 0 }})} {
		if _, err := (guide.ReSample{}).Sample(ctx, p, 10, 1); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", want, err)
		} else {
			t.Log(err)
		}
	}
}
