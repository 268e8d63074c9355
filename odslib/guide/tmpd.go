package guide

import (
	"context"

	"odslab/odslib"
	"odslab/odslib/diffusion"
	"odslab/odslib/twist"
)

var (
	_ odslib.Sampler = TMPD{}
	_ Guide          = TMPD{}
)

// TMPD is Tweedie moment projected diffusion (Boys et al. 2023, 2310.06721): as ΠGDM with the true covariance of x_0 given
// x_t, (σ²/α)·J, in place of r_t²I. Exact for every Gaussian prior. With Iterations it is MMPS (Rozet et al. 2024,
// 2405.13712), which solves the linear system by conjugate gradients.
type TMPD struct {
	Steps      int // 0 means 100
	Iterations int // of conjugate gradients; 0 means exact up to twist.MostMeasured measured values, 8 for more
	Chain      diffusion.Chain
	Check      bool // say how far the draws are from the posterior, a hundred at least, and warn; at up to thrice the evaluations
}

// Sample implements odslib.Sampler.
func (s TMPD) Sample(ctx context.Context, post odslib.Posterior, n int, seed uint64) (*odslib.Result, error) {
	return sample(ctx, "TMPD", s, s.Chain.WithSteps(s.Steps, 100), s.Check, post, n, seed)
}

// About is what holds of every run.
func (TMPD) About() string {
	return "biased by construction but for Gaussian priors: x_0 given x_t is taken for Gaussian"
}

// Bind implements Guide.
func (s TMPD) Bind(post odslib.Posterior, seed uint64) (Bound, error) {
	c, err := odslib.Need[odslib.Linear](post, "TMPD")
	if err != nil {
		return nil, err
	}
	if s.Iterations == 0 {
		system, err := c.System(post.Shape())
		if err == nil && len(system.Y) > twist.MostMeasured {
			s.Iterations = 8
		}
	}
	return Gradient{Twist: twist.Covariance{Iterations: s.Iterations}}.Bind(post, seed)
}
