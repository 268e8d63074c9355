package mcmc

import (
	"context"

	"odslab/odslib"
)

var _ odslib.Sampler = RandomWalk{}

// RandomWalk is random-walk Metropolis (Metropolis et al. 1953): x' = x + h·ξ, with h adapted to an acceptance of .234
// (Roberts, Gelman & Gilks 1997). It needs no gradient and moves in the noise of a generator, or in the space of a prior
// that knows its density.
type RandomWalk struct{ Walkers }

// Sample implements odslib.Sampler.
func (s RandomWalk) Sample(ctx context.Context, post odslib.Posterior, n int, seed uint64) (*odslib.Result, error) {
	return s.move().sample(ctx, s.Walkers, s, post, n, seed)
}

func (s RandomWalk) move() move {
	return move{name: "random walk", step: .5, acceptance: .234, propose: func(ctx context.Context, w *walk, h float64) (log []float64, err error) {
		for i := range w.rng {
			x, try := w.x.Row(i), w.try.Row(i)
			for j := range try {
				try[j] = x[j] + float32(h*w.normal(i))
			}
		}
		w.next, err = w.density.at(ctx, w.try)
		return w.difference(), err
	}}
}
