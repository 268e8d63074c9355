package resident

import (
	"fmt"
	"runtime"
	"sync"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/shapes"

	"odslab/kernel/runtime/contract"
	"odslab/odslib/engine/record"
)

// Executable is a program that the resident process has compiled.
type Executable struct {
	record.Signature
	backend *Backend
	program uint64
	lost    runtime.Cleanup
	once    sync.Once
}

// Finalize gives the program up; it stays compiled for the next cell.
func (x *Executable) Finalize() {
	x.once.Do(func() {
		x.lost.Stop()
		x.backend.drop(x.program)
	})
}

// Inputs are the names and shapes of the parameters.
func (x *Executable) Inputs() ([]string, []shapes.Shape) { return x.Names, x.In }

// Outputs are the shapes of the results.
func (x *Executable) Outputs() []shapes.Shape { return x.Out }

// Execute runs the program. Donated inputs are given up; their memory is used again unless someone else holds it.
func (x *Executable) Execute(inputs []compute.Buffer, donate []bool, device compute.DeviceNum) ([]compute.Buffer, error) {
	if !x.Spread && len(inputs) != len(x.In) {
		return nil, fmt.Errorf("resident: %d inputs for a program of %d", len(inputs), len(x.In))
	}
	for i, in := range inputs {
		buf, ok := in.(*Buffer)
		switch {
		case !ok || buf.backend != x.backend:
			return nil, fmt.Errorf("resident: input %d is a %T of another backend", i, in)
		case buf.gone:
			return nil, fmt.Errorf("input %d: %w", i, errGone)
		case !x.Spread && !x.In[i].IsDynamic() && !buf.shape.Equal(x.In[i]):
			return nil, fmt.Errorf("resident: input %d (%s) has shape %s, the program takes %s", i, x.Names[i], buf.shape, x.In[i])
		}
	}
	given := func(i int) bool { return len(donate) > 0 && donate[i] }
	var out []compute.Buffer
	err := x.backend.call(contract.AskExecute, func(e *record.Enc) {
		e.Uint(x.program)
		e.Int(int64(device))
		e.Uint(uint64(len(inputs)))
		for i, in := range inputs {
			e.Uint(in.(*Buffer).handle)
			e.Bool(given(i))
		}
	}, nil, nil, func(d *record.Dec) error {
		out = make([]compute.Buffer, d.Count())
		if !x.Spread && len(out) != len(x.Out) {
			return fmt.Errorf("resident: %d outputs of a program of %d", len(out), len(x.Out))
		}
		for i := range out {
			h := d.Uint()
			if told := d.Bool(); told { // of shapes that only the run knows
				on := compute.DeviceNum(d.Int())
				out[i] = x.backend.buffer(h, record.DecShape(d), on)
			} else {
				out[i] = x.backend.buffer(h, x.Out[i], device)
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
	runtime.KeepAlive(x)
	return out, err
}
