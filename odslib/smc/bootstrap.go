package smc

import (
	"context"

	"odslab/odslib"
	"odslab/odslib/diffusion"
	"odslab/odslib/twist"
)

var _ odslib.Sampler = Bootstrap{}

// Bootstrap is sequential Monte Carlo on a prior's reverse chain (Gordon et al. 1993): particles move by the prior's own
// steps and are weighted by a guess of their reward, corrected at the end. It needs no gradient of log r, which may even
// run on the host.
type Bootstrap struct {
	Particles  int             // 0 means 4n within [1000, 20000]; with conditions, for each run of equal rows
	Steps      int             // 0 means 100
	Chain      diffusion.Chain // of a diffusion prior; all particles go together, whatever its Batch
	Twist      twist.Twist     // nil means twist.Default{Unguided: true}, by what the constraint offers
	Potential  Potential       // Difference follows the twist at every step; Terminal weights the end alone
	Resampling Resampling
	Threshold  float64 // resample when ESS < Threshold·Particles: 0 means .5, 1 every step, negative never
	Islands    int     // of so many Particles each, in one batch: LogZError is then measured between them; 0 means 1
	Control    bool    // adds a drift that makes the weights' variance least: for powers and products of priors
	NoShift    bool    // leaves Result.Shift out, and the run of a quarter of the steps that estimates it
}

// Sample implements odslib.Sampler. Result.Samples are n draws from the final cloud, which is Result.Particles.
func (b Bootstrap) Sample(ctx context.Context, post odslib.Posterior, n int, seed uint64) (*odslib.Result, error) {
	return b.core().sample(ctx, post, b, n, seed)
}

// Open readies a run that is stepped by hand.
func (b Bootstrap) Open(post odslib.Posterior, n int, seed uint64) (*Run, error) {
	return b.core().run(post, b, n, seed)
}

func (b Bootstrap) core() feynmanKac {
	return feynmanKac{
		name: "Bootstrap", particles: b.Particles, chain: b.Chain.WithSteps(b.Steps, 100), proposal: OwnStep{},
		twist: or(b.Twist, twist.Default{Unguided: true}), potential: b.Potential, resampling: b.Resampling, threshold: b.Threshold, islands: b.Islands, control: b.Control, plain: b.NoShift,
	}
}

func or(t, usual twist.Twist) twist.Twist {
	if t == nil {
		return usual
	}
	return t
}
