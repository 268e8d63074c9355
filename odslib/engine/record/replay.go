package record

import (
	"errors"
	"fmt"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/shapes"
)

// Replay builds a recorded program on an engine.
type Replay struct {
	builder compute.Builder
	d       Dec
	ops     int             // so far
	out     []compute.Value // of the last operation
	spread  bool
}

// NewReplay begins a program on the engine.
func NewReplay(be compute.Backend, name string) *Replay {
	b := be.Builder(name)
	return &Replay{builder: b, d: Dec{Functions: []compute.Function{b.Main()}}}
}

// OpError is the engine's refusal of one operation; what came before it stands.
type OpError struct {
	Op  int // from 0; -1: a setting of the builder
	Err error
}

func (o *OpError) Error() string { return o.Err.Error() }
func (o *OpError) Unwrap() error { return o.Err }

// Play applies a piece of a recording.
func (r *Replay) Play(piece []byte) error {
	d := &r.d
	d.B = piece
	for len(d.B) > 0 && d.Err == nil {
		switch op := Op(d.Uint()); op {
		case OpNewFunction:
			name := d.Str()
			if d.Err != nil {
				return d.Err
			}
			f, err := r.builder.NewFunction(name)
			if err != nil {
				return &OpError{-1, err}
			}
			d.Functions = append(d.Functions, f)
		case OpClosure:
			f, err := r.function()
			if err != nil {
				return err
			}
			if f, err = f.Closure(); err != nil {
				return &OpError{-1, err}
			}
			d.Functions = append(d.Functions, f)
		case OpSPMD, OpAutoSharding, OpDevices:
			if err := r.setting(op); err != nil {
				return err
			}
		default:
			f, err := r.function()
			if err != nil {
				return err
			}
			out, err := dispatch(op, f, d)
			if errors.Is(err, ErrCode) {
				return err
			}
			if err != nil {
				return &OpError{r.ops, err}
			}
			r.ops++
			r.out = out
			d.Values = append(d.Values, out...)
		}
	}
	return d.Err
}

func (r *Replay) function() (compute.Function, error) {
	i := r.d.Uint()
	if r.d.Err != nil || i >= uint64(len(r.d.Functions)) {
		return nil, fmt.Errorf("%w: function %d", ErrCode, i)
	}
	return r.d.Functions[i], nil
}

func (r *Replay) setting(op Op) (err error) {
	r.spread, r.out = true, nil
	switch op {
	case OpSPMD:
		err = r.builder.DistributedSPMD(int(r.d.Int()))
	case OpAutoSharding:
		err = r.builder.DistributedAutoSharding(DecListMesh(&r.d)...)
	case OpDevices:
		err = r.builder.DeviceAssignment(DecListDeviceNum(&r.d)...)
	}
	if err != nil {
		return &OpError{-1, err}
	}
	return r.d.Err
}

// Shapes are those of the last operation's outputs.
func (r *Replay) Shapes() ([]shapes.Shape, error) {
	out := make([]shapes.Shape, len(r.out))
	for i, v := range r.out {
		var err error
		if out[i], err = r.builder.OpShape(v); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Spread reports whether the program runs over devices.
func (r *Replay) Spread() bool { return r.spread }

// Compile compiles what was played.
func (r *Replay) Compile() (compute.Executable, error) { return r.builder.Compile() }
