package snapshot

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"reflect"
	"slices"
	"unsafe"
)

// ErrChanged: the type of a variable is no longer laid out as when it was written.
var ErrChanged = errors.New("its type has changed since it was kept")

var errDamaged = errors.New("the kept file is damaged")

// Decode reads a group into the roots, which must be those that were written.
func Decode(file []byte, roots []Root) error { return decode(file, roots, false) }

// Adopt is Decode for a file that is no longer the caller's: long arrays and
// strings stay where they lie in it, so that none is copied. It must be
// writable; a private mapping of a file will do, for as long as the process runs.
func Adopt(file []byte, roots []Root) error { return decode(file, roots, true) }

func decode(file []byte, roots []Root, adopt bool) (err error) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case refusal:
			err = r.error
		default: // bytes that are not what Encode wrote
			err = fmt.Errorf("%w (%v)", errDamaged, r)
		}
	}()
	if len(file) < headAt+sumSize || string(file[:len(magic)]) != magic {
		return errDamaged
	}
	body := file[:len(file)-sumSize]
	if sumOf(slices.Values([][]byte{body}), len(body)) != StampOf(file).Sum {
		return errDamaged
	}
	head := binary.LittleEndian.Uint64(file[len(magic):])
	if head < uint64(headAt) || head > uint64(len(body)) {
		return errDamaged
	}
	d := &decoder{b: body[headAt:head:head], body: body, at: int(head), adopt: adopt, types: map[string]reflect.Type{}}
	n := int(d.uint())
	if n != len(roots) {
		return fmt.Errorf("%w: %d variables, want %d", errDamaged, n, len(roots))
	}
	order := make([]Root, n)
	for i := range n {
		name, typ := d.text(), d.text()
		print := binary.LittleEndian.Uint64(d.take(8))
		for _, r := range roots {
			if r.Name == name {
				order[i] = r
			}
		}
		if order[i].Ptr == nil {
			return fmt.Errorf("%w: holds %s", errDamaged, name)
		}
		t := reflect.TypeOf(order[i].Ptr).Elem()
		if TypeName(t) != typ || Fingerprint(t) != print {
			return fmt.Errorf("%s: %w", name, ErrChanged)
		}
		reachable(t, d.types)
	}
	d.allocate(order)
	for i := range d.objs {
		if o := &d.objs[i]; o.far == nil {
			d.many(o.p, o.typ, o.n)
		}
	}
	for _, m := range d.maps {
		k, v := reflect.New(m.Type().Key()), reflect.New(m.Type().Elem())
		for range d.counts[m.UnsafePointer()] {
			k.Elem().SetZero()
			v.Elem().SetZero()
			d.value(k.UnsafePointer(), k.Type().Elem())
			d.value(v.UnsafePointer(), v.Type().Elem())
			m.SetMapIndex(k.Elem(), v.Elem())
		}
	}
	return nil
}

type allocated struct {
	p   unsafe.Pointer
	typ reflect.Type
	n   int
	far []byte // what it holds, where that is a long stretch
}

type decoder struct {
	b      []byte // the head
	body   []byte // all of the file before the sum
	at     int    // where in it the next long stretch is, but for padding
	adopt  bool
	types  map[string]reflect.Type
	objs   []allocated
	maps   []reflect.Value
	counts map[unsafe.Pointer]int
}

func (d *decoder) damaged() { panic(refusal{errDamaged}) }

func (d *decoder) uint() uint64 {
	x, n := binary.Uvarint(d.b)
	if n <= 0 {
		d.damaged()
	}
	d.b = d.b[n:]
	return x
}

func (d *decoder) take(n int) []byte {
	if n < 0 || n > len(d.b) {
		d.damaged()
	}
	x := d.b[:n]
	d.b = d.b[n:]
	return x
}

// stretch is the n bytes that put has written.
func (d *decoder) stretch(n int) []byte {
	if n < farSize {
		return d.take(n)
	}
	at := d.at + padding(d.at)
	if at > len(d.body) || n > len(d.body)-at {
		d.damaged()
	}
	d.at = at + n
	return d.body[at:d.at:d.at]
}

func (d *decoder) text() string {
	b := d.stretch(int(d.uint()))
	if d.adopt && len(b) >= farSize {
		return unsafe.String(&b[0], len(b))
	}
	return string(b)
}

func (d *decoder) count() int { return int(d.uint()) }

func (d *decoder) typ(name string) reflect.Type {
	if t, ok := d.types[name]; ok {
		return t
	}
	t, err := dynamic(name)
	if err != nil {
		panic(refusal{err})
	}
	reachable(t, d.types)
	return t
}

