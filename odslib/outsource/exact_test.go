package outsource_test

import (
	"context"
	"math"
	"strings"
	"testing"

	"odslab/odslib"
	"odslab/odslib/exact"
	"odslab/odslib/mcmc"
	"odslab/odslib/nn"
	"odslab/odslib/outsource"
)

// poor is a policy of a few iterations whose network then is pushed to one side: it all but loses one hill of T11.
func poor(t *testing.T, post odslib.Posterior) *outsource.Policy {
	p, err := outsource.Sampler{Net: nn.MLP{Hidden: 16, Layers: 2}, Steps: 12, Paths: 64}.Train(context.Background(), post, odslib.Budget{Steps: 3}, 1)
	if err != nil {
		t.Fatal(err)
	}
	p.Weights = p.Weights.Clone()
	for _, w := range p.Weights {
		if strings.HasPrefix(w.Name, "out/") && len(w.Value.Shape) == 1 {
			for i := range w.Value.Data {
				w.Value.Data[i] -= .35
			}
		}
	}
	return p
}

// left is the share of x_1 below the middle between the two hills of T11, and what it is exactly.
func left(x odslib.Array) (share, exactly float64) {
	const middle = (-1.6 + .914634) / 2
	for _, v := range x.Column(0) {
		if v < middle {
			share += 1 / float64(x.Len())
		}
	}
	below := func(mean, variance float64) float64 { return .5 * math.Erfc((mean-middle)/math.Sqrt(2*variance)) }
	return share, .164441*below(-1.6, .2) + .835559*below(.914634, .390244)
}

// A policy that has lost a hill is put right: the share of the hill, the mean and log Z, where the policy's own paths are far
// off; and the same with HMC between jumps.
func TestExactPutsAPoorPolicyRight(t *testing.T) {
	if testing.Short() {
		t.Skip("statistics of chains")
	}
	c := exact.T11(2)
	p := poor(t, c.Post)
	own, err := p.Sample(context.Background(), c.Post, 4000, 2)
	if err != nil {
		t.Fatal(err)
	}
	if share, want := left(own.Samples); math.Abs(share-want) < .1 {
		t.Fatalf("the policy is not poor: %.3f of its draws in the hill that has %.3f", share, want)
	}
	for name, local := range map[string]mcmc.Kernel{"pCN": nil, "HMC": mcmc.HMC{Leaps: 4}} {
		r, err := outsource.Exact{Policy: p, Local: local, Burn: 40, Chains: 400}.Sample(context.Background(), c.Post, 4000, 3)
		if err != nil {
			t.Fatal(err)
		}
		share, want := left(r.Samples)
		t.Log(name, r, share, want, r.Figures, r.Notes)
		// Four errors of a share of .17 and of a mean of deviation 1.1, by 1,500 effective draws.
		if math.Abs(share-want) > .04 || r.ESS < 1500 {
			t.Errorf("%s: %.3f of the draws in the hill that has %.3f, ESS %.0f", name, share, want, r.ESS)
		}
		if m := r.Mean(); math.Abs(m[0]-.501124) > .11 || math.Abs(m[1]-.501124) > .11 {
			t.Errorf("%s: mean %.3f, want .501", name, m)
		}
		if math.Abs(r.LogZ-c.LogZ) > 4*r.LogZError || r.LogZError > .1 {
			t.Errorf("%s: log Ẑ %.3f ± %.3f, want %.3f", name, r.LogZ, r.LogZError, c.LogZ)
		}
		if r.Noise == nil || r.NetworkEvals <= r.ConstraintEvals {
			t.Errorf("%s: noise %v, %d evaluations of networks, %d of the constraint", name, r.Noise, r.NetworkEvals, r.ConstraintEvals)
		}
	}
}

func TestExactRefuses(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles for seconds")
	}
	c := exact.T11(2)
	p := poor(t, c.Post)
	for want, s := range map[string]struct {
		of   outsource.Exact
		post odslib.Posterior
	}{
		"needs a policy":    {outsource.Exact{}, c.Post},
		"Prior is -1":       {outsource.Exact{Policy: p, Prior: -1}, c.Post},
		"another posterior": {outsource.Exact{Policy: p}, exact.T11(3).Post},
		"no inside":         {outsource.Exact{Policy: p}, exact.T6().Post},
		"Chains is -1":      {outsource.Exact{Policy: p, Chains: -1}, c.Post},
	} {
		if _, err := s.of.Sample(context.Background(), s.post, 10, 1); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("want one line with %q, got %v", want, err)
		}
	}
}
