package record

import (
	"crypto/sha256"
	"hash/fnv"
	"sync/atomic"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
)

// Hash is the SHA-256 of a recording, the name of its program.
type Hash [sha256.Size]byte

// Recording is a finished recording.
type Recording struct {
	Hash      Hash
	Piece     []byte // what has not been played yet
	Signature Signature

	rec *Enc
}

// Outline is a recording without the data of its constants, which stand beside it: graphs that differ in numbers alone
// have one Hash.
type Outline struct {
	Hash      Hash
	Constants []uint64 // a sum of each one's data
}

// Outline of the recording.
func (r Recording) Outline() (o Outline) {
	h, at := sha256.New(), 0
	for _, c := range r.rec.literals {
		h.Write(r.rec.B[at:c.from])
		at = c.to
		sum := fnv.New64a()
		sum.Write(r.rec.B[c.from:c.to])
		o.Constants = append(o.Constants, sum.Sum64())
	}
	h.Write(r.rec.B[at:])
	h.Sum(o.Hash[:0])
	return o
}

// Made says how a program came about.
type Made struct {
	Compiled bool  // it was not there before
	Times    int   // programs of this outline were compiled, this one included; 0 when it was found
	Changed  []int // the constants that differ from those of the last such program
}

// Enc writes the outline.
func (o Outline) Enc(e *Enc) {
	e.Raw(o.Hash[:])
	e.Uint(uint64(len(o.Constants)))
	for _, c := range o.Constants {
		e.Uint(c)
	}
}

// DecOutline reads an outline.
func DecOutline(d *Dec) (o Outline) {
	copy(o.Hash[:], d.Raw(len(o.Hash)))
	o.Constants = make([]uint64, d.Count())
	for i := range o.Constants {
		o.Constants[i] = d.Uint()
	}
	return o
}

// Enc writes how a program was made.
func (m Made) Enc(e *Enc) {
	e.Bool(m.Compiled)
	e.Int(int64(m.Times))
	EncListint(e, m.Changed)
}

// DecMade reads how a program was made.
func DecMade(d *Dec) Made { return Made{d.Bool(), int(d.Int()), DecListint(d)} }

// Program is what a [Builder] compiles to.
type Program struct {
	compute.Executable
	Again *Again // nil: nothing of its outline had been compiled, or the program was found
}

// Again says that a graph had been compiled before with other constants.
type Again struct {
	Times     int // this one included
	Constants []Constant
}

// Constant is one that has changed since.
type Constant struct {
	DType  dtypes.DType
	Values int       // how many
	Stack  []uintptr // of runtime.Callers: who made it
}

// Counts are programs of builders of this process, wherever they are compiled.
type Counts struct{ Compiled, Found int64 }

var compiled, found atomic.Int64

func count(m Made) {
	if m.Compiled {
		compiled.Add(1)
	} else {
		found.Add(1)
	}
}

// Count returns the counts so far.
func Count() Counts { return Counts{compiled.Load(), found.Load()} }
