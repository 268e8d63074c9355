package balance

import (
	"context"
	"fmt"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"gonum.org/v1/gonum/stat"

	"odslab/odslib"
	"odslab/odslib/diffusion"
	"odslab/odslib/engine"
)

// LogRatio is log p_φ(τ) − log p_ref(τ) of a path to each of the samples x [n, shape…], noised back from it. Where the process
// reveals one token a step in a fixed order there is one such path, and the sum with log p(x) of an exact prior is the policy's
// log-probability of x. Conditions are those of the posterior, a row for each sample.
func (p *Policy) LogRatio(ctx context.Context, post odslib.Posterior, x odslib.Array, seed uint64) ([]float64, error) {
	fail := func(err error) ([]float64, error) { return nil, fmt.Errorf("%s: %w", p.Name, err) }
	if err := odslib.CheckDraw(post, x.Len()); err != nil {
		return nil, err
	}
	if p.Net == nil {
		return nil, fmt.Errorf("the policy is untrained")
	}
	if err := p.Posterior.Accepts(ctx, post); err != nil {
		return fail(fmt.Errorf("the policy was trained for another posterior: %w", err))
	}
	if post.Given != nil && post.Given.Len() != x.Len() {
		return fail(fmt.Errorf("conditions for %d samples, there are %d", post.Given.Len(), x.Len()))
	}
	q, params, err := p.process(post)
	if err != nil {
		return nil, err
	}
	noising, ok := q.Process.(odslib.Noising)
	if !ok {
		return fail(fmt.Errorf("%T cannot go back from samples to noise", q.Process))
	}
	table, err := q.Table()
	if err != nil {
		return fail(err)
	}
	batch := min(x.Len(), 4096)
	loop := &engine.Loop{Driver: p.Chain.Driver, Step: engine.Step{Params: params, Build: func(scope *engine.Scope, st []*engine.Node, row *engine.Node) []*engine.Node {
		rng, from := noising.Noise(st[0], row, st[1])
		at := q.Level(row, batch)
		if post.Given != nil {
			at.Given = st[3]
		}
		ratio := q.logRatio(q.Guess(scope, from, at), st[0], from, row)
		return append([]*engine.Node{from, rng, graph.Add(st[2], ratio)}, st[3:]...)
	}}}
	defer loop.Close()
	back := make(engine.Table, len(table))
	for i, row := range table {
		back[len(table)-1-i] = row
	}
	var out []float64
	for first := 0; first < x.Len(); first += batch {
		rows := min(batch, x.Len()-first)
		st := []*tensors.Tensor{
			diffusion.Padded(x.Slice(first, first+rows), batch).Tensor(),
			engine.RNGState(seed, fmt.Sprintf("balance.LogRatio.%d", first)), engine.NewArray(batch).Tensor(),
		}
		if post.Given != nil {
			st = append(st, diffusion.Padded(post.Given.Slice(first, first+rows), batch).Tensor())
		}
		end, _, err := loop.Run(ctx, st, back, nil)
		if err != nil {
			engine.Free(end...)
			return fail(err)
		}
		sum, err := engine.ToArray(end[2])
		engine.Free(end...)
		if err != nil {
			return fail(err)
		}
		for _, v := range sum.Data[:rows] {
			out = append(out, float64(v))
		}
	}
	return out, nil
}

// EUBO is the evidence upper bound, the mean of log r − log-ratio over paths to exact samples x of the posterior, and its standard
// error. It sees the modes that the policy misses, which the lower bound (of Policy.Sample) does not: their distance is the sum of
// both divergences between the path laws.
func (p *Policy) EUBO(ctx context.Context, post odslib.Posterior, x odslib.Array, seed uint64) (mean, se float64, err error) {
	ratio, err := p.LogRatio(ctx, post, x, seed)
	if err != nil {
		return 0, 0, err
	}
	w, err := post.Rewards(ctx, x)
	if err != nil {
		return 0, 0, err
	}
	for i := range w {
		w[i] -= ratio[i]
	}
	mean, sd := stat.MeanStdDev(w, nil)
	return mean, stat.StdErr(sd, float64(len(w))), nil
}
