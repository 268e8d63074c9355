package main

import (
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
	name     string
	training priors.Training
	steps    int
	seed     uint64
	images   func() datasets.Images
}

// heldOut is the share of the data that is kept from training.
const heldOut = .1

// data returns the samples to train on and those held out.
func (r recipe) data() (train, held odslib.Array, err error) {
	a, b, err := r.images().Split(heldOut, r.seed)
	return a.X, b.X, err
}

var all = []recipe{{
	// At 8×8 pixels an MLP draws good digits, and takes ten times more steps a second than a U-Net.
	name: "digits", steps: 4000, seed: 1, images: datasets.Digits,
	training: priors.Training{Net: nn.MLP{Hidden: 256, Layers: 4}, Rate: nn.Rate{Peak: 2e-3, Decay: 4000}},
}}

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
