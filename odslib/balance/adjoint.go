package balance

import (
	"context"
	"fmt"
	"slices"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"odslab/odslib"
	"odslab/odslib/engine"
)

// match makes the programs of adjoint matching.
func (p *paths) match() error {
	post, k := p.policy.post, len(p.names)
	if _, err := odslib.Need[odslib.Constraint](post, "adjoint matching"); err != nil {
		return err
	}
	if p.policy.gaussian() == nil || p.policy.variances || post.Given != nil {
		return fmt.Errorf("adjoint matching needs Gaussian steps with the prior's variances, and no conditions that differ; got %T, Variances %v", p.policy.Process, p.policy.variances)
	}
	e, err := engine.Open()
	if err != nil {
		return err
	}
	if p.ends, err = engine.NewProgram(e, post.Params(), func(scope *engine.Scope, in []*engine.Node) []*engine.Node {
		g := graph.Neg(graph.Gradient(graph.ReduceAllSum(post.LogR(scope, in[0], nil)), in[0])[0])
		return []*engine.Node{graph.Where(graph.IsFinite(g), g, graph.ZerosLike(g))} // where r is 0
	}); err != nil {
		return err
	}
	// All steps from the last to the first: where the row's weight is not 0 the step's loss |shift/std + std·a|², then the adjoint
	// through the mean of the prior's step.
	p.adjoint = &engine.Loop{Driver: p.draw.Driver, Devices: p.draw.Devices, Split: append(whole(2*k), 0, 1), Chunk: len(p.table), Step: engine.Step{Params: p.policy.params(), Build: func(scope *engine.Scope, st []*engine.Node, row *engine.Node) []*engine.Node {
		acc, phi, a, traj := st[:k], st[k:2*k], st[2*k], st[2*k+1]
		x, at := get(traj, p.index(row)), p.policy.Level(row, a.Shape().Dimensions[0])
		known := p.policy.reference(scope, x, at)
		engine.WithParams(scope, "policy", p.names, phi)
		g := p.policy.gaussian()
		mine := p.policy.correct(scope, known, x, at)
		_, _, prior, _ := p.policy.split(append(slices.Clone(mine), known...))
		mean, std := g.Mean(prior, x, row)
		moved, _ := g.Mean(mine, x, row)
		wide := graph.BroadcastToShape(std, x.Shape())
		miss := graph.Square(graph.Add(graph.Div(graph.Sub(moved, mean), wide), graph.Mul(wide, a)))
		loss := graph.Mul(graph.DivScalar(graph.ReduceAllSum(miss), float64(p.batch)), engine.Col(row, p.own+2))
		grad := engine.SumDevices(graph.Gradient(loss, phi...)...)
		free := p.policy.Process.Guess(scope.At("prior").ResetVisited(), x, at)
		through, _ := g.Mean(free, x, row)
		out := make([]*engine.Node, 0, len(st))
		for j := range acc {
			out = append(out, graph.Add(acc[j], grad[j]))
		}
		out = append(out, phi...)
		return append(out, graph.StopGradient(engine.VJP(through, x, a)), traj)
	}}}
	return nil
}

// matched is the gradient of the loss of adjoint matching over the steps named, each weighted up to stand for all.
func (p *paths) matched(ctx context.Context, phi []*tensors.Tensor, d drawn, steps []int) (grad, phiOut []*tensors.Tensor, err error) {
	a, err := p.ends.Call(d.x.Tensor())
	if err != nil {
		engine.Free(d.kept...)
		return nil, phi, err
	}
	table := p.rows(func(row []float32) { row[p.own+2] = 0 })
	for _, k := range steps {
		table[k][p.own+2] = float32(len(p.table)) / float32(len(steps))
	}
	slices.Reverse(table)
	var state []*tensors.Tensor
	for _, t := range phi {
		state = append(state, tensors.FromShape(t.Shape()))
	}
	k := len(phi)
	out, _, err := p.adjoint.Run(ctx, slices.Concat(state, phi, a, d.kept[:1]), table, nil)
	engine.Free(d.kept[1:]...)
	if out == nil {
		return nil, nil, err
	}
	engine.Free(out[2*k:]...)
	if err != nil {
		engine.Free(out[:k]...)
		return nil, out[k : 2*k], err
	}
	return out[:k], out[k : 2*k], nil
}
