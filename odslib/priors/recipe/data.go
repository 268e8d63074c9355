package main

import (
	"context"

	"odslab/odslib"
	"odslab/odslib/datasets"
	"odslab/odslib/priors"
)

// dataset is what a prior is trained on and judged by.
type dataset struct {
	name       string
	bin        float64 // width of a step; 0 for data without steps
	classifier string  // kept one whose features draws are compared in; without one they are compared as they are
	load       func(seed uint64) (train, held odslib.Array, err error)
}

// heldOut is the share of the data that is kept from training.
const heldOut = .1

var digits = dataset{name: "digits 8×8", bin: .125, classifier: "digits", load: func(seed uint64) (train, held odslib.Array, err error) {
	a, b, err := datasets.Digits().Split(heldOut, seed)
	return a.X, b.X, err
}}

// fashion are the 60,000 pictures that "go run ./kernel setup -data" fetches, and the first 1,000 of the test half.
var fashion = dataset{name: "Fashion-MNIST 28×28", bin: 2. / 255, classifier: "fashion", load: func(uint64) (train, held odslib.Array, err error) {
	a, b, err := datasets.FashionFull("")
	if err != nil {
		return train, held, err
	}
	return a.X, b.X.Slice(0, 1000), nil
}}

var (
	grid = plane("25 Gaussians", func(n int, seed uint64) (odslib.Array, error) {
		return priors.Grid25().Sample(context.Background(), n, seed)
	})
	moons = plane("two moons", func(n int, seed uint64) (odslib.Array, error) { return datasets.TwoMoons(n, seed), nil })
	rings = plane("rings", func(n int, seed uint64) (odslib.Array, error) { return datasets.Rings(n, seed), nil })
)

// plane is a density in the plane: 10,000 points to train on and 1,000 more.
func plane(name string, draw func(n int, seed uint64) (odslib.Array, error)) dataset {
	return dataset{name: name, load: func(seed uint64) (train, held odslib.Array, err error) {
		if train, err = draw(10000, seed); err == nil {
			held, err = draw(1000, seed+1)
		}
		return train, held, err
	}}
}
