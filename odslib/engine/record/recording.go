package record

import (
	"cmp"
	"crypto/sha256"
	"hash/fnv"
	"slices"
	"sync/atomic"

	"github.com/gomlx/compute"
)

// Hash is the SHA-256 of a recording, the name of its program.
type Hash [sha256.Size]byte

// Recording is a finished recording.
type Recording struct {
	Hash      Hash
	Piece     []byte // what has not been played yet
	Signature Signature

	of *Builder
}

// Outline is a recording without its constants, which stand beside it: graphs that differ in numbers alone have one Hash.
type Outline struct {
	Hash Hash
	Uses []uint64 // of constants by operations, in order: a sum of the data
}

// Outline of the recording. It is made of the uses of constants, not of the constants, since the array library has one
// constant for all that happen to have the same value.
func (r Recording) Outline() (o Outline) {
	b, literals := r.of.rec.B, r.of.literals
	h, at := sha256.New(), 0
	sums := make([]uint64, len(literals))
	next := 0
	skip := func(to int) { // writes what comes before, without constants
		for ; next < len(literals) && literals[next].from < to; next++ {
			c := literals[next]
			h.Write(b[at:c.from])
			at = c.to
			sum := fnv.New64a()
			sum.Write(b[c.data:c.behind])
			sums[next] = sum.Sum64()
		}
		h.Write(b[at:to])
		at = to
	}
	var e Enc
	for _, u := range r.of.rec.uses {
		skip(u.from)
		at = u.to
		i, constant := r.of.literal(u.value)
		e.B = e.B[:0]
		e.Bool(constant)
		if constant {
			c := literals[i]
			e.Int(int64(c.dtype))
			e.Raw(b[c.behind:c.to]) // dimensions
			o.Uses = append(o.Uses, sums[i])
		} else {
			e.Uint(u.value - uint64(i))
		}
		h.Write(e.B)
	}
	skip(len(b))
	h.Sum(o.Hash[:0])
	return o
}

// literal finds the constant that is a value, or how many come before it.
func (bl *Builder) literal(value uint64) (int, bool) {
	return slices.BinarySearchFunc(bl.literals, value, func(c literal, v uint64) int { return cmp.Compare(c.value, v) })
}

// Made says how a program came about.
type Made struct {
	Compiled bool  // it was not there before
	Times    int   // programs of this outline were compiled with constants that differ, this one included; 0 when it was found
	Changed  []int // uses of constants that differ from those of the last such program
}

// Enc writes the outline.
func (o Outline) Enc(e *Enc) {
	e.Raw(o.Hash[:])
	e.Uint(uint64(len(o.Uses)))
	for _, sum := range o.Uses {
		e.Uint(sum)
	}
}

// DecOutline reads an outline.
func DecOutline(d *Dec) (o Outline) {
	copy(o.Hash[:], d.Raw(len(o.Hash)))
	o.Uses = make([]uint64, d.Count())
	for i := range o.Uses {
		o.Uses[i] = d.Uint()
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
	Values int       // how many
	Stack  []uintptr // of runtime.Callers: who uses it first
}

// again tells what has changed.
func (bl *Builder) again(m Made) *Again {
	var constants []Constant
	told, nth := map[int]bool{}, 0
	for _, u := range bl.rec.uses {
		i, constant := bl.literal(u.value)
		if !constant {
			continue
		}
		if slices.Contains(m.Changed, nth) && !told[i] {
			told[i] = true
			constants = append(constants, Constant{bl.literals[i].values, bl.stack(u.op)})
		}
		nth++
	}
	if len(constants) == 0 {
		return nil
	}
	return &Again{m.Times, constants}
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
