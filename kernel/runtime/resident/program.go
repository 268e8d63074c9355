package resident

import (
	"runtime"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/shapes"

	"odslab/kernel/runtime/contract"
	"odslab/kernel/runtime/wire"
	"odslab/odslib/engine"
	"odslab/odslib/engine/record"
)

// Builder begins a program.
func (b *Backend) Builder(name string) compute.Builder {
	return record.NewBuilder(name, b.caps, &player{backend: b, name: name})
}

// player has the resident process play one recording.
type player struct {
	backend *Backend
	name    string
	open    uint64 // the server's replay; 0: none yet
}

// Play implements record.Player.
func (p *player) Play(piece []byte) (out []shapes.Shape, err error) {
	err = p.backend.call(contract.AskRecord, func(e *record.Enc) {
		e.Uint(p.open)
		e.Str(p.name)
		e.Bytes(piece)
	}, nil, nil, func(d *record.Dec) error {
		p.open = d.Uint()
		if refused := d.Bool(); refused {
			f := wire.DecFailure(d)
			return &record.OpError{Op: f.Op, Err: &refusal{*f}}
		}
		out = make([]shapes.Shape, d.Count())
		for i := range out {
			out[i] = record.DecShape(d)
		}
		return nil
	})
	return out, err
}

// Compile implements record.Player: it asks for the program by its hash; only where the process lacks it, the recording
// travels.
func (p *player) Compile(r record.Recording) (compute.Executable, record.Made, error) {
	x := &Executable{backend: p.backend, Signature: r.Signature}
	var made record.Made
	found := false
	err := p.backend.call(contract.AskLookup, func(e *record.Enc) {
		e.Raw(r.Hash[:])
		e.Uint(p.open)
	}, nil, nil, func(d *record.Dec) error {
		if found = d.Bool(); found {
			x.program = d.Uint()
		}
		return nil
	})
	if err == nil && !found {
		err = p.backend.call(contract.AskCompile, func(e *record.Enc) {
			e.Raw(r.Hash[:])
			e.Uint(p.open)
			e.Str(p.name)
			e.Bytes(r.Piece)
			r.Outline().Enc(e)
		}, nil, nil, func(d *record.Dec) error {
			x.program = d.Uint()
			made = record.DecMade(d)
			return nil
		})
	}
	if err != nil {
		return nil, made, err
	}
	x.lost = runtime.AddCleanup(x, p.backend.drop, x.program)
	return x, made, nil
}

// Locate implements record.Player.
func (p *player) Locate(err *record.OpError, stack []uintptr) error { return engine.Locate(err, stack) }
