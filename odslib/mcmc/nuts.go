package mcmc

import (
	"context"
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/floats"

	"odslab/odslib"
)

var _ odslib.Sampler = NUTS{}

// NUTS is the no-U-turn sampler (Hoffman & Gelman 2014, 1111.4246) in its multinomial form (Betancourt 2017, 1701.02434): HMC
// whose trajectories are doubled until they turn back. The step size is adapted to a mean acceptance of .8 along them and, as
// HMC's, drawn anew within a fifth for each move. Trees of all chains grow together, a batch of their leaves for each evaluation,
// so that a move costs what its longest tree costs. The posterior needs a gradient.
type NUTS struct {
	Walkers
	Depth int // doublings at most; 0 means 8, trajectories of 255 steps
}

// Sample implements odslib.Sampler.
func (s NUTS) Sample(ctx context.Context, post odslib.Posterior, n int, seed uint64) (*odslib.Result, error) {
	if s.Depth < 0 || s.Depth > 20 {
		return nil, fmt.Errorf("NUTS: Depth is %d; it must lie in 1 to 20, or be 0 for 8", s.Depth)
	}
	f := &forest{depth: s.Depth}
	res, err := f.move().sample(ctx, s.Walkers, s, post, n, seed)
	if res != nil && f.trees > 0 {
		res.Figure("%.1f gradients a move, %.1f of them of trees that still grow", float64(f.batches*f.chains)/float64(f.trees), float64(f.leaves)/float64(f.trees))
		if f.diverged > 0 {
			res.Note("%d of %d trajectories after the burn-in diverged: where the posterior is that narrow there are too few draws; take a smaller Step with Fixed", f.diverged, f.trees)
		}
		if f.cut > f.trees/20 {
			res.Note("%d of %d trajectories after the burn-in had not turned when they ended; take a larger Depth", f.cut, f.trees)
		}
	}
	return res, err
}

func (s NUTS) move() move { return (&forest{depth: s.Depth}).move() }

// forest is what the moves of one run have in common; it counts after the burn-in.
type forest struct {
	depth, chains                         int
	trees, batches, leaves, diverged, cut int
}

func (f *forest) move() move {
	if f.depth == 0 {
		f.depth = 8
	}
	return move{name: "NUTS", step: .2, acceptance: .8, gradient: true, chooses: true, propose: func(ctx context.Context, w *walk, h float64) ([]float64, error) {
		h *= .8 + .4*w.rng[0].Float64()
		f.chains = len(w.rng)
		trees, resume, log := make([]*trajectory, f.chains), make([]func() (struct{}, bool), f.chains), make([]float64, f.chains)
		for i := range trees {
			trees[i] = &trajectory{walk: w, chain: i, h: h, depth: f.depth, rng: w.rng[i]}
			var stop func()
			resume[i], stop = iter.Pull(trees[i].grow)
			defer stop()
		}
		for { // each tree goes on to its next leaf; then all leaves are evaluated
			growing := 0
			for i, next := range resume {
				if next == nil {
					continue
				}
				if _, more := next(); more {
					growing++
				} else {
					resume[i] = nil
				}
			}
			if growing == 0 {
				break
			}
			var err error
			if w.next, err = w.density.at(ctx, w.try); err != nil {
				return nil, err
			}
			if w.settled {
				f.batches++
			}
		}
		for i, t := range trees {
			s := t.sample
			copy(w.try.Row(i), s.x)
			copy(w.next.gradient.Row(i), s.gradient)
			w.next.logP[i], w.next.logR[i] = s.logP, s.logR
			log[i] = math.Log(t.accepted / float64(t.leaves))
			if s == t.start {
				w.res.Rejected++
			}
			if w.settled {
				f.trees, f.leaves = f.trees+1, f.leaves+t.leaves
				if t.diverged {
					f.diverged++
				} else if !t.turned {
					f.cut++
				}
			}
		}
		return log, nil
	}}
}

// state is a point of a trajectory.
type state struct {
	x, gradient []float32
	p           []float64 // momentum
	logP, logR  float64
}

func (s *state) energy() float64 { return .5*floats.Dot(s.p, s.p) - s.logP }

