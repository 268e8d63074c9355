package mcmc

import (
	"context"

	"odslab/odslib"
)

var _ odslib.Sampler = HMC{}

// HMC is Hamiltonian Monte Carlo (Duane et al. 1987; Neal 2011, 1206.1901): Leaps leapfrog steps of size h with fresh unit
// momenta. h is adapted to an acceptance of .8 and drawn anew within a fifth for each move, so that no orbit closes. The
// posterior needs a gradient.
type HMC struct {
	Walkers
	Leaps int // 0 means 10; 1 at least
}

// Sample implements odslib.Sampler.
func (s HMC) Sample(ctx context.Context, post odslib.Posterior, n int, seed uint64) (*odslib.Result, error) {
	return s.move().sample(ctx, s.Walkers, s, post, n, seed)
}

func (s HMC) move() move {
	leaps := max(s.Leaps, 1)
	if s.Leaps == 0 {
		leaps = 10
	}
	return move{name: "HMC", step: .2, acceptance: .8, gradient: true, propose: func(ctx context.Context, w *walk, h float64) (log []float64, err error) {
		h *= .8 + .4*w.rng[0].Float64()
		momenta, energy := make([][]float64, len(w.rng)), make([]float64, len(w.rng))
		for i := range w.rng {
			copy(w.try.Row(i), w.x.Row(i))
			momenta[i] = make([]float64, w.x.Dim())
			for j, g := range w.at.gradient.Row(i) {
				v := w.normal(i)
				energy[i] += .5 * v * v
				momenta[i][j] = v + .5*h*float64(g)
			}
		}
		for k := range leaps {
			for i, p := range momenta {
				for j, v := range p {
					w.try.Row(i)[j] += float32(h * v)
				}
			}
			if w.next, err = w.density.at(ctx, w.try); err != nil {
				return nil, err
			}
			kick := h
			if k == leaps-1 {
				kick = .5 * h
			}
			for i, p := range momenta {
				for j, g := range w.next.gradient.Row(i) {
					p[j] += kick * float64(g)
				}
			}
		}
		log = w.difference()
		for i, p := range momenta {
			log[i] += energy[i]
			for _, v := range p {
				log[i] -= .5 * v * v
			}
		}
		return log, nil
	}}
}
