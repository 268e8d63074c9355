package mcmc_test

import (
	"context"
	"fmt"

	"odslab/odslib"
	"odslab/odslib/constraint"
	"odslab/odslib/mcmc"
	"odslab/odslib/priors"
)

// A generator with two hills on the line, and one noisy look at x = 0.
func ExampleEllipticalSlice() {
	prior := priors.InverseCDF{Weights: []float64{.3, .7}, Means: []float64{-2, 1.5}, Variances: []float64{.25, .64}}
	post := odslib.Given(prior, constraint.Gaussian{A: constraint.Identity{}, Y: []float64{0}, Sigma: 1})

	res, err := mcmc.EllipticalSlice{Chains: 200}.Sample(context.Background(), post, 10000, 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("mean %.1f, standard deviation %.1f\n", res.Mean()[0], res.Std()[0])
	// Output:
	// mean 0.5, standard deviation 1.1
}

// Hamiltonian Monte Carlo where the prior knows its density: no generator is needed.
func ExampleHMC() {
	post := odslib.Given(priors.Gaussian([]float64{0, 0}, 1), constraint.Gaussian{A: constraint.Matrix{{1, 0}}, Y: []float64{1}, Sigma: 1})
	res, err := mcmc.HMC{Walkers: mcmc.Walkers{Chains: 100, Burn: 200, Thin: 2}}.Sample(context.Background(), post, 10000, 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("mean of x_1: %.1f\n", res.Mean()[0])
	// Output: mean of x_1: 0.5
}
