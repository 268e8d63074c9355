package engine

import (
	"context"
	"errors"
	"fmt"

	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
)

// Step is one step of an iteration, a pure function (parameters, state, row of the table) → state. Random numbers are
// part of the state ([RNGState]); row is the step's row of the table, a vector.
type Step struct {
	Params Params
	Build  func(scope *Scope, state []*Node, row *Node) []*Node
}

// Table holds what differs from step to step: the schedule's α and σ, the indices of a minibatch. All rows have the same
// length.
type Table [][]float32

// Driver says who runs the loop.
type Driver int

const (
	Auto  Driver = iota // While where the backend has it, else Host
	Host                // a Go loop over a compiled step, the state donated from step to step
	While               // one While program per chunk of steps
)

// DefaultChunk is how many steps a While program takes between two looks of the observer and of the context.
const DefaultChunk = 25

// Loop runs a step many times.
type Loop struct {
	Step
	Driver Driver
	Chunk  int // steps per While call; 0 means DefaultChunk

	// Devices is over how many the rows are spread; 0 means one. The step is then built for a device's share, draws that
	// device's random numbers of all rows, and takes sums over rows by [SumDevices]. Split has for each value of the state the
	// axis of its rows, or Whole, as for those that it does not reach. Run takes and returns whole values.
	Devices int
	Split   []int

	engine  *Engine
	driver  Driver
	program *Program
}

// After sees the state when done steps are complete, after every step (Host) or chunk (While). What it returns goes on
// as the state: usually what it was given, or, say, the resampled particles; it frees what it replaces. An error ends
// the loop.
type After func(done int, state []*tensors.Tensor) ([]*tensors.Tensor, error)

// Open readies the loop on the engine; Run does it on the process's engine when it was not called.
func (l *Loop) Open(e *Engine) (err error) {
	l.engine, l.driver = e, l.Driver
	if l.Driver == Auto {
		l.driver = Host
		if e.Loops() {
			l.driver = While
		}
	}
	if l.driver == While && !e.Loops() {
		return fmt.Errorf("engine %s has no While programs; use the Host driver", e.Name)
	}
	if l.Chunk == 0 {
		l.Chunk = DefaultChunk
	}
	if err := e.CheckDevices(l.Devices, 0); err != nil {
		return err
	}
	l.Devices = max(1, l.Devices)
	if l.driver == Host {
		l.program, err = newProgram(e, l.Devices, l.Params, func(s *scope, params, in []*Node) []*Node {
			s.bind(params)
			return checkState(in[1:], l.Build(s.root(), in[1:], in[0]))
		})
		return err
	}
	l.program, err = newProgram(e, l.Devices, l.Params, l.while)
	return err
}

// while builds the main function of the loop program, which holds nothing but the While: counter and limit come in as
// inputs, because scalar constants and reductions are cached per graph and would leak from body to main.
func (l *Loop) while(s *scope, params, in []*Node) []*Node {
	g := in[0].Graph()
	all := append(append([]*Node{}, in...), params...) // counter, limit, table, state…, params…
	n := len(in) - 3
	declare := func() []*Node {
		p := make([]*Node, len(all))
		for i, node := range all {
			p[i] = graph.Parameter(g, fmt.Sprintf("s%d", i), node.Shape())
		}
		return p
	}
	cond := graph.NewClosure(g, func(*graph.Graph) []*Node {
		p := declare()
		return []*Node{graph.LessThan(p[0], p[1])}
	})
	body := graph.NewClosure(g, func(*graph.Graph) []*Node {
		p := declare()
		s.bind(p[3+n:])
		row := graph.Reshape(graph.DynamicSlice(p[2], []*Node{p[0], graph.Const(g, int32(0))}, []int{1, p[2].Shape().Dimensions[1]}), -1)
		state := checkState(p[3:3+n], l.Build(s.root(), p[3:3+n], row))
		refuseCaptured(p[0].Function(), state)
		out := []*Node{graph.Add(p[0], graph.Const(g, int32(1))), p[1], p[2]}
		out = append(out, state...)
		return append(out, p[3+n:]...)
	})
	return graph.While(cond, body, all...)[3 : 3+n]
}

func checkState(in, out []*Node) []*Node {
	if len(in) != len(out) {
		Fail("the step returns %d values, its state has %d", len(out), len(in))
	}
	for i := range in {
		if !in[i].Shape().Equal(out[i].Shape()) {
			Fail("the step turns state %d from %s into %s; shapes must stay", i, in[i].Shape(), out[i].Shape())
		}
	}
	return out
}

