package smc

import (
	"context"

	"odslab/odslib"
	"odslab/odslib/diffusion"
)

var _ odslib.Sampler = Bootstrap{}

// Bootstrap is sequential Monte Carlo on the reverse chain of a diffusion prior (Gordon et al. 1993): particles move by
// the prior's own kernel and are weighted by a guess of their reward from x̂0, corrected at the end. It needs no gradient
// of log r, which may even run on the host.
type Bootstrap struct {
	Particles  int             // 0 means 4n within [1000, 20000]
	Chain      diffusion.Chain // zero value: the prior's schedule, 100 even steps, diffusion.Noisy
	Resampling Resampling
	Threshold  float64   // resample when ESS < Threshold·Particles: 0 means .5, 1 every step, negative never
	Twist      Twist     // nil means Tempered
	Potential  Potential // Difference follows the twist at every step; Terminal weights the end alone
	Observe    []int     // steps whose particles are kept in Result.Draws; 0 is the start, the last step the end
}

// Sample implements odslib.Sampler. Result.Samples are n draws from the final cloud, which is Result.Particles.
func (b Bootstrap) Sample(ctx context.Context, post odslib.Posterior, n int, seed uint64) (*odslib.Result, error) {
	return b.core().sample(ctx, post, b, n, seed)
}

func (b Bootstrap) core() feynmanKac {
	if b.Twist == nil {
		b.Twist = Tempered{}
	}
	return feynmanKac{
		name: "Bootstrap", particles: b.Particles, chain: b.Chain, proposal: Prior{}, twist: b.Twist,
		potential: b.Potential, resampling: b.Resampling, threshold: b.Threshold, observe: b.Observe,
	}
}
