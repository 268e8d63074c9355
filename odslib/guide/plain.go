package guide

import (
	"context"

	"odslab/odslib"
)

var _ odslib.Sampler = Plain{}

// Plain samples the prior and ignores the constraint: the baseline of every comparison.
type Plain struct{ Settings }

// Sample implements odslib.Sampler.
func (s Plain) Sample(ctx context.Context, post odslib.Posterior, n int, seed uint64) (*odslib.Result, error) {
	if err := odslib.CheckDraw(post, n); err != nil {
		return nil, err
	}
	return reverse(ctx, "plain", s, s.Settings, 100, post, n, seed, guidance{})
}
