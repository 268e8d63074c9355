package smc

import (
	"context"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"odslab/odslib"
	"odslab/odslib/constraint"
	"odslab/odslib/diffusion"
	"odslab/odslib/exact"
	"odslab/odslib/guide"
	"odslab/odslib/priors"
	"odslab/odslib/twist"
)

// TestHostDenoiser: a denoiser in a Python process, that of N(3, ¼I), under a measurement of x_1−x_2: plain sampling has the prior's moments, and
// particles have the posterior's and its evidence.
func TestHostDenoiser(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles for seconds")
	}
	python, err := exec.LookPath("python3")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("no python3 under CI")
		}
		t.Skip("no python3")
	}
	ctx := context.Background()
	c := constraint.Gaussian{A: constraint.Matrix{{1, -1}}, Y: []float64{1}, Sigma: .5}
	host := priors.ExternalDiffusion{Command: []string{python, filepath.Join("..", "priors", "testdata", "external.py"), "denoiser"}, Dims: []int{2}, Noising: diffusion.VPLinear{}}
	post := odslib.Given(host, c)
	moments := func(what string, s odslib.Sampler, p odslib.Posterior, n int, mean, variance [2]float64) *odslib.Result {
		t.Helper()
		r, err := s.Sample(ctx, p, n, 1)
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		m, sd := r.Mean(), r.Std()
		// Five standard errors of n/2 draws, and the error of so few steps.
		for j := range 2 {
			if math.Abs(m[j]-mean[j]) > .05+5*sd[j]/math.Sqrt(float64(n)/2) || math.Abs(sd[j]*sd[j]-variance[j]) > .06 {
				t.Errorf("%s: mean %.3f, variance %.3f of value %d; want %.3f and %.3f", what, m[j], sd[j]*sd[j], j, mean[j], variance[j])
			}
		}
		return r
	}
	moments("plain", guide.Plain{}, odslib.Given(host, nil), 2000, [2]float64{3, 3}, [2]float64{.25, .25})
	// Of x_1−x_2 ~ N(0, ½) and y = 1 ± ½: gain ±⅓, variance ¼ − ¼²/¾.
	gain, v := 1./3, .25-.0625/.75
	for what, s := range map[string]odslib.Sampler{"Bootstrap": Bootstrap{Steps: 40, Particles: 3000}, "FK": FK{Steps: 40, Particles: 3000}} {
		r := moments(what, s, post, 1500, [2]float64{3 + gain, 3 - gain}, [2]float64{v, v})
		truth, err := exact.Sampler{}.Sample(ctx, odslib.Given(priors.Gaussian([]float64{3, 3}, .25), c), 10, 1)
		if err != nil {
			t.Fatal(err)
		}
		// The chain's own error of log Z is what Result.Shift says.
		if off := math.Abs(r.LogZ - truth.LogZ); !(off < .1+4*r.LogZError+2*math.Abs(r.Shift)) {
			t.Errorf("%s: log Z %.3f ± %.3f, not %.3f", what, r.LogZ, r.LogZError, truth.LogZ)
		}
		if r.NetworkEvals < 40*3000 {
			t.Errorf("%s: %d evaluations", what, r.NetworkEvals)
		}
	}
	for _, bad := range []struct {
		s    odslib.Sampler
		post odslib.Posterior
		want string
	}{
		{TDS{Steps: 5, Particles: 10}, post, "which priors.ExternalDiffusion does not have"},
		{FK{Steps: 5, Particles: 10, Twist: twist.Covariance{}}, post, "needs the denoiser of a diffusion prior"},
		{guide.Plain{Steps: 5, Chain: diffusion.Chain{Kernel: diffusion.DDIM{}}}, post, "of Chain it takes Steps alone"},
		{guide.DPS{Steps: 5}, post, "diffusion prior"},
		{Bootstrap{Steps: 5, Particles: 10}, odslib.Given(priors.ExternalDiffusion{Command: []string{"no-such-program"}, Dims: []int{2}}, c), "cannot be started"},
	} {
		if _, err := bad.s.Sample(ctx, bad.post, 10, 1); err == nil || !strings.Contains(err.Error(), bad.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%T: %v, want one line with %q", bad.s, err, bad.want)
		}
	}
}
