package exact

import (
	"context"
	"fmt"
	"time"

	"odslab/odslib"
)

var _ odslib.Sampler = Sampler{}

// Sampler draws independent samples from a posterior known in closed form; its log Z is exact.
type Sampler struct{}

// Of returns the posterior as a prior of its own, and log Z.
func Of(post odslib.Posterior) (odslib.Prior, float64, error) {
	if err := post.Check(); err != nil {
		return nil, 0, err
	}
	if post.Constraint == nil {
		return post.Prior, 0, nil
	}
	if c, ok := post.Constraint.(odslib.KnownPosterior); ok {
		return c.Posterior(post.Prior)
	}
	p, ok := post.Prior.(odslib.Exact)
	if !ok {
		return nil, 0, fmt.Errorf("%w: %T does not know its posteriors", odslib.ErrNoClosedForm, post.Prior)
	}
	c, ok := post.Constraint.(odslib.Constraint)
	if !ok {
		return nil, 0, fmt.Errorf("%w for a host function", odslib.ErrNoClosedForm)
	}
	return p.Exact(c)
}

// Sample implements odslib.Sampler.
func (Sampler) Sample(ctx context.Context, post odslib.Posterior, n int, seed uint64) (*odslib.Result, error) {
	if err := odslib.CheckDraw(post, n); err != nil {
		return nil, err
	}
	start := time.Now()
	p, logZ, err := Of(post)
	if err != nil {
		return nil, err
	}
	res := odslib.NewResult("exact", Sampler{}, seed)
	res.LogZ, res.LogZError, res.ESS = logZ, 0, float64(n)
	res.Samples, err = p.Sample(ctx, n, seed)
	res.Seconds = time.Since(start).Seconds()
	return res, err
}
