package guide

import (
	"context"

	"odslab/odslib"
	"odslab/odslib/diffusion"
	"odslab/odslib/twist"
)

var (
	_ odslib.Sampler = PiGDM{}
	_ Guide          = PiGDM{}
)

// PiGDM is pseudo-inverse guidance, ΠGDM (Song et al. 2023): with p(x_0|x_t) ≈ N(x̂0, r_t²I) the measurement given x_t is
// Gaussian, and g = Jᵀ Aᵀ (r_t²AAᵀ + σ_y²)⁻¹ (y − A·x̂0). Exact for Gaussian priors of the variance that it is given.
type PiGDM struct {
	Steps    int     // 0 means 100
	Variance float64 // of the data; 0 means 1, as published
	Chain    diffusion.Chain
}

// Sample implements odslib.Sampler.
func (s PiGDM) Sample(ctx context.Context, post odslib.Posterior, n int, seed uint64) (*odslib.Result, error) {
	return sample(ctx, "ΠGDM", s, s.Chain.WithSteps(s.Steps, 100), post, n, seed)
}

// Bind implements Guide.
func (s PiGDM) Bind(post odslib.Posterior, seed uint64) (Bound, error) {
	if _, err := odslib.Need[odslib.Linear](post, "ΠGDM"); err != nil {
		return nil, err
	}
	return Gradient{Twist: twist.Isotropic{Variance: s.Variance}}.Bind(post, seed)
}
