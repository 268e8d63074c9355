package diffusion

import (
	"context"
	"fmt"
	"math"

	"github.com/gomlx/gomlx/core/tensors"

	"odslab/odslib"
	"odslab/odslib/engine"
)

// runBatch is how many samples go through the network together.
const runBatch = 1024

// Run draws n samples of the prior, [n, shape…], by the chain; its Schedule is the prior's unless it is set. When ctx
// ends, the batches that are done come back beside the error.
func (c Chain) Run(ctx context.Context, prior odslib.Diffusion, n int, seed uint64) (odslib.Array, error) {
	shape := prior.Shape()
	all := engine.NewArray(append([]int{0}, shape...)...)
	if n <= 0 {
		return all, fmt.Errorf("diffusion: asked for %d samples; ask for at least one", n)
	}
	if c.Schedule == nil {
		c.Schedule = prior.Schedule()
	}
	c, err := c.Resolve()
	if err != nil {
		return all, err
	}
	table, err := c.Table()
	if err != nil {
		return all, err
	}
	var params odslib.Params
	if p, ok := prior.(odslib.Parametrised); ok {
		params = p.Params()
	}
	_, heun := c.Kernel.(Heun)
	loop := &engine.Loop{Step: engine.Step{Params: params, Build: func(scope *engine.Scope, state []*engine.Node, row *engine.Node) []*engine.Node {
		x, rng, at := state[0], state[1], Read(row)
		rng, noise := engine.RandomNormal(rng, x.Shape().Dimensions...)
		x0 := prior.Denoise(scope, x, at.Level(x.Shape().Dimensions[0]))
		next := at.Move(x, x0, noise)
		if heun {
			next = at.Correct(x, next, x0, func(x *odslib.Node, level odslib.Level) *odslib.Node {
				return prior.Denoise(scope, x, level)
			})
		}
		return []*engine.Node{next, rng}
	}}}
	defer loop.Close()

	batch := min(n, runBatch)
	sigma := c.Schedule.Sigma(c.Grid[0])
	for first := 0; first < n; first += batch {
		// The last batch is run whole, so that there is one compilation, and cut.
		x := engine.NewArray(append([]int{batch}, shape...)...)
		rng := engine.RNG(seed, fmt.Sprintf("diffusion.Chain.start.%d", first))
		for i := range x.Data {
			x.Data[i] = float32(sigma * rng.NormFloat64())
		}
		state := []*tensors.Tensor{x.Tensor(), engine.RNGState(seed, fmt.Sprintf("diffusion.Chain.noise.%d", first))}
		out, _, err := loop.Run(ctx, state, table, func(done int, state []*tensors.Tensor) ([]*tensors.Tensor, error) {
			odslib.Observe(ctx, odslib.Progress{
				What: "prior", Step: first/batch*c.Steps + done, Steps: (n + batch - 1) / batch * c.Steps, LogZ: math.NaN(), Loss: math.NaN(),
				Samples: func() (odslib.Array, error) { return engine.ToArray(state[0]) },
			})
			return state, nil
		})
		if err != nil {
			engine.Free(out...)
			return all, err
		}
		a, err := engine.ToSamples(out[0])
		engine.Free(out...)
		if err != nil {
			return all, err
		}
		all = all.Append(a.Slice(0, min(batch, n-first)))
	}
	if bad := all.NonFinite(); bad > 0 {
		return all, fmt.Errorf("diffusion: %d of %d values are not finite; take more steps, or train the prior longer", bad, len(all.Data))
	}
	return all, nil
}
