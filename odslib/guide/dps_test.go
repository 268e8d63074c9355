package guide_test

import (
	"context"
	"testing"

	"odslab/odslib"
	"odslab/odslib/constraint"
	"odslab/odslib/diffusion"
	"odslab/odslib/engine"
	_ "odslab/odslib/engine/xla"
	"odslab/odslib/exact"
	"odslab/odslib/guide"
	"odslab/odslib/priors"
)

func TestTry(t *testing.T) {
	e, err := engine.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Log(e.Why)
	ctx := context.Background()
	post := odslib.Given(priors.Grid25(), constraint.Gaussian{A: constraint.Matrix{{1, -1}}, Y: []float64{3}, Sigma: .5})
	for _, s := range []odslib.Sampler{exact.Sampler{}, guide.Plain{}, guide.Plain{Settings: guide.Settings{Kernel: diffusion.Heun{}, Steps: 50}}, guide.DPS{}, guide.DPS{Zeta: .3}, guide.DPS{Scaling: guide.Likelihood, Settings: guide.Settings{Steps: 100}}, guide.DPS{Scaling: guide.Likelihood}} {
		r, err := s.Sample(ctx, post, 2000, 1)
		if err != nil {
			t.Error(err)
			continue
		}
		t.Log(r.Report())
	}
}
