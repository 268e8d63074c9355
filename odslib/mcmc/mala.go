package mcmc

import (
	"context"

	"odslab/odslib"
)

var _ odslib.Sampler = MALA{}

// MALA is the Metropolis-adjusted Langevin algorithm (Roberts & Tweedie 1996): x' = x + ½h²·∇ log π(x) + h·ξ, with h adapted to
// an acceptance of .574 (Roberts & Rosenthal 1998). The posterior needs a gradient.
type MALA struct{ Walkers }

// Sample implements odslib.Sampler.
func (s MALA) Sample(ctx context.Context, post odslib.Posterior, n int, seed uint64) (*odslib.Result, error) {
	return s.move().sample(ctx, s.Walkers, s, post, n, seed)
}

func (s MALA) move() move {
	return move{name: "MALA", step: .3, acceptance: .574, gradient: true, propose: func(ctx context.Context, w *walk, h float64) (log []float64, err error) {
		for i := range w.rng {
			x, try, g := w.x.Row(i), w.try.Row(i), w.at.gradient.Row(i)
			for j := range try {
				try[j] = float32(float64(x[j]) + .5*h*h*float64(g[j]) + h*w.normal(i))
			}
		}
		if w.next, err = w.density.at(ctx, w.try); err != nil {
			return nil, err
		}
		log = w.difference()
		for i := range log { // log q(x|x') − log q(x'|x)
			x, try, g, to := w.x.Row(i), w.try.Row(i), w.at.gradient.Row(i), w.next.gradient.Row(i)
			for j := range x {
				d := float64(try[j]) - float64(x[j])
				there, back := d-.5*h*h*float64(g[j]), -d-.5*h*h*float64(to[j])
				log[i] += (there*there - back*back) / (2 * h * h)
			}
		}
		return log, nil
	}}
}
