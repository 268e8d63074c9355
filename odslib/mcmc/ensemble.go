package mcmc

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	"odslab/odslib"
	"odslab/odslib/engine"
)

// Kernel is a Metropolis move that leaves p·r^β as it is: RandomWalk, PCN, MALA, HMC or NUTS.
type Kernel interface {
	odslib.Sampler
	move() move
}

var (
	_ Kernel = RandomWalk{}
	_ Kernel = PCN{}
	_ Kernel = MALA{}
	_ Kernel = HMC{}
	_ Kernel = NUTS{}
)

// Ensemble is a batch of places that a kernel moves under p·r^β, for methods that raise β from 0, the prior, to 1. Close it.
type Ensemble struct {
	walk *walk
	move move
	step float64
	res  *odslib.Result
}

// Open draws size places from the prior, at β = 0. Evaluations and what is refused or lost are counted in res.
func Open(ctx context.Context, post odslib.Posterior, k Kernel, size int, seed uint64, res *odslib.Result) (*Ensemble, error) {
	m := k.move()
	d, err := openDensity(post, m.gradient, res)
	if err == nil && m.noise && !d.noise {
		d.close()
		err = fmt.Errorf("%s moves in the noise of a generator alone; the prior is %T", m.name, post.Prior)
	}
	if err != nil {
		return nil, err
	}
	e := &Ensemble{walk: &walk{density: d}, move: m, step: m.step * d.scale(), res: res}
	rng := engine.RNG(seed, "mcmc.Ensemble")
	for range size {
		e.walk.rng = append(e.walk.rng, rand.New(rand.NewPCG(rng.Uint64(), rng.Uint64())))
	}
	if e.walk.x, err = d.start(ctx, size, seed); err == nil {
		e.walk.try = e.walk.x.Clone()
		err = e.At(ctx, 0)
	}
	if err != nil {
		e.Close()
		return nil, err
	}
	return e, nil
}

// Close frees what the ensemble holds.
func (e *Ensemble) Close() { e.walk.close() }

// At sets the power of r.
func (e *Ensemble) At(ctx context.Context, beta float64) (err error) {
	e.walk.beta = beta
	e.walk.at, err = e.walk.density.at(ctx, e.walk.x)
	return err
}

// Put moves the ensemble to places of one's own, and sets the power of r.
func (e *Ensemble) Put(ctx context.Context, x odslib.Array, beta float64) error {
	if x.Len() != e.walk.x.Len() {
		return fmt.Errorf("mcmc: %d places for an ensemble of %d", x.Len(), e.walk.x.Len())
	}
	e.walk.x, e.walk.try = x.Clone(), x.Clone()
	return e.At(ctx, beta)
}

// LogR are log r of the places; −Inf where r is 0 or no number.
func (e *Ensemble) LogR() []float64 {
	for i, l := range e.walk.at.logR {
		if math.IsNaN(l) || math.IsInf(l, 1) {
			e.walk.at.logR[i] = math.Inf(-1)
		}
	}
	return e.walk.at.logR
}

// Move moves all places once, adapts the step size to their acceptance, and returns it.
func (e *Ensemble) Move(ctx context.Context) (accepted float64, err error) {
	log, err := e.move.propose(ctx, e.walk, e.step)
	if err != nil {
		return 0, err
	}
	accepted = e.move.judge(e.walk, log, e.res)
	e.step = e.move.adapted(e.step, accepted, .5)
	return accepted, nil
}

// Take puts each place at that of its parent.
func (e *Ensemble) Take(parents []int32) {
	index := make([]int, len(parents))
	for i, p := range parents {
		index[i] = int(p)
	}
	w := e.walk
	w.x = w.x.Take(index)
	logP, logR := make([]float64, len(index)), make([]float64, len(index))
	for i, k := range index {
		logP[i], logR[i] = w.at.logP[k], w.at.logR[k]
	}
	w.at.logP, w.at.logR = logP, logR
	if w.gradient {
		w.at.gradient = w.at.gradient.Take(index)
	}
}

// Places are the samples x [n, shape…], and their noise where there is one.
func (e *Ensemble) Places(ctx context.Context) (x odslib.Array, z *odslib.Array, err error) {
	x, err = e.walk.out(ctx, e.walk.x)
	if e.walk.noise {
		noise := e.walk.x.Clone()
		z = &noise
	}
	return x, z, err
}
