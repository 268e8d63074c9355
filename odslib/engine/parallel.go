package engine

import (
	"fmt"
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/distributed"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
)

// ParallelGradient is the mean of a loss over a batch, and its gradient by the parameters, on several devices at once: each
// has the parameters and an equal share of the rows, and sums over devices (AllReduce) make one gradient of all. It is one
// program on every device (SPMD), on one host; several hosts the array library does not connect.
//
// The sums are taken in another order than on one device, so that numbers agree to rounding, within 1e-5 of the largest entry
// of the gradient. For one number of devices they are the same at every call.
type ParallelGradient struct {
	devices int
	params  Params
	exec    *graph.Exec
}

// NewParallelGradient makes it for parameters of these names and shapes. loss is graph code that gives one value a row, [B]; its
// inputs all have the rows in front.
func NewParallelGradient(e *Engine, devices int, params Params, loss func(scope *Scope, in []*Node) *Node) (*ParallelGradient, error) {
	if n := int(e.Backend.NumDevices()); devices < 1 || devices > n {
		return nil, fmt.Errorf("engine: %d devices asked for, and %s has %d; on a CPU %s sets how many it is divided into", devices, e.Name, n, EnvDevices)
	}
	k := len(params)
	if k == 0 {
		return nil, fmt.Errorf("engine: a gradient needs parameters")
	}
	shapeOf := make([]shapes.Shape, k)
	for i, q := range params {
		shapeOf[i] = Float32(q.Value.Shape...)
	}
	p := &ParallelGradient{devices: devices, params: params}
	build := func(in []*Node) []*Node {
		s := newScope(in[0].Graph(), params.Names(), shapeOf)
		s.bind(in[:k])
		rows := loss(s.root(), in[k:])
		if rows.Rank() != 1 {
			Fail("the loss has shape %s; want one value a row", rows.Shape())
		}
		sum := graph.ReduceAllSum(rows)
		out := append([]*Node{sum}, graph.Gradient(sum, in[:k]...)...)
		if devices > 1 {
			out = in[0].Graph().Distributed().AllReduce(out, compute.ReduceOpSum)
		}
		n := float64(rows.Shape().Dimensions[0] * devices)
		for i := range out {
			out[i] = graph.DivScalar(out[i], n)
		}
		return out
	}
	return p, Try(func() {
		exec, err := graph.NewExec(e.Backend, build)
		if err != nil {
			panic(err)
		}
		if devices > 1 {
			mesh, err := distributed.NewDeviceMesh([]int{devices}, []string{"rows"})
			if err != nil {
				panic(err)
			}
			exec = exec.SPMD(mesh)
		}
		p.exec = exec.SetMaxCache(-1)
	})
}

// Call returns the mean loss and its gradient at these parameters. The rows of the batch must divide evenly.
func (p *ParallelGradient) Call(params Params, batch ...Array) (loss float64, gradient Params, err error) {
	if !slices.Equal(params.Names(), p.params.Names()) {
		return 0, nil, fmt.Errorf("engine: these are other parameters than the gradient was made for")
	}
	if len(batch) == 0 {
		return 0, nil, fmt.Errorf("engine: a gradient needs a batch")
	}
	for _, a := range batch {
		if a.Len() == 0 || a.Len() != batch[0].Len() || a.Len()%p.devices != 0 {
			return 0, nil, fmt.Errorf("engine: a batch of %d rows, another of %d: want as many in each, a multiple of %d devices", batch[0].Len(), a.Len(), p.devices)
		}
	}
	share := batch[0].Len() / p.devices
	var args []any
	var made []*tensors.Tensor
	add := func(a Array) {
		t := a.Tensor()
		args, made = append(args, t), append(made, t)
	}
	for d := range p.devices {
		for _, q := range params {
			add(q.Value)
		}
		for _, a := range batch {
			add(a.Slice(d*share, (d+1)*share))
		}
	}
	defer func() { Free(made...) }()
	err = Try(func() {
		out, err := p.exec.Call(args...)
		if err != nil {
			panic(err)
		}
		made = append(made, out...)
		// All devices have the same; the first one's are taken.
		var value Array
		if value, err = ToArray(out[0]); err != nil {
			panic(err)
		}
		loss = float64(value.Data[0])
		if gradient, err = params.WithTensors(out[1 : 1+len(params)]); err != nil {
			panic(err)
		}
	})
	return loss, gradient, err
}

// Close frees the compiled programs.
func (p *ParallelGradient) Close() { p.exec.Finalize() }
