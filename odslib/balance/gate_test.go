package balance_test

import (
	"context"
	"fmt"
	"math"
	"os"
	"strconv"
	"testing"

	"odslab/odslib"
	"odslab/odslib/constraint"
	"odslab/odslib/engine"
	"odslab/odslib/exact"
	"odslab/odslib/measure"
	"odslab/odslib/outsource"
	"odslab/odslib/priors"
	"odslab/odslib/rtb"
)

// TestGates trains with default settings on as many seeds as ODSLAB_GATES says, some three minutes of two cores each:
//
//	ODSLAB_GATES=5 go test ./odslib/balance -run Gates -v -timeout 4h
//
// A sharp measurement of sixteen dimensions, as a density and as T12's quadratic tilt: log Ẑ of each seed within .1 (the chain is
// exact for N(0, I)), effective size at least .4, of .645 that fixed variances allow at 100 steps. T10 and T11 by their noise: the
// mean of the seeds has log Ẑ within .03 and mode weights within .02 of what exact samples give by the same assignment.
func TestGates(t *testing.T) {
	seeds, _ := strconv.Atoi(os.Getenv("ODSLAB_GATES"))
	if seeds <= 0 {
		t.Skip("ODSLAB_GATES=5 runs it")
	}
	const n, d = 10000, 16
	two, precision := make([]float64, d), make([]float64, d)
	for i := range two {
		two[i], precision[i] = 2, 4
	}
	measured := odslib.Given(odslib.Normal{Dims: []int{d}}, constraint.Gaussian{A: constraint.Identity{}, Y: two, Sigma: .5})
	tilt := odslib.Given(priors.Gaussian(make([]float64, d), 1), constraint.Tilt{Precision: precision, Center: two})
	density := .5 * d * math.Log(2*math.Pi*.25)
	for _, c := range []struct {
		name  string
		post  odslib.Posterior
		logZ  float64
		train func(ctx context.Context, post odslib.Posterior, seed uint64) (odslib.Sampler, error)
		each  bool
	}{
		{"sharp measurement", measured, -38.475503 - density, byRTB, true},
		{"T12 quadratic tilt", tilt, -38.475503, byRTB, true},
		{"T10", exact.T10().Post, exact.T10().LogZ, outsourced, false},
		{"T11 d=1", exact.T11(1).Post, exact.T11(1).LogZ, outsourced, false},
		{"T11 d=2", exact.T11(2).Post, exact.T11(2).LogZ, outsourced, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			modes := func(odslib.Array) []float64 { return nil }
			var want, share []float64
			if !c.each {
				modes, want = modesOf(t, c.post)
				share = make([]float64, len(want))
			}
			mean := 0.
			for seed := range seeds {
				s, err := c.train(context.Background(), c.post, uint64(seed))
				if err != nil {
					t.Fatal(err)
				}
				r, err := s.Sample(context.Background(), c.post, n, uint64(seed))
				if err != nil {
					t.Fatal(err)
				}
				off, ess := r.LogZ-c.logZ, r.ESS/n
				mean += off / float64(seeds)
				fmt.Printf("%s, seed %d: log Ẑ − log Z %+.3f ± %.3f, ESS %.3f, modes %.3f of %.3f; %v\n", c.name, seed, off, r.LogZError, ess, modes(r.Samples), want, r.Notes)
				for k, w := range modes(r.Samples) {
					share[k] += w / float64(seeds)
				}
				if c.each && (math.Abs(off) > .1 || ess < .4) {
					t.Errorf("seed %d: log Ẑ − log Z %+.3f, effective size %.3f", seed, off, ess)
				}
			}
			if !c.each && math.Abs(mean) > .03 {
				t.Errorf("mean log Ẑ − log Z %+.3f", mean)
			}
			for k, w := range want {
				if math.Abs(share[k]-w) > .02 {
					t.Errorf("mean share of mode %d is %.3f, want %.3f", k, share[k], w)
				}
			}
		})
	}
}

// modesOf assigns samples to the components of the exact posterior, and says what share of 200,000 exact ones each gets.
func modesOf(t *testing.T, post odslib.Posterior) (modes func(odslib.Array) []float64, want []float64) {
	t.Helper()
	truth, _, err := post.Exact()
	if err != nil {
		t.Fatal(err)
	}
	m, ok := truth.(*priors.Mixture)
	if !ok || len(m.Means) < 2 {
		return func(odslib.Array) []float64 { return nil }, nil
	}
	modes = func(x odslib.Array) []float64 {
		w, err := measure.ModeWeights(x, nil, engine.FromRows(m.Means))
		if err != nil {
			t.Fatal(err)
		}
		return w
	}
	x, err := truth.Sample(context.Background(), 200000, 1)
	if err != nil {
		t.Fatal(err)
	}
	return modes, modes(x)
}

func byRTB(ctx context.Context, post odslib.Posterior, seed uint64) (odslib.Sampler, error) {
	return rtb.Sampler{}.Train(ctx, post, odslib.Budget{}, seed)
}

func outsourced(ctx context.Context, post odslib.Posterior, seed uint64) (odslib.Sampler, error) {
	return outsource.Sampler{}.Train(ctx, post, odslib.Budget{}, seed)
}
