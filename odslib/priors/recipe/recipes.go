package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"odslab/odslib"
	"odslab/odslib/datasets"
	"odslab/odslib/nn"
	"odslab/odslib/priors"
)

// recipe is how one prior is made: data, settings, steps and seed.
type recipe struct {
	name  string
	kind  string // as the table says
	data  dataset
	steps int
	seed  uint64
	train func(ctx context.Context, data odslib.Array, budget odslib.Budget, seed uint64) (kept, error)
	note  string // where it fails, what more steps would take
}

// kept is a prior that a file can keep.
type kept interface {
	odslib.Prior
	Save(path string) error
}

// dataset is what a prior is trained on and judged by.
type dataset struct {
	name string
	bin  float64 // width of a step
	load func(seed uint64) (train, held odslib.Array, err error)
}

// heldOut is the share of the data that is kept from training.
const heldOut = .1

var digits = dataset{name: "digits 8×8", bin: .125, load: func(seed uint64) (train, held odslib.Array, err error) {
	a, b, err := datasets.Digits().Split(heldOut, seed)
	return a.X, b.X, err
}}

// trained makes a recipe's function of the Train of a description.
func trained[P interface {
	kept
	comparable
}](t odslib.Trainer[odslib.Array, P]) func(context.Context, odslib.Array, odslib.Budget, uint64) (kept, error) {
	return func(ctx context.Context, data odslib.Array, budget odslib.Budget, seed uint64) (kept, error) {
		p, err := t.Train(ctx, data, budget, seed)
		var none P
		if p == none {
			return nil, err
		}
		return p, err
	}
}

var all = []recipe{
	{
		// At 8×8 pixels an MLP draws good digits, and takes ten times more steps a second than a U-Net.
		name: "digits", kind: "diffusion", data: digits, steps: 4000, seed: 1,
		train: trained(priors.Training{Net: nn.MLP{Hidden: 256, Layers: 4}, Rate: nn.Rate{Peak: 2e-3, Decay: 4000}}),
	},
	{
		name: "digits-vae", kind: "VAE", data: digits, steps: 6000, seed: 1,
		train: trained(priors.VAE{
			Latents: []int{16}, Encoder: nn.Tower{Hidden: 192}, Decoder: nn.Tower{Hidden: 192},
			Fit: priors.Fit{Rate: nn.Rate{Peak: 2e-3, Decay: 6000}, Bin: .125},
		}),
	},
	{
		name: "digits-gan", kind: "GAN", data: digits, steps: 8000, seed: 1,
		train: trained(priors.GAN{
			Latent: 16, Generator: nn.Tower{Hidden: 192, Layers: 3}, Critic: nn.Tower{Hidden: 192, Layers: 3},
			Fit: priors.Fit{Rate: nn.Rate{Peak: 1e-3, Decay: 8000}, Bin: .125},
		}),
	},
	{
		name: "digits-flow", kind: "flow matching", data: digits, steps: 6000, seed: 1,
		train: trained(priors.Flow{Training: priors.Training{Net: nn.MLP{Hidden: 256, Layers: 4}, Rate: nn.Rate{Peak: 2e-3, Decay: 6000}, Bin: .125}}),
	},
	{
		name: "digits-realnvp", kind: "RealNVP", data: digits, steps: 3000, seed: 1,
		train: trained(priors.RealNVP{
			Couplings: 8, Net: nn.Tower{Hidden: 96}, Fit: priors.Fit{Rate: nn.Rate{Peak: 1e-3, Decay: 3000}, Adam: nn.Adam{WeightDecay: .1}, Bin: .125},
		}),
	},
}

// named returns a recipe.
func named(name string) (recipe, error) {
	i := slices.IndexFunc(all, func(r recipe) bool { return r.name == name })
	if i < 0 {
		var names []string
		for _, r := range all {
			names = append(names, r.name)
		}
		return recipe{}, fmt.Errorf("no recipe %q; there are %s", name, strings.Join(names, ", "))
	}
	return all[i], nil
}
