package snapshot

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unsafe"
)

type celsius []float32

type cells struct {
	A int8
	B float64
	C [3]uint16
}

// lies says whether p is in the file.
func lies(file []byte, p unsafe.Pointer) bool {
	a, b := uintptr(unsafe.Pointer(&file[0])), uintptr(p)
	return b >= a && b < a+uintptr(len(file))
}

// ramp is a slice of n values of which no two neighbours are equal.
func ramp(t reflect.Type, n int) reflect.Value {
	s := reflect.MakeSlice(t, n, n)
	if n > 0 {
		for i, b := 0, bytesAt(s.UnsafePointer(), uintptr(n)*t.Elem().Size()); i < len(b); i++ {
			b[i] = byte(i*7 + i>>8)
			if t.Elem().Kind() == reflect.Bool {
				b[i] &= 1
			}
		}
	}
	return s
}

// TestSliceKinds carries slices of every plain kind over, short ones, long ones and those about where a stretch stands
// apart: equal, aligned, writable, with nil apart from empty.
func TestSliceKinds(t *testing.T) {
	for _, x := range []any{
		[]bool{},
		[]int{},
		[]int8{},
		[]int16{},
		[]int32{},
		[]int64{},
		[]uint{},
		[]uint8{},
		[]uint16{},
		[]uint32{},
		[]uint64{},
		[]uintptr{},
		[]float32{},
		[]float64{},
		[]complex64{},
		[]complex128{},
		celsius{},
		[]cells{},
		[][5]int16{},
	} {
		typ := reflect.TypeOf(x)
		size := int(typ.Elem().Size())
		for _, n := range []int{-1, 0, 1, 2, farSize/size - 1, farSize / size, farSize/size + 1, 3 * writeSize / 2 / size} {
			pad, a, b := "?", reflect.New(typ), reflect.New(typ)
			if n >= 0 {
				a.Elem().Set(ramp(typ, n))
			}
			g, err := Encode([]Root{{"pad", &pad}, {"x", a.Interface()}})
			if err != nil {
				t.Fatalf("%v of %d: %v", typ, n, err)
			}
			file := g.Image.Bytes()
			if len(file) != g.Image.Size() {
				t.Errorf("%v of %d: %d bytes, not %d", typ, n, len(file), g.Image.Size())
			}
			for _, read := range []func([]byte, []Root) error{Decode, Adopt} {
				b.Elem().SetZero()
				if err := read(file, []Root{{"pad", &pad}, {"x", b.Interface()}}); err != nil {
					t.Fatalf("%v of %d: %v", typ, n, err)
				}
				same := b.Elem().Len() == max(n, 0) && b.Elem().IsNil() == (n < 0)
				if same && n > 0 {
					bytesOf := func(v reflect.Value) []byte { return bytesAt(v.UnsafePointer(), uintptr(n*size)) }
					same = bytes.Equal(bytesOf(a.Elem()), bytesOf(b.Elem())) && uintptr(b.Elem().UnsafePointer())%uintptr(typ.Elem().Align()) == 0
				}
				if !same {
					t.Errorf("%v of %d came back another, as %d", typ, n, b.Elem().Len())
				}
			}
			adopted := n > 1 && lies(file, b.Elem().UnsafePointer())
			if want := n > 1 && n*size >= farSize; adopted != want {
				t.Errorf("%v of %d: left in the file is %v", typ, n, adopted)
			}
			if n > 1 {
				b.Elem().Index(n - 1).SetZero() // crashes where memory can't be written
				if c := b.Elem().Cap(); c != n {
					t.Errorf("%v of %d may grow to %d, over what is behind it", typ, n, c)
				}
			}
		}
	}
}

