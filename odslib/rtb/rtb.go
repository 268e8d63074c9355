package rtb

import (
	"context"

	"odslab/odslib"
	"odslab/odslib/balance"
)

var _ odslib.Trainer[odslib.Posterior, *balance.Policy] = Sampler{}

// Sampler trains a policy to sample a posterior under a diffusion prior, or one with a reverse chain of its own. The zero value
// works; the fields are those of [balance.Settings].
//
//	rtb.Sampler{Steps: 50, Paths: 64}
type Sampler balance.Settings

// Train implements odslib.Trainer. Without a budget it takes 1000 iterations.
func (s Sampler) Train(ctx context.Context, post odslib.Posterior, budget odslib.Budget, seed uint64) (*balance.Policy, error) {
	return balance.Train(ctx, "RTB", balance.Settings(s), post, budget, seed)
}
