package balance

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"odslab/odslib"
	"odslab/odslib/diffusion"
	"odslab/odslib/engine"
	"odslab/odslib/nn"
)

// Columns that a path's table has after the chain's own.
const (
	colIndex   = diffusion.Columns + iota // number of the step
	colExplore                            // standard deviation the path is drawn with
	colRatio                              // α_t/α_s of the forward step
	colForward                            // standard deviation of the forward step
	colScale                              // weight of the step in the gradient
	columns
)

// paths draws paths and computes their log-ratios, forward from noise or back from samples, and the gradient of weighted
// sums of log-ratios. The trajectory [T+1, B, shape…] and the prior's x̂0 along it, [T, B, shape…], are kept without
// gradient, which so needs no second look at the prior.
type paths struct {
	post  odslib.Posterior
	net   nn.Net
	names []string // of the policy's parameters
	chain diffusion.Chain
	table engine.Table
	batch int
	scale float64 // typical size of the data, for the network's inputs

	draw, back, grad *engine.Loop
	gradSteps        int // steps of a path that get a gradient; 0: no gradient, and no trajectory kept for it
}

func newPaths(post odslib.Posterior, net nn.Net, params odslib.Params, chain diffusion.Chain, batch int, scale float64, driver engine.Driver, gradSteps int) (*paths, error) {
	table, err := chain.Table()
	if err != nil {
		return nil, err
	}
	sch := chain.Schedule
	for i := range table {
		t, s := chain.Grid[i], chain.Grid[i+1]
		ratio := sch.Alpha(t) / sch.Alpha(s)
		forward := math.Sqrt(math.Max(0, sch.Sigma(t)*sch.Sigma(t)-ratio*ratio*sch.Sigma(s)*sch.Sigma(s)))
		std := diffusion.Std(table[i])
		if !(std > 0) {
			return nil, fmt.Errorf("step %d of the chain has no noise, so its paths have no density; use a stochastic kernel such as diffusion.Noisy", i+1)
		}
		table[i] = append(table[i], float32(i), std, float32(ratio), float32(forward), 1)
	}
	p := &paths{post: post, net: net, names: params.Names(), chain: chain, table: table, batch: batch, scale: scale, gradSteps: gradSteps}
	k := len(p.names)
	// All steps of a path in one While call: between them there is nothing to see.
	p.draw = &engine.Loop{Driver: driver, Chunk: chain.Steps, Step: engine.Step{Params: post.Params(), Build: func(scope *engine.Scope, st []*engine.Node, row *engine.Node) []*engine.Node {
		x, rng, sum, kept, phi := st[0], st[1], st[2], st[3:len(st)-k], st[len(st)-k:]
		at := diffusion.Read(row)
		rng, noise := engine.RandomNormal(rng, x.Shape().Dimensions...)
		x0 := p.denoise(scope, x, at)
		mean, shift := p.means(scope, x, x0, at, phi)
		next := graph.Add(graph.Add(mean, shift), graph.Mul(noise, like(engine.Col(row, colExplore), x)))
		sum = graph.Add(sum, logRatio(next, mean, shift, at))
		return slices.Concat([]*engine.Node{next, rng, sum}, keep(kept, graph.OnePlus(index(row)), next, index(row), x0), phi)
	}}}
	p.back = &engine.Loop{Driver: driver, Chunk: chain.Steps, Step: engine.Step{Params: post.Params(), Build: func(scope *engine.Scope, st []*engine.Node, row *engine.Node) []*engine.Node {
		x, rng, sum, kept, phi := st[0], st[1], st[2], st[3:len(st)-k], st[len(st)-k:]
		at := diffusion.Read(row)
		rng, noise := engine.RandomNormal(rng, x.Shape().Dimensions...)
		from := graph.Add(graph.Mul(x, like(engine.Col(row, colRatio), x)), graph.Mul(noise, like(engine.Col(row, colForward), x)))
		x0 := p.denoise(scope, from, at)
		mean, shift := p.means(scope, from, x0, at, phi)
		sum = graph.Add(sum, logRatio(x, mean, shift, at))
		return slices.Concat([]*engine.Node{from, rng, sum}, keep(kept, index(row), from, index(row), x0), phi)
	}}}
	if p.gradSteps == 0 {
		return p, nil
	}
	p.grad = &engine.Loop{Driver: driver, Chunk: gradSteps, Step: engine.Step{Build: func(scope *engine.Scope, st []*engine.Node, row *engine.Node) []*engine.Node {
		acc, phi, traj, x0s, weight := st[:k], st[k:2*k], st[2*k], st[2*k+1], st[2*k+2]
		at, i := diffusion.Read(row), index(row)
		x, next, x0 := get(traj, i), get(traj, graph.OnePlus(i)), get(x0s, i)
		mean, shift := p.means(scope, x, x0, at, phi)
		scaled := graph.Mul(weight, like(engine.Col(row, colScale), weight))
		g := graph.Gradient(graph.ReduceAllSum(graph.Mul(scaled, logRatio(next, mean, shift, at))), phi...)
		out := make([]*engine.Node, 0, len(st))
		for j := range acc {
			out = append(out, graph.Add(acc[j], g[j]))
		}
		return append(append(out, phi...), traj, x0s, weight)
	}}}
	return p, nil
}

