package balance

import (
	"context"
	"fmt"
	"math"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/stat"

	"odslab/odslib"
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
// samples of the posterior differ from it by the discretisation. EUBO less the lower bound of Policy.Sample is the sum of both
// divergences between the path laws.
func (p *Policy) Bounds(ctx context.Context, post odslib.Posterior, x odslib.Array, seed uint64) (b Bounds, err error) {
	if x.Len() < 2 {
		return b, fmt.Errorf("%s: bounds take at least two samples, got %d", p.Name, x.Len())
	}
	ratio, err := p.LogRatio(ctx, post, x, seed)
	if err != nil {
		return b, err
	}
	logr, err := post.Rewards(ctx, x)
	if err != nil {
		return b, err
	}
	logw := make([]float64, 0, x.Len())
	for i := range logr {
		if w := logr[i] - ratio[i]; !math.IsNaN(w) {
			logw = append(logw, w)
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
