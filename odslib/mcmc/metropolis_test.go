package mcmc_test

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"

	"odslab/odslib"
	"odslab/odslib/constraint"
	"odslab/odslib/exact"
	"odslab/odslib/mcmc"
	"odslab/odslib/priors"
)

// TestMetropolis: every sampler has mean and variance right by the effective size that it states, in the noise of a generator
// (T10: affine, T11: two hills) and in data space (T13, T6: nine modes).
func TestMetropolis(t *testing.T) {
	if testing.Short() {
		t.Skip("statistics of chains")
	}
	w := mcmc.Walkers{Chains: 100, Burn: 600, Thin: 5}
	for name, s := range map[string]odslib.Sampler{
		"random walk": mcmc.RandomWalk{Walkers: w}, "pCN": mcmc.PCN{Walkers: w}, "MALA": mcmc.MALA{Walkers: w}, "HMC": mcmc.HMC{Walkers: w, Leaps: 6}, "NUTS": mcmc.NUTS{Walkers: mcmc.Walkers{Chains: 100, Burn: 100, Thin: 1}},
	} {
		for _, c := range []exact.Case{exact.T11(2), exact.T10(), exact.T13(2)} {
			if _, density := c.Post.Prior.(odslib.Density); density && name == "pCN" {
				continue
			}
			if c.Name == "T10" && name != "HMC" && name != "NUTS" {
				continue // the others need many times as many moves there, as R̂ says
			}
			res, err := s.Sample(context.Background(), c.Post, 5000, 1)
			if err != nil {
				t.Fatalf("%s, %s: %v", c.Name, name, err)
			}
			truth, _, err := c.Post.Exact()
			if err != nil {
				t.Fatal(err)
			}
			x, err := truth.Sample(context.Background(), 100000, 1)
			if err != nil {
				t.Fatal(err)
			}
			want := &odslib.Result{Samples: x}
			mean, std := want.Mean(), want.Std()
			t.Logf("%s, %s: %v, %q", c.Name, name, res, res.Notes)
			if res.ESS < 200 || res.Rejected == 0 || res.ConstraintEvals == 0 || res.About == "" {
				t.Errorf("%s, %s: %v, %d rejected", c.Name, name, res, res.Rejected)
			}
			for j, m := range res.Mean() {
				// Four errors by the effective size, for up to 16 values; a deviation is known to 1/√(2·ESS), of two hills to 1/√ESS.
				if off := math.Abs(m-mean[j]) / std[j]; off > 4.5/math.Sqrt(res.ESS) {
					t.Errorf("%s, %s: mean of x_%d off by %.3f deviations, ESS %.0f", c.Name, name, j, off, res.ESS)
				}
				if off := math.Abs(res.Std()[j]/std[j] - 1); off > 4.5/math.Sqrt(res.ESS) {
					t.Errorf("%s, %s: deviation of x_%d off by %.3f, ESS %.0f", c.Name, name, j, off, res.ESS)
				}
			}
			if noted := strings.Join(res.Figures, "\n"); !strings.Contains(noted, "acceptance") || !strings.Contains(noted, "R̂") {
				t.Errorf("%s, %s: figures %q", c.Name, name, res.Figures)
			}
		}
	}
}

// TestAdaptationEndsWithTheBurnIn: the step size comes to the acceptance that the method wants, from far off, and two runs
// of the same seed have the same bits.
func TestAdaptation(t *testing.T) {
	for _, first := range []float64{.001, 30} {
		s := mcmc.RandomWalk{Walkers: mcmc.Walkers{Chains: 50, Burn: 400, Thin: 1, Step: first}}
		a, err := s.Sample(context.Background(), exact.T11(3).Post, 2000, 2)
		if err != nil {
			t.Fatal(err)
		}
		accepted := 0.
		for _, step := range a.Trace[len(a.Trace)-1:] {
			accepted = step.Accepted
		}
		if math.Abs(accepted-.234) > .08 {
			t.Errorf("from a step of %g: acceptance %.3f after the burn-in", first, accepted)
		}
		b, err := s.Sample(context.Background(), exact.T11(3).Post, 2000, 2)
		if err != nil || !slices.Equal(a.Samples.Data, b.Samples.Data) {
			t.Errorf("the same seed gave other draws: %v", err)
		}
	}
	fixed := mcmc.RandomWalk{Walkers: mcmc.Walkers{Chains: 50, Burn: 100, Thin: 1, Step: .01, Fixed: true}}
	res, err := fixed.Sample(context.Background(), exact.T11(1).Post, 500, 1)
	if err != nil || !strings.Contains(strings.Join(res.Figures, "\n"), "step 0.01,") {
		t.Errorf("a fixed step: %v, %v", res, err)
	}
}

// TestHostTargets: walks without gradient take a host function, the others say that they cannot.
func TestHostTargets(t *testing.T) {
	prior := priors.InverseCDF{Weights: []float64{.3, .7}, Means: []float64{-2, 1.5}, Variances: []float64{.25, .64}}
	post := odslib.Given(prior, constraint.HostReward{F: func(x []float32) float64 { return -.5 * float64(x[0]*x[0]) }})
	w := mcmc.Walkers{Chains: 100, Burn: 300, Thin: 5}
	for _, s := range []odslib.Sampler{mcmc.RandomWalk{Walkers: w}, mcmc.PCN{Walkers: w}} {
		res, err := s.Sample(context.Background(), post, 4000, 1)
		if err != nil {
			t.Fatal(err)
		}
		if off := math.Abs(res.Mean()[0] - .501124); off > 4.5*math.Sqrt(1.2278/res.ESS) { // T11
			t.Errorf("%T: mean %.3f, ESS %.0f", s, res.Mean()[0], res.ESS)
		}
	}
	for want, s := range map[string]odslib.Sampler{"MALA": mcmc.MALA{}, "HMC": mcmc.HMC{}, "NUTS": mcmc.NUTS{}} {
		_, err := s.Sample(context.Background(), post, 10, 1)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "differentiated") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%T: %v", s, err)
		}
	}
	if _, err := (mcmc.PCN{}).Sample(context.Background(), exact.T13(1).Post, 10, 1); err == nil || !strings.Contains(err.Error(), "noise of a generator") {
		t.Errorf("pCN in data space: %v", err)
	}
}

// TestOneChain: one chain has an R̂, of its halves, and says what that does not see.
func TestOneChain(t *testing.T) {
	for _, s := range []odslib.Sampler{mcmc.EllipticalSlice{Chains: 1, Burn: 100, Thin: 2}, mcmc.RandomWalk{Walkers: mcmc.Walkers{Chains: 1, Burn: 100, Thin: 2}}} {
		res, err := s.Sample(context.Background(), exact.T11(1).Post, 200, 1)
		if err != nil {
			t.Fatal(err)
		}
		if noted := strings.Join(append(res.Figures, res.Notes...), "\n"); !strings.Contains(noted, "R̂ ≤") || !strings.Contains(noted, "one chain") || res.ESS == 0 {
			t.Errorf("%T: ESS %g, notes %q", s, res.ESS, res.Notes)
		}
	}
}
