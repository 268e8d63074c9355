package balance

import (
	"context"
	"fmt"

	"github.com/gomlx/gomlx/core/graph"

	"odslab/odslib"
	"odslab/odslib/diffusion"
	"odslab/odslib/engine"
)

// PathLaw is the law of a policy's paths for one posterior: it draws paths, and draws paths that lead to given samples, without a look
// at rewards. What corrects a policy's draws stands on it.
type PathLaw struct {
	Evals int64 // of the policy, in rows

	name    string
	process *corrected
	walk    diffusion.Walk
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
	l := &PathLaw{name: p.Name, process: q, walk: diffusion.Walk{
		Process: q, Params: params, Driver: p.Chain.Driver,
		Carried: func(n int) []odslib.Array { return []odslib.Array{engine.NewArray(n)} },
	}}
	l.walk.Carry = func(s diffusion.Stride, sum []*odslib.Node) []*odslib.Node {
		return []*odslib.Node{graph.Add(sum[0], l.ratio(s))}
	}
	return l, nil
}

func (l *PathLaw) ratio(s diffusion.Stride) *odslib.Node {
	return l.process.logRatio(s.Guess, s.Next, s.X, s.Row)
}

// lawBatch is how many paths are drawn together at most; fewer are filled up to a power of two, so that few sizes are compiled.
const lawBatch = 4096

func filled(n int) int {
	if n > lawBatch {
		return (n + lawBatch - 1) / lawBatch * lawBatch
	}
	k := 1
	for k < n {
		k *= 2
	}
	return k
}

// Draw draws n paths of the policy: their ends [n, shape…] and log p_φ(τ) − log p_ref(τ).
func (l *PathLaw) Draw(ctx context.Context, n int, seed uint64) (x odslib.Array, ratio []float64, err error) {
	d, err := l.walk.Draw(ctx, l.name, nil, filled(n), lawBatch, seed)
	l.Evals += d.Evals
	if err != nil {
		return d.X, nil, err
	}
	for _, v := range d.Carried[0].Data[:n] {
		ratio = append(ratio, float64(v))
	}
	return d.X.Slice(0, n), ratio, nil
}

// Back draws the path that led to each sample from the reference's law of it, and returns log p_φ(τ) − log p_ref(τ).
func (l *PathLaw) Back(ctx context.Context, x odslib.Array, seed uint64) ([]float64, error) {
	n := filled(x.Len())
	ratio, err := l.walk.Back(ctx, l.name, l.process.Process, diffusion.Padded(x, n), nil, seed, l.ratio)
	if err != nil {
		return nil, err
	}
	l.Evals += int64(n * (len(l.process.Times()) - 1))
	return ratio[:x.Len()], nil
}
