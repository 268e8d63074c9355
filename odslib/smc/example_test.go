package smc_test

import (
	"context"
	"fmt"

	"odslab/odslib"
	"odslab/odslib/constraint"
	"odslab/odslib/priors"
	"odslab/odslib/smc"
)

// Twenty-five Gaussians, of which one measurement of x₁−x₂ leaves four or five alive.
func ExampleBootstrap() {
	prior := priors.Grid25()
	post := odslib.Given(prior, constraint.Gaussian{A: constraint.Matrix{{1, -1}}, Y: []float64{4}, Sigma: .5})

	res, err := smc.Bootstrap{Particles: 4000}.Sample(context.Background(), post, 1000, 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	_, logZ, _ := prior.Exact(constraint.Gaussian{A: constraint.Matrix{{1, -1}}, Y: []float64{4}, Sigma: .5})
	mean := res.Mean()
	fmt.Printf("x₁−x₂ = %.0f\n", mean[0]-mean[1])
	fmt.Println("evidence within half a nat:", res.LogZ-logZ < .5 && logZ-res.LogZ < .5)
	// Output:
	// x₁−x₂ = 4
	// evidence within half a nat: true
}
