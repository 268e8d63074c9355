package balance

import (
	"context"
	"math"

	"odslab/odslib"
)

// rewards are log r of the samples. A host function that fails for some of them alone, or hangs until its time is up, costs these
// and a note; training goes on with the rest.
func (t *Trainer) rewards(ctx context.Context, x odslib.Array, given *odslib.Array) ([]float64, error) {
	logr, err := t.reward.Rewards(ctx, x, given)
	if odslib.Partly(ctx, logr, err) {
		if !t.failed {
			t.note("log r failed for some samples, first with: %v", err)
			t.failed = true
		}
		return logr, nil
	}
	return logr, err
}

// outside says when r is 0 on most samples of the prior: no power of r leads to where it is not.
func (t *Trainer) outside(logr []float64) {
	n := 0
	for _, l := range logr {
		if math.IsInf(l, -1) {
			n++
		}
	}
	if in := len(logr) - n; n > 9*in {
		line := "r is 0 on %d of %d samples of the prior, and annealing r^β shows no way to the rest: a reward that falls off there instead of ending does"
		if in > 0 && in < t.Paths {
			t.note(line+", or a Pool of %d, of which a batch counts", n, len(logr), (t.Paths*len(logr)+in-1)/in)
		} else {
			t.note(line, n, len(logr))
		}
	}
}