// denoise is the prior's x̂0.
func (p *paths) denoise(scope *engine.Scope, x *engine.Node, at diffusion.At) *engine.Node {
	return graph.StopGradient(p.post.Denoise(scope, x, at.Level(x.Shape().Dimensions[0])))
}

// means returns the reference's mean and the policy's shift of it. The network sees x_t and the prior's x̂0, scaled to
// about one, and puts out e in units of the noise: x̂0_φ = x̂0 − (σ/α)·e.
func (p *paths) means(scope *engine.Scope, x, x0 *engine.Node, at diffusion.At, phi []*engine.Node) (mean, shift *engine.Node) {
	mean = at.Mean(x, x0)
	size := graph.Sqrt(graph.Add(graph.MulScalar(graph.Square(at.Alpha), p.scale*p.scale), graph.Square(at.Sigma)))
	in := graph.Concatenate([]*engine.Node{graph.Div(x, like(size, x)), graph.DivScalar(x0, p.scale)}, -1)
	e := p.net.Apply(engine.WithParams(scope, "policy", p.names, phi), in, at.Level(1))
	e = graph.Slice(e, graph.AxisRange().Spacer(), graph.AxisRange(0, x.Shape().Dimensions[x.Rank()-1]))
	return mean, graph.Neg(graph.Mul(e, like(graph.Div(graph.Mul(at.B, at.Sigma), at.Alpha), e)))
}

// logRatio is log N(next; mean+shift, std²) − log N(next; mean, std²), for each row.
func logRatio(next, mean, shift *engine.Node, at diffusion.At) *engine.Node {
	d := graph.Sub(graph.MulScalar(graph.Sub(next, mean), 2), shift)
	sum := graph.ReduceSum(graph.Reshape(graph.Mul(shift, d), next.Shape().Dimensions[0], -1), -1)
	return graph.Div(sum, like(graph.MulScalar(graph.Square(at.Std), 2), sum))
}

func like(scalar, x *engine.Node) *engine.Node { return graph.BroadcastToShape(scalar, x.Shape()) }

func index(row *engine.Node) *engine.Node {
	return graph.ConvertDType(engine.Col(row, colIndex), dtypes.Int32)
}

// keep writes a step into the trajectory and x̂0 into its own, where they are kept.
func keep(kept []*engine.Node, i, x, i0, x0 *engine.Node) []*engine.Node {
	if len(kept) == 0 {
		return nil
	}
	return []*engine.Node{put(kept[0], i, x), put(kept[1], i0, x0)}
}

// put writes x at place i of the trajectory. Backends without dynamic slices write through a mask.
func put(traj, i, x *engine.Node) *engine.Node {
	x = graph.ExpandAxes(x, 0)
	if !traj.Graph().Backend().Capabilities().Operations[compute.OpTypeDynamicUpdateSlice] {
		at := graph.Equal(graph.Iota(traj.Graph(), shapes.Make(dtypes.Int32, traj.Shape().Dimensions...), 0), like32(i, traj))
		return graph.Where(at, graph.BroadcastToShape(x, traj.Shape()), traj)
	}
	starts := []*engine.Node{i}
	for range traj.Rank() - 1 {
		starts = append(starts, graph.Const(traj.Graph(), int32(0)))
	}
	return graph.DynamicUpdateSlice(traj, x, starts)
}

func like32(i, x *engine.Node) *engine.Node {
	return graph.BroadcastToShape(i, shapes.Make(dtypes.Int32, x.Shape().Dimensions...))
}

// get reads place i of the trajectory.
func get(traj, i *engine.Node) *engine.Node {
	return graph.Reshape(graph.Gather(traj, graph.Reshape(i, 1)), traj.Shape().Dimensions[1:]...)
}

