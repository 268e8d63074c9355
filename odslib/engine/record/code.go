package record

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"reflect"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
)

// Op is an operation of a recording.
type Op uint16

func (o Op) String() string {
	if int(o) < len(opNames) {
		return opNames[o]
	}
	return fmt.Sprintf("Op(%d)", uint16(o))
}

// Ops is how many operations there are.
func Ops() int { return len(opNames) }

// Ref is implemented by the client's values and functions: its number in the recording of owner.
type Ref interface {
	Number(owner any) (uint64, error)
}

// Enc appends to B. The first error stays in Err.
type Enc struct {
	B     []byte
	Owner any // the recording that values must belong to
	Err   error

	op   int     // the operation at work, from 0
	uses []use   // of values
	flat literal // the data of the last constant
}

// use is where an operation refers to a value.
type use struct {
	op, from, to int
	value        uint64
}

// literal is where a constant and its data lie in the recording.
type literal struct {
	value                  uint64
	from, data, behind, to int // where its operation begins, its data begin and end, its operation ends
	dtype                  dtypes.DType
	values                 int
}

// Uint writes an unsigned integer.
func (e *Enc) Uint(x uint64) { e.B = binary.AppendUvarint(e.B, x) }

// Int writes a signed integer.
func (e *Enc) Int(x int64) { e.B = binary.AppendVarint(e.B, x) }

// Float writes all bits of x.
func (e *Enc) Float(x float64) { e.B = binary.LittleEndian.AppendUint64(e.B, math.Float64bits(x)) }

// Bool writes a byte.
func (e *Enc) Bool(x bool) {
	b := byte(0)
	if x {
		b = 1
	}
	e.B = append(e.B, b)
}

// Str writes a string.
func (e *Enc) Str(s string) { e.Uint(uint64(len(s))); e.B = append(e.B, s...) }

// Bytes writes a byte string.
func (e *Enc) Bytes(s []byte) { e.Uint(uint64(len(s))); e.B = append(e.B, s...) }

// Raw writes bytes whose number is known.
func (e *Enc) Raw(s []byte) { e.B = append(e.B, s...) }

// Len writes the length of a slice, nil apart from empty, and reports whether elements follow.
func (e *Enc) Len(n int, isNil bool) bool {
	if isNil {
		e.Uint(0)
		return false
	}
	e.Uint(uint64(n) + 1)
	return true
}

func (e *Enc) ref(v any) {
	r, ok := v.(Ref)
	if !ok {
		e.fail(fmt.Errorf("record: %T is not of this backend", v))
		return
	}
	id, err := r.Number(e.Owner)
	if err != nil {
		e.fail(err)
		return
	}
	e.Uint(id + 1)
}

func (e *Enc) fail(err error) {
	if e.Err == nil {
		e.Err = err
	}
}

// Value writes a reference to a value; nil is one too.
func (e *Enc) Value(v compute.Value) {
	if v == nil {
		e.Uint(0)
		return
	}
	from := len(e.B)
	e.ref(v)
	if x, ok := v.(*Value); ok && e.Err == nil {
		e.uses = append(e.uses, use{e.op, from, len(e.B), x.number})
	}
}

// Function writes a reference to a function.
func (e *Enc) Function(f compute.Function) {
	if f == nil {
		e.Uint(0)
		return
	}
	e.ref(f)
}

// Flat writes the data of a constant: a slice of a Go type that has a dtype.
func (e *Enc) Flat(flat any) {
	v := reflect.ValueOf(flat)
	if v.Kind() != reflect.Slice {
		e.fail(fmt.Errorf("record: a constant is a flat slice, not %T", flat))
		return
	}
	dtype := dtypes.FromGoType(v.Type().Elem())
	e.Int(int64(dtype))
	e.Uint(uint64(v.Len()))
	if v.Len() == 0 {
		e.Bytes(nil)
		e.flat = literal{data: len(e.B), behind: len(e.B), dtype: dtype}
		return
	}
	data := dtypes.UnsafeByteSliceFromAny(flat)
	e.Bytes(data)
	e.flat = literal{data: len(e.B) - len(data), behind: len(e.B), dtype: dtype, values: v.Len()}
}

