package balance

import (
	"context"
	"fmt"
	"math"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/stat"

	"odslab/odslib"
	"odslab/odslib/diffusion"
	"odslab/odslib/engine"
	"odslab/odslib/measure"
)

// Bounds are what samples of the posterior itself say of a policy. A mode that the policy misses is seen here, and not by its own
// paths (Blessing et al. 2024, 2406.07423).
type Bounds struct {
	EUBO       float64 // mean of log r − log-ratio over paths back from the samples: at least log Z_T
	EUBOError  float64 // its standard error
	LogZ       float64 // log Z from these paths alone, −log of the mean of 1/w
	ForwardESS float64 // effective share of the policy's draws, as seen from the posterior: 1/(mean w · mean 1/w)
}

// Bounds noises samples x of the posterior back to the start and weighs the paths. The chain's own law is what they are taken for:
// samples of the posterior differ from it by the discretisation.
func (p *Policy) Bounds(ctx context.Context, post odslib.Posterior, x odslib.Array, seed uint64) (b Bounds, err error) {
	if x.Len() < 2 {
		return b, fmt.Errorf("%s: bounds take at least two samples, got %d", p.Name, x.Len())
	}
	if err := p.Posterior.Accepts(ctx, post); err != nil {
		return b, fmt.Errorf("%s: the policy was trained for another posterior: %w", p.Name, err)
	}
	if post.Given != nil && post.Given.Len() != x.Len() {
		return b, fmt.Errorf("%s: conditions for %d samples, got %d", p.Name, post.Given.Len(), x.Len())
	}
	q, _, err := p.process(post)
	if err != nil {
		return b, err
	}
	c := 0
	if post.Given != nil {
		c = post.Given.Dim()
	}
	batch := min(x.Len(), 4096)
	paths, err := newPaths(q, p.Weights, batch, c, 1, p.Chain.Driver)
	if err != nil {
		return b, err
	}
	defer paths.close()
	if paths.back == nil {
		return b, fmt.Errorf("%s: the process %T cannot go back to its noise, so samples have no paths", p.Name, q.Process)
	}
	phi := p.Weights.Tensors()
	defer func() { engine.Free(phi...) }()
	logr, err := post.Rewards(ctx, x)
	if err != nil {
		return b, err
	}
	logw := make([]float64, 0, x.Len())
	for i := 0; i < x.Len(); i += batch {
		j := min(i+batch, x.Len())
		var given *odslib.Array
		if c > 0 {
			part := diffusion.Padded(post.Given.Slice(i, j), batch)
			given = &part
		}
		var d drawn
		d, phi, err = paths.backward(ctx, phi, engine.Split(seed, fmt.Sprintf("balance.bounds.%d", i)), diffusion.Padded(x.Slice(i, j), batch), given)
		engine.Free(d.kept...)
		if err != nil {
			return b, err
		}
		for k := range j - i {
			if w := logr[i+k] - d.sum[k]; !math.IsNaN(w) {
				logw = append(logw, w)
			}
		}
	}
	mean, sd := stat.MeanStdDev(logw, nil)
	b.EUBO, b.EUBOError = mean, stat.StdErr(sd, float64(len(logw)))
	up, _ := measure.LogMeanExp(logw)
	floats.Scale(-1, logw)
	down, _ := measure.LogMeanExp(logw)
	b.LogZ, b.ForwardESS = -down, math.Exp(-up-down)
	return b, nil
}