// refuseCaptured fails when the body uses a node from outside: its gradient would be zero without a word.
func refuseCaptured(body *graph.Function, out []*Node) {
	seen := map[*Node]bool{}
	var visit func(n *Node, by string)
	visit = func(n *Node, by string) {
		if seen[n] {
			return
		}
		seen[n] = true
		if n.Function() != body {
			Fail("the step uses a node from outside the loop (%s %s, %s): pass it through the state or the parameters", n.Type(), n.Shape(), by)
		}
		for _, in := range n.Inputs() {
			visit(in, "an operand of "+n.Type().String())
		}
	}
	for i, n := range out {
		visit(n, fmt.Sprintf("state %d", i))
	}
}

// Run takes one step for each row of the table and returns the state after the last. The tensors given as state are
// used up. When ctx ends or after returns an error, the state so far, the number of steps done and the error come back.
func (l *Loop) Run(ctx context.Context, state []*tensors.Tensor, table Table, after After) (out []*tensors.Tensor, done int, err error) {
	if l.program == nil {
		e, err := Open()
		if err != nil {
			return state, 0, err
		}
		if err := l.Open(e); err != nil {
			return state, 0, err
		}
	}
	if l.Devices == 1 {
		return l.run(ctx, state, table, after)
	}
	if state, err = l.spread(state); err != nil {
		return nil, 0, err
	}
	looks := after
	if after != nil {
		looks = func(done int, state []*tensors.Tensor) ([]*tensors.Tensor, error) {
			whole, err := l.gather(state)
			if err == nil {
				whole, err = after(done, whole)
			}
			state, e := l.spread(whole)
			return state, errors.Join(err, e)
		}
	}
	state, done, err = l.run(ctx, state, table, looks)
	if state == nil {
		return nil, done, err
	}
	out, e := l.gather(state)
	if e != nil {
		return nil, done, e
	}
	return out, done, err
}

func (l *Loop) run(ctx context.Context, state []*tensors.Tensor, table Table, after After) (out []*tensors.Tensor, done int, err error) {
	for done < len(table) {
		if err := ctx.Err(); err != nil {
			return state, done, err
		}
		next, k, err := l.advance(state, table[done:])
		if err != nil {
			return nil, done, fmt.Errorf("step %d of %d: %w", done+1, len(table), err)
		}
		state, done = next, done+k
		if after != nil {
			if state, err = after(done, state); err != nil {
				return state, done, err
			}
		}
	}
	return state, done, nil
}

func (l *Loop) advance(state []*tensors.Tensor, table Table) ([]*tensors.Tensor, int, error) {
	cols, k := len(table[0]), 1
	shape, head := []int{cols}, []any{}
	if l.driver == While {
		k = min(l.Chunk, len(table))
		shape, head = []int{l.Chunk, cols}, []any{int32(0), int32(k)} // padded: one shape, one compilation
	}
	var args []any
	var rows []*tensors.Tensor
	defer func() { Free(rows...) }()
	m := len(state) / l.Devices
	err := Try(func() {
		for d := range l.Devices {
			t := tensors.FromShape(shapes.Make(Float32().DType, shape...))
			tensors.MustMutableFlatData(t, func(flat []float32) {
				for i, row := range table[:k] {
					copy(flat[i*cols:], row)
				}
			})
			rows = append(rows, t)
			args = append(append(args, head...), t)
			for _, s := range state[d*m : (d+1)*m] {
				args = append(args, l.engine.donate(s, d))
			}
		}
	})
	if err != nil {
		return nil, 0, err
	}
	out, err := l.program.Call(args...)
	return out, k, err
}

// Note is [Program.Note] of the loop's program.
func (l *Loop) Note() string {
	if l.program == nil {
		return ""
	}
	return l.program.Note()
}

// Close frees what the loop holds on the device.
func (l *Loop) Close() {
	if l.program != nil {
		l.program.Close()
		l.program = nil
	}
}

// Col is the j-th value of a row, as a scalar.
func Col(row *Node, j int) *Node { return graph.Reshape(graph.Slice(row, graph.AxisRange(j, j+1))) }

// Cols are the values i to j-1 of a row.
func Cols(row *Node, i, j int) *Node { return graph.Slice(row, graph.AxisRange(i, j)) }
