package guide

import (
	"context"
	"fmt"
	"time"

	"odslab/odslib"
	"odslab/odslib/diffusion"
	"odslab/odslib/priors"
)

var (
	_ odslib.Sampler = Plain{}
	_ Guide          = Plain{}
)

// Plain samples the prior and ignores the constraint: the baseline of every comparison.
type Plain struct {
	Steps int // 0 means 100
	Chain diffusion.Chain
	Check bool // say how far the draws are from the posterior, a hundred at least, and warn; at up to thrice the evaluations
}

// Sample implements odslib.Sampler.
func (s Plain) Sample(ctx context.Context, post odslib.Posterior, n int, seed uint64) (*odslib.Result, error) {
	if _, graph := post.Prior.(odslib.Diffusion); !graph {
		if p, ok := post.Prior.(odslib.HostDiffusion); ok {
			return s.host(ctx, p, post, n, seed)
		}
	}
	return sample(ctx, "plain", s, s.Chain.WithSteps(s.Steps, 100), s.Check, post, n, seed)
}

// host draws where the denoiser is on the host.
func (s Plain) host(ctx context.Context, p odslib.HostDiffusion, post odslib.Posterior, n int, seed uint64) (*odslib.Result, error) {
	if err := odslib.CheckDraw(post, n); err != nil {
		return nil, err
	}
	chain := s.Chain.WithSteps(s.Steps, 100)
	if chain.Schedule != nil || chain.Grid != nil || chain.Kernel != nil || chain.Observe != nil {
		return nil, fmt.Errorf("plain: the chain of %T runs on the host, by ancestral steps of the prior's own schedule; of Chain it takes Steps alone", p)
	}
	begun, res := time.Now(), odslib.NewResult(post, "plain", s, seed)
	var err error
	if res.Samples, err = (priors.HostChain{Of: p, Steps: chain.Steps}).Sample(ctx, n, seed); err != nil {
		return nil, fmt.Errorf("plain: %w", err)
	}
	res.About, res.NonFinite, res.NetworkEvals = s.About(), res.Samples.NonFinite(), int64(n*chain.Steps)
	res.Close(begun)
	return res, nil
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