// allocate makes all objects and maps before any is filled, so that cycles
// are no matter. Objects that are roots lie in the variables themselves.
func (d *decoder) allocate(roots []Root) {
	names := make([]string, d.count())
	for i := range names {
		names[i] = d.text()
	}
	// Dynamic types may bring in types that only they reach.
	typ := func(i uint64) reflect.Type {
		if i >= uint64(len(names)) {
			d.damaged()
		}
		if t, ok := d.types[names[i]]; ok {
			return t
		}
		d.loadRegistered()
		return d.typ(names[i])
	}
	d.objs = make([]allocated, d.count())
	for i := range d.objs {
		o := allocated{typ: typ(d.uint()), n: d.count()}
		if size := d.sizeOf(o); size >= farSize && flat(o.typ) {
			o.far = d.stretch(size)
		}
		d.objs[i] = o
	}
	d.maps = make([]reflect.Value, d.count())
	d.counts = map[unsafe.Pointer]int{}
	for i := range d.maps {
		t := typ(d.uint())
		n := d.count()
		if t.Kind() != reflect.Map {
			d.damaged()
		}
		d.maps[i] = reflect.MakeMapWithSize(t, n)
		d.counts[d.maps[i].UnsafePointer()] = n
	}
	for _, r := range roots {
		i := d.uint()
		if i == 0 {
			continue
		}
		off := d.uint()
		if i > uint64(len(d.objs)) {
			d.damaged()
		}
		o := &d.objs[i-1]
		v := reflect.ValueOf(r.Ptr)
		if off != 0 || o.n != 1 || v.Type().Elem() != o.typ {
			d.damaged()
		}
		o.p = v.UnsafePointer()
		v.Elem().SetZero()
	}
	for i := range d.objs {
		o := &d.objs[i]
		if o.p == nil && d.stays(o) {
			o.p = unsafe.Pointer(&o.far[0])
			continue
		}
		if o.p == nil {
			o.p = reflect.MakeSlice(reflect.SliceOf(o.typ), o.n, o.n).UnsafePointer()
		}
		if o.far != nil {
			copy(bytesAt(o.p, uintptr(len(o.far))), o.far)
		}
	}
}

// stays says whether an object is left in the file. What a pointer leads to is
// not: it may get a finalizer, which is for memory of the Go heap alone.
func (d *decoder) stays(o *allocated) bool {
	return d.adopt && o.far != nil && o.n > 1 && uintptr(unsafe.Pointer(&o.far[0]))%uintptr(o.typ.Align()) == 0
}

// sizeOf is the size of an object in bytes, of which the file can hold as many.
func (d *decoder) sizeOf(o allocated) int {
	hi, size := bits.Mul64(uint64(o.n), uint64(o.typ.Size()))
	if o.n < 0 || hi != 0 || flat(o.typ) && size > uint64(len(d.body)) {
		d.damaged()
	}
	return int(size)
}

func (d *decoder) loadRegistered() {
	typesMu.RLock()
	defer typesMu.RUnlock()
	for _, t := range registered {
		reachable(t, d.types)
	}
}

// reference reads a pointer to n values of type t.
func (d *decoder) reference(t reflect.Type, n int) (p unsafe.Pointer, room int) {
	i := d.uint()
	if i == 0 {
		return nil, 0
	}
	if t.Size() == 0 {
		return reflect.New(t).UnsafePointer(), 0
	}
	off := uintptr(d.uint())
	if i > uint64(len(d.objs)) {
		d.damaged()
	}
	o := d.objs[i-1]
	size := o.typ.Size() * uintptr(o.n)
	if off > size || uintptr(n)*t.Size() > size-off {
		d.damaged()
	}
	return unsafe.Add(o.p, off), int((size - off) / t.Size())
}

func (d *decoder) many(p unsafe.Pointer, t reflect.Type, n int) {
	if flat(t) {
		size := t.Size() * uintptr(n)
		copy(bytesAt(p, size), d.stretch(int(size)))
		return
	}
	for i := range n {
		d.value(unsafe.Add(p, uintptr(i)*t.Size()), t)
	}
}

func (d *decoder) value(p unsafe.Pointer, t reflect.Type) {
	if flat(t) {
		copy(bytesAt(p, t.Size()), d.stretch(int(t.Size())))
		return
	}
	v := reflect.NewAt(t, p).Elem()
	if c := codecOf(t); c != nil {
		if n := d.uint(); n > 0 {
			if err := c.decode(d.stretch(int(n-1)), v.Addr().Interface()); err != nil {
				panic(refusal{err})
			}
		}
		return
	}
	switch t.Kind() {
	case reflect.String:
		v.SetString(d.text())
	case reflect.Pointer:
		if q, _ := d.reference(t.Elem(), 1); q != nil {
			v.Set(reflect.NewAt(t.Elem(), q).Convert(t))
		}
	case reflect.Slice:
		d.slice(v)
	case reflect.Map:
		if i := d.uint(); i > 0 {
			if i > uint64(len(d.maps)) {
				d.damaged()
			}
			v.Set(d.maps[i-1].Convert(t))
		}
	case reflect.Array:
		d.many(p, t.Elem(), t.Len())
	case reflect.Struct:
		if closed(t) {
			return
		}
		for i := range t.NumField() {
			f := t.Field(i)
			d.value(unsafe.Add(p, f.Offset), f.Type)
		}
	case reflect.Interface:
		d.dynamic(v)
	}
}

// sliceHeader is how the compiler lays out every slice.
type sliceHeader struct {
	p        unsafe.Pointer
	len, cap int
}

func (d *decoder) slice(v reflect.Value) {
	k := d.uint()
	if k == 0 {
		return
	}
	t := v.Type()
	n := int(k - 1)
	if n == 0 || t.Elem().Size() == 0 {
		v.Set(reflect.MakeSlice(t, n, n))
		return
	}
	p, room := d.reference(t.Elem(), n)
	if p == nil {
		d.damaged()
	}
	room = min(room, int(d.uint()))
	*(*sliceHeader)(v.Addr().UnsafePointer()) = sliceHeader{p, n, max(room, n)}
}

func (d *decoder) dynamic(v reflect.Value) {
	name := d.text()
	if name == "" {
		return
	}
	t := d.typ(name)
	c := reflect.New(t)
	d.value(c.UnsafePointer(), t)
	x := c.Elem()
	if s, ok := x.Interface().(sentinel); ok {
		e, ok := sentinels[s]
		if !ok {
			d.damaged()
		}
		x = reflect.ValueOf(e)
	}
	if !x.Type().AssignableTo(v.Type()) {
		d.damaged()
	}
	v.Set(x)
}
