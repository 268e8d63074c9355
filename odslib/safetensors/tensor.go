package safetensors

import (
	"encoding/binary"
	"fmt"
	"math"
)

// DType names the element type of a tensor in a file.
type DType string

// The element types that are read. All but F16 and BF16 are also written.
const (
	F64  DType = "F64"
	F32  DType = "F32"
	F16  DType = "F16"  // read into float32
	BF16 DType = "BF16" // read into float32
	I64  DType = "I64"
	I32  DType = "I32"
	U8   DType = "U8"
)

// size returns the bytes of one element, 0 for an unknown type.
func (d DType) size() int {
	switch d {
	case F64, I64:
		return 8
	case F32, I32:
		return 4
	case F16, BF16:
		return 2
	case U8:
		return 1
	}
	return 0
}

// rank orders tensors in a file: the widest first, so that every tensor starts
// at a multiple of its element size.
func (d DType) rank() int {
	for i, t := range []DType{I64, F64, F32, I32, BF16, F16, U8} {
		if t == d {
			return i
		}
	}
	return -1
}

// Tensor is one named array, row-major.
type Tensor struct {
	Name  string
	DType DType // element type in the file
	Shape []int // empty for a scalar
	// Data is []float32 (F32, F16, BF16), []float64, []int64, []int32 or
	// []uint8, of as many elements as Shape says.
	Data any
}

// Float32 returns a tensor of 32-bit floats. It does not copy data.
func Float32(name string, shape []int, data []float32) Tensor {
	return Tensor{Name: name, DType: F32, Shape: shape, Data: data}
}

// Float32s returns the data of a tensor of type F32, F16 or BF16.
func (t Tensor) Float32s() ([]float32, error) {
	if v, ok := t.Data.([]float32); ok {
		return v, nil
	}
	return nil, fmt.Errorf("safetensors: tensor %s is %s; want F32, F16 or BF16", quote(t.Name), t.DType)
}

// File is the content of a safetensors file.
type File struct {
	Metadata map[string]string
	Tensors  []Tensor
}

// Lookup returns the tensor of that name.
func (f *File) Lookup(name string) (Tensor, bool) {
	for _, t := range f.Tensors {
		if t.Name == name {
			return t, true
		}
	}
	return Tensor{}, false
}

// decodeData reads the elements in b, whose length is a multiple of the
// element size.
func decodeData(d DType, b []byte) any {
	le := binary.LittleEndian
	switch d {
	case F64:
		return decodeEach(b, 8, func(b []byte) float64 { return math.Float64frombits(le.Uint64(b)) })
	case F32:
		return decodeEach(b, 4, func(b []byte) float32 { return math.Float32frombits(le.Uint32(b)) })
	case F16:
		return decodeEach(b, 2, func(b []byte) float32 { return half(le.Uint16(b)) })
	case BF16: // the upper half of a float32
		return decodeEach(b, 2, func(b []byte) float32 { return math.Float32frombits(uint32(le.Uint16(b)) << 16) })
	case I64:
		return decodeEach(b, 8, func(b []byte) int64 { return int64(le.Uint64(b)) })
	case I32:
		return decodeEach(b, 4, func(b []byte) int32 { return int32(le.Uint32(b)) })
	}
	return append([]uint8{}, b...)
}

func decodeEach[T any](b []byte, size int, one func([]byte) T) []T {
	v := make([]T, len(b)/size)
	for i := range v {
		v[i] = one(b[i*size:])
	}
	return v
}

// half widens an IEEE 754 binary16 number.
func half(h uint16) float32 {
	sign := uint32(h&0x8000) << 16
	exp, frac := uint32(h>>10)&0x1f, uint32(h)&0x3ff
	switch {
	case exp == 0x1f: // infinity and NaN, whose payload is kept
		return math.Float32frombits(sign | 0xff<<23 | frac<<13)
	case exp == 0: // zero and subnormal: frac·2⁻²⁴
		v := float32(frac) * (1.0 / (1 << 24))
		if sign != 0 {
			v = float32(math.Copysign(float64(v), -1))
		}
		return v
	}
	return math.Float32frombits(sign | (exp+127-15)<<23 | frac<<13)
}

// encodeData appends the elements to b.
func encodeData(b []byte, data any) []byte {
	le := binary.LittleEndian
	switch v := data.(type) {
	case []float64:
		for _, x := range v {
			b = le.AppendUint64(b, math.Float64bits(x))
		}
	case []float32:
		for _, x := range v {
			b = le.AppendUint32(b, math.Float32bits(x))
		}
	case []int64:
		for _, x := range v {
			b = le.AppendUint64(b, uint64(x))
		}
	case []int32:
		for _, x := range v {
			b = le.AppendUint32(b, uint32(x))
		}
	case []uint8:
		b = append(b, v...)
	}
	return b
}
