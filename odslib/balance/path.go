package balance

import (
	"context"
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"odslab/odslib"
	"odslab/odslib/diffusion"
	"odslab/odslib/engine"
)

// paths draws paths and computes their log-ratios, forward from noise or back from samples, and the gradient of weighted
// sums of log-ratios. The trajectory [T+1, B, shape…] and the prior's guess along it, [T, B, …], are kept without gradient,
// which so needs no second look at the prior.
type paths struct {
	policy *corrected
	names  []string // of the network's weights
	table  engine.Table
	batch  int // on all devices together
	own    int // columns before those of training: number of the step, variance of exploration, weight of the step

	start, lay       *engine.Program
	draw, back, grad *engine.Loop

	ends    *engine.Program // adjoint matching: ∇(−log r) at the ends
	adjoint *engine.Loop    // and its gradient
}

// inputs are the shapes that the policy's network sees and of the prior's guess, for n rows with c conditions.
func (p *corrected) inputs(table engine.Table, n, c int) (net shapes.Shape, guess []shapes.Shape, err error) {
	in := []shapes.Shape{engine.Float32(append([]int{n}, p.Shape()...)...), engine.Float32(len(table[0]))}
	if c > 0 {
		in = append(in, engine.Float32(n, c))
	}
	out, err := engine.Shapes(p.params(), in, func(scope *engine.Scope, in []*engine.Node) []*engine.Node {
		at := p.Level(in[1], n)
		if c > 0 {
			at.Given = in[2]
		}
		guess := p.reference(scope, in[0], at)
		return append([]*engine.Node{p.inputsOf(scope.At("standard"), guess, in[0], at)}, guess...)
	})
	if err != nil {
		return net, nil, err
	}
	return out[0], out[1:], nil
}

