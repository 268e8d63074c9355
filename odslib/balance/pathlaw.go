package balance

import (
	"context"
	"fmt"
	"slices"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"odslab/odslib"
	"odslab/odslib/diffusion"
	"odslab/odslib/engine"
)

// PathLaw is the law of a policy's paths for one posterior: it draws paths, and draws the paths that led to given samples, without
// a look at rewards. What corrects a policy's draws stands on it. Close it.
type PathLaw struct {
	Evals int64 // of the policy, in rows

	name    string
	process *corrected
	params  odslib.Params
	table   engine.Table // of the way back
	walk    diffusion.Walk
	back    *engine.Loop
}

// PathLaw readies the policy for the posterior that it was trained for.
func (p *Policy) PathLaw(ctx context.Context, post odslib.Posterior) (*PathLaw, error) {
	if p.Net == nil {
		return nil, fmt.Errorf("the policy is untrained")
	}
	if post.Given != nil {
		return nil, fmt.Errorf("%s takes no conditions that differ from row to row here; ask for one of them", p.Name)
	}
	if err := p.Posterior.Accepts(ctx, post); err != nil {
		return nil, fmt.Errorf("%s: the policy was trained for another posterior: %w; train one for this", p.Name, err)
	}
	q, params, err := p.process(post)
	if err != nil {
		return nil, err
	}
	noising, ok := q.Process.(odslib.Noising)
	if !ok {
		return nil, fmt.Errorf("%s: %T cannot noise samples back", p.Name, q.Process)
	}
	l := &PathLaw{name: p.Name, process: q, params: params}
	if l.table, err = q.Table(); err != nil {
		return nil, err
	}
	slices.Reverse(l.table)
	l.walk = diffusion.Walk{
		Process: q, Params: params, Driver: p.Chain.Driver,
		Carried: func(n int) []odslib.Array { return []odslib.Array{engine.NewArray(n)} },
		Carry: func(s diffusion.Stride, sum []*odslib.Node) []*odslib.Node {
			return []*odslib.Node{graph.Add(sum[0], q.logRatio(s.Guess, s.Next, s.X, s.Row))}
		},
	}
	l.back = &engine.Loop{Driver: p.Chain.Driver, Chunk: len(l.table), Step: engine.Step{Params: params, Build: func(scope *engine.Scope, st []*engine.Node, row *engine.Node) []*engine.Node {
		rng, from := noising.Noise(st[0], row, st[1])
		guess := q.Guess(scope, from, q.Level(row, from.Shape().Dimensions[0]))
		return []*engine.Node{from, rng, graph.Add(st[2], q.logRatio(guess, st[0], from, row))}
	}}}
	return l, nil
}

// lawBatch is how many paths are drawn together at most; fewer are filled up to a power of two, so that few sizes are compiled.
const lawBatch = 4096

func filled(n int) int {
	k := 1
	for k < min(n, lawBatch) {
		k *= 2
	}
	return k
}

// Draw draws n paths of the policy: their ends [n, shape…] and log p_φ(τ) − log p_ref(τ).
func (l *PathLaw) Draw(ctx context.Context, n int, seed uint64) (x odslib.Array, ratio []float64, err error) {
	d, err := l.walk.Draw(ctx, l.name, nil, max(n, filled(n)), lawBatch, seed)
	l.Evals += d.Evals
	if err != nil {
		return d.X, nil, err
	}
	return d.X.Slice(0, n), float64s(d.Carried[0].Slice(0, n)), nil
}

// Back draws the path that led to each sample from the reference's law of it, and returns log p_φ(τ) − log p_ref(τ).
func (l *PathLaw) Back(ctx context.Context, x odslib.Array, seed uint64) (ratio []float64, err error) {
	for first := 0; first < x.Len(); first += lawBatch {
		part := x.Slice(first, min(first+lawBatch, x.Len()))
		rows := filled(part.Len())
		state := []*tensors.Tensor{
			diffusion.Padded(part, rows).Tensor(), engine.RNGState(seed, fmt.Sprintf("balance.law.%d", first)), engine.NewArray(rows).Tensor(),
		}
		out, _, err := l.back.Run(ctx, state, l.table, nil)
		if err != nil {
			engine.Free(out...)
			return nil, err
		}
		sum, err := engine.ToArray(out[2])
		engine.Free(out...)
		if err != nil {
			return nil, err
		}
		l.Evals += int64(part.Len() * len(l.table))
		ratio = append(ratio, float64s(sum.Slice(0, part.Len()))...)
	}
	return ratio, nil
}

// Close frees what the law holds on the device.
func (l *PathLaw) Close() { l.back.Close() }

func float64s(a odslib.Array) []float64 {
	out := make([]float64, len(a.Data))
	for i, v := range a.Data {
		out[i] = float64(v)
	}
	return out
}
