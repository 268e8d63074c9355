package snapshot

import (
	"math/bits"
	"reflect"
	"unsafe"
)

type allocated struct {
	p   unsafe.Pointer
	typ reflect.Type
	n   int
	far []byte // what it holds, where that is a long stretch
}

// allocate makes all objects and maps before any is filled, so that cycles
// are no matter. Objects that are roots lie in the variables themselves.
func (d *decoder) allocate(roots []Root) {
	names := make([]string, d.count())
	for i := range names {
		names[i] = d.text()
	}
	types := make([]reflect.Type, len(names))
	for i, name := range names {
		t, ok := d.types[name]
		if !ok { // dynamic types may bring in types that only they reach
			d.loadRegistered()
			t = d.typ(name)
		}
		types[i] = t
	}
	typ := func(i uint64) reflect.Type {
		if i >= uint64(len(types)) {
			d.damaged()
		}
		return types[i]
	}
	d.objs = make([]allocated, d.count())
	for i := range d.objs {
		o := allocated{typ: typ(d.uint()), n: d.number()}
		if size := d.sizeOf(o); size >= farSize && flat(o.typ) {
			o.far = d.stretch(size)
		}
		d.objs[i] = o
	}
	d.maps = make([]reflect.Value, d.count())
	d.counts = map[unsafe.Pointer]int{}
	for i := range d.maps {
		t := typ(d.uint())
		if t.Kind() != reflect.Map {
			d.damaged()
		}
		n := d.number()
		if t.Key().Size() > 0 && (n < 0 || n > len(d.body)) || t.Key().Size() == 0 && n > 1 {
			d.damaged()
		}
		d.maps[i] = reflect.MakeMapWithSize(t, n)
		d.counts[d.maps[i].UnsafePointer()] = n
	}
	for _, r := range roots {
		i := d.uint()
		if i == nilPointer {
			continue
		}
		off := d.uint()
		if i -= firstObject; i >= uint64(len(d.objs)) { // byName wraps around
			d.damaged()
		}
		o := &d.objs[i]
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
	held := size // elements with pointers take a byte or more each
	if !flat(o.typ) {
		held = uint64(o.n)
	}
	if o.n < 0 || hi != 0 || held > uint64(len(d.body)) {
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
