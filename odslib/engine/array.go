package engine

import (
	"fmt"
	"hash/crc32"
	"math"
	"slices"
	"unsafe"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/tensors"
)

// Array is n-dimensional float32 data on the host, row-major. Samples are Arrays of shape [n, shape…].
type Array struct {
	Shape []int
	Data  []float32
}

// NewArray returns an Array of zeros.
func NewArray(shape ...int) Array {
	return Array{Shape: slices.Clone(shape), Data: make([]float32, size(shape))}
}

// FromRows returns the [n, d] Array of n rows of equal length d.
func FromRows(rows [][]float64) Array {
	if len(rows) == 0 {
		return NewArray(0, 0)
	}
	a := NewArray(len(rows), len(rows[0]))
	for i, row := range rows {
		for j, v := range row {
			a.Row(i)[j] = float32(v)
		}
	}
	return a
}

// FromVector returns the [d] Array of v.
func FromVector(v []float64) Array {
	a := NewArray(len(v))
	for i, x := range v {
		a.Data[i] = float32(x)
	}
	return a
}

func size(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

// Len is the size of the first axis: the number of samples.
func (a Array) Len() int {
	if len(a.Shape) == 0 {
		return 0
	}
	return a.Shape[0]
}

// Dim is the number of values in one row: the product of all axes but the first.
func (a Array) Dim() int {
	if len(a.Shape) == 0 {
		return 1
	}
	return size(a.Shape[1:])
}

// Row returns the i-th sample, flat, sharing memory with a.
func (a Array) Row(i int) []float32 {
	d := a.Dim()
	return a.Data[i*d : (i+1)*d : (i+1)*d]
}

// Column returns the j-th value of every sample as float64.
func (a Array) Column(j int) []float64 {
	c := make([]float64, a.Len())
	for i := range c {
		c[i] = float64(a.Row(i)[j])
	}
	return c
}

// Rows returns every sample as float64.
func (a Array) Rows() [][]float64 {
	rows := make([][]float64, a.Len())
	for i := range rows {
		rows[i] = make([]float64, a.Dim())
		for j, v := range a.Row(i) {
			rows[i][j] = float64(v)
		}
	}
	return rows
}

// Slice returns samples i to j-1, sharing memory with a.
func (a Array) Slice(i, j int) Array {
	d := a.Dim()
	return Array{Shape: append([]int{j - i}, a.Shape[1:]...), Data: a.Data[i*d : j*d : j*d]}
}

// Append returns the samples of a and then those of b. Where a has none it is b itself, which a device may hold too
// ([ToSamples]).
func (a Array) Append(b Array) Array {
	if len(a.Data) == 0 {
		return b
	}
	return Array{Shape: append([]int{a.Len() + b.Len()}, a.Shape[1:]...), Data: append(a.Data, b.Data...)}
}

// Take returns a new Array of the samples named by index, in that order.
func (a Array) Take(index []int) Array {
	out := NewArray(append([]int{len(index)}, a.Shape[1:]...)...)
	for i, k := range index {
		copy(out.Row(i), a.Row(k))
	}
	return out
}

// Reshape returns the same data under another shape of the same size.
func (a Array) Reshape(shape ...int) Array {
	if size(shape) != len(a.Data) {
		panic(fmt.Sprintf("engine: cannot reshape %v to %v", a.Shape, shape))
	}
	return Array{Shape: slices.Clone(shape), Data: a.Data}
}

// Clone returns a copy that shares nothing with a.
func (a Array) Clone() Array {
	return Array{Shape: slices.Clone(a.Shape), Data: slices.Clone(a.Data)}
}

// NonFinite counts the NaN and infinite values.
func (a Array) NonFinite() int {
	n := 0
	for _, v := range a.Data {
		if f := float64(v); math.IsNaN(f) || math.IsInf(f, 0) {
			n++
		}
	}
	return n
}

// String describes the Array without printing all of it.
func (a Array) String() string {
	if len(a.Data) <= 8 {
		return fmt.Sprintf("Array%v%v", a.Shape, a.Data)
	}
	return fmt.Sprintf("Array%v[%.4g %.4g %.4g … %.4g]", a.Shape, a.Data[0], a.Data[1], a.Data[2], a.Data[len(a.Data)-1])
}

// Tensor returns a copy of the data as a tensor for a graph.
func (a Array) Tensor() *tensors.Tensor {
	return tensors.FromFlatDataAndDimensions(slices.Clone(a.Data), a.Shape...)
}

// ToArray copies a float32 tensor to the host.
func ToArray(t *tensors.Tensor) (Array, error) {
	if t.DType() != dtypes.Float32 {
		return Array{}, fmt.Errorf("engine: an Array holds float32, not %s", t.DType())
	}
	data, err := tensors.CopyFlatData[float32](t)
	if err != nil {
		return Array{}, oneLine(err)
	}
	return Array{Shape: slices.Clone(t.Shape().Dimensions), Data: data}, nil
}

// Float32 is the shape of a float32 node.
func Float32(dims ...int) shapes.Shape { return shapes.Make(dtypes.Float32, dims...) }

// CheckSum is a check sum of the values of arrays, which tells data sets and posteriors apart.
func CheckSum(arrays ...Array) string {
	h := crc32.NewIEEE()
	for _, a := range arrays {
		if len(a.Data) > 0 {
			h.Write(unsafe.Slice((*byte)(unsafe.Pointer(&a.Data[0])), 4*len(a.Data)))
		}
	}
	return fmt.Sprintf("crc32 %08x", h.Sum32())
}

// Run is a stretch of rows that are alike.
type Run struct{ First, Rows int }

// Runs parts the rows into stretches that are alike.
func (a Array) Runs() (runs []Run) {
	for i := range a.Len() {
		if k := len(runs) - 1; k >= 0 && slices.Equal(a.Row(i), a.Row(runs[k].First)) {
			runs[k].Rows++
		} else {
			runs = append(runs, Run{i, 1})
		}
	}
	return runs
}
