package baseline

import (
	"context"
	"fmt"
	"math"
	"time"

	"odslab/odslib"
	"odslab/odslib/engine"
	"odslab/odslib/measure"
)

var _ odslib.Sampler = Rejection{}

// Rejection is rejection sampling (von Neumann 1951): a draw of the prior is kept with probability r/r_max. What it keeps are
// independent draws of the posterior, and the mean of r over all draws is an unbiased Ẑ. Where the bound turns out too low, what was
// kept is thinned to the largest r that was met, and the Result says so.
type Rejection struct {
	// LogMax bounds log r. 0 means what a Gaussian measurement knows of itself, else 0: r is a probability, such as a classifier's.
	LogMax float64
	Batch  int // draws of the prior at a time; 0 means 4096
	Most   int // draws of the prior in all, after which it gives up; 0 means 20 million
}

// Sample implements odslib.Sampler. Where ctx ends or Most is reached, fewer than n draws come back, with the error or a note.
func (s Rejection) Sample(ctx context.Context, post odslib.Posterior, n int, seed uint64) (*odslib.Result, error) {
	const name = "rejection"
	begun := time.Now()
	if err := odslib.CheckDraw(post, n); err != nil {
		return nil, err
	}
	switch {
	case post.Given != nil:
		return nil, fmt.Errorf("%s takes no conditions that differ from row to row; ask for one of them", name)
	case math.IsNaN(s.LogMax) || math.IsInf(s.LogMax, 0) || s.Batch < 0 || s.Most < 0:
		return nil, fmt.Errorf("%s: LogMax is %g, Batch %d, Most %d; LogMax must be finite, the others not negative", name, s.LogMax, s.Batch, s.Most)
	}
	bound := s.LogMax
	if known, ok := largest(post); ok && bound == 0 {
		bound = known
	}
	batch, most := s.Batch, s.Most
	if batch == 0 {
		batch = 4096
	}
	if most == 0 {
		most = 20_000_000
	}
	res := odslib.NewResult(post, name, s, seed)
	res.About = "exact: independent draws"
	d, err := open(post, res)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	defer d.close()
	rng := engine.RNG(seed, "baseline.Rejection")
	z, level := engine.NewArray(append([]int{0}, d.inner.Shape()...)...), []float64(nil) // log of the largest r_max that keeps a draw
	var all []float64
	top := math.Inf(-1)
	for k := 0; z.Len() < n && len(all) < most; k++ {
		var part odslib.Array
		var logr []float64
		if part, logr, err = d.draw(ctx, batch, engine.Split(seed, fmt.Sprintf("baseline.Rejection.%d", k))); err != nil {
			break
		}
		var keep []int
		for i, l := range logr {
			top = math.Max(top, l)
			if u := l + rng.ExpFloat64(); u > bound { // log r − log u
				keep, level = append(keep, i), append(level, u)
			}
		}
		z, all = z.Append(part.Take(keep)), append(all, logr...)
		if top > bound {
			res.Note("r reached e^%.4g, above the bound e^%.4g: draws are thinned to it, and right if nothing lies higher; set LogMax", top, bound)
			bound = top
			var still []int
			var levels []float64
			for i, u := range level {
				if u > bound {
					still, levels = append(still, i), append(levels, u)
				}
			}
			z, level = z.Take(still), levels
		}
		odslib.Notify(ctx, odslib.Progress{What: name, Step: min(n, z.Len()), Steps: n, LogZ: math.NaN(), Loss: math.NaN()})
	}
	if len(all) > 0 {
		res.LogZ, res.LogZError = measure.LogMeanExp(all)
		res.Figure("acceptance %.3g: %d of %d draws of the prior", float64(z.Len())/float64(len(all)), z.Len(), len(all))
	}
	if z.Len() < n && err == nil {
		res.Note("%d draws of the prior gave %d of %d draws: r is far below its bound; train a sampler, or raise Most", len(all), z.Len(), n)
	}
	z = z.Slice(0, min(n, z.Len()))
	res.ESS = float64(z.Len())
	if failed := d.finish(z); err == nil {
		err = failed
	}
	res.Close(begun)
	if err != nil {
		err = fmt.Errorf("%s: %w", name, err)
	}
	return res, err
}
