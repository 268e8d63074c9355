package balance

import (
	"context"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"odslab/odslib"
	"odslab/odslib/constraint"
	"odslab/odslib/engine"
	"odslab/odslib/nn"
	"odslab/odslib/priors"
)

// TestAdapts: a low-rank change and a copy of a prior's network start at the prior exactly, learn its tilt e^{x_1} without a weight of
// the prior being moved, come back from a file, and refuse what they cannot.
func TestAdapts(t *testing.T) {
	if testing.Short() {
		t.Skip("it trains")
	}
	ctx := context.Background()
	x, err := odslib.Normal{Dims: []int{2}}.Sample(ctx, 2000, 1)
	if err != nil {
		t.Fatal(err)
	}
	prior, err := priors.Training{Net: nn.MLP{Hidden: 32, Layers: 2, Time: 16}}.Train(ctx, x, odslib.Budget{Steps: 400}, 1)
	if err != nil {
		t.Fatal(err)
	}
	before := engine.CheckSum(prior.Weights.Values()...)
	post := odslib.Given(prior, constraint.Tilt{Linear: []float64{1, 0}})
	for _, net := range []nn.Net{LoRA{Rank: 4}, Copy{}} {
		s := small()
		s.Net, s.Steps = net, 10
		tr, err := NewTrainer(ctx, "test", s, post, 1)
		if err != nil {
			t.Fatal(err)
		}
		d, phi, err := tr.paths.forward(ctx, tr.weights.Tensors(), 1, 0, nil)
		if err != nil {
			t.Fatal(err)
		}
		engine.Free(append(phi, d.kept...)...)
		for b, v := range d.sum {
			if math.Abs(v) > 1e-4 { // rounding alone
				t.Fatalf("%T: path %d of an untrained policy has log-ratio %g", net, b, v)
			}
		}
		tr.Close()
		p, err := Train(ctx, "test", s, post, odslib.Budget{Steps: 150}, 1)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "policy")
		if err := p.Save(path); err != nil {
			t.Fatal(err)
		}
		if p, err = Open(path); err != nil {
			t.Fatal(err)
		}
		r, err := p.Sample(ctx, post, 4000, 2)
		if err != nil {
			t.Fatal(err)
		}
		m := r.Mean()
		t.Logf("%T: mean %.3f, log Z %.3f ± %.3f, ESS %.0f, %d weights of %d", net, m, r.LogZ, r.LogZError, r.ESS, p.Weights.Size(), prior.Weights.Size())
		// The prior's own law differs from N(0, I) by its training; the weights correct the policy for that law.
		if math.Abs(m[0]-1) > .25 || math.Abs(m[1]) > .2 || r.ESS < 2000 {
			t.Errorf("%T: mean %.3f, ESS %.0f of 4000", net, m, r.ESS)
		}
		if engine.CheckSum(prior.Weights.Values()...) != before {
			t.Fatalf("%T has moved the prior's weights", net)
		}
		s.Variances = true
		if _, err := NewTrainer(ctx, "test", s, post, 1); err == nil || !strings.Contains(err.Error(), "neither Guide nor Variances") {
			t.Errorf("%T with Variances: %v", net, err)
		}
		s.Variances = false
		if _, err := NewTrainer(ctx, "test", s, measured(), 1); err == nil || !strings.Contains(err.Error(), "has no weights") {
			t.Errorf("%T of a prior without: %v", net, err)
		}
	}
}
