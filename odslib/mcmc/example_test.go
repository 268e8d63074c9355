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

// Two hills on the line and one noisy look at x = 0, without any gradient.
func ExampleRandomWalk() {
	prior := priors.Isotropic([]float64{.3, .7}, [][]float64{{-2}, {1.5}}, .5)
	post := odslib.Given(prior, constraint.Gaussian{A: constraint.Identity{}, Y: []float64{0}, Sigma: 1})
	res, err := mcmc.RandomWalk{Walkers: mcmc.Walkers{Chains: 200}}.Sample(context.Background(), post, 10000, 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	exact, _, _ := post.Exact()
	mean, _ := exact.(odslib.Moments).Moments()
	fmt.Printf("mean %.1f, exactly %.1f\n", res.Mean()[0], mean[0])
	// Output: mean 0.5, exactly 0.5
}

// pCN in the noise of a generator of 50 coordinates, where a random walk's steps would have to be small.
func ExamplePCN() {
	prior := priors.InverseCDF{Weights: []float64{1}, Means: []float64{0}, Variances: []float64{4}, Dim: 50}
	post := odslib.Given(prior, constraint.Gaussian{A: constraint.Mask{Keep: append([]bool{true}, make([]bool, 49)...)}, Y: []float64{3}, Sigma: 2})
	res, err := mcmc.PCN{Walkers: mcmc.Walkers{Chains: 200}}.Sample(context.Background(), post, 10000, 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("mean of x_1 %.1f, standard deviation %.1f\n", res.Mean()[0], res.Std()[0])
	// Output: mean of x_1 1.5, standard deviation 1.4
}

// MALA under errors with heavy tails: of three looks at x one is far off, and counts little.
func ExampleMALA() {
	looks := constraint.Measurement{
		A: constraint.Matrix{{1}, {1}, {1}}, Y: []float64{.9, 1.1, 8}, Error: constraint.Outliers{Sigma: .2, Share: .1, Wide: 5},
	}
	post := odslib.Given(priors.Gaussian([]float64{0}, 4), looks)
	res, err := mcmc.MALA{Walkers: mcmc.Walkers{Chains: 200}}.Sample(context.Background(), post, 10000, 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("x = %.1f ± %.1f\n", res.Mean()[0], res.Std()[0])
	// Output: x = 1.0 ± 0.1
}
