package guide

import (
	"context"
	"testing"

	"github.com/gomlx/gomlx/core/graph"

	"odslab/odslib"
	"odslab/odslib/constraint"
	"odslab/odslib/priors"
)

// TestCostsApart: one evaluation of the network a step, whatever the guide; evaluations of the constraint and products with the
// network's Jacobian are counted by themselves.
func TestCostsApart(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles for seconds")
	}
	prior := priors.Gaussian([]float64{0, 0, 0}, 1)
	two := odslib.Given(prior, constraint.Gaussian{A: constraint.Matrix{{1, 0, 0}, {0, 1, 1}}, Y: []float64{1, 0}, Sigma: .5})
	reward := odslib.Given(prior, constraint.Reward{F: func(x *odslib.Node) *odslib.Node {
		return graph.Neg(graph.ReduceSum(graph.Square(x), -1))
	}})
	for _, c := range []struct {
		name                  string
		s                     odslib.Sampler
		post                  odslib.Posterior
		constraints, products int64 // a step
	}{
		{"plain", Plain{Steps: 5}, two, 0, 0},
		{"DPS", DPS{Steps: 5}, two, 1, 1},
		{"DPS, likelihood", DPS{Steps: 5, Scaling: Likelihood}, two, 1, 1},
		{"ΠGDM", PiGDM{Steps: 5}, two, 1, 1},
		{"TMPD", TMPD{Steps: 5}, two, 1, 3},
		{"TMPD, one iteration", TMPD{Steps: 5, Iterations: 1}, two, 1, 2},
		{"LGD-MC", LGD{Steps: 5, Draws: 6}, two, 6, 1},
		{"DiffPIR", DiffPIR{Steps: 5}, two, 1, 0},
		{"DiffPIR, descending", DiffPIR{Steps: 5, Inner: 4}, reward, 5, 0},
	} {
		res, err := c.s.Sample(context.Background(), c.post, 3, 1)
		if err != nil {
			t.Fatal(err)
		}
		if res.NetworkEvals != 15 || res.ConstraintEvals != 15*c.constraints || res.JacobianProducts != 15*c.products {
			t.Errorf("%s: %d, %d and %d in 15 steps, want 1, %d and %d each", c.name, res.NetworkEvals, res.ConstraintEvals, res.JacobianProducts, c.constraints, c.products)
		}
	}
}