// branch is a stretch of a trajectory, in the order of time.
type branch struct {
	first, last *state
	sample      *state    // drawn from its points by their weights exp(−energy)
	log         float64   // of the sum of the weights
	momenta     []float64 // their sum
	turned      bool      // or diverged: none of its points counts
}

// trajectory is one chain's move.
type trajectory struct {
	*walk
	branch
	chain, depth int
	h            float64
	rng          *rand.Rand
	start        *state
	yield        func(struct{}) bool
	leaves       int
	accepted     float64 // sum over the leaves of min(1, exp(energy at the start − energy))
	diverged     bool
}

// grow doubles the trajectory, forward or back in time, until it turns; it yields where the chain's row of try wants evaluation.
func (t *trajectory) grow(yield func(struct{}) bool) {
	t.yield = yield
	p := make([]float64, t.x.Dim())
	for j := range p {
		p[j] = t.normal(t.chain)
	}
	t.start = &state{slices.Clone(t.x.Row(t.chain)), slices.Clone(t.at.gradient.Row(t.chain)), p, t.at.logP[t.chain], t.at.logR[t.chain]}
	t.branch = branch{t.start, t.start, t.start, -t.start.energy(), p, false}
	for d := 0; d < t.depth && !t.turned; d++ {
		forward := t.rng.IntN(2) == 1
		b := t.build(t.branch, d, forward)
		if b.turned {
			t.turned = true
			return
		}
		sample := t.sample
		if math.Log(t.rng.Float64()) < b.log-t.log || math.IsInf(t.log, -1) { // biased to the new half, which is farther away
			sample = b.sample
		}
		t.branch = join(t.branch, b, forward)
		t.sample = sample
	}
}

// build is the branch of 2^depth steps that follows a.
func (t *trajectory) build(a branch, depth int, forward bool) branch {
	if depth == 0 {
		return t.leaf(a, forward)
	}
	b := t.build(a, depth-1, forward)
	if b.turned {
		return b
	}
	c := t.build(b, depth-1, forward)
	if c.turned {
		return c
	}
	whole := join(b, c, forward)
	if math.Log(t.rng.Float64()) < c.log-whole.log {
		whole.sample = c.sample
	}
	return whole
}

// leaf is a leapfrog step.
func (t *trajectory) leaf(a branch, forward bool) branch {
	from, h := a.last, t.h
	if !forward {
		from, h = a.first, -t.h
	}
	s := &state{x: slices.Clone(from.x), p: slices.Clone(from.p)}
	for j, g := range from.gradient {
		s.p[j] += .5 * h * float64(g)
		s.x[j] += float32(h * s.p[j])
	}
	copy(t.try.Row(t.chain), s.x)
	if !t.yield(struct{}{}) {
		return branch{turned: true} // the run has ended
	}
	s.gradient, s.logP, s.logR = slices.Clone(t.next.gradient.Row(t.chain)), t.next.logP[t.chain], t.next.logR[t.chain]
	for j, g := range s.gradient {
		s.p[j] += .5 * h * float64(g)
	}
	rise := s.energy() - t.start.energy() // NaN outside the support, where the chain may have started
	t.leaves++
	if !math.IsNaN(rise) {
		t.accepted += math.Exp(-math.Max(0, rise))
	}
	if rise > 1000 {
		t.diverged = true
	}
	return branch{s, s, s, -s.energy(), s.p, rise > 1000}
}

// join is a with b after it, or before it. It has turned where an end moves against the sum of the momenta, of the whole or of a half
// and the point next to it.
func join(a, b branch, forward bool) branch {
	if !forward {
		a, b = b, a
	}
	sum := func(p, q []float64) []float64 { return floats.AddTo(make([]float64, len(p)), p, q) }
	out := branch{first: a.first, last: b.last, sample: a.sample, log: floats.LogSumExp([]float64{a.log, b.log}), momenta: sum(a.momenta, b.momenta)}
	if !forward {
		out.sample = b.sample
	}
	on := func(p []float64, from, to *state) bool { return floats.Dot(p, from.p) > 0 && floats.Dot(p, to.p) > 0 }
	out.turned = !on(out.momenta, a.first, b.last) || !on(sum(a.momenta, b.first.p), a.first, b.first) || !on(sum(b.momenta, a.last.p), a.last, b.last)
	return out
}
