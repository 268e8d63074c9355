package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"odslab/odslib"
	"odslab/odslib/datasets"
	"odslab/odslib/engine"
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
	note  string // where it fails
}

// kept is a prior that a file can keep.
type kept interface {
	odslib.Prior
	Save(path string) error
}

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

// classes trains a flow whose conditions are the digits' classes.
func classes(f priors.Flow) func(context.Context, odslib.Array, odslib.Budget, uint64) (kept, error) {
	return func(ctx context.Context, data odslib.Array, budget odslib.Budget, seed uint64) (kept, error) {
		train, _, err := datasets.Digits().Split(heldOut, 1)
		if err != nil {
			return nil, err
		}
		f.Training.Given = engine.NewArray(train.Len(), len(train.Names))
		for i, l := range train.Labels {
			f.Training.Given.Row(i)[l] = 1
		}
		return trained(f)(ctx, data, budget, seed)
	}
}

// within trains latent diffusion in the noise of a kept VAE.
func within(vae string, l priors.LatentDiffusion) func(context.Context, odslib.Array, odslib.Budget, uint64) (kept, error) {
	return func(ctx context.Context, data odslib.Array, budget odslib.Budget, seed uint64) (kept, error) {
		v, ok := priors.Load(vae).(*priors.VAE)
		if !ok {
			return nil, fmt.Errorf("it wants the VAE first: %v", priors.Load(vae))
		}
		l.Outer = v
		return trained(l)(ctx, data, budget, seed)
	}
}

