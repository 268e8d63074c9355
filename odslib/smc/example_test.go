package smc_test

import (
	"context"
	"fmt"
	"math"

	"odslab/odslib"
	"odslab/odslib/constraint"
	"odslab/odslib/exact"
	"odslab/odslib/priors"
	"odslab/odslib/smc"
	"odslab/odslib/twist"
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

// The covariance twist is exact for Gaussian priors, and most particles count to the end.
func ExampleTDS() {
	c := exact.T13(2)
	res, err := smc.TDS{Twist: twist.Covariance{}, Particles: 2000}.Sample(context.Background(), c.Post, 1000, 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("log Z is off by %.1f\n", math.Abs(res.LogZ-c.LogZ))
	fmt.Println("half of the particles count:", res.ESS > 1000)
	// Output:
	// log Z is off by 0.0
	// half of the particles count: true
}

// A reward that is an ordinary function, to the power of three: particles are steered to positive numbers.
func ExampleFK() {
	positive := constraint.HostReward{F: func(x []float32) float64 { return math.Min(0, float64(x[0])) }}
	post := odslib.Given(priors.Gaussian([]float64{0}, 1), positive)
	res, err := smc.FK{Lambda: 3, Particles: 1000}.Sample(context.Background(), post, 500, 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("the mean is positive:", res.Mean()[0] > .3)
	// Output: the mean is positive: true
}

// From the prior to the posterior by powers of r, in the noise of a generator; there is no chain to discretise.
func ExampleTempering() {
	c := exact.T11(2)
	res, err := smc.Tempering{Particles: 4000}.Sample(context.Background(), c.Post, 1000, 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("log Z is off by %.1f, β ended at %g\n", math.Abs(res.LogZ-c.LogZ), res.Trace[len(res.Trace)-1].T)
	// Output: log Z is off by 0.0, β ended at 1
}

// A run that is stepped by hand, to look at the particles, or at their weights, on the way.
func ExampleTDS_Open() {
	run, err := smc.TDS{Particles: 500, Steps: 20}.Open(exact.T13(1).Post, 100, 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer run.Close()
	steps := 0
	for ; !run.Done(); steps++ {
		if err := run.Step(context.Background()); err != nil {
			fmt.Println(err)
			return
		}
		if run.ESS() < 50 {
			fmt.Println("few particles count at step", steps)
		}
	}
	res, err := run.Result()
	fmt.Println(steps, "steps with the start,", res.Samples.Len(), "draws", err)
	// Output: 21 steps with the start, 100 draws <nil>
}

// Where two experts agree: the product of two mixtures is one, with log Z = −3.37 and the most weight at (1, .4).
func ExampleProduct() {
	a := priors.Isotropic(nil, [][]float64{{-2, 0}, {2, 0}}, .5)
	b := priors.Isotropic([]float64{.4, .6}, [][]float64{{2, 1}, {-1, -1}}, .8)
	both := odslib.Given(smc.Product{{Prior: a, Power: 1}, {Prior: b, Power: 1}}, nil)

	res, err := smc.Bootstrap{Particles: 4000, Control: true, Islands: 4}.Sample(context.Background(), both, 1000, 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(math.Abs(res.LogZ+3.37) < .2, res.LogZError < .1, len(res.Islands))
	// Output: true true 4
}
