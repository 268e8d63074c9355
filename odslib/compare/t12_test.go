package compare_test

import (
	"context"
	"math"
	"testing"

	"odslab/odslib"
	"odslab/odslib/constraint"
	"odslab/odslib/exact"
	"odslab/odslib/priors"
	"odslab/odslib/smc"
)

// TestPotentialsOnTilts: on T12 every potential gives the same log Z while weights are not degenerate, in five steps. In a hundred
// the max and the sum of twists, which are far from r until the last step, are many nats off, which is shown and no gate.
func TestPotentialsOnTilts(t *testing.T) {
	if testing.Short() {
		t.Skip("particles")
	}
	c := exact.T12(2, 1)
	for _, steps := range []int{5, 100} {
		for _, p := range []smc.Potential{smc.Difference, smc.Max, smc.Sum} {
			const seeds = 8
			mean, square := 0., 0.
			for seed := range seeds {
				r, err := smc.FK{Particles: 1000, Steps: steps, Potential: p, NoShift: true}.Sample(context.Background(), c.Post, 100, uint64(seed))
				if err != nil {
					t.Fatal(err)
				}
				mean, square = mean+r.LogZ/seeds, square+r.LogZ*r.LogZ/seeds
			}
			se := math.Sqrt((square - mean*mean) / (seeds - 1))
			t.Logf("%d steps, %v: log Ẑ %.3f ± %.3f, exactly .5", steps, p, mean, se)
			// Four errors; log of a mean over 1000 particles is biased by half its variance, a hundredth of that.
			if steps == 5 && math.Abs(mean-.5) > 4*se+.01 {
				t.Errorf("%d steps, %v: log Ẑ %.3f ± %.3f, exactly .5", steps, p, mean, se)
			}
		}
	}
}

// TestQuadraticTilt: r = exp(−‖x − 2·1‖²/(2·.25)) in sixteen dimensions, whose log Z, mean and variance are known numbers.
func TestQuadraticTilt(t *testing.T) {
	precision, linear := make([]float64, 16), make([]float64, 16)
	for i := range precision {
		precision[i], linear[i] = 4, 8
	}
	post := odslib.Given(priors.Gaussian(make([]float64, 16), 1), constraint.Tilt{Precision: precision, Linear: linear})
	const constant = -16 * 2 * 4. // −½·4·2² each, what the tilt leaves out of the square
	x, logZ, err := post.Exact()
	if err != nil {
		t.Fatal(err)
	}
	mean, std := x.(odslib.Moments).Moments()
	if math.Abs(logZ+constant+38.475503) > 1e-5 || math.Abs(mean[7]-1.6) > 1e-9 || math.Abs(std[7]*std[7]-.2) > 1e-9 {
		t.Errorf("log Z %.6f, mean %g, variance %g", logZ+constant, mean[7], std[7]*std[7])
	}
	if testing.Short() {
		return
	}
	r, err := smc.Tempering{Particles: 2000}.Sample(context.Background(), post, 1000, 1)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("tempering: log Ẑ %.3f ± %.3f, %q", r.LogZ+constant, r.LogZError, r.Notes)
	if math.Abs(r.LogZ-logZ) > 4*r.LogZError || math.Abs(r.Mean()[0]-1.6) > 4*math.Sqrt(.2/r.ESS) {
		t.Errorf("tempering: log Ẑ %.3f ± %.3f for %.3f, mean %.3f", r.LogZ, r.LogZError, logZ, r.Mean()[0])
	}
}
