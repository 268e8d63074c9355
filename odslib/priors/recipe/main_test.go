package main

import (
	"bytes"
	"context"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"odslab/odslib"
	"odslab/odslib/engine"
	_ "odslab/odslib/engine/xla"
	"odslab/odslib/priors"
)

// rerun is how many steps of a recipe are run again.
const rerun = 40

// always are the recipes that are run again in every test; ODSLAB_GATES=1 adds those of all kept priors.
var always = []string{"digits", "digits-vae", "digits-gan", "rings-flow"}

// TestRerun: the beginning of each recipe, run again, leaves the losses that are kept beside the weights. On other processors the
// last bits differ, and grow by a few per cent of themselves at every step: 100 steps stay below 1e-3.
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
		if !slices.Contains(priors.Kept(), r.name) || os.Getenv("ODSLAB_GATES") == "" && !slices.Contains(always, r.name) {
			continue
		}
		before, err := logOf(priors.Load(r.name))
		if err != nil {
			t.Error(err)
			continue
		}
		train, _, err := r.data.load(r.seed)
		if err != nil {
			t.Fatal(err)
		}
		p, err := r.train(context.Background(), train, odslib.Budget{Steps: rerun}, r.seed)
		if err != nil {
			t.Fatal(err)
		}
		again, err := logOf(p)
		if err != nil {
			t.Fatal(err)
		}
		worst := 0.
		for i, l := range again.Loss {
			worst = max(worst, math.Abs(float64(l)-float64(before.Loss[i]))/math.Max(.1, math.Abs(float64(before.Loss[i]))))
		}
		t.Logf("%s: the first %d losses differ by at most %.2g of themselves", r.name, rerun, worst)
		if !(worst < 1e-3) {
			t.Errorf("%s: a loss differs by %.2g of itself from the kept trace", r.name, worst)
		}
		if before.Steps != r.steps || before.Seed != r.seed {
			t.Errorf("%s was kept after %d steps with seed %d, the recipe says %d and %d", r.name, before.Steps, before.Seed, r.steps, r.seed)
		}
	}
}

// TestKeptLoss: the kept diffusion prior has the held-out loss that is written beside it.
func TestKeptLoss(t *testing.T) {
	r, err := named("digits")
	if err != nil {
		t.Fatal(err)
	}
	d, ok := priors.Load(r.name).(*priors.Diffusion)
	if !ok {
		t.Fatal(priors.Load(r.name))
	}
	_, held, err := r.data.load(r.seed)
	if err != nil {
		t.Fatal(err)
	}
	loss, err := priors.HeldOutLoss(d, held, r.seed)
	if err != nil {
		t.Fatal(err)
	}
	if math.Abs(loss/d.Log.HeldOut-1) > 1e-3 {
		t.Errorf("held-out loss %.5f, kept %.5f", loss, d.Log.HeldOut)
	}
}

// TestPage: docs/priors.md is what -list prints.
func TestPage(t *testing.T) {
	t.Chdir(filepath.Join("..", "..", ".."))
	var b bytes.Buffer
	if err := page(&b); err != nil {
		t.Fatal(err)
	}
	have, err := os.ReadFile(filepath.Join("docs", "priors.md"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(have, b.Bytes()) {
		t.Error("docs/priors.md is out of date: go run ./odslib/priors/recipe -list > docs/priors.md")
	}
}
