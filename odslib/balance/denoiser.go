package balance

import (
	"context"
	"fmt"

	"odslab/odslib"
	"odslab/odslib/diffusion"
)

var (
	_ odslib.Diffusion    = Denoiser{}
	_ diffusion.Wrapped   = Denoiser{}
	_ odslib.Parametrised = Denoiser{}
)

// Denoiser is a policy as a diffusion prior: its corrected x̂0 is a denoiser, of which other chains can be made, deterministic and
// shorter ones too. Its law is the posterior as far as the policy's drift is the posterior's.
type Denoiser struct {
	policy *corrected
	chain  diffusion.Chain
	params odslib.Params
}

// Denoiser is the policy's, for the posterior that it was trained for without conditions.
func (p *Policy) Denoiser(ctx context.Context, post odslib.Posterior) (Denoiser, error) {
	if err := p.Posterior.Accepts(ctx, post); err != nil {
		return Denoiser{}, fmt.Errorf("%s: the policy was trained for another posterior: %w", p.Name, err)
	}
	q, params, err := p.process(post)
	if err != nil {
		return Denoiser{}, err
	}
	if _, ok := q.Process.(*diffusion.Process); !ok || post.Given != nil {
		return Denoiser{}, fmt.Errorf("%s: a denoiser needs a diffusion prior and no conditions that differ; got %T", p.Name, q.Process)
	}
	return Denoiser{q, p.Chain, params}, nil
}

// Shape implements odslib.Prior.
func (d Denoiser) Shape() []int { return d.policy.Shape() }

// Schedule implements odslib.Diffusion.
func (d Denoiser) Schedule() odslib.Schedule { return d.chain.Schedule }

// Params implements odslib.Parametrised.
func (d Denoiser) Params() odslib.Params { return d.params }

// Base implements diffusion.Wrapped: chains start as the prior's do.
func (d Denoiser) Base() (odslib.Diffusion, string) {
	return d.policy.Process.(*diffusion.Process).Diffusion, "prior"
}

// Denoise implements odslib.Diffusion.
func (d Denoiser) Denoise(scope *odslib.Scope, x *odslib.Node, at odslib.Level) *odslib.Node {
	return d.policy.Guess(scope, x, at)[0]
}

// Sample implements odslib.Prior: the chain that the policy was trained on, with the prior's variances.
func (d Denoiser) Sample(ctx context.Context, n int, seed uint64) (odslib.Array, error) {
	return d.chain.Run(ctx, d, n, seed)
}
