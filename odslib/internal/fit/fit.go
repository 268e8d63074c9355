// Package fit fits the weights of a network to a loss by Adam: the inner loop of what is trained by regression beside a policy, a
// student of it or a classifier to be guided by.
//
//	weights, losses, err := fit.Problem{Name: "student", Weights: initial, Row: row, Loss: loss}.Run(ctx, 2000, seed)
package fit

import (
	"context"
	"fmt"
	"math"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"odslab/odslib"
	"odslab/odslib/engine"
	"odslab/odslib/nn"
)

// Problem is what is to be fitted.
type Problem struct {
	Name    string
	Params  odslib.Params // what the loss reads beside the weights, named as in its scope
	Weights odslib.Params // initial
	// Row is what differs from step to step, counted from 0: minibatch, times. All rows have the same length.
	Row func(step int) []float32
	// Loss is a scalar; net is where the weights are found.
	Loss func(scope, net *odslib.Scope, row, rng *odslib.Node) (newRNG, loss *odslib.Node)
	Rate nn.Rate // zero value: 1e-3 falling to 0, after a warm-up of 100 steps
}

// Columns before those of a problem's row.
const (
	colRate = iota
	colCount
	colDecay
	own
)

// emaDecay is that of the averaged weights, which forget their start.
const emaDecay = .995

// Run takes the steps and returns the averaged weights and the loss of each chunk of steps. When ctx ends, what is fitted so far
// comes back beside the error; a chunk without a finite loss ends the work.
func (p Problem) Run(ctx context.Context, steps int, seed uint64) (weights odslib.Params, losses []float64, err error) {
	if p.Rate == (nn.Rate{}) {
		p.Rate.Decay = steps
	}
	e, err := engine.Open()
	if err != nil {
		return nil, nil, err
	}
	names := p.Weights.Names()
	loop := &engine.Loop{Step: engine.Step{Params: p.Params, Build: func(scope *engine.Scope, st []*engine.Node, row *engine.Node) []*engine.Node {
		w := nn.Unflatten(st[2], p.Weights)
		rng, loss := p.Loss(scope, engine.WithParams(scope, "fitted", names, w), engine.Cols(row, own, row.Shape().Dimensions[0]), st[1])
		list := func(n *engine.Node) []*engine.Node { return []*engine.Node{n} }
		grad, norm := nn.ClipByGlobalNorm(list(nn.Flatten(graph.Gradient(loss, w...))), 1)
		next, m, v := nn.Adam{}.Update(list(st[2]), list(st[3]), list(st[4]), grad, engine.Col(row, colRate), engine.Col(row, colCount))
		average := nn.EMA(list(st[5]), next, engine.Col(row, colDecay))
		out := []*engine.Node{graph.Add(graph.MulScalar(st[0], .9), graph.MulScalar(loss, .1)), rng}
		return append(out, nn.Select(graph.IsFinite(norm), []*engine.Node{next[0], m[0], v[0], average[0]}, st[2:])...)
	}}}
	if err := loop.Open(e); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", p.Name, err)
	}
	defer loop.Close()
	flat := nn.Join(p.Weights)
	zero := engine.NewArray(flat.Shape...)
	state := []*tensors.Tensor{tensors.FromScalar(float32(0)), engine.RNGState(seed, "fit"), flat.Tensor(), zero.Tensor(), zero.Tensor(), flat.Tensor()}
	defer func() { engine.Free(state...) }()
	for done := 0; done < steps && err == nil; {
		table := make(engine.Table, min(loop.Chunk, steps-done))
		for i := range table {
			k := done + i
			decay := min(emaDecay, float64(1+k)/float64(10+k))
			table[i] = append([]float32{float32(p.Rate.At(k)), float32(k + 1), float32(decay)}, p.Row(k)...)
		}
		var n int
		state, n, err = loop.Run(ctx, state, table, nil)
		if state == nil {
			return nil, losses, fmt.Errorf("%s: %w", p.Name, err)
		}
		done += n
		a, e := engine.ToArray(state[0])
		if e != nil {
			return nil, losses, e
		}
		loss := float64(a.Data[0]) / (1 - math.Pow(.9, float64(done)))
		if losses = append(losses, loss); math.IsNaN(loss) || math.IsInf(loss, 0) {
			err = fmt.Errorf("the loss after %d steps is not finite; lower the learning rate, or look at the data", done)
		}
		odslib.Notify(ctx, odslib.Progress{What: p.Name, Step: done, Steps: steps, LogZ: math.NaN(), Loss: loss})
	}
	average, e2 := engine.ToArray(state[5])
	if e2 != nil {
		return nil, losses, e2
	}
	weights, e2 = nn.Divide(average, p.Weights)
	if err != nil {
		return weights, losses, fmt.Errorf("%s: %w", p.Name, err)
	}
	return weights, losses, e2
}
