package guide_test

import (
	"context"
	"fmt"

	"github.com/gomlx/gomlx/core/graph"

	"odslab/odslib"
	"odslab/odslib/constraint"
	"odslab/odslib/exact"
	"odslab/odslib/guide"
	"odslab/odslib/priors"
)

// A split Gibbs sampler on a Gaussian prior, where the posterior is known: mean .97 along x_1.
func ExampleSplitGibbs() {
	res, err := guide.SplitGibbs{}.Sample(context.Background(), exact.T13(1).Post, 4000, 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("mean of x_1: %.1f\n", res.Mean()[0])
	// Output: mean of x_1: 1.0
}

// DiffPIR takes a reward of which only the gradient is known.
func ExampleDiffPIR() {
	reward := constraint.Reward{F: func(x *odslib.Node) *odslib.Node {
		return graph.MulScalar(graph.ReduceSum(graph.Square(graph.AddScalar(x, -1)), -1), -10)
	}}
	res, err := guide.DiffPIR{}.Sample(context.Background(), odslib.Given(priors.Gaussian([]float64{0, 0}, 1), reward), 2000, 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("mean of x_1: %.0f\n", res.Mean()[0])
	// Output: mean of x_1: 1
}

// LGD-MC on a Student-t error, for which there is no linear algebra.
func ExampleLGD() {
	post := odslib.Given(priors.Gaussian([]float64{0}, 1), constraint.StudentT{A: constraint.Identity{}, Y: []float64{1}, Nu: 4, Scale: .1})
	res, err := guide.LGD{}.Sample(context.Background(), post, 2000, 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("mean: %.0f\n%s\n", res.Mean()[0], res.About)
	// Output:
	// mean: 1
	// biased by construction: x_0 given x_t is taken for N(x̂0, r_t²I), and its mean of r by a few draws
}
