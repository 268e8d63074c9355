package smc

import (
	"context"

	"odslab/odslib"
	"odslab/odslib/diffusion"
	"odslab/odslib/twist"
)

var _ odslib.Sampler = FK{}

// FK is Feynman–Kac steering (Singhal et al. 2025, 2501.06848): it draws from p(x)·exp(λ·r(x))/Z with any reward r, which is
// the constraint's log r, in graph code or on the host. Result.LogZ is that of the power λ. With the difference potential and
// TwistedStep it is TDS.
type FK struct {
	Lambda     float64 // λ; 0 means 1
	Potential  Potential
	Proposal   Proposal    // nil means OwnStep{}; TwistedStep{} follows the gradient of the twist
	Twist      twist.Twist // nil means twist.Point{}, the reward of x̂0, and under TwistedStep{} TDS's; λ multiplies it
	Particles  int         // 0 means 4n within [1000, 20000]; with conditions, for each run of equal rows
	Steps      int         // 0 means 100
	Chain      diffusion.Chain
	Resampling Resampling
	Threshold  float64 // resample when ESS < Threshold·Particles: 0 means .5, 1 every step, negative never
	Islands    int     // of so many Particles each, in one batch: LogZError is then measured between them; 0 means 1
	Control    bool    // adds a drift that makes the weights' variance least: for powers and products of priors
	NoShift    bool    // leaves Result.Shift out, and the run of a quarter of the steps that estimates it
}

// Sample implements odslib.Sampler. Result.Samples are n draws from the final cloud, which is Result.Particles.
func (s FK) Sample(ctx context.Context, post odslib.Posterior, n int, seed uint64) (*odslib.Result, error) {
	return s.core().sample(ctx, post, s, n, seed)
}

// Open readies a run that is stepped by hand.
func (s FK) Open(post odslib.Posterior, n int, seed uint64) (*Run, error) {
	return s.core().run(post, s, n, seed)
}

func (s FK) core() feynmanKac {
	if s.Proposal == nil {
		s.Proposal = OwnStep{}
	}
	var usual twist.Twist = twist.Point{}
	if s.Proposal.Guided() {
		usual = twist.Default{}
	}
	return feynmanKac{
		name: "FK", particles: s.Particles, chain: s.Chain.WithSteps(s.Steps, 100), proposal: s.Proposal, lambda: s.Lambda,
		twist: or(s.Twist, usual), potential: s.Potential, resampling: s.Resampling, threshold: s.Threshold, islands: s.Islands, control: s.Control, plain: s.NoShift,
	}
}
