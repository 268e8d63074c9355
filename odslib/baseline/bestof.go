package baseline

import (
	"context"
	"fmt"
	"math"
	"time"

	"odslab/odslib"
	"odslab/odslib/diffusion"
	"odslab/odslib/engine"
	"odslab/odslib/measure"
)

var _ odslib.Sampler = BestOf{}

// BestOf is best-of-K (Stiennon et al. 2020, 2009.01325): each draw is the one of K draws of the prior with the largest r. It is no
// posterior: its law is p(x)·K·F(r(x))^(K−1), F the distribution of r under the prior, which knows r by its order alone and goes to
// the maximum as K grows. All draws together, weighted by r, are importance sampling from the prior: they give log Ẑ and an
// effective size (a Figure), and are Result.Particles where the prior is no generator.
type BestOf struct {
	K     int // 0 means 16
	Steps int // of a prior with a reverse chain; 0 means 100, where the process has none of its own
	Chain diffusion.Chain
}

// Sample implements odslib.Sampler.
func (s BestOf) Sample(ctx context.Context, post odslib.Posterior, n int, seed uint64) (*odslib.Result, error) {
	if s.K == 0 {
		s.K = 16
	}
	name, begun := fmt.Sprintf("best of %d", s.K), time.Now()
	if s.K < 1 {
		return nil, fmt.Errorf("%s: ask for the best of at least one", name)
	}
	if err := odslib.CheckDraw(post, n); err != nil {
		return nil, err
	}
	if err := odslib.CheckDraw(odslib.Given(post.Prior, nil), n*s.K); err != nil { // that they fit into memory
		return nil, err
	}
	if post.Given != nil && post.Given.Len() != n {
		return nil, fmt.Errorf("%s: conditions for %d draws, %d were asked for", name, post.Given.Len(), n)
	}
	res := odslib.NewResult(post, name, s, seed)
	res.About = "not the posterior: of K draws of the prior the one with the largest r, whatever r is; log Ẑ is right"
	d, err := open(post, res)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	defer d.close()
	if d.out == nil {
		if p, err := s.Chain.WithSteps(s.Steps, 100).ProcessOf(post.Prior, name); err == nil {
			d.walk = &diffusion.Walk{Process: p, Params: odslib.ParamsOf(p), Driver: s.Chain.Driver}
		} else if post.Given != nil {
			return nil, err
		}
	}
	best, cloud := engine.NewArray(append([]int{0}, d.inner.Shape()...)...), odslib.Cloud{}
	for rows := max(1, 4096/s.K); best.Len() < n; {
		from := best.Len()
		rows = min(rows, n-from)
		var given *odslib.Array
		if post.Given != nil {
			of := engine.NewArray(rows*s.K, post.Given.Dim())
			for i := range of.Len() {
				copy(of.Row(i), post.Given.Row(from+i/s.K))
			}
			given = &of
		}
		part, logr, failed := d.draw(ctx, rows*s.K, given, engine.Split(seed, fmt.Sprintf("baseline.BestOf.%d", from)))
		if err = failed; err != nil {
			break
		}
		at := make([]int, rows)
		for i := range at {
			at[i] = i * s.K
			for j := i * s.K; j < (i+1)*s.K; j++ {
				if logr[j] > logr[at[i]] {
					at[i] = j
				}
			}
		}
		best = best.Append(part.Take(at))
		cloud.LogWeights = append(cloud.LogWeights, logr...)
		if d.out == nil {
			cloud.X = cloud.X.Append(part)
		}
		odslib.Notify(ctx, odslib.Progress{What: name, Step: best.Len(), Steps: n, LogZ: math.NaN(), Loss: math.NaN()})
	}
	if failed := d.finish(best); err == nil {
		err = failed
	}
	s.weigh(res, cloud, post.Given, best.Len())
	if d.out == nil {
		res.Particles = &cloud
	}
	res.Close(begun)
	if err != nil {
		err = fmt.Errorf("%s: %w", name, err)
	}
	return res, err
}

// weigh is what all draws say together, condition by condition.
func (s BestOf) weigh(res *odslib.Result, all odslib.Cloud, given *odslib.Array, n int) {
	if n == 0 {
		return
	}
	runs := []engine.Run{{First: 0, Rows: n}}
	if given != nil {
		runs = given.Slice(0, n).Runs()
	}
	effective := 0.
	for _, r := range runs {
		part := all.LogWeights[r.First*s.K : (r.First+r.Rows)*s.K]
		of := odslib.Island{Draws: r.Rows}
		of.LogZ, of.LogZError = measure.LogMeanExp(part)
		effective += measure.ESS(part)
		res.Islands = append(res.Islands, of)
	}
	if len(runs) == 1 {
		res.LogZ, res.LogZError, res.Islands = res.Islands[0].LogZ, res.Islands[0].LogZError, nil
	}
	res.Figure("all %d draws of the prior, weighted by r, are worth %.0f", n*s.K, effective)
	if effective == 0 {
		res.Note("none of %d samples of the prior has r > 0: the draws are the prior's", n*s.K)
	}
}
