package server

import (
	"errors"
	"fmt"

	"github.com/gomlx/compute"

	"odslab/odslib/engine/resident/wire"
)

// replay builds a recorded program on the backend.
type replay struct {
	builder compute.Builder
	d       wire.Dec
	ops     int             // so far
	out     []compute.Value // of the last operation
	spread  bool
}

func (s *Server) newReplay(name string) *replay {
	b := s.backend.Builder(name)
	return &replay{builder: b, d: wire.Dec{Functions: []compute.Function{b.Main()}}}
}

// opError is the backend's refusal of one operation; what came before it stands.
type opError struct {
	op  int // from 0; -1: a setting of the builder
	err error
}

func (o *opError) Error() string { return o.err.Error() }
func (o *opError) Unwrap() error { return o.err }

// run applies a piece of a recording.
func (r *replay) run(rec []byte) error {
	d := &r.d
	d.B = rec
	for len(d.B) > 0 && d.Err == nil {
		switch op := wire.Op(d.Uint()); op {
		case wire.OpNewFunction:
			name := d.Str()
			if d.Err != nil {
				return d.Err
			}
			f, err := r.builder.NewFunction(name)
			if err != nil {
				return &opError{-1, err}
			}
			d.Functions = append(d.Functions, f)
		case wire.OpClosure:
			f, err := r.function()
			if err != nil {
				return err
			}
			if f, err = f.Closure(); err != nil {
				return &opError{-1, err}
			}
			d.Functions = append(d.Functions, f)
		case wire.OpSPMD, wire.OpAutoSharding, wire.OpDevices:
			if err := r.setting(op); err != nil {
				return err
			}
		default:
			f, err := r.function()
			if err != nil {
				return err
			}
			out, err := dispatch(op, f, d)
			if errors.Is(err, wire.ErrCode) {
				return err
			}
			if err != nil {
				return &opError{r.ops, err}
			}
			r.ops++
			r.out = out
			d.Values = append(d.Values, out...)
		}
	}
	return d.Err
}

func (r *replay) function() (compute.Function, error) {
	i := r.d.Uint()
	if r.d.Err != nil || i >= uint64(len(r.d.Functions)) {
		return nil, fmt.Errorf("%w: function %d", wire.ErrCode, i)
	}
	return r.d.Functions[i], nil
}

func (r *replay) setting(op wire.Op) (err error) {
	r.spread, r.out = true, nil
	switch op {
	case wire.OpSPMD:
		err = r.builder.DistributedSPMD(int(r.d.Int()))
	case wire.OpAutoSharding:
		err = r.builder.DistributedAutoSharding(wire.DecListMesh(&r.d)...)
	case wire.OpDevices:
		err = r.builder.DeviceAssignment(wire.DecListDeviceNum(&r.d)...)
	}
	if err != nil {
		return &opError{-1, err}
	}
	return r.d.Err
}

// record replays operations that only the backend can judge and answers with the shapes of the last one's outputs.
func (k *connection) record(d *wire.Dec, out *wire.Enc) error {
	open, name, rec := d.Uint(), d.Str(), d.Bytes()
	if d.Err != nil {
		return d.Err
	}
	s := k.s
	s.mu.Lock()
	r := k.l.open[open]
	if r == nil {
		open = s.id()
	}
	s.mu.Unlock()
	if r == nil {
		r = s.newReplay(name)
		s.mu.Lock()
		k.l.open[open] = r
		s.mu.Unlock()
	}
	out.Uint(open)
	if err := r.run(rec); err != nil {
		var refused *opError
		if !errors.As(err, &refused) {
			return err
		}
		out.Bool(true)
		failureOf(err).Enc(out)
		return nil
	}
	out.Bool(false)
	out.Uint(uint64(len(r.out)))
	for _, v := range r.out {
		shape, err := r.builder.OpShape(v)
		if err != nil {
			return err
		}
		wire.EncShape(out, shape)
	}
	return nil
}