// newPaths takes of the settings Paths, GradSteps, Devices and the chain's driver.
func newPaths(policy *corrected, weights odslib.Params, settings Settings, given int) (*paths, error) {
	batch := settings.Paths
	table, err := policy.Table()
	if err != nil {
		return nil, err
	}
	_, guesses, err := policy.inputs(table, batch, given)
	if err != nil {
		return nil, err
	}
	e, err := engine.Open()
	if err != nil {
		return nil, err
	}
	p := &paths{names: weights.Names(), table: table, batch: batch, own: len(table[0])}
	for i := range table {
		table[i] = append(table[i], float32(i), 0, 1)
	}
	process := *policy
	process.explore = p.own + 1
	p.policy = &process
	steps, k, kept := len(table), len(p.names), 2+len(guesses)
	params := policy.params()
	first := 2 // of what is carried: sum, trajectory, guesses, weights
	if given > 0 {
		first = 3
	}

	// The state of a batch of paths but for conditions and weights; known is the place of x in the trajectory.
	state := func(x, rng *engine.Node, known int) []*engine.Node {
		zeros := func(dims ...int) *engine.Node { return graph.Zeros(x.Graph(), engine.Float32(dims...)) }
		d := x.Shape().Dimensions
		traj := []*engine.Node{graph.ExpandAxes(x, 0), zeros(append([]int{steps}, d...)...)}
		if known > 0 {
			slices.Reverse(traj)
		}
		out := []*engine.Node{graph.Identity(x), rng, zeros(batch), graph.Concatenate(traj, 0)}
		for _, g := range guesses {
			out = append(out, zeros(append([]int{steps}, g.Dimensions...)...))
		}
		return out
	}
	if p.start, err = engine.NewProgram(e, params, func(scope *engine.Scope, in []*engine.Node) []*engine.Node {
		rng, x := p.policy.Start(scope, in[0], batch)
		return state(x, rng, 0)
	}); err != nil {
		return nil, err
	}
	if p.lay, err = engine.NewProgram(e, nil, func(_ *engine.Scope, in []*engine.Node) []*engine.Node {
		return state(in[0], graph.Identity(in[1]), steps)
	}); err != nil {
		return nil, err
	}

	// Rows are paths: the first axis of a value, the second of what has a place for each step.
	split := []int{0, engine.Whole, 0, 1}
	if given > 0 {
		split = slices.Insert(split, 2, 0)
	}
	for range guesses {
		split = append(split, 1)
	}
	open := func(l *engine.Loop, split []int) (*engine.Loop, error) {
		l.Driver, l.Devices, l.Split = settings.Chain.Driver, settings.Devices, split
		return l, l.Open(e)
	}
	bind := func(scope *engine.Scope, phi []*engine.Node) *engine.Scope {
		engine.WithParams(scope, "policy", p.names, phi)
		return scope
	}
	// All steps of a path in one While call: between them there is nothing to see.
	if p.draw, err = open(diffusion.Walk{
		Process: p.policy, Params: params, Given: given > 0, Chunk: steps,
		Scope: func(scope *engine.Scope, carried []*engine.Node) *engine.Scope { return bind(scope, carried[kept:]) },
		Carry: func(s diffusion.Stride, carried []*engine.Node) []*engine.Node {
			i := p.index(s.Row)
			out := []*engine.Node{graph.Add(carried[0], p.policy.logRatio(s.Guess, s.Next, s.X, s.Row)), put(carried[1], graph.OnePlus(i), s.Next)}
			for j, g := range s.Guess[len(s.Guess)-len(guesses):] {
				out = append(out, put(carried[2+j], i, g))
			}
			return append(out, carried[kept:]...)
		},
	}.Loop(), split); err != nil {
		return nil, err
	}
	if noising, ok := policy.Process.(odslib.Noising); ok {
		if p.back, err = open(&engine.Loop{Chunk: steps, Step: engine.Step{Params: params, Build: func(scope *engine.Scope, st []*engine.Node, row *engine.Node) []*engine.Node {
			carried := st[first:]
			rng, from := noising.Noise(st[0], row, st[1])
			at := p.policy.Level(row, from.Shape().Dimensions[0])
			if given > 0 {
				at.Given = st[2]
			}
			guess := p.policy.Guess(bind(scope, carried[kept:]), from, at)
			i := p.index(row)
			out := append([]*engine.Node{from, rng}, st[2:first]...)
			out = append(out, graph.Add(carried[0], p.policy.logRatio(guess, st[0], from, row)), put(carried[1], i, from))
			for j, g := range guess[len(guess)-len(guesses):] {
				out = append(out, put(carried[2+j], i, g))
			}
			return append(out, carried[kept:]...)
		}}}, split); err != nil {
			return nil, err
		}
	}
	split = slices.Concat(whole(2*k), []int{0}, split[first+1:])
	if given > 0 {
		split = append(split, 0)
	}
	p.grad, err = open(&engine.Loop{Chunk: settings.GradSteps, Step: engine.Step{Params: params, Build: func(scope *engine.Scope, st []*engine.Node, row *engine.Node) []*engine.Node {
		acc, phi, weight, traj, guess := st[:k], st[k:2*k], st[2*k], st[2*k+1], st[2*k+2:2*k+kept]
		at, i := p.policy.Level(row, weight.Shape().Dimensions[0]), p.index(row)
		if given > 0 {
			at.Given = st[len(st)-1]
		}
		prior := make([]*engine.Node, len(guess))
		for j, g := range guess {
			prior[j] = get(g, i)
		}
		x, next := get(traj, i), get(traj, graph.OnePlus(i))
		both := append(p.policy.correct(bind(scope, phi), prior, x, at), prior...)
		scaled := graph.Mul(weight, graph.BroadcastToShape(engine.Col(row, p.own+2), weight.Shape()))
		g := engine.SumDevices(graph.Gradient(graph.ReduceAllSum(graph.Mul(scaled, p.policy.logRatio(both, next, x, row))), phi...)...)
		out := make([]*engine.Node, 0, len(st))
		for j := range acc {
			out = append(out, graph.Add(acc[j], g[j]))
		}
		return append(out, st[k:]...)
	}}}, split)
	return p, err
}

// whole are places of values that all devices have.
func whole(n int) []int { return slices.Repeat([]int{engine.Whole}, n) }

func (p *paths) index(row *engine.Node) *engine.Node {
	return graph.ConvertDType(engine.Col(row, p.own), dtypes.Int32)
}

// put writes x at place i of the trajectory. Backends without dynamic slices write through a mask.
func put(traj, i, x *engine.Node) *engine.Node {
	x = graph.ExpandAxes(x, 0)
	if !traj.Graph().Backend().Capabilities().Operations[compute.OpTypeDynamicUpdateSlice] {
		place := shapes.Make(dtypes.Int32, traj.Shape().Dimensions...)
		at := graph.Equal(graph.Iota(traj.Graph(), place, 0), graph.BroadcastToShape(i, place))
		return graph.Where(at, graph.BroadcastToShape(x, traj.Shape()), traj)
	}
	starts := []*engine.Node{i}
	for range traj.Rank() - 1 {
		starts = append(starts, graph.Const(traj.Graph(), int32(0)))
	}
	return graph.DynamicUpdateSlice(traj, x, starts)
}

