package diffusion

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"odslab/odslib"
	"odslab/odslib/engine"
)

// Walk goes down the reverse chain of a process: the one loop of plain sampling, guides and trained policies. Its state is
// x, the random state, the conditions where there are any, and what is carried.
type Walk struct {
	Process odslib.Process
	Params  odslib.Params // that the process reads, named as in its scope
	Given   bool          // the state has conditions, [B, c]
	Driver  engine.Driver
	Chunk   int // see engine.Loop

	// Carry is what a step does to values that are carried along the path: sums, trajectories. Scope is for weights among
	// them, which the process then finds by name. Both may be nil.
	Carry func(s Stride, carried []*odslib.Node) []*odslib.Node
	Scope func(scope *odslib.Scope, carried []*odslib.Node) *odslib.Scope

	// For Draw: what is carried at the start of a batch, a row for each of its n samples, and the steps to look at.
	Carried func(n int) []odslib.Array
	Observe []int
}

// Stride is one step as Carry sees it.
type Stride struct {
	X, Next, Row *odslib.Node
	Guess        []*odslib.Node
}

// Loop is the loop of the walk.
func (w Walk) Loop() *engine.Loop {
	own := 2
	if w.Given {
		own = 3
	}
	return &engine.Loop{Driver: w.Driver, Chunk: w.Chunk, Step: engine.Step{Params: w.Params, Build: func(scope *engine.Scope, state []*engine.Node, row *engine.Node) []*engine.Node {
		x, rng, carried := state[0], state[1], state[own:]
		if w.Scope != nil {
			scope = w.Scope(scope, carried)
		}
		at := w.Process.Level(row, x.Shape().Dimensions[0])
		if w.Given {
			at.Given = state[2]
		}
		guess := w.Process.Guess(scope, x, at)
		for i, g := range guess {
			guess[i] = graph.StopGradient(g)
		}
		rng, next := w.Process.Step(guess, x, row, rng)
		if p, ok := w.Process.(*Process); ok && p.Chain.heun() {
			next = p.correct(scope, x, next, row, at.Given)
		}
		out := append([]*engine.Node{next, rng}, state[2:own]...)
		if w.Carry != nil {
			carried = w.Carry(Stride{X: x, Next: next, Row: row, Guess: guess}, carried)
		}
		return append(out, carried...)
	}}}
}

// Drawn is what [Walk.Draw] leaves.
type Drawn struct {
	X       odslib.Array   // [n, shape…]
	Carried []odslib.Array // [n, …] each
	States  []odslib.Array // at the observed steps
	Steps   int            // done in the last batch
	Evals   int64          // of the guess, in samples
	X0      odslib.Array   // x̂0 of the batch that was on its way when ctx ended, where there is one
	Note    string         // that constants were compiled anew, see engine.Program.Note; "" for nothing
}

// Draw draws n samples of the prior by the chain, in batches. given [n, c] are conditions of the rows, or nil; name is the
// method's. When ctx ends or the device fails, what is done comes back beside the error.
func (c Chain) Draw(ctx context.Context, name string, prior odslib.Diffusion, given *odslib.Array, n int, seed uint64) (Drawn, error) {
	p, err := c.Of(prior)
	if err != nil {
		return Drawn{X: engine.NewArray(append([]int{0}, prior.Shape()...)...)}, fmt.Errorf("%s: %w", name, err)
	}
	return Walk{Process: p, Params: p.Params(), Driver: c.Driver, Observe: c.Observe}.Draw(ctx, name, given, n, p.Chain.Batch, seed)
}

