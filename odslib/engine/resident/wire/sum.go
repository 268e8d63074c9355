package wire

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/shapes"
)

// Sum names an array by what is in it and where it lies: the first half of a SHA-256.
type Sum [16]byte

// String is the sum in hexadecimal digits.
func (s Sum) String() string { return hex.EncodeToString(s[:]) }

// SumOf is the name of the array that has these bytes.
func SumOf(device compute.DeviceNum, shape shapes.Shape, data []byte) (sum Sum) {
	e := &Enc{}
	e.Int(int64(device))
	EncShape(e, shape)
	h := sha256.New()
	h.Write(e.B)
	h.Write(data)
	copy(sum[:], h.Sum(nil))
	return sum
}

// Sum writes the name of an array.
func (e *Enc) Sum(s Sum) { e.B = append(e.B, s[:]...) }

// Sum reads the name of an array.
func (d *Dec) Sum() (s Sum) {
	if len(d.B) < len(s) {
		d.fail("sum")
		return s
	}
	d.B = d.B[copy(s[:], d.B):]
	return s
}
