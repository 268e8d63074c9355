package smc

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/gomlx/gomlx/core/tensors"
	"gonum.org/v1/gonum/floats"

	"odslab/odslib"
	"odslab/odslib/engine"
)

// Run is a particle method under way: particles on the device, their weights and pasts on the host. A sampler's Open makes
// one, for those who want to see every step or do something between two of them:
//
//	run, err := smc.TDS{Particles: 500}.Open(post, 100, 1)
//	defer run.Close()
//	for err == nil && !run.Done() {
//		err = run.Step(ctx)
//		fmt.Println(run.ESS(), run.LogZ())
//	}
//	res, err := run.Result()
type Run struct {
	*opened
	owner       bool // of what is compiled
	begun       time.Time
	seed        uint64
	done        int // steps, the start included
	logw        []float64
	paths       []path
	populations []*population // the islands: parts of logw, those of a group together

	state []*tensors.Tensor // x, guess…, (gradient)
	noise *tensors.Tensor   // random state
	rng   *rand.Rand
	res   *odslib.Result
}

// begin readies a run that closes what is compiled.
func (o *opened) begin(settings any, begun time.Time, seed uint64) *Run {
	k := o.size()
	r := &Run{
		opened: o, owner: true, begun: begun, seed: seed, logw: make([]float64, k), paths: make([]path, k),
		noise: engine.RNGState(seed, "smc.FeynmanKac.noise"), rng: engine.RNG(seed, "smc.FeynmanKac.resample"),
		res: odslib.NewResult(o.post, o.name, settings, seed),
	}
	r.res.About = "right in the limit of many particles, for the chain's own law: log Z is that of its " + fmt.Sprint(len(o.table)) + " steps"
	if o.control {
		r.res.About += "; a drift fitted to the particles biases it as 1/K, and it errs with the steps where these are not exact"
	}
	for i := range r.paths {
		r.paths[i] = r.potential.start()
	}
	for i := range len(o.groups) * o.islands {
		p := &population{logw: r.logw[i*o.particles : (i+1)*o.particles], eve: identity(o.particles)}
		if o.control {
			p.control = newControl(o.basisSize())
		}
		if c, ok := o.process.(*corrected); ok {
			p.past = c.startMass
		}
		p.weigh(0)
		r.populations = append(r.populations, p)
	}
	return r
}

// Close frees what the run holds on the device.
func (r *Run) Close() {
	engine.Free(append(r.state, r.noise)...)
	r.state, r.noise = nil, nil
	if r.owner {
		r.opened.close()
	}
}

// Steps is the number of moves; the start comes before them, as a step of its own.
func (r *Run) Steps() int { return len(r.table) }

// Done says whether the particles have arrived.
func (r *Run) Done() bool { return r.done > r.Steps() }

// Particles copies the particles to the host, [K, shape…]. Those of an island stand together, and so do the islands under the same conditions.
func (r *Run) Particles() (odslib.Array, error) {
	if len(r.state) == 0 {
		return odslib.Array{}, fmt.Errorf("%s: there are no particles before the first step", r.name)
	}
	return engine.ToArray(r.state[0])
}

// LogWeights are those of the particles, normalised; with conditions every group weighs as much as it has draws.
func (r *Run) LogWeights() []float64 {
	out := slices.Clone(r.logw)
	for i, g := range r.groups {
		for j, share := range r.of(i).shares() {
			if p := r.of(i)[j]; p.w != nil {
				first := i*r.crowd() + j*r.particles
				floats.AddConst(math.Log(share*float64(g.draws)/float64(r.n))-floats.LogSumExp(p.logw), out[first:first+r.particles])
			}
		}
	}
	return out
}

// Weights are exp of LogWeights.
func (r *Run) Weights() []float64 {
	w := r.LogWeights()
	for i, l := range w {
		w[i] = math.Exp(l)
	}
	return w
}

// ESS is the effective number of particles, of all groups together.
func (r *Run) ESS() (sum float64) {
	for i := range r.groups {
		if a := r.of(i); a.alive() {
			sum += a.ess()
		}
	}
	return sum
}

// of are the islands of a group.
func (r *Run) of(group int) archipelago {
	return r.populations[group*r.islands : (group+1)*r.islands]
}

// LogZ is log Ẑ so far, NaN where conditions differ.
func (r *Run) LogZ() float64 {
	if len(r.groups) > 1 {
		return math.NaN()
	}
	return r.of(0).logZ()
}

// alive says whether any island has weight.
func (r *Run) alive() bool { return archipelago(r.populations).alive() }

// Step draws the start, at the first call, or else resamples where weights have become uneven, moves the particles and weighs
// them.
func (r *Run) Step(ctx context.Context) error {
	if r.Done() {
		return fmt.Errorf("%s: all %d steps are done", r.name, r.Steps())
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	bad := r.res.NonFinite
	parents, err := r.resample()
	if err == nil {
		err = r.advance(ctx, parents)
	}
	if err != nil {
		return fmt.Errorf("%s, step %d of %d: %w", r.name, r.done, r.Steps(), err)
	}
	step := r.done
	r.done++
	if !r.alive() {
		return fmt.Errorf("%s, step %d of %d: %w", r.name, step, r.Steps(), errExtinct)
	}
	share := r.ESS() / float64(r.size())
	r.res.Trace = append(r.res.Trace, odslib.TraceStep{Step: step, T: r.process.Times()[step], LogZ: r.LogZ(), ESS: share, Loss: math.NaN(), NonFinite: r.res.NonFinite - bad})
	odslib.Notify(ctx, odslib.Progress{What: r.name, Step: step, Steps: r.Steps(), ESS: share, LogZ: r.LogZ(), Loss: math.NaN(), Samples: r.Particles})
	return nil
}

// resample renews the islands that are due and returns everybody's parents.
func (r *Run) resample() ([]int32, error) {
	parents, renewed := identity(r.size()), false
	if r.done == 0 {
		return parents, nil
	}
	var x odslib.Array
	for i, p := range r.populations {
		if p.w == nil || r.threshold < 1 && ess(p.w) >= r.threshold*float64(len(p.w)) {
			continue
		}
		first := int32(i * r.particles)
		if r.resampling == Hilbert && x.Data == nil {
			var err error
			if x, err = r.Particles(); err != nil {
				return nil, err
			}
		}
		own := x
		if x.Data != nil {
			own = x.Slice(int(first), int(first)+r.particles)
		}
		for j, k := range p.resample(r.resampling, own, r.rng) {
			parents[int(first)+j] = first + k
		}
		renewed = true
	}
	if renewed {
		r.paths = take(r.paths, parents)
		r.res.Ancestors = append(r.res.Ancestors, parents)
		r.res.Trace[len(r.res.Trace)-1].Resampled = true
	}
	return parents, nil
}
