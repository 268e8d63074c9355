package balance

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/gomlx/gomlx/core/tensors"

	"odslab/odslib"
	"odslab/odslib/engine"
	"odslab/odslib/mcmc"
)

const (
	langevinMoves = 30 // of a search; the first adapt the step
	tailMoves     = 4
)

// Search moves a batch of kept samples under p·r^β, β being where annealing stands, puts them back where they were from, and
// returns the share of accepted moves: local search (Kim et al. 2024, 2310.02710; Sendera et al. 2024). Where the prior knows its
// density and r has a gradient it is MALA; elsewhere, for any r and any process, [Trainer.renoise].
func (t *Trainer) Search(ctx context.Context) (accepted float64, err error) {
	f, err := t.search(ctx, engine.Split(t.seed, fmt.Sprintf("balance.search.%d", len(t.trace))))
	if err == nil {
		t.buffer.put(f.index, f.batch)
	}
	return f.accepted, err
}

// found is what a search has found, and from which kept samples.
type found struct {
	index    []int
	batch    Batch
	accepted float64
}

func (t *Trainer) search(ctx context.Context, seed uint64) (f found, err error) {
	if t.buffer.Len() < t.Paths {
		return f, nil
	}
	f.index = engine.RNG(seed, "balance.search").Perm(t.buffer.Len())[:t.Paths]
	f.batch = t.buffer.take(f.index)
	_, dense := t.post.Prior.(odslib.Density)
	if _, inGraph := odslib.Can[odslib.Constraint](t.post.Constraint); dense && inGraph && t.post.Given == nil {
		f.accepted, err = t.langevin(ctx, &f.batch, seed)
	} else {
		f.accepted, err = t.renoise(ctx, &f.batch, seed)
	}
	return f, err
}

// langevin moves the batch by MALA.
func (t *Trainer) langevin(ctx context.Context, batch *Batch, seed uint64) (accepted float64, err error) {
	e, err := mcmc.Open(ctx, t.post, mcmc.MALA{}, batch.X.Len(), seed, odslib.NewResult(t.post, t.name, nil, seed))
	if err != nil {
		return 0, err
	}
	defer e.Close()
	if err := e.Put(ctx, batch.X, t.beta); err != nil {
		return 0, err
	}
	for range langevinMoves {
		a, err := e.Move(ctx)
		if err != nil {
			return 0, err
		}
		accepted += a / langevinMoves
	}
	batch.LogR = slices.Clone(e.LogR())
	batch.X, _, err = e.Places(ctx)
	return accepted, err
}

// renoise goes part of the way back to the noise, by the process itself, and down again by the policy. As a Metropolis move on the
// tails of paths, accepted by the ratio of their weights r^β·p_ref/p_φ, it leaves p_ref·r^β as it is, needs no gradient, and is
// pCN where the prior is N(0, I) and the policy untrained. Processes that can't go back have no replay, and nothing is moved.
func (t *Trainer) renoise(ctx context.Context, batch *Batch, seed uint64) (accepted float64, err error) {
	if t.paths.back == nil {
		return 0, nil
	}
	given, rng := t.given(batch.Cond), engine.RNG(seed, "balance.renoise")
	for k := range tailMoves {
		seed := engine.Split(seed, fmt.Sprintf("balance.renoise.%d", k))
		from := rng.IntN(len(t.paths.table))
		tail := t.paths.rows(nil)[from:]
		up := slices.Clone(tail)
		slices.Reverse(up)
		old, err := t.tail(ctx, t.paths.back, up, batch.X, given, seed, "balance.back")
		if err != nil {
			return 0, err
		}
		now, err := t.tail(ctx, t.paths.draw, tail, old.x, given, seed, "balance.draw")
		if err != nil {
			return 0, err
		}
		logr, err := t.reward.Rewards(ctx, now.x, given)
		if err != nil {
			return 0, err
		}
		x := batch.X.Clone()
		for i, l := range logr {
			log := t.beta*(l-batch.LogR[i]) - now.sum[i] + old.sum[i]
			if u := math.Log(rng.Float64()); u < log && !math.IsInf(l, 0) { // never where either is no number
				copy(x.Row(i), now.x.Row(i))
				batch.LogR[i] = l
				accepted += 1 / float64(tailMoves*len(logr))
			}
		}
		batch.X = x
	}
	return accepted, nil
}

// tail runs a part of the chain from x.
func (t *Trainer) tail(ctx context.Context, loop *engine.Loop, table engine.Table, x odslib.Array, given *odslib.Array, seed uint64, purpose string) (d drawn, err error) {
	state, err := t.paths.lay.Call(x.Tensor(), engine.RNGState(seed, purpose))
	if err != nil {
		return d, err
	}
	var phi []*tensors.Tensor
	d, phi, err = t.paths.walk(ctx, loop, state, table, t.phi, given)
	t.phi = phi
	engine.Free(d.kept...)
	return d, err
}
