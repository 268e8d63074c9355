package engine

import (
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"odslab/odslib/engine/record"
)

// Build is graph code: a pure function of the parameters that the scope holds and of its inputs.
type Build func(scope *Scope, in []*Node) []*Node

// Program is graph code with its parameters. It is built once for each shape of its inputs, and compiled where no program
// of the same graph, constants included, is kept from before: this one's, another's or another cell's. See [Compilations].
type Program struct {
	engine *Engine
	names  []string
	build  func(in []*Node) []*Node
	failed atomic.Pointer[Error]        // what stopped the last build, before the array library wrapped it
	again  atomic.Pointer[record.Again] // see Note

	mu     sync.RWMutex // held for reading by calls
	exec   *graph.Exec
	shapes atomic.Int32 // that exec was built for
	params []*tensors.Tensor
}

// maxShapes is for how many shapes of its inputs a Program stays built. With more it begins anew, and finds most of them
// compiled.
const maxShapes = 64

// NewProgram makes the program; it is compiled at the first Call with inputs of a new shape.
func NewProgram(e *Engine, params Params, build Build) (*Program, error) {
	return newProgram(e, params, func(s *scope, params, in []*Node) []*Node {
		s.bind(params)
		return build(s.root(), in)
	})
}

func newProgram(e *Engine, params Params, build func(s *scope, params, in []*Node) []*Node) (*Program, error) {
	ts, err := e.Tensors(params.Values()...)
	if err != nil {
		return nil, err
	}
	p := &Program{engine: e, names: params.Names(), params: ts}
	k := len(params)
	shapeOf := make([]shapes.Shape, k)
	for i, t := range p.params {
		shapeOf[i] = t.Shape()
	}
	p.build = func(in []*Node) []*Node {
		defer p.note()
		p.shapes.Add(1)
		return build(newScope(in[0].Graph(), p.names, shapeOf), in[:k], in[k:])
	}
	return p, p.begin()
}

// begin makes a new exec; the caller has the lock, or the only hand on p.
func (p *Program) begin() error {
	return Try(func() {
		exec, err := graph.NewExec(p.engine.Backend, p.build)
		if err != nil {
			panic(err)
		}
		p.shapes.Store(0)
		p.exec = exec.SetMaxCache(-1) // the default refuses the 33rd shape
	})
}

// note keeps the cause of a panic of graph code and the line it came from: the array library recovers it too, and what
// it returns has lost the line.
func (p *Program) note() {
	r := recover()
	if r == nil {
		return
	}
	if cause, ok := r.(error); ok {
		p.failed.Store(located(cause))
	}
	panic(r)
}

// Call runs the program. Inputs are tensors, Go values, or [Donate]d tensors; the caller owns the outputs and finalizes
// what it drops, since Go's collector does not see device memory. Any number of goroutines may call.
func (p *Program) Call(in ...any) (out []*tensors.Tensor, err error) {
	if p.shapes.Load() > maxShapes {
		p.mu.Lock()
		if p.shapes.Load() > maxShapes {
			p.exec.Finalize()
			err = p.begin()
		}
		p.mu.Unlock()
		if err != nil {
			return nil, err
		}
	}
	p.mu.RLock()
	defer p.mu.RUnlock()
	args := make([]any, 0, len(p.params)+len(in))
	for _, t := range p.params {
		args = append(args, t)
	}
	args = append(args, in...)
	err = Try(func() {
		var g *graph.Graph
		var err error
		if out, g, err = p.exec.CallWithGraph(args...); err != nil {
			panic(err)
		}
		p.look(g)
	})
	if cause := p.failed.Swap(nil); err != nil && cause != nil {
		err = cause
	}
	return out, err
}

// Call1 runs a program of one output and copies it to the host.
func (p *Program) Call1(in ...any) (Array, error) {
	out, err := p.Call(in...)
	if err != nil {
		return Array{}, err
	}
	defer Free(out...)
	return ToArray(out[0])
}

// SetParams replaces the values of the parameters (same names and shapes) without compiling anew.
func (p *Program) SetParams(params Params) error {
	if len(params) != len(p.params) {
		return fmt.Errorf("engine: the program has %d parameters, got %d", len(p.params), len(params))
	}
	for i, q := range params {
		if shape := Float32(q.Value.Shape...); q.Name != p.names[i] || !shape.Equal(p.params[i].Shape()) {
			return fmt.Errorf("engine: parameter %d is %s %s, got %s %s", i, p.names[i], p.params[i].Shape(), q.Name, shape)
		}
	}
	ts, err := p.engine.Tensors(params.Values()...)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	Free(p.params...)
	p.params = ts
	return nil
}

// Close gives up the compiled programs, which are kept for the next Program of the same graph, and the device memory of the
// parameters. It waits for calls.
func (p *Program) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.exec.Finalize()
	Free(p.params...)
	p.params = nil
}

// Donate hands the memory of t to the call it is an input of; t is of no use afterwards.
func (e *Engine) Donate(t *tensors.Tensor) any {
	d, err := graph.DonateTensorBuffer(t, e.Backend, 0)
	if err != nil {
		panic(err)
	}
	return d
}

// Free gives back the memory of tensors that are no longer needed.
func Free(ts ...*tensors.Tensor) {
	for _, t := range ts {
		if t != nil && t.Ok() {
			t.MustFinalizeAll()
		}
	}
}
