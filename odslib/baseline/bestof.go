package baseline

import (
	"context"
	"fmt"
	"math"
	"time"

	"odslab/odslib"
	"odslab/odslib/engine"
)

var _ odslib.Sampler = BestOf{}

// BestOf is best-of-K (Stiennon et al. 2020, 2009.01325): each draw is the one of K draws of the prior with the largest r. It is no
// posterior: its law is p(x)·K·F(r(x))^(K−1), F the distribution of r under the prior, which knows r by its order alone and goes to
// the maximum as K grows.
type BestOf struct {
	K int // 0 means 16
}

// Sample implements odslib.Sampler.
func (s BestOf) Sample(ctx context.Context, post odslib.Posterior, n int, seed uint64) (*odslib.Result, error) {
	k := s.K
	if k == 0 {
		k = 16
	}
	name, begun := fmt.Sprintf("best of %d", k), time.Now()
	if err := odslib.CheckDraw(post, n); err != nil {
		return nil, err
	}
	if post.Given != nil || k < 1 {
		return nil, fmt.Errorf("%s: it takes no conditions, and K of 1 at least", name)
	}
	res := odslib.NewResult(post, name, s, seed)
	res.About = "not the posterior: of K draws of the prior the one with the largest r, whatever r is"
	d, err := open(post, res)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	defer d.close()
	z := engine.NewArray(append([]int{0}, d.inner.Shape()...)...)
	for rows := max(1, 4096/k); z.Len() < n; {
		var part odslib.Array
		var logr []float64
		if part, logr, err = d.draw(ctx, rows*k, engine.Split(seed, fmt.Sprintf("baseline.BestOf.%d", z.Len()))); err != nil {
			break
		}
		best := make([]int, rows)
		for i := range best {
			best[i] = i * k
			for j := i * k; j < (i+1)*k; j++ {
				if logr[j] > logr[best[i]] {
					best[i] = j
				}
			}
		}
		z = z.Append(part.Take(best))
		odslib.Notify(ctx, odslib.Progress{What: name, Step: min(n, z.Len()), Steps: n, LogZ: math.NaN(), Loss: math.NaN()})
	}
	if failed := d.finish(z.Slice(0, min(n, z.Len()))); err == nil {
		err = failed
	}
	res.Close(begun)
	if err != nil {
		err = fmt.Errorf("%s: %w", name, err)
	}
	return res, err
}