// Draw draws n samples in batches; given and errors are as in [Chain.Draw].
func (w Walk) Draw(ctx context.Context, name string, given *odslib.Array, n, batch int, seed uint64) (d Drawn, err error) {
	d.X = engine.NewArray(append([]int{0}, w.Process.Shape()...)...)
	if n <= 0 {
		return d, fmt.Errorf("%s: asked for %d samples; ask for at least one", name, n)
	}
	if given != nil && given.Len() != n {
		return d, fmt.Errorf("%s: conditions for %d draws, %d were asked for", name, given.Len(), n)
	}
	table, err := w.Process.Table()
	if err != nil {
		return d, fmt.Errorf("%s: %w", name, err)
	}
	e, err := engine.Open()
	if err != nil {
		return d, err
	}
	batch = min(n, batch)
	start, err := engine.NewProgram(e, w.Params, func(scope *engine.Scope, in []*engine.Node) []*engine.Node {
		rng, x := w.Process.Start(scope, in[0], batch)
		return []*engine.Node{x, rng}
	})
	if err != nil {
		return d, err
	}
	defer start.Close()
	w.Given = given != nil
	loop := w.Loop()
	defer loop.Close()
	for first := 0; first < n; first += batch {
		// The last batch is run whole, for one compilation, and cut.
		rows := min(batch, n-first)
		state, err := start.Call(engine.RNGState(seed, fmt.Sprintf("%s.noise.%d", name, first)))
		if err != nil {
			return d, fmt.Errorf("%s: %w", name, err)
		}
		if given != nil {
			state = append(state, Padded(given.Slice(first, first+rows), batch).Tensor())
		}
		own := len(state)
		if w.Carried != nil {
			for _, a := range w.Carried(batch) {
				state = append(state, a.Tensor())
			}
		}
		stops := []int{len(table)}
		if first == 0 {
			stops = observed(w.Observe, len(table))
		}
		out, done := state, 0
		for _, stop := range stops {
			var k int
			from := done
			out, k, err = loop.Run(ctx, out, table[from:stop], func(k int, state []*tensors.Tensor) ([]*tensors.Tensor, error) {
				odslib.Notify(ctx, odslib.Progress{
					What: name, Step: first/batch*len(table) + from + k, Steps: (n + batch - 1) / batch * len(table),
					LogZ: math.NaN(), Loss: math.NaN(), Samples: func() (odslib.Array, error) { return engine.ToArray(state[0]) },
				})
				return state, nil
			})
			if done += k; err != nil {
				break
			}
			if first == 0 && slices.Contains(w.Observe, stop) {
				a, err := engine.ToArray(out[0])
				if err != nil {
					return d, err
				}
				d.States = append(d.States, a.Slice(0, rows))
			}
		}
		d.Steps, d.Note = done, loop.Note()
		d.Evals += int64(rows) * int64(w.evaluations(done))
		if err == nil {
			err = d.keep(out, own, rows)
		}
		if stopped := errors.Is(err, ctx.Err()); stopped && 0 < done && done < len(table) {
			d.X0 = w.onTheWay(e, out[:own], table[done], rows)
		}
		engine.Free(out...)
		if err != nil {
			if errors.Is(err, ctx.Err()) {
				return d, err
			}
			return d, fmt.Errorf("%s: %w", name, err)
		}
	}
	return d, nil
}

// onTheWay is x̂0 of the first rows of a state, or nothing where the guess is none of x.
func (w Walk) onTheWay(e *engine.Engine, state []*tensors.Tensor, row []float32, rows int) odslib.Array {
	if w.Scope != nil { // its weights are carried
		return odslib.Array{}
	}
	program, err := engine.NewProgram(e, w.Params, func(scope *engine.Scope, in []*engine.Node) []*engine.Node {
		at := w.Process.Level(in[1], in[0].Shape().Dimensions[0])
		if w.Given {
			at.Given = in[2]
		}
		return w.Process.Guess(scope, in[0], at)[:1]
	})
	if err != nil {
		return odslib.Array{}
	}
	defer program.Close()
	args := []any{state[0], row}
	if w.Given {
		args = append(args, state[2])
	}
	x0, err := program.Call1(args...)
	if err != nil || !slices.Equal(x0.Shape[1:], w.Process.Shape()) {
		return odslib.Array{}
	}
	return x0.Slice(0, rows)
}

// keep takes the samples of a batch that is done, and what they carried.
func (d *Drawn) keep(out []*tensors.Tensor, own, rows int) error {
	x, err := engine.ToSamples(out[0])
	if err != nil {
		return err
	}
	d.X = d.X.Append(x.Slice(0, rows))
	for i, t := range out[own:] {
		a, err := engine.ToArray(t)
		if err != nil {
			return err
		}
		if i == len(d.Carried) {
			d.Carried = append(d.Carried, odslib.Array{})
		}
		d.Carried[i] = d.Carried[i].Append(a.Slice(0, rows))
	}
	return nil
}

// evaluations is the number of guesses for each sample in the first done steps.
func (w Walk) evaluations(done int) int {
	if p, ok := w.Process.(*Process); ok {
		return p.Chain.Evaluations(done)
	}
	return done
}

// Padded repeats the last row of a up to n rows.
func Padded(a odslib.Array, n int) odslib.Array {
	index := make([]int, n)
	for i := range index {
		index[i] = min(i, a.Len()-1)
	}
	return a.Take(index)
}

// Run is Draw for a prior's own Sample: the samples alone, which must be finite.
func (c Chain) Run(ctx context.Context, prior odslib.Diffusion, n int, seed uint64) (odslib.Array, error) {
	d, err := c.Draw(ctx, "prior", prior, nil, n, seed)
	if err != nil {
		return d.X, err
	}
	if bad := d.X.NonFinite(); bad > 0 {
		return d.X, fmt.Errorf("diffusion: %d of %d values are not finite; take more steps, or train the prior longer", bad, len(d.X.Data))
	}
	return d.X, nil
}
