package balance

import (
	"context"
	"fmt"
	"math"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/stat"

	"odslab/odslib"
	"odslab/odslib/diffusion"
	"odslab/odslib/measure"
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

// Bounds are what samples of the posterior itself say of a policy. A mode that the policy misses is seen here, and not by its own
// paths (Blessing et al. 2024, 2406.07423).
type Bounds struct {
	EUBO       float64 // evidence upper bound: mean of log r − log-ratio over paths back from the samples
	EUBOError  float64 // its standard error
	LogZ       float64 // log Z from these paths alone, −log of the mean of 1/w
	ForwardESS float64 // effective share of the policy's draws, as seen from the posterior: 1/(mean w · mean 1/w)
}

// Bounds weighs a path to each of the samples x of the posterior. The chain's own law is what they are taken for: samples of the
// posterior differ from it by the discretisation. EUBO and the lower bound (of Policy.Sample) are apart by the sum of both divergences
// between the path laws.
func (p *Policy) Bounds(ctx context.Context, post odslib.Posterior, x odslib.Array, seed uint64) (b Bounds, err error) {
	ratio, err := p.LogRatio(ctx, post, x, seed)
	if err != nil {
		return b, err
	}
	w, err := post.Rewards(ctx, x)
	if err != nil {
		return b, err
	}
	for i := range w {
		w[i] -= ratio[i]
	}
	mean, sd := stat.MeanStdDev(w, nil)
	b.EUBO, b.EUBOError = mean, stat.StdErr(sd, float64(len(w)))
	up, _ := measure.LogMeanExp(w)
	floats.Scale(-1, w)
	down, _ := measure.LogMeanExp(w)
	b.LogZ, b.ForwardESS = -down, math.Exp(-up-down)
	return b, nil
}

// EUBO is that of Bounds, and its standard error.
func (p *Policy) EUBO(ctx context.Context, post odslib.Posterior, x odslib.Array, seed uint64) (mean, se float64, err error) {
	b, err := p.Bounds(ctx, post, x, seed)
	return b.EUBO, b.EUBOError, err
}
