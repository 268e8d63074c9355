package main

import (
	"context"
	"math"
	"os"
	"testing"

	"odslab/odslib"
	"odslab/odslib/engine"
	_ "odslab/odslib/engine/xla"
	"odslab/odslib/priors"
)

// kept reads a kept prior and its recipe.
func keptPrior(t *testing.T, name string) (*priors.Diffusion, recipe) {
	t.Helper()
	d, ok := priors.Load(name).(*priors.Diffusion)
	if !ok {
		t.Fatalf("%s: %v", name, priors.Load(name))
	}
	r, err := named(name)
	if err != nil {
		t.Fatal(err)
	}
	return d, r
}

// TestRerun: the beginning of the recipe, run again, leaves the losses that are kept beside the weights. On other
// processors the last bits differ, and grow by a few per cent of themselves at every step: 100 steps stay below 1e-3.
func TestRerun(t *testing.T) {
	if testing.Short() {
		t.Skip("trains for seconds")
	}
	e, err := engine.Open()
	if err != nil {
		t.Fatal(err)
	}
	if e.Name != "xla-cpu" {
		if os.Getenv("CI") == "true" && e.Name == "go" && os.Getenv(engine.EnvEngine) == "" {
			t.Fatal("no XLA under CI: " + e.Why)
		}
		t.Skip("the losses were kept on xla-cpu, whose random numbers " + e.Name + " does not draw")
	}
	for _, r := range all {
		d, _ := kept(t, r.name)
		train, _, err := r.data()
		if err != nil {
			t.Fatal(err)
		}
		again, err := r.training.Train(context.Background(), train, odslib.Budget{Steps: 100}, r.seed)
		if err != nil {
			t.Fatal(err)
		}
		worst := 0.
		for i, l := range again.Log.Loss {
			worst = max(worst, math.Abs(float64(l)/float64(d.Log.Loss[i])-1))
		}
		t.Logf("%s: the first 100 losses differ by at most %.2g of themselves", r.name, worst)
		if !(worst < 1e-3) {
			t.Errorf("%s: a loss differs by %.2g of itself from the kept trace", r.name, worst)
		}
	}
}

// TestKeptLoss: the kept weights have the held-out loss that is written beside them.
func TestKeptLoss(t *testing.T) {
	for _, r := range all {
		d, _ := kept(t, r.name)
		_, held, err := r.data()
		if err != nil {
			t.Fatal(err)
		}
		loss, err := priors.HeldOutLoss(d, held, r.seed)
		if err != nil {
			t.Fatal(err)
		}
		if math.Abs(loss/d.Log.HeldOut-1) > 1e-3 {
			t.Errorf("%s: held-out loss %.5f, kept %.5f", r.name, loss, d.Log.HeldOut)
		}
		if d.Log.Steps != r.steps || d.Log.Seed != r.seed {
			t.Errorf("%s was kept after %d steps with seed %d, the recipe says %d and %d", r.name, d.Log.Steps, d.Log.Seed, r.steps, r.seed)
		}
	}
}
