package balance

import (
	"context"
	"fmt"

	"odslab/odslib"
	"odslab/odslib/diffusion"
)

// LogRatio is log p_φ(τ) − log p_ref(τ) of a path to each of the samples x [n, shape…], noised back from it. Where the process
// reveals one token a step in a fixed order there is one such path, and the sum with log p(x) of an exact prior is the policy's
// log-probability of x. Conditions are those of the posterior, a row for each sample.
func (p *Policy) LogRatio(ctx context.Context, post odslib.Posterior, x odslib.Array, seed uint64) ([]float64, error) {
	if err := odslib.CheckDraw(post, x.Len()); err != nil {
		return nil, err
	}
	if p.Net == nil {
		return nil, fmt.Errorf("the policy is untrained")
	}
	if err := p.Posterior.Accepts(ctx, post); err != nil {
		return nil, fmt.Errorf("%s: the policy was trained for another posterior: %w", p.Name, err)
	}
	q, params, err := p.process(post)
	if err != nil {
		return nil, err
	}
	walk := diffusion.Walk{Process: q, Params: params, Driver: p.Chain.Driver}
	return walk.Back(ctx, p.Name, q.Process, x, post.Given, seed, func(s diffusion.Stride) *odslib.Node {
		return q.logRatio(s.Guess, s.Next, s.X, s.Row)
	})
}
