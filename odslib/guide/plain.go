package guide

import (
	"context"

	"odslab/odslib"
	"odslab/odslib/diffusion"
)

var (
	_ odslib.Sampler = Plain{}
	_ Guide          = Plain{}
)

// Plain samples the prior and ignores the constraint: the baseline of every comparison.
type Plain struct {
	Steps   int // 0 means 100
	Chain   diffusion.Chain
	NoCheck bool // leave out how far the draws are from the posterior, which may cost as much as they do
}

// Sample implements odslib.Sampler.
func (s Plain) Sample(ctx context.Context, post odslib.Posterior, n int, seed uint64) (*odslib.Result, error) {
	return sample(ctx, "plain", s, s.Chain.WithSteps(s.Steps, 100), s.NoCheck, post, n, seed)
}

// About is what holds of every run.
func (Plain) About() string {
	return "draws of the prior: the constraint has no part in them"
}

// Bind implements Guide.
func (Plain) Bind(odslib.Posterior, uint64) (Bound, error) { return unguided{}, nil }

type unguided struct{}

func (unguided) Params() odslib.Params { return nil }

func (unguided) Columns() []odslib.Curve { return nil }

func (unguided) X0(_ *odslib.Scope, _, x0 *odslib.Node, _ odslib.Level) *odslib.Node { return x0 }
