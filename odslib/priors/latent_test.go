package priors

import (
	"context"
	"path/filepath"
	"slices"
	"testing"

	"odslab/odslib"
	"odslab/odslib/nn"
)

// TestLatentDiffusion: it draws on the set, has an inside, and comes back from a file.
func TestLatentDiffusion(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles for seconds")
	}
	ctx, data := context.Background(), crescent(1000, 1)
	net := nn.Tower{Hidden: 32, Layers: 1}
	vae, err := VAE{Latents: []int{2, 2}, Encoder: net, Decoder: net, Fit: Fit{Batch: 64, Rate: nn.Rate{Peak: 3e-3}, Bin: .02}}.Train(ctx, data, odslib.Budget{Steps: 600}, 1)
	if err != nil {
		t.Fatal(err)
	}
	p, err := LatentDiffusion{Outer: vae, Training: Training{Net: nn.MLP{Hidden: 32, Layers: 2}}}.Train(ctx, data, odslib.Budget{Steps: 300}, 1)
	if err != nil {
		t.Fatal(err)
	}
	x, err := p.Sample(ctx, 500, 1)
	if err != nil {
		t.Fatal(err)
	}
	if near := onCrescent(x); near < 400 {
		t.Errorf("%d of 500 samples on the set", near)
	}
	if in, err := odslib.Given(p, nil).Inside(); err != nil || !slices.Equal(in.Shape(), []int{4}) {
		t.Errorf("inside: %v, %v", in, err)
	}
	path := filepath.Join(t.TempDir(), "p")
	if err := p.Save(path); err != nil {
		t.Fatal(err)
	}
	q, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	y, err := q.Sample(ctx, 500, 1)
	if err != nil || !slices.Equal(x.Data, y.Data) {
		t.Errorf("the prior that was read draws other samples: %v", err)
	}
	if _, err := (LatentDiffusion{}).Train(ctx, data, odslib.Budget{Steps: 1}, 1); err == nil {
		t.Error("a latent prior of no VAE was trained")
	}
}