// TestAdoptKeepsSharing: views of one array in the file are still views of one array, and append goes where it did.
func TestAdoptKeepsSharing(t *testing.T) {
	a := make([]float64, 1000)
	x, y, other := a[:600], a[400:], make([]float64, 1000)
	third := &a[500]
	g, err := Encode([]Root{{"x", &x}, {"y", &y}, {"third", &third}, {"other", &other}})
	if err != nil {
		t.Fatal(err)
	}
	file := g.Image.Bytes()
	if err := Adopt(file, []Root{{"x", &x}, {"y", &y}, {"third", &third}, {"other", &other}}); err != nil {
		t.Fatal(err)
	}
	if !lies(file, unsafe.Pointer(&x[0])) || !lies(file, unsafe.Pointer(third)) {
		t.Error("the array was copied")
	}
	x[500] = 7
	if y[100] != 7 || *third != 7 {
		t.Error("views of one array came apart")
	}
	if x = append(x, 8); y[200] != 8 {
		t.Error("append no longer writes where it did")
	}
	if y = append(y, 9); slices.Max(other) != 0 {
		t.Error("append writes over the next array")
	}
}

// TestAdoptOnlyArrays: what a pointer leads to, and a variable itself, lie in Go's own memory.
func TestAdoptOnlyArrays(t *testing.T) {
	big := &[1000]float64{3, 4}
	var whole [1000]float64
	text := strings.Repeat("text", 1000)
	mixed := struct {
		S string
		A [1000]float64
	}{"s", [1000]float64{5}}
	roots := []Root{{"big", &big}, {"whole", &whole}, {"text", &text}, {"mixed", &mixed}}
	whole[999] = 1
	g, err := Encode(roots)
	if err != nil {
		t.Fatal(err)
	}
	file := g.Image.Bytes()
	if err := Adopt(file, roots); err != nil {
		t.Fatal(err)
	}
	if lies(file, unsafe.Pointer(big)) || *big != [1000]float64{3, 4} || whole[999] != 1 || mixed.A[0] != 5 {
		t.Error("a long array came back another or stayed in the file")
	}
	if !lies(file, unsafe.Pointer(unsafe.StringData(text))) || text != strings.Repeat("text", 1000) {
		t.Error("a long string was copied")
	}
	if err := Decode(file, roots); err != nil || lies(file, unsafe.Pointer(unsafe.StringData(text))) {
		t.Errorf("Decode leaves a string in the file: %v", err)
	}
}

// TestDamagedAnywhere cuts a file at every length and turns a bit in every part of it.
func TestDamagedAnywhere(t *testing.T) {
	type node struct {
		Next  *node
		Name  string
		Long  []float64
		Other map[string]int
	}
	x := &node{Name: strings.Repeat("n", 500), Long: make([]float64, 100), Other: map[string]int{"a": 1}}
	x.Next = x
	g, err := Encode([]Root{{"x", &x}})
	if err != nil {
		t.Fatal(err)
	}
	file := g.Image.Bytes()
	read := func(what string, b []byte) {
		t.Helper()
		var y *node
		if err := Adopt(b, []Root{{"x", &y}}); !errors.Is(err, errDamaged) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", what, err)
		}
	}
	for n := range file {
		read(fmt.Sprint("cut at ", n), bytes.Clone(file[:n]))
		b := bytes.Clone(file)
		b[n] ^= 1 << (n % 8)
		read(fmt.Sprint("a bit of byte ", n), b)
	}
	read("more behind it", append(bytes.Clone(file), 0))
	if err := Adopt(file, []Root{{"x", &x}}); err != nil {
		t.Errorf("whole: %v", err)
	}
}

