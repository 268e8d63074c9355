package rtb_test

import (
	"context"
	"math"
	"path/filepath"
	"slices"
	"testing"

	"odslab/odslib"
	"odslab/odslib/balance"
	"odslab/odslib/constraint"
	"odslab/odslib/diffusion"
	"odslab/odslib/exact"
	"odslab/odslib/nn"
	"odslab/odslib/priors"
	"odslab/odslib/rtb"
)

func quick() balance.Settings {
	return balance.Settings{Net: nn.MLP{Hidden: 32, Layers: 2, Time: 16}, Paths: 128, Steps: 10, LR: 5e-3}
}

// TestRivals: under the tilt e^x of N(0, I) the posterior is N((1, 0), I). Policy gradient with KL = 1 and adjoint matching end there,
// as RTB and tilt matching do; with KL = 4 a quarter of the way, since its optimum is r^{1/4}; DDPO, which nothing holds, climbs far beyond; classifier guidance goes
// as far as a classifier of bounded r can be had from samples.
func TestRivals(t *testing.T) {
	if testing.Short() {
		t.Skip("it trains")
	}
	ctx, c := context.Background(), exact.T12(2, 1)
	const n = 4000
	train := func(tr odslib.Trainer[odslib.Posterior, *balance.Policy], steps int) *odslib.Result {
		p, err := tr.Train(ctx, c.Post, odslib.Budget{Steps: steps}, 1)
		if err != nil {
			t.Fatal(err)
		}
		r, err := p.Sample(ctx, c.Post, n, 2)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	for _, k := range []struct {
		name      string
		r         *odslib.Result
		low, high float64 // of the mean of x_1; its standard error is .016
	}{
		{"policy gradient", train(rtb.PolicyGradient{Settings: quick()}, 120), .85, 1.15},
		{"policy gradient, KL = 4", train(rtb.PolicyGradient{Settings: quick(), KL: 4}, 120), .1, .4},
		{"DDPO", train(rtb.DDPO{Settings: quick()}, 120), 3, math.Inf(1)},
		{"adjoint matching", train(rtb.AdjointMatching{Settings: quick()}, 120), .9, 1.1},
		{"tilt matching", train(rtb.TiltMatching{Net: quick().Net, Steps: 10, Draws: 4000, Batch: 256, Fits: 1200}, 0), .9, 1.1},
		{"on-policy RTB", train(rtb.OnPolicy{Settings: quick()}, 120), .85, 1.15},
	} {
		m, s := k.r.Mean(), k.r.Std()
		t.Logf("%s: mean %.3f, std %.3f, log Z %.3f ± %.3f", k.name, m, s, k.r.LogZ, k.r.LogZError)
		if !(m[0] > k.low && m[0] < k.high) || math.Abs(m[1]) > .15 && k.name != "DDPO" {
			t.Errorf("%s: mean %.3f, want x_1 within [%g, %g]", k.name, m, k.low, k.high)
		}
	}
	g := rtb.ClassifierGuidance{Net: nn.MLP{Hidden: 32, Layers: 2, Time: 16}, Chain: diffusion.Chain{Steps: 10}}
	p, err := g.Train(ctx, c.Post, odslib.Budget{Steps: 400}, 1)
	if err != nil {
		t.Fatal(err)
	}
	r, err := p.Sample(ctx, c.Post, n, 2)
	if err != nil {
		t.Fatal(err)
	}
	m := r.Mean()
	t.Logf("classifier guidance: mean %.3f, std %.3f, loss %.4f", m, r.Std(), p.Losses[len(p.Losses)-1])
	if m[0] < .65 || m[0] > 1.2 || math.Abs(m[1]) > .15 {
		t.Errorf("classifier guidance: mean %.3f", m)
	}
	path := filepath.Join(t.TempDir(), "classified")
	if err := p.Save(path); err != nil {
		t.Fatal(err)
	}
	kept, err := rtb.OpenClassified(path)
	if err != nil {
		t.Fatal(err)
	}
	again, err := kept.Sample(ctx, c.Post, n, 2)
	if err != nil || !slices.Equal(again.Samples.Data, r.Samples.Data) || !slices.Equal(kept.Losses, p.Losses) {
		t.Errorf("the opened classifier draws something else: %v", err)
	}
	if _, err := kept.Sample(ctx, exact.T12(2, 2).Post, 50, 7); err == nil {
		t.Error("another posterior is taken")
	}
	if _, err := balance.Open(path); err == nil {
		t.Error("a classifier is opened as a policy")
	}
}

// TestUnnormalised: a density without a constant, 3·N(x; (1,−1), .25·I) from N(0, 4·I): log Z is its integral's.
func TestUnnormalised(t *testing.T) {
	if testing.Short() {
		t.Skip("it trains")
	}
	ctx := context.Background()
	density := constraint.Tilt{Precision: []float64{4, 4}, Center: []float64{1, -1}}
	logZ := math.Log(2 * math.Pi * .25)
	post := rtb.Unnormalised(priors.Gaussian([]float64{0, 0}, 4), density)
	s := quick()
	s.Variances = true
	p, err := rtb.Sampler(s).Train(ctx, post, odslib.Budget{Steps: 150}, 1)
	if err != nil {
		t.Fatal(err)
	}
	r, err := p.Sample(ctx, post, 4000, 2)
	if err != nil {
		t.Fatal(err)
	}
	m := r.Mean()
	t.Log(r, m, r.Std(), logZ)
	if math.Abs(r.LogZ-logZ) > 4*r.LogZError+.02 || math.Abs(m[0]-1) > .1 || math.Abs(m[1]+1) > .1 {
		t.Errorf("mean %.3f, log Z %.3f ± %.3f, want %.3f", m, r.LogZ, r.LogZError, logZ)
	}
}
