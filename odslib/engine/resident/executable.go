package resident

import (
	"fmt"
	"runtime"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/shapes"

	"odslab/odslib/engine/resident/wire"
)

// Executable is a program that the resident process has compiled.
type Executable struct {
	backend *Backend
	program uint64
	names   []string
	in, out []shapes.Shape
	spread  bool
}

// Finalize does nothing: the program stays compiled for the next cell.
func (x *Executable) Finalize() {}

// Inputs are the names and shapes of the parameters.
func (x *Executable) Inputs() ([]string, []shapes.Shape) { return x.names, x.in }

// Outputs are the shapes of the results.
func (x *Executable) Outputs() []shapes.Shape { return x.out }

// Execute runs the program. Donated inputs are given up; their memory is used again unless someone else holds it.
func (x *Executable) Execute(inputs []compute.Buffer, donate []bool, device compute.DeviceNum) ([]compute.Buffer, error) {
	if !x.spread && len(inputs) != len(x.in) {
		return nil, fmt.Errorf("resident: %d inputs for a program of %d", len(inputs), len(x.in))
	}
	for i, in := range inputs {
		buf, ok := in.(*Buffer)
		switch {
		case !ok || buf.backend != x.backend:
			return nil, fmt.Errorf("resident: input %d is a %T of another backend", i, in)
		case buf.gone:
			return nil, fmt.Errorf("input %d: %w", i, errGone)
		case !x.spread && !x.in[i].IsDynamic() && !buf.shape.Equal(x.in[i]):
			return nil, fmt.Errorf("resident: input %d (%s) has shape %s, the program takes %s", i, x.names[i], buf.shape, x.in[i])
		}
	}
	given := func(i int) bool { return len(donate) > 0 && donate[i] }
	var out []compute.Buffer
	err := x.backend.call(wire.Execute, func(e *wire.Enc) {
		e.Uint(x.program)
		e.Int(int64(device))
		e.Uint(uint64(len(inputs)))
		for i, in := range inputs {
			e.Uint(in.(*Buffer).handle)
			e.Bool(given(i))
		}
	}, nil, nil, func(d *wire.Dec) error {
		out = make([]compute.Buffer, d.Count())
		if !x.spread && len(out) != len(x.out) {
			return fmt.Errorf("resident: %d outputs of a program of %d", len(out), len(x.out))
		}
		for i := range out {
			h := d.Uint()
			if told := d.Bool(); told { // of shapes that only the run knows
				on := compute.DeviceNum(d.Int())
				out[i] = x.backend.buffer(h, wire.DecShape(d), on)
			} else {
				out[i] = x.backend.buffer(h, x.out[i], device)
			}
		}
		return nil
	})
	for i, in := range inputs {
		if given(i) {
			in.(*Buffer).leave()
		}
	}
	runtime.KeepAlive(inputs)
	return out, err
}
