package smc

import (
	"context"
	"math"
	"strings"
	"testing"

	"odslab/odslib"
	"odslab/odslib/constraint"
	"odslab/odslib/exact"
	"odslab/odslib/mcmc"
	"odslab/odslib/priors"
)

// TestTempering: evidence and moments of known posteriors, in the noise of a generator and in data space, by every kernel: log Z
// within four of its errors, means within four by ESS. T6 is nine modes in data space; the far tilt of N(0, I) in 16 dimensions
// would leave importance sampling e⁻⁹ of its particles.
func TestTempering(t *testing.T) {
	long(t)
	far := make([]float64, 16)
	for i := range far {
		far[i] = 3 / 4.
	}
	tilt := exact.Case{Name: "far tilt", Post: odslib.Given(odslib.Normal{Dims: []int{16}}, constraint.Tilt{Linear: far}), LogZ: 4.5}
	for _, c := range []struct {
		exact.Case
		kernel mcmc.Kernel
		moves  int
	}{
		{exact.T11(2), nil, 0},
		{exact.T11(2), mcmc.PCN{}, 0},
		{exact.T10(), mcmc.MALA{}, 5},
		{exact.T10(), mcmc.HMC{Leaps: 5}, 2},
		{exact.T6(), mcmc.RandomWalk{}, 5},
		{exact.T13(2), mcmc.MALA{}, 5},
		{tilt, mcmc.HMC{Leaps: 5}, 2},
	} {
		res, err := Tempering{Kernel: c.kernel, Particles: 2000, Moves: c.moves}.Sample(context.Background(), c.Post, 1000, 1)
		if err != nil {
			t.Fatalf("%s, %T: %v", c.Name, c.kernel, err)
		}
		t.Logf("%s, %T: %v, exact %.3f, %d rungs", c.Name, c.kernel, res, c.LogZ, len(res.Trace))
		if math.Abs(res.LogZ-c.LogZ) > 4*res.LogZError || res.LogZError > .3 || res.LogZAtLeast || res.Shift != 0 {
			t.Errorf("%s, %T: log Z %.3f ± %.3f, exact %.3f", c.Name, c.kernel, res.LogZ, res.LogZError, c.LogZ)
		}
		truth, _, err := c.Post.Exact()
		if err != nil {
			continue
		}
		x, err := truth.Sample(context.Background(), 20000, 1)
		if err != nil {
			t.Fatal(err)
		}
		want := &odslib.Result{Samples: x}
		mean, std := want.Mean(), want.Std()
		for j, m := range res.Mean() {
			if math.Abs(m-mean[j]) > 4.5*std[j]/math.Sqrt(res.ESS)+.02*std[j] {
				t.Errorf("%s, %T: mean of x_%d is %.3f, not %.3f; ESS %.0f", c.Name, c.kernel, j, m, mean[j], res.ESS)
			}
		}
	}
}

// TestAISIsUnbiased: on a fixed ladder E[Ẑ] = Z for any number of particles and moves, with and without resampling, in the graph
// and on the host.
func TestAISIsUnbiased(t *testing.T) {
	long(t)
	prior := priors.InverseCDF{Weights: []float64{.3, .7}, Means: []float64{-2, 1.5}, Variances: []float64{.25, .64}}
	c := exact.T11(1)
	onHost := odslib.Given(prior, constraint.HostReward{F: func(x []float32) float64 {
		return -.5*float64(x[0]*x[0]) - .5*math.Log(2*math.Pi)
	}})
	for name, post := range map[string]odslib.Posterior{"graph": c.Post, "host": onHost} {
		for _, threshold := range []float64{-1, 1} {
			s := Tempering{Particles: 16, Ladder: []float64{.1, .3, .6, 1}, Moves: 1, Threshold: threshold, Kernel: mcmc.PCN{}}
			unbiasedBy(t, name, 60, func(seed uint64) float64 {
				res, err := s.Sample(context.Background(), post, 1, seed)
				if err != nil {
					t.Fatal(err)
				}
				if resampled := len(res.Ancestors) > 0; resampled != (threshold > 0) {
					t.Fatalf("threshold %g: %d resamplings", threshold, len(res.Ancestors))
				}
				return res.LogZ - c.LogZ
			})
		}
	}
}

// TestTemperingSays: what cannot be right says so in one line.
func TestTemperingSays(t *testing.T) {
	post := exact.T11(1).Post
	for want, s := range map[string]Tempering{
		"must rise":           {Ladder: []float64{.5, .2, 1}},
		"ends at 0.5":         {Ladder: []float64{.5}},
		"Adaptive of 1.5":     {Adaptive: 1.5},
		"-3 moves":            {Moves: -3},
		"no resampling rule":  {Resampling: 9},
		"noise of a generato": {Kernel: mcmc.PCN{}},
	} {
		p := post
		if s.Kernel != nil {
			p = exact.T13(1).Post
		}
		if _, err := s.Sample(context.Background(), p, 10, 1); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("want one line with %q, got %v", want, err)
		}
	}
	none := odslib.Given(odslib.Normal{Dims: []int{2}}, constraint.HostReward{F: func([]float32) float64 { return math.Inf(-1) }})
	if _, err := (Tempering{Particles: 20}).Sample(context.Background(), none, 10, 1); err == nil || !strings.Contains(err.Error(), "no particle has a positive weight") {
		t.Errorf("a reward of 0 everywhere: %v", err)
	}
}