// ErrCode marks a payload that does not decode.
var ErrCode = errors.New("record: bad message")

// Dec reads from B; after an error it gives zeros. Values and Functions resolve references.
type Dec struct {
	B         []byte
	Err       error
	Values    []compute.Value
	Functions []compute.Function
}

func (d *Dec) fail(what string) {
	if d.Err == nil {
		d.Err = fmt.Errorf("%w: %s", ErrCode, what)
	}
	d.B = nil
}

// Uint reads an unsigned integer.
func (d *Dec) Uint() uint64 {
	x, n := binary.Uvarint(d.B)
	if n <= 0 {
		d.fail("integer")
		return 0
	}
	d.B = d.B[n:]
	return x
}

// Int reads a signed integer.
func (d *Dec) Int() int64 {
	x, n := binary.Varint(d.B)
	if n <= 0 {
		d.fail("integer")
		return 0
	}
	d.B = d.B[n:]
	return x
}

// Float reads a float64.
func (d *Dec) Float() float64 {
	if len(d.B) < 8 {
		d.fail("float")
		return 0
	}
	x := math.Float64frombits(binary.LittleEndian.Uint64(d.B))
	d.B = d.B[8:]
	return x
}

// Bool reads a byte that is 0 or 1.
func (d *Dec) Bool() bool {
	if len(d.B) == 0 || d.B[0] > 1 {
		d.fail("bool")
		return false
	}
	x := d.B[0] == 1
	d.B = d.B[1:]
	return x
}

// Bytes reads a byte string, which shares the payload's memory.
func (d *Dec) Bytes() []byte {
	n := d.Uint()
	if n > uint64(len(d.B)) {
		d.fail("bytes")
		return nil
	}
	return d.Raw(int(n))
}

// Raw reads n bytes, which share the payload's memory; nil where there are fewer.
func (d *Dec) Raw(n int) []byte {
	if len(d.B) < n {
		d.fail("bytes")
		return nil
	}
	b := d.B[:n]
	d.B = d.B[n:]
	return b
}

// Str reads a string.
func (d *Dec) Str() string { return string(d.Bytes()) }

// Count reads how many elements follow, each of a byte at least.
func (d *Dec) Count() int {
	n := d.Uint()
	if n > uint64(len(d.B)) {
		d.fail("count")
		return 0
	}
	return int(n)
}

// Len reads what Enc.Len wrote.
func (d *Dec) Len() (n int, isNil bool) {
	m := d.Uint()
	if m == 0 {
		return 0, true
	}
	if m-1 > uint64(len(d.B)) {
		d.fail("length")
		return 0, true
	}
	return int(m - 1), false
}

// Value reads a reference.
func (d *Dec) Value() compute.Value {
	id := d.Uint()
	if id == 0 {
		return nil
	}
	if id > uint64(len(d.Values)) {
		d.fail("value")
		return nil
	}
	return d.Values[id-1]
}

// Function reads a reference.
func (d *Dec) Function() compute.Function {
	id := d.Uint()
	if id == 0 {
		return nil
	}
	if id > uint64(len(d.Functions)) {
		d.fail("function")
		return nil
	}
	return d.Functions[id-1]
}

// Flat reads the data of a constant.
func (d *Dec) Flat() any {
	dt, n, b := dtypes.DType(d.Int()), d.Uint(), d.Bytes()
	if d.Err != nil {
		return nil
	}
	flat, err := MakeFlat(dt, n, uint64(len(b)))
	if err != nil {
		d.fail(err.Error())
		return nil
	}
	if len(b) > 0 {
		copy(dtypes.UnsafeByteSliceFromAny(flat), b)
	}
	return flat
}

// MakeFlat makes the slice of n values that take size bytes.
func MakeFlat(dt dtypes.DType, n, size uint64) (any, error) {
	if dt < 0 || int(dt) >= len(dtypes.SupportedDTypes) || !dt.IsSupported() || dt.IsPacked() || n > maxBulk || n*uint64(dt.Size()) != size {
		return nil, fmt.Errorf("%d bytes for %d values of dtype %d", size, n, dt)
	}
	return dtypes.MakeAnySlice(dt, int(n)), nil
}

const maxBulk = 1 << 40
