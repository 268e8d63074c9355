package guide

import (
	"context"

	"odslab/odslib"
	"odslab/odslib/diffusion"
	"odslab/odslib/twist"
)

var (
	_ odslib.Sampler = LGD{}
	_ Guide          = LGD{}
)

// LGD is loss-guided diffusion by Monte Carlo, LGD-MC (Song et al. 2023, ICML): g = ∇ log (1/n)·Σ_i r(x̂0 + r_t·ε_i) over n
// draws, r_t² = vσ²/(α²v+σ²). It takes any differentiable constraint. Its draws belong to its twist, [twist.MonteCarlo], so
// that smc.TDS under the same twist is unbiased.
type LGD struct {
	Steps    int     // 0 means 100
	Draws    int     // n; 0 means 10, as published
	Variance float64 // v of the data; 0 means 1, as published
	Chain    diffusion.Chain
	Check    bool // say how far the draws are from the posterior, a hundred at least, and warn; at up to thrice the evaluations
}

// Sample implements odslib.Sampler.
func (s LGD) Sample(ctx context.Context, post odslib.Posterior, n int, seed uint64) (*odslib.Result, error) {
	return sample(ctx, "LGD-MC", s, s.Chain.WithSteps(s.Steps, 100), s.Check, post, n, seed)
}

// About is what holds of every run.
func (LGD) About() string {
	return "biased by construction: x_0 given x_t is taken for N(x̂0, r_t²I), and its mean of r by a few draws"
}

// Bind implements Guide.
func (s LGD) Bind(post odslib.Posterior, seed uint64) (Bound, error) {
	if s.Variance == 0 {
		s.Variance = 1
	}
	return Gradient{Twist: twist.MonteCarlo{Draws: s.Draws, Variance: s.Variance}}.Bind(post, seed)
}
