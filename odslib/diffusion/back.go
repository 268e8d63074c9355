package diffusion

import (
	"context"
	"fmt"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"odslab/odslib"
	"odslab/odslib/engine"
)

// Back noises samples x [n, shape…] back to the start of the chain, as the process by can, and sums a value of each step over the path, such as
// log p(x_s|x_t): [n]. What Carry, Carried and Observe say counts for nothing; given [n, c] are conditions of the rows, or nil.
func (w Walk) Back(ctx context.Context, name string, by odslib.Process, x odslib.Array, given *odslib.Array, seed uint64, each func(s Stride) *odslib.Node) ([]float64, error) {
	noising, ok := by.(odslib.Noising)
	if !ok {
		return nil, fmt.Errorf("%s: %T cannot go back from samples to noise", name, by)
	}
	if given != nil && given.Len() != x.Len() {
		return nil, fmt.Errorf("%s: conditions for %d samples, there are %d", name, given.Len(), x.Len())
	}
	table, err := w.Process.Table()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	back := make(engine.Table, len(table))
	for i, row := range table {
		back[len(table)-1-i] = row
	}
	batch := min(x.Len(), 4096)
	loop := &engine.Loop{Driver: w.Driver, Step: engine.Step{Params: w.Params, Build: func(scope *engine.Scope, st []*engine.Node, row *engine.Node) []*engine.Node {
		rng, from := noising.Noise(st[0], row, st[1])
		at := w.Process.Level(row, batch)
		if given != nil {
			at.Given = st[3]
		}
		v := each(Stride{X: from, Next: st[0], Row: row, Guess: w.Process.Guess(scope, from, at)})
		return append([]*engine.Node{from, rng, graph.Add(st[2], v)}, st[3:]...)
	}}}
	defer loop.Close()
	var out []float64
	for first := 0; first < x.Len(); first += batch {
		last := min(first+batch, x.Len())
		st := []*tensors.Tensor{
			Padded(x.Slice(first, last), batch).Tensor(),
			engine.RNGState(seed, fmt.Sprintf("%s.back.%d", name, first)), engine.NewArray(batch).Tensor(),
		}
		if given != nil {
			st = append(st, Padded(given.Slice(first, last), batch).Tensor())
		}
		end, _, err := loop.Run(ctx, st, back, nil)
		if err != nil {
			engine.Free(end...)
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		sum, err := engine.ToArray(end[2])
		engine.Free(end...)
		if err != nil {
			return nil, err
		}
		for _, v := range sum.Data[:last-first] {
			out = append(out, float64(v))
		}
	}
	return out, nil
}