// drawn is a batch of paths: end points, sums of log-ratios, and what the gradient needs.
type drawn struct {
	x    odslib.Array
	sum  []float64         // log p_φ(τ) − log p_ref(τ)
	kept []*tensors.Tensor // the trajectory and the prior's x̂0 along it
}

// forward draws paths from the policy; explore is the extra variance over the whole path.
func (p *paths) forward(ctx context.Context, phi []*tensors.Tensor, seed uint64, explore float64) (drawn, []*tensors.Tensor, error) {
	rng := engine.RNG(seed, "balance.start")
	x := engine.NewArray(append([]int{p.batch}, p.post.Shape()...)...)
	sigma := float32(p.chain.Schedule.Sigma(p.chain.Grid[0]))
	for i := range x.Data {
		x.Data[i] = sigma * float32(rng.NormFloat64())
	}
	table := p.rows(func(row []float32) {
		row[colExplore] = float32(math.Hypot(float64(diffusion.Std(row)), math.Sqrt(explore/float64(p.chain.Steps))))
	})
	return p.walk(ctx, p.draw, x, 0, table, phi, engine.RNGState(seed, "balance.draw"))
}

// backward noises samples back to the start and evaluates the paths that arise.
func (p *paths) backward(ctx context.Context, phi []*tensors.Tensor, seed uint64, x odslib.Array) (drawn, []*tensors.Tensor, error) {
	table := p.rows(nil)
	for i, j := 0, len(table)-1; i < j; i, j = i+1, j-1 {
		table[i], table[j] = table[j], table[i]
	}
	d, phi, err := p.walk(ctx, p.back, x, p.chain.Steps, table, phi, engine.RNGState(seed, "balance.back"))
	d.x = x
	return d, phi, err
}

func (p *paths) rows(edit func(row []float32)) engine.Table {
	table := make(engine.Table, len(p.table))
	for i, row := range p.table {
		table[i] = append([]float32{}, row...)
		if edit != nil {
			edit(table[i])
		}
	}
	return table
}

// walk runs a loop from x, which is place at of the trajectory.
func (p *paths) walk(ctx context.Context, loop *engine.Loop, x odslib.Array, at int, table engine.Table, phi []*tensors.Tensor, rng *tensors.Tensor) (drawn, []*tensors.Tensor, error) {
	state := []*tensors.Tensor{x.Tensor(), rng, engine.NewArray(p.batch).Tensor()}
	if p.gradSteps > 0 {
		traj := engine.NewArray(append([]int{p.chain.Steps + 1}, x.Shape...)...)
		copy(traj.Row(at), x.Data)
		state = append(state, traj.Tensor(), engine.NewArray(append([]int{p.chain.Steps}, x.Shape...)...).Tensor())
	}
	own := len(state)
	state = append(state, phi...)
	out, _, err := loop.Run(ctx, state, table, nil)
	if out == nil {
		return drawn{}, nil, err
	}
	phi = out[own:]
	if err != nil {
		engine.Free(out[:own]...)
		return drawn{}, phi, err
	}
	var d drawn
	if d.x, err = engine.ToArray(out[0]); err != nil {
		return d, phi, err
	}
	sum, err := engine.ToArray(out[2])
	if err != nil {
		return d, phi, err
	}
	d.sum = make([]float64, len(sum.Data))
	for i, v := range sum.Data {
		d.sum[i] = float64(v)
	}
	engine.Free(out[:3]...)
	d.kept = out[3:own]
	return d, phi, nil
}

// gradient is ∇_φ Σ_b weight_b·(log p_φ − log p_ref)(τ_b) over the steps named, each weighted up to stand for all.
func (p *paths) gradient(ctx context.Context, phi []*tensors.Tensor, d drawn, weight []float64, steps []int) (grad, phiOut []*tensors.Tensor, err error) {
	table := make(engine.Table, len(steps))
	for i, k := range steps {
		table[i] = slices.Clone(p.table[k])
		table[i][colScale] = float32(p.chain.Steps) / float32(len(steps))
	}
	state := make([]*tensors.Tensor, 0, 2*len(phi)+3)
	for _, t := range phi {
		state = append(state, tensors.FromShape(t.Shape()))
	}
	state = slices.Concat(state, phi, d.kept, []*tensors.Tensor{engine.FromVector(weight).Tensor()})
	k := len(phi)
	out, _, err := p.grad.Run(ctx, state, table, nil)
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

func (p *paths) close() {
	p.draw.Close()
	p.back.Close()
	if p.grad != nil {
		p.grad.Close()
	}
}