var all = []recipe{
	{
		// At 8×8 pixels an MLP draws good digits, and takes ten times more steps a second than a U-Net.
		name: "digits", kind: "diffusion", data: digits, steps: 4000, seed: 1,
		train: trained(priors.Training{Net: nn.MLP{Hidden: 256, Layers: 4}, Rate: nn.Rate{Peak: 2e-3, Decay: 4000}}),
	},
	{
		name: "digits-vae", kind: "VAE", data: digits, steps: 4000, seed: 1,
		note: "Strokes are soft and some draws fall between digits: noise N(0, I) reaches where the encoder has put no data.",
		train: trained(priors.VAE{
			Latents: []int{12}, Encoder: nn.Tower{Hidden: 96}, Decoder: nn.Tower{Hidden: 96},
			Fit: priors.Fit{Rate: nn.Rate{Peak: 2e-3, Decay: 4000}, Adam: nn.Adam{WeightDecay: .1}, Bin: .125},
		}),
	},
	{
		name: "digits-hvae", kind: "hierarchical VAE", data: digits, steps: 2000, seed: 1,
		note: "Trained with the Kullback–Leibler term at a quarter, or its second layer stays empty; the bound in the table is the full one. Draws fall between digits as the VAE's do.",
		train: trained(priors.VAE{
			Latents: []int{2, 14}, Beta: .25, Encoder: nn.Tower{Hidden: 96}, Decoder: nn.Tower{Hidden: 96},
			Fit: priors.Fit{Rate: nn.Rate{Peak: 2e-3, Decay: 2000}, Adam: nn.Adam{WeightDecay: .1}, Bin: .125},
		}),
	},
	{
		name: "digits-gan", kind: "GAN", data: digits, steps: 5000, seed: 1,
		note: "It has no density; a few draws have grey specks in the background.",
		train: trained(priors.GAN{
			Latent: 16, Generator: nn.Tower{Hidden: 160, Layers: 3}, Critic: nn.Tower{Hidden: 160, Layers: 3},
			Fit: priors.Fit{Batch: 96, Rate: nn.Rate{Peak: 1e-3, Decay: 5000}},
		}),
	},
	{
		name: "digits-flow", kind: "flow matching", data: digits, steps: 6000, seed: 1,
		train: trained(priors.Flow{Training: priors.Training{Net: nn.MLP{Hidden: 256, Layers: 4}, Rate: nn.Rate{Peak: 2e-3, Decay: 6000}, Bin: .125}}),
	},
	{
		name: "digits-classes", kind: "flow matching, classes", data: digits, steps: 4000, seed: 1,
		note:  "Class k is priors.Load(\"digits-classes\").(*priors.Flow).Class(k); its Of is the same as a class-conditional diffusion prior, with Level.Given and Guidance. Without a class, as its bits are, one row in ten was trained, and draws are worse.",
		train: classes(priors.Flow{Training: priors.Training{Net: nn.MLP{Hidden: 192, Layers: 4}, Rate: nn.Rate{Peak: 2e-3, Decay: 4000}, Bin: .125}}),
	},
	{
		name: "digits-realnvp", kind: "RealNVP", data: digits, steps: 1500, seed: 1,
		note: "The density is good and the draws are poor: one in two lies off the digits. More units, more steps or less weight decay overfit.",
		train: trained(priors.RealNVP{
			Couplings: 8, Net: nn.Tower{Hidden: 64, Layers: 1}, Fit: priors.Fit{Rate: nn.Rate{Peak: 2e-3, Decay: 1500}, Adam: nn.Adam{WeightDecay: 1}, Bin: .125},
		}),
	},
	{
		name: "fashion-vae", kind: "VAE", data: fashion, steps: 8000, seed: 1,
		note: "Draws are blurred: no texture, no lettering.",
		train: trained(priors.VAE{
			Latents: []int{24}, Encoder: nn.Tower{Hidden: 256}, Decoder: nn.Tower{Hidden: 256},
			Fit: priors.Fit{Rate: nn.Rate{Peak: 2e-3, Decay: 8000}, Adam: nn.Adam{WeightDecay: .02}, Bin: 2. / 255, Chunk: 50},
		}),
	},
	{
		name: "fashion-flow", kind: "flow matching", data: fashion, steps: 6000, seed: 1,
		note: "An MLP without convolutions draws noise in two minutes; a U-Net is too slow for its recipe here.",
		train: trained(priors.Flow{Training: priors.Training{
			Net: nn.MLP{Hidden: 320, Layers: 3}, Rate: nn.Rate{Peak: 2e-3, Decay: 6000}, Bin: 2. / 255, Chunk: 50,
		}}),
	},
	{
		name: "fashion-gan", kind: "GAN", data: fashion, steps: 5000, seed: 1,
		note: "Without convolutions its draws are grainy: dark and light specks in the cloth and around it.",
		train: trained(priors.GAN{
			Latent: 32, Generator: nn.Tower{Hidden: 256, Layers: 3}, Critic: nn.Tower{Hidden: 256, Layers: 3},
			Fit: priors.Fit{Batch: 96, Rate: nn.Rate{Peak: 1e-3, Decay: 5000}, Chunk: 50},
		}),
	},
	{
		name: "fashion-latent", kind: "latent diffusion", data: fashion, steps: 1500, seed: 1,
		train: within("fashion-vae", priors.LatentDiffusion{Training: priors.Training{Net: nn.MLP{Hidden: 192, Layers: 3}, Rate: nn.Rate{Peak: 2e-3, Decay: 1500}}}),
	},
	{
		name: "grid-gan", kind: "GAN", data: grid, steps: 2000, seed: 1,
		train: trained(priors.GAN{
			Latent: 2, Generator: nn.Tower{Hidden: 96, Layers: 3}, Critic: nn.Tower{Hidden: 96, Layers: 3},
			Fit: priors.Fit{Rate: nn.Rate{Peak: 1e-3, Decay: 2000}},
		}),
	},
	{
		name: "moons-realnvp", kind: "RealNVP", data: moons, steps: 1000, seed: 1,
		train: trained(priors.RealNVP{Couplings: 6, Net: nn.Tower{Hidden: 48, Layers: 1}, Fit: priors.Fit{Rate: nn.Rate{Peak: 2e-3, Decay: 1000}}}),
	},
	{
		name: "rings-flow", kind: "flow matching", data: rings, steps: 2000, seed: 1,
		note:  "The rings are wider than the data's, where draws lie off them.",
		train: trained(priors.Flow{Training: priors.Training{Net: nn.MLP{Hidden: 64, Layers: 2}, Rate: nn.Rate{Peak: 2e-3, Decay: 2000}}}),
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
		for _, c := range classifiers {
			names = append(names, c.name+"-classifier")
		}
		return recipe{}, fmt.Errorf("no recipe %q; there are %s", name, strings.Join(names, ", "))
	}
	return all[i], nil
}
