package mcmc

import (
	"context"
	"math"

	"odslab/odslib"
)

var _ odslib.Sampler = PCN{}

// PCN is the preconditioned Crank–Nicolson walk (Cotter et al. 2013, 1202.0709) in the noise of a generator: z' = √(1−β²)·z +
// β·ξ leaves N(0, I) as it is, so that log r alone decides, whatever the dimension. β is adapted to an acceptance of .3.
type PCN struct{ Walkers }

// Sample implements odslib.Sampler.
func (s PCN) Sample(ctx context.Context, post odslib.Posterior, n int, seed uint64) (*odslib.Result, error) {
	return s.move().sample(ctx, s.Walkers, s, post, n, seed)
}

func (s PCN) move() move {
	return move{name: "pCN", step: .5, acceptance: .3, noise: true, most: 1, propose: func(ctx context.Context, w *walk, h float64) (log []float64, err error) {
		keep := math.Sqrt(1 - h*h)
		for i := range w.rng {
			x, try := w.x.Row(i), w.try.Row(i)
			for j := range try {
				try[j] = float32(keep*float64(x[j]) + h*w.normal(i))
			}
		}
		if w.next, err = w.density.at(ctx, w.try); err != nil {
			return nil, err
		}
		for i, l := range w.next.logR {
			log = append(log, w.beta*(l-w.at.logR[i]))
		}
		return log, nil
	}}
}
