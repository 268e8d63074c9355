package exact

import (
	"context"
	"time"

	"odslab/odslib"
)

var _ odslib.Sampler = Sampler{}

// Sampler draws independent samples from a posterior known in closed form; its log Z is exact.
type Sampler struct{}

// Sample implements odslib.Sampler.
func (Sampler) Sample(ctx context.Context, post odslib.Posterior, n int, seed uint64) (*odslib.Result, error) {
	if err := odslib.CheckDraw(post, n); err != nil {
		return nil, err
	}
	start := time.Now()
	p, logZ, err := post.Exact()
	if err != nil {
		return nil, err
	}
	res := odslib.NewResult(post, "exact", Sampler{}, seed)
	res.LogZ, res.LogZError, res.ESS = logZ, 0, float64(n)
	res.Samples, err = p.Sample(ctx, n, seed)
	res.NonFinite = res.Samples.NonFinite()
	res.Close(start)
	return res, err
}
