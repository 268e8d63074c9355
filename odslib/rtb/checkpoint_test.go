package rtb_test

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"odslab/odslib"
	"odslab/odslib/constraint"
	"odslab/odslib/diffusion"
	"odslab/odslib/engine"
	"odslab/odslib/exact"
	"odslab/odslib/nn"
	"odslab/odslib/rtb"
)

// TestCheckpoint: Train keeps its state, goes on from it, and refuses that of another run by name.
func TestCheckpoint(t *testing.T) {
	ctx := context.Background()
	s := rtb.Sampler{Net: nn.MLP{Hidden: 8, Layers: 1}, Chain: diffusion.Chain{Steps: 5, Driver: engine.Host}, GradSteps: 2, Paths: 16, Pool: -1}
	s.Checkpoint = filepath.Join(t.TempDir(), "policy")
	if _, err := s.Train(ctx, exact.T6().Post, odslib.Budget{Steps: 2}, 3); err != nil {
		t.Fatal(err)
	}
	batch, steps := s, s
	batch.Paths = 8
	steps.Chain.Steps = 7
	for want, c := range map[string]struct {
		s    rtb.Sampler
		post odslib.Posterior
		seed uint64
	}{
		"another batch (16 there, 8 here)": {batch, exact.T6().Post, 3},
		"another grid":                     {steps, exact.T6().Post, 3},
		"another seed (3 there, 4 here)":   {s, exact.T6().Post, 4},
		"another posterior":                {s, odslib.Given(exact.T6().Post.Prior, constraint.Tilt{Linear: []float64{1, 0}}), 3},
	} {
		_, err := c.s.Train(ctx, c.post, odslib.Budget{Steps: 4}, c.seed)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("want one line with %q, got %v", want, err)
		}
	}
	// Without a horizon the schedules follow the budget, and a longer one says so.
	p, err := s.Train(ctx, exact.T6().Post, odslib.Budget{Steps: 4}, 3)
	if err != nil || p.Iterations != 4 || !strings.Contains(p.Notes[0], "laid out anew after 2 iterations") {
		t.Errorf("%v, %q", err, p.Notes)
	}
}
