package wire

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/shapes"

	"odslab/odslib/engine/record"
)

// Failure is an error as it travels.
type Failure struct {
	Msg            string
	NotImplemented bool
	Op             int // which operation of the recording, from 0; -1: none in particular
}

// Enc writes the failure.
func (f *Failure) Enc(e *record.Enc) {
	e.Str(f.Msg)
	e.Bool(f.NotImplemented)
	e.Int(int64(f.Op))
}

// DecFailure reads a failure.
func DecFailure(d *record.Dec) *Failure {
	return &Failure{d.Str(), d.Bool(), int(d.Int())}
}

// Sum names an array by what is in it and where it lies: the first half of a SHA-256.
type Sum [16]byte

// String is the sum in hexadecimal digits.
func (s Sum) String() string { return hex.EncodeToString(s[:]) }

// SumOf is the name of the array that has these bytes.
func SumOf(device compute.DeviceNum, shape shapes.Shape, data []byte) (sum Sum) {
	e := &record.Enc{}
	e.Int(int64(device))
	record.EncShape(e, shape)
	h := sha256.New()
	h.Write(e.B)
	h.Write(data)
	copy(sum[:], h.Sum(nil))
	return sum
}

// Enc writes the name of an array.
func (s Sum) Enc(e *record.Enc) { e.Raw(s[:]) }

// DecSum reads the name of an array.
func DecSum(d *record.Dec) (s Sum) { copy(s[:], d.Raw(len(s))); return s }
