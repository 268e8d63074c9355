package baseline

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"odslab/odslib"
	"odslab/odslib/engine"
	"odslab/odslib/nn"
)

var _ odslib.Sampler = Optimise{}

// Optimise moves the noise of a generator uphill on log r(f(z)) − Prior·½|z|² by Adam, from draws of N(0, I): what D-Flow (Ben-Hamu
// et al. 2024, 2402.14017; by L-BFGS and without the second term) and latent optimisation of GANs do. It is no posterior: n maxima,
// whose spread is that of the starts. f and r must be graph code.
type Optimise struct {
	Steps int     // 0 means 200
	LR    float64 // 0 means .05
	Prior float64 // weight of ½|z|²: 0 means 1, the most probable noise; negative none, as in D-Flow
}

// Sample implements odslib.Sampler.
func (s Optimise) Sample(ctx context.Context, post odslib.Posterior, n int, seed uint64) (*odslib.Result, error) {
	const name = "optimised noise"
	begun := time.Now()
	if err := odslib.CheckDraw(post, n); err != nil {
		return nil, err
	}
	if s.Steps < 0 || s.LR < 0 || math.IsNaN(s.LR+s.Prior) || post.Given != nil {
		return nil, fmt.Errorf("%s: %d steps of rate %g; neither can be negative, and it takes no conditions", name, s.Steps, s.LR)
	}
	inner, err := post.Inside()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if _, err := odslib.Need[odslib.Constraint](inner.Posterior, name); err != nil {
		return nil, err
	}
	res := odslib.NewResult(post, name, s, seed)
	res.About = "not the posterior: maxima of it, as spread as the starts"
	d, err := open(post, res)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	defer d.close()
	z, _, err := d.draw(ctx, n, nil, engine.Split(seed, "baseline.Optimise"))
	if err == nil {
		if z, err = s.climb(ctx, inner.Posterior, z, res); z.Data == nil {
			return nil, err
		}
	}
	if failed := d.finish(z); err == nil {
		err = failed
	}
	res.Close(begun)
	return res, err
}

func (s Optimise) climb(ctx context.Context, inner odslib.Posterior, z odslib.Array, res *odslib.Result) (odslib.Array, error) {
	steps, rate, weight := s.Steps, s.LR, s.Prior
	if steps == 0 {
		steps = 200
	}
	if rate == 0 {
		rate = .05
	}
	if weight == 0 {
		weight = 1
	}
	weight = math.Max(weight, 0)
	loop := engine.Loop{Step: engine.Step{Params: inner.Params(), Build: func(scope *engine.Scope, st []*engine.Node, row *engine.Node) []*engine.Node {
		z := st[0]
		loss := graph.Sub(graph.Mul(engine.Col(row, 2), graph.MulScalar(graph.ReduceAllSum(graph.Square(z)), .5)), graph.ReduceAllSum(inner.LogR(scope, z, nil)))
		g := graph.Gradient(loss, z)
		g[0] = graph.Where(graph.IsFinite(g[0]), g[0], graph.ZerosLike(g[0])) // where r is 0 or no number there is no way up
		p, m, v := nn.Adam{}.Update(st[:1], st[1:2], st[2:3], g, engine.Col(row, 0), engine.Col(row, 1))
		return []*engine.Node{p[0], m[0], v[0]}
	}}}
	defer loop.Close()
	table := make(engine.Table, steps)
	for k := range table {
		fall := .5 * (1 + math.Cos(math.Pi*float64(k)/float64(steps)))
		table[k] = []float32{float32(rate * (fall + .01)), float32(k + 1), float32(weight)}
	}
	zero := engine.NewArray(z.Shape...)
	out, done, err := loop.Run(ctx, []*tensors.Tensor{z.Tensor(), zero.Tensor(), zero.Clone().Tensor()}, table, func(k int, st []*tensors.Tensor) ([]*tensors.Tensor, error) {
		odslib.Notify(ctx, odslib.Progress{What: res.Sampler, Step: k, Steps: steps, LogZ: math.NaN(), Loss: math.NaN()})
		return st, nil
	})
	if out == nil {
		return odslib.Array{}, err
	}
	defer engine.Free(out...)
	if err != nil {
		res.Note("stopped after %d of %d steps", done, steps)
	}
	res.ConstraintEvals += int64(done * z.Len())
	res.NetworkEvals += int64(done * z.Len())
	res.JacobianProducts += int64(done * z.Len())
	z, lost := engine.ToArray(out[0])
	if err == nil {
		err = lost
	}
	return z, err
}
