package smc

import (
	"context"
	"testing"

	"odslab/odslib"
	"odslab/odslib/constraint"
	"odslab/odslib/exact"
	"odslab/odslib/priors"
	"odslab/odslib/twist"
)

// TestCostsApart: evaluations of the network, of the constraint, and products with the network's Jacobian, for each particle and step.
func TestCostsApart(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles for seconds")
	}
	two := odslib.Given(priors.Gaussian([]float64{0, 0}, 1), constraint.Gaussian{A: constraint.Identity{}, Y: []float64{1, 0}, Sigma: .5})
	const k, steps = 20, 5
	for _, c := range []struct {
		name                           string
		s                              odslib.Sampler
		post                           odslib.Posterior
		networks, constraints, product int64 // of k·steps; the end asks the constraint once more
	}{
		{"bootstrap, tempered", Bootstrap{Particles: k, Steps: steps, Twist: twist.Tempered{}}, two, 1, 1, 0},
		{"bootstrap, covariance", Bootstrap{Particles: k, Steps: steps, Twist: twist.Covariance{}}, two, 1, 1, 2},
		{"TDS, covariance", TDS{Particles: k, Steps: steps, Twist: twist.Covariance{}}, two, 1, 1, 3},
		{"TDS, point", TDS{Particles: k, Steps: steps, Twist: twist.Point{}}, two, 1, 1, 1},
		{"TDS, 4 draws", TDS{Particles: k, Steps: steps, Twist: twist.MonteCarlo{Draws: 4}}, two, 1, 4, 1},
		{"TDS, samples of the prior", TDS{Particles: k, Steps: steps, Twist: twist.Kernel{}}, two, 1, 1, 0},
		{"TDS, tilt", TDS{Particles: k, Steps: steps, Twist: twist.Quadratic{}}, exact.T12(2, 1).Post, 1, 1, 2},
		{"a square", TDS{Particles: k, Steps: steps, Twist: twist.Point{}}, odslib.Given(Product{{priors.Gaussian([]float64{0, 0}, 1), 1}, {priors.Gaussian([]float64{0, 0}, 2), 1}}, two.Constraint), 2, 1, 2},
	} {
		res, err := c.s.Sample(context.Background(), c.post, 3, 1)
		if err != nil {
			t.Fatal(err)
		}
		if res.NetworkEvals != k*steps*c.networks || res.ConstraintEvals != k*(steps*c.constraints+1) || res.JacobianProducts != k*steps*c.product {
			t.Errorf("%s: %d, %d and %d, want %d, %d and %d of %d", c.name, res.NetworkEvals, res.ConstraintEvals, res.JacobianProducts, c.networks, c.constraints, c.product, k*steps)
		}
	}
}