// get reads place i of the trajectory.
func get(traj, i *engine.Node) *engine.Node {
	return graph.Reshape(graph.Gather(traj, graph.Reshape(i, 1)), traj.Shape().Dimensions[1:]...)
}

// drawn is a batch of paths: end points, sums of log-ratios, and what the gradient needs.
type drawn struct {
	x     odslib.Array
	given *odslib.Array
	sum   []float64         // log p_φ(τ) − log p_ref(τ)
	kept  []*tensors.Tensor // the trajectory and the prior's guess along it
}

// forward draws paths from the policy; explore is the extra variance over the whole path.
func (p *paths) forward(ctx context.Context, phi []*tensors.Tensor, seed uint64, explore float64, given *odslib.Array) (drawn, []*tensors.Tensor, error) {
	table := p.table
	if explore > 0 {
		table = p.rows(func(row []float32) { row[p.own+1] = float32(explore / float64(len(p.table))) })
	}
	state, err := p.start.Call(engine.RNGState(seed, "balance.draw"))
	if err != nil {
		return drawn{}, phi, err
	}
	return p.walk(ctx, p.draw, state, table, phi, given)
}

// backward noises samples back to the start and evaluates the paths that arise.
func (p *paths) backward(ctx context.Context, phi []*tensors.Tensor, seed uint64, x odslib.Array, given *odslib.Array) (drawn, []*tensors.Tensor, error) {
	table := p.rows(nil)
	slices.Reverse(table)
	state, err := p.lay.Call(x.Tensor(), engine.RNGState(seed, "balance.back"))
	if err != nil {
		return drawn{}, phi, err
	}
	d, phi, err := p.walk(ctx, p.back, state, table, phi, given)
	d.x = x
	return d, phi, err
}

func (p *paths) rows(edit func(row []float32)) engine.Table {
	table := make(engine.Table, len(p.table))
	for i, row := range p.table {
		table[i] = slices.Clone(row)
		if edit != nil {
			edit(table[i])
		}
	}
	return table
}

// walk runs a loop from the state that start or lay made.
func (p *paths) walk(ctx context.Context, loop *engine.Loop, state []*tensors.Tensor, table engine.Table, phi []*tensors.Tensor, given *odslib.Array) (drawn, []*tensors.Tensor, error) {
	if given != nil {
		state = slices.Insert(state, 2, given.Tensor())
	}
	own := len(state)
	out, _, err := loop.Run(ctx, append(state, phi...), table, nil)
	if out == nil {
		return drawn{}, nil, err
	}
	phi = slices.Clone(out[own:])
	if err != nil {
		engine.Free(out[:own]...)
		return drawn{}, phi, err
	}
	if given != nil {
		engine.Free(out[2])
		out = slices.Delete(out, 2, 3)
		own--
	}
	d := drawn{given: given, kept: out[3:own]}
	sum, err := engine.ToArray(out[2])
	if err == nil {
		d.x, err = engine.ToArray(out[0])
	}
	engine.Free(out[:3]...)
	for _, v := range sum.Data {
		d.sum = append(d.sum, float64(v))
	}
	return d, phi, err
}

// gradient is ∇_φ Σ_b weight_b·(log p_φ − log p_ref)(τ_b) over the steps named, each weighted up to stand for all.
func (p *paths) gradient(ctx context.Context, phi []*tensors.Tensor, d drawn, weight []float64, steps []int) (grad, phiOut []*tensors.Tensor, err error) {
	table := make(engine.Table, len(steps))
	for i, k := range steps {
		table[i] = slices.Clone(p.table[k])
		table[i][p.own+2] = float32(len(p.table)) / float32(len(steps))
	}
	state := make([]*tensors.Tensor, 0, 2*len(phi)+len(d.kept)+2)
	for _, t := range phi {
		state = append(state, tensors.FromShape(t.Shape()))
	}
	state = slices.Concat(state, phi, []*tensors.Tensor{engine.FromVector(weight).Tensor()}, d.kept)
	if d.given != nil {
		state = append(state, d.given.Tensor())
	}
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
	for _, l := range []*engine.Loop{p.draw, p.back, p.grad, p.adjoint} {
		if l != nil {
			l.Close()
		}
	}
	for _, q := range []*engine.Program{p.start, p.lay, p.ends} {
		if q != nil {
			q.Close()
		}
	}
}
