package compare_test

import (
	"math"
	"testing"

	"odslab/odslib/compare"
	"odslab/odslib/engine"
)

// A Gaussian of variance 1/4 has curvature 4 everywhere and no barrier; two of them four deviations either side of 0 have one, of
// 8 − log 2 nats, and a hollow between them.
func TestCurvature(t *testing.T) {
	x := engine.FromRows([][]float64{{.1, -.4}, {.7, .2}, {0, 0}})
	g := compare.CurvatureOf(func(x float64) float64 { return -2 * x * x }, x, -1, 1)
	if g.Barrier > 1e-12 || g.Hollow != 0 || math.Abs(g.Stiff-4) > 1e-6 || math.Abs(g.Condition-1) > 1e-6 {
		t.Errorf("Gaussian: %+v", g)
	}
	two := func(x float64) float64 { return math.Log(math.Exp(-2*(x-2)*(x-2)) + math.Exp(-2*(x+2)*(x+2))) }
	m := compare.CurvatureOf(two, x, -2, 2)
	if math.Abs(m.Barrier-(8-math.Log(2))) > .01 || m.Hollow < .99 {
		t.Errorf("two Gaussians: %+v, want a barrier of %.3f", m, 8-math.Log(2))
	}
}

// Two chains of two coordinates with hills of .7 and .3: one stays, one meets all four; the fourth, of .09, counts.
func TestVisited(t *testing.T) {
	x := engine.FromRows([][]float64{{1, 1}, {1, 1}, {1, 1}, {-1, 1}, {1, 1}, {1, -1}, {1, 1}, {-1, -1}})
	if mean, of := compare.Visited(x, 2, []float64{0}, []float64{.3, .7}); mean != 2.5 || of != 4 {
		t.Errorf("%g of %d, want 2.5 of 4", mean, of)
	}
	if _, of := compare.Visited(engine.NewArray(4, 3), 2, []float64{0}, []float64{.1, .9}); of != 4 { // .729 and three of .081
		t.Errorf("%d hills count, want 4", of)
	}
}
