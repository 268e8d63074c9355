package smc

import (
	"context"
	"fmt"
	"math"
	"slices"

	"odslab/odslib"
	"odslab/odslib/engine"
)

// finish takes all steps. What there is so far comes back beside an error.
func (r *Run) finish(ctx context.Context) (*odslib.Result, error) {
	for !r.Done() {
		if err := r.Step(ctx); err != nil {
			res, failed := r.Result()
			if failed != nil {
				return r.res, err
			}
			return res, err
		}
	}
	return r.Result()
}

// Result is what there is: after the last step n equally weighted draws, and the cloud that they are from in
// Result.Particles; before it x̂0 of the particles on the way, with their weights. Islands that have lost all weight leave
// draws of NaN and an error.
func (r *Run) Result() (*odslib.Result, error) {
	copied := *r.res
	res := &copied
	res.Notes = slices.Clone(r.res.Notes)
	for _, p := range []*engine.Program{r.step, r.last} {
		if note := p.Note(); note != "" {
			res.Note("%s", note)
			break
		}
	}
	defer func() { res.Close(r.begun) }()
	if len(r.state) == 0 || !r.alive() {
		return res, nil
	}
	if !r.Done() {
		return res, r.partial(res)
	}
	x, err := engine.ToSamples(r.state[0])
	if err != nil {
		return res, err
	}
	res.Particles = &odslib.Cloud{X: x, LogWeights: r.LogWeights()}
	res.LogZ = r.LogZ()
	res.Samples = engine.NewArray(append([]int{r.n}, r.post.Shape()...)...)
	rng := engine.RNG(r.seed, "smc.FeynmanKac.draw")
	var dead error
	few, fewest := 0, math.Inf(1)
	for i, g := range r.groups {
		a, first, draws := r.of(i), g.first, g.draws
		rows := res.Samples.Slice(first, first+draws)
		said := odslib.Island{Draws: draws, LogZ: a.logZ(), LogZError: math.NaN()}
		if !a.alive() {
			for j := range rows.Data {
				rows.Data[j] = float32(math.NaN())
			}
			if dead == nil {
				dead = fmt.Errorf("%s, step %d of %d, draws %d to %d: %w", r.name, a[0].died, r.Steps(), first, first+draws-1, errExtinct)
			}
		} else {
			if said = a.said(r.resampling, draws, res); !r.weighs() {
				said.ESS = a.ess()
			} else if said.ESS < fewFamilies || a.lost(said.ESS) {
				few, fewest = few+1, min(fewest, said.ESS)
			}
			res.ESS += said.ESS
			picks := Systematic.Parents(a.weights(), draws, rng)
			rng.Shuffle(draws, func(a, b int) { picks[a], picks[b] = picks[b], picks[a] }) // so that any part of them is a fair sample
			for j, k := range picks {
				copy(rows.Row(j), x.Row(i*r.crowd()+int(k)))
			}
		}
		res.Islands = append(res.Islands, said)
		if draws > r.crowd() {
			res.Note("%d draws from %d particles repeat themselves", draws, r.crowd())
		}
	}
	res.NonFinite += res.Samples.NonFinite()
	of := fmt.Sprintf(" under %d of %d conditions", few, len(r.groups))
	if len(r.groups) == 1 {
		res.LogZError, res.Islands, of = res.Islands[0].LogZError, r.of(0).each(r.resampling), ""
	}
	if few > 0 {
		warn(res, fewest, r.crowd(), of)
	}
	return res, dead
}

// warn says that a run does not know its own error.
func warn(res *odslib.Result, families float64, particles int, of string) {
	res.LogZAtLeast = true
	if particles == 1 {
		res.Note("one particle%s: log Z has no error to go by, and there are no modes but its own; take more Particles", of)
		return
	}
	res.Note("the weight descends from %.1f, in effect, of the %d first particles%s: the error of log Z is at least what is said, how much more one run cannot tell, and the draws may miss modes; take more Particles, or better twists and moves", families, particles, of)
}

// partial keeps the work of a run that was stopped.
func (r *Run) partial(res *odslib.Result) error {
	at, are := 0, "particles on the way"
	if slices.Equal(r.state[0].Shape().Dimensions, r.state[1].Shape().Dimensions) {
		at, are = 1, "E[x_0|x_t] of the particles on the way"
	}
	x, err := engine.ToArray(r.state[at])
	if err != nil {
		return err
	}
	res.Samples, res.LogWeights = x, r.LogWeights()
	res.Note("stopped after %d of %d steps: the samples are %s, with weights", r.done-1, r.Steps(), are)
	return nil
}
