package engine

import (
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/gomlx/compute"
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
	engine  *Engine
	devices int // 1, or as many as a loop is spread over
	names   []string
	build   func(in []*Node) []*Node
	failed  atomic.Pointer[Error]        // what stopped the last build, before the array library wrapped it
	again   atomic.Pointer[record.Again] // see Note

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
	return newProgram(e, 1, params, func(s *scope, params, in []*Node) []*Node {
		s.bind(params)
		return build(s.root(), in)
	})
}

// newProgram makes it for one device, or for several: parameters and inputs of each call are then those of the first, of the
// second …, and so are the outputs.
func newProgram(e *Engine, devices int, params Params, build func(s *scope, params, in []*Node) []*Node) (*Program, error) {
	p := &Program{engine: e, devices: devices, names: params.Names()}
	if devices > 1 {
		p.names = append(p.names, deviceName)
	}
	var err error
	if p.params, err = p.place(params); err != nil {
		return nil, err
	}
	k := len(p.names)
	shapeOf := make([]shapes.Shape, k)
	for i := range shapeOf {
		shapeOf[i] = p.params[i].Shape()
	}
	p.build = func(in []*Node) []*Node {
		defer p.note()
		p.shapes.Add(1)
		return build(newScope(in[0].Graph(), p.names, shapeOf), in[:k], in[k:])
	}
	return p, p.begin()
}

// place puts the parameters on the devices, and on each of several its number.
func (p *Program) place(params Params) ([]*tensors.Tensor, error) {
	out, err := p.engine.Tensors(params.Values()...)
	if p.devices == 1 || err != nil {
		return out, err
	}
	out = append(out, tensors.FromScalar(float32(0)))
	for d := 1; d < p.devices; d++ {
		out = append(append(out, params.Tensors()...), tensors.FromScalar(float32(d)))
	}
	return out, nil
}

// begin makes a new exec; the caller has the lock, or the only hand on p.
func (p *Program) begin() error {
	return Try(func() {
		exec, err := graph.NewExec(p.engine.Backend, p.build)
		if err != nil {
			panic(err)
		}
		p.shapes.Store(0)
		p.exec = spmd(exec, p.devices).SetMaxCache(-1) // the default refuses the 33rd shape
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
	k, m := len(p.params)/p.devices, len(in)/p.devices
	for d := range p.devices {
		for _, t := range p.params[d*k : (d+1)*k] {
			args = append(args, t)
		}
		args = append(args, in[d*m:(d+1)*m]...)
	}
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
	if n := len(p.params) / p.devices; p.devices == 1 && len(params) != n {
		return fmt.Errorf("engine: the program has %d parameters, got %d", n, len(params))
	}
	for i, q := range params {
		if shape := Float32(q.Value.Shape...); q.Name != p.names[i] || !shape.Equal(p.params[i].Shape()) {
			return fmt.Errorf("engine: parameter %d is %s %s, got %s %s", i, p.names[i], p.params[i].Shape(), q.Name, shape)
		}
	}
	ts, err := p.place(params)
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
func (e *Engine) Donate(t *tensors.Tensor) any { return e.donate(t, 0) }

func (e *Engine) donate(t *tensors.Tensor, device int) any {
	d, err := graph.DonateTensorBuffer(t, e.Backend, compute.DeviceNum(device))
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