// TestStampSeesEveryValue: one value changed anywhere in a large array is another stamp, and back it is the old one.
func TestStampSeesEveryValue(t *testing.T) {
	x := make([]float64, 3*checkChunk/8+1)
	stamp := func() Stamp {
		g, err := Encode([]Root{{"x", &x}})
		if err != nil {
			t.Fatal(err)
		}
		return g.Image.Stamp()
	}
	before := stamp()
	seen := map[uint64]int{before.Sum: -1}
	for i := 0; i < len(x); i += len(x) / 50 {
		x[i] = 1
		s := stamp()
		if old, twice := seen[s.Sum]; twice {
			t.Errorf("the change of %d and of %d have one sum", i, old)
		}
		seen[s.Sum] = i
		x[i] = 0
	}
	x[0], x[len(x)-1] = 1, 2
	if a := stamp(); a == before {
		t.Error("a change goes unseen")
	} else if x[0], x[len(x)-1] = 2, 1; stamp() == a {
		t.Error("two values changed places unseen")
	}
	if x[0], x[len(x)-1] = 0, 0; stamp() != before {
		t.Error("the same memory has another stamp")
	}
	if g, _ := Encode([]Root{{"x", &x}}); StampOf(g.Image.Bytes()) != before {
		t.Error("the file has another stamp than its image")
	}
}

// TestSumOfParts: how a stream is cut, and by how many it is summed, is no matter.
func TestSumOfParts(t *testing.T) {
	all := ramp(reflect.TypeFor[[]byte](), 5*checkChunk+77).Bytes()
	var one check
	one.add(all)
	want := one.sum()
	for _, cut := range []int{len(all), checkChunk, checkChunk - 1, 100_003} {
		if got := sumOf(slices.Chunk(all, cut), len(all)); got != want {
			t.Errorf("in pieces of %d: %x, not %x", cut, got, want)
		}
	}
}

// restless changes the variable whenever something is written.
type restless struct {
	bytes.Buffer
	x []float64
}

func (r *restless) Write(b []byte) (int, error) {
	for i := range r.x {
		r.x[i]++
	}
	return r.Buffer.Write(b)
}

// TestWrittenWhileItChanges: an interrupted cell is still at work on what is written.
func TestWrittenWhileItChanges(t *testing.T) {
	x := make([]float64, 4*writeSize/8)
	g, err := Encode([]Root{{"x", &x}})
	if err != nil {
		t.Fatal(err)
	}
	r := &restless{x: x}
	if _, err := g.Image.WriteTo(r); err != nil {
		t.Fatal(err)
	}
	var y []float64
	if err := Decode(r.Bytes(), []Root{{"x", &y}}); err != nil {
		t.Error(err)
	}
	if y[0] == y[len(y)-1] {
		t.Error("nothing changed in between: the test tests nothing")
	}
}

// scratch writes itself to a buffer that all of its kind have in common.
type scratch struct{ b byte }

var scratchBuffer = make([]byte, 1000)

func (s scratch) MarshalBinary() ([]byte, error) {
	for i := range scratchBuffer {
		scratchBuffer[i] = s.b
	}
	return scratchBuffer, nil
}

func (s *scratch) UnmarshalBinary(b []byte) error { s.b = b[len(b)-1]; return nil }

type handle struct{ id string }

func TestLongCodecs(t *testing.T) {
	if got := carry(t, &[]scratch{{1}, {2}}); (*got)[0].b != 1 || (*got)[1].b != 2 {
		t.Errorf("two values written to one buffer came back as %v", *got)
	}
	RegisterCodec(func(h *handle) ([]byte, error) { return []byte(h.id), nil }, func(b []byte, h *handle) error { h.id = string(b); return nil })
	x := []handle{{"token-short"}, {strings.Repeat(".", 1000) + "token-long"}}
	plain := strings.Repeat("token-plain", 1000)
	if got := carry(t, &x); !slices.Equal(*got, x) {
		t.Error("a long output of a codec came back another")
	}
	g, err := Encode([]Root{{"x", &x}, {"plain", &plain}})
	if err != nil {
		t.Fatal(err)
	}
	var all []byte
	for part := range g.Image.Coded() {
		all = append(all, part...)
	}
	for token, want := range map[string]bool{"token-short": true, "token-long": true, "token-plain": false} {
		if bytes.Contains(all, []byte(token)) != want {
			t.Errorf("%s: %v", token, !want)
		}
	}
}
