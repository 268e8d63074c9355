package constraint_test

import (
	"context"
	"fmt"

	"odslab/odslib"
	"odslab/odslib/constraint"
	"odslab/odslib/engine"
	"odslab/odslib/priors"
)

// rewards prints log r at the rows of x.
func rewards(c any, x [][]float64) {
	post := odslib.Given(priors.Gaussian(make([]float64, len(x[0])), 1), c)
	logr, err := post.Rewards(context.Background(), engine.FromRows(x))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%.2f\n", logr)
}

// The density of the error falls in proportion to |y−x|, not to its square.
func ExampleLaplace() {
	rewards(constraint.Measurement{A: constraint.Identity{}, Y: []float64{1}, Error: constraint.Laplace{Scale: 1}}, [][]float64{{1}, {2}, {3}})
	// Output: [-0.69 -1.69 -2.69]
}

// A value that is far off counts as an outlier: beyond some Sigma log r falls no further to speak of.
func ExampleOutliers() {
	rewards(constraint.Measurement{A: constraint.Identity{}, Y: []float64{0}, Error: constraint.Outliers{Sigma: .1, Share: .05, Wide: 5}}, [][]float64{{0}, {.5}, {1}})
	// Output: [1.33 -5.53 -5.54]
}

// Counts of photons from a source of brightness x over a background of 1: there is no brightness below −1.
func ExamplePoisson() {
	rewards(constraint.Poisson{A: constraint.Identity{}, Y: []float64{3}, Background: 1}, [][]float64{{0}, {2}, {-1}})
	// Output: [-2.79 -1.50 -Inf]
}

// Phase retrieval: x and −x are equally likely, and so is a signal that has only been shifted in a circle.
func ExampleModulus() {
	x := [][]float64{{1, 0, 0, 0}, {-1, 0, 0, 0}, {0, 1, 0, 0}, {1, 1, 0, 0}}
	rewards(constraint.Measurement{A: constraint.Fourier(4, 4), Y: []float64{.5, .5, .5, .5}, Error: constraint.Normal{Sigma: 1}}, x)
	// Output: [-3.68 -3.68 -3.68 -3.97]
}

// seen prints what an operator makes of a 3×3 image with one bright pixel in its middle.
func seen(a constraint.LinearOperator) {
	fmt.Printf("%.1f\n", a.ApplyHost([]int{3, 3, 1}, []float64{0, 0, 0, 0, 1, 0, 0, 0, 0}))
}

// A camera that moved two pixels along the rows.
func ExampleMotionBlur() {
	seen(constraint.MotionBlur([]int{3, 3, 1}, 2, 0))
	// Output: [0.0 0.0 0.0 0.3 0.4 0.3 0.0 0.0 0.0]
}

// Sums along rows and along columns, a line for each pixel of a side.
func ExampleProjection() {
	seen(constraint.Projection([]int{3, 3, 1}, []float64{0, 1.5707963}))
	// Output: [0.0 1.0 0.0 0.0 1.0 0.0]
}

// All but the middle pixel is seen.
func ExampleBox() {
	seen(constraint.Box([]int{3, 3, 1}, 1, 1, 1, 1))
	// Output: [0.0 0.0 0.0 0.0 0.0 0.0 0.0 0.0]
}

// Each pixel is seen with probability ½, the same ones for the same seed.
func ExampleRandomMask() {
	m := constraint.RandomMask([]int{3, 3, 1}, .5, 1)
	fmt.Println(m.Keep)
	// Output: [false true false true false false true false false]
}
