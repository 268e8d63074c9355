package smc

import (
	"context"

	"odslab/odslib"
	"odslab/odslib/diffusion"
	"odslab/odslib/twist"
)

var _ odslib.Sampler = TDS{}

// TDS is the twisted diffusion sampler (Wu et al. 2023, 2306.17775): particles move along the gradient of the twist, and
// their weights take back what that changes. Under the default twist it is the method of choice for linear measurements.
type TDS struct {
	Twist      twist.Twist     // nil means twist.Default{}, by what the constraint offers (published: Point{})
	Particles  int             // 0 means 4n within [1000, 20000]; with conditions, for each run of equal rows
	Steps      int             // 0 means 100
	Chain      diffusion.Chain // of a diffusion prior; all particles go together, whatever its Batch
	Resampling Resampling
	Threshold  float64 // resample when ESS < Threshold·Particles: 0 means .5, 1 every step, negative never
	Islands    int     // of so many Particles each, in one batch: LogZError is then measured between them; 0 means 1
	Control    bool    // adds a drift that makes the weights' variance least: for powers and products of priors
	NoShift    bool    // leaves Result.Shift out, and the run of a quarter of the steps that estimates it
}

// Sample implements odslib.Sampler. Result.Samples are n draws from the final cloud, which is Result.Particles.
func (s TDS) Sample(ctx context.Context, post odslib.Posterior, n int, seed uint64) (*odslib.Result, error) {
	return s.core().sample(ctx, post, s, n, seed)
}

// Open readies a run that is stepped by hand.
func (s TDS) Open(post odslib.Posterior, n int, seed uint64) (*Run, error) {
	return s.core().run(post, s, n, seed)
}

func (s TDS) core() feynmanKac {
	return feynmanKac{
		name: "TDS", particles: s.Particles, chain: s.Chain.WithSteps(s.Steps, 100), proposal: TwistedStep{},
		twist: or(s.Twist, twist.Default{}), resampling: s.Resampling, threshold: s.Threshold, islands: s.Islands, control: s.Control, plain: s.NoShift,
	}
}
