package snapshot

import (
	"encoding/binary"
	"errors"
	"fmt"
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
	for range d.count() {
		name := d.text()
		print := binary.LittleEndian.Uint64(d.take(8))
		t, ok := d.types[name]
		if !ok {
			d.loadRegistered()
			t = d.typ(name)
		}
		if Fingerprint(t) != print {
			return fmt.Errorf("it holds a %s: %w", t, ErrChanged)
		}
	}
	d.allocate(order)
	for i := range d.objs {
		if o := &d.objs[i]; o.far == nil {
			d.many(o.p, planOf(o.typ), o.n)
		}
	}
	for _, m := range d.maps {
		k, v := reflect.New(m.Type().Key()), reflect.New(m.Type().Elem())
		kp, vp := planOf(m.Type().Key()), planOf(m.Type().Elem())
		for range d.counts[m.UnsafePointer()] {
			k.Elem().SetZero()
			v.Elem().SetZero()
			d.value(k.UnsafePointer(), kp)
			d.value(v.UnsafePointer(), vp)
			m.SetMapIndex(k.Elem(), v.Elem())
		}
	}
	for _, f := range d.after {
		f()
	}
	return nil
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
	after  []func() // when maps are full
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
	if d.adopt && len(b) > 0 {
		return unsafe.String(&b[0], len(b))
	}
	return string(b)
}

func (d *decoder) number() int { return int(d.uint()) }

// count is a number of things that take a byte or more of the file each.
func (d *decoder) count() int {
	n := d.number()
	if n < 0 || n > len(d.body) {
		d.damaged()
	}
	return n
}

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

// reference reads a pointer to n values of type t.
func (d *decoder) reference(t reflect.Type, n int) (p unsafe.Pointer, room int) {
	i := d.uint()
	switch {
	case i == nilPointer:
		return nil, 0
	case i == byName:
		return d.known(t), 0
	case t.Size() == 0:
		return reflect.New(t).UnsafePointer(), 0
	}
	off := uintptr(d.uint())
	if i -= firstObject; i >= uint64(len(d.objs)) {
		d.damaged()
	}
	o := d.objs[i]
	size := o.typ.Size() * uintptr(o.n)
	if off > size || uintptr(n)*t.Size() > size-off {
		d.damaged()
	}
	return unsafe.Add(o.p, off), int((size - off) / t.Size())
}

func (d *decoder) many(p unsafe.Pointer, pl *plan, n int) {
	if pl.flat {
		size := pl.size * uintptr(n)
		copy(bytesAt(p, size), d.stretch(int(size)))
		return
	}
	for i := range n {
		d.value(unsafe.Add(p, uintptr(i)*pl.size), pl)
	}
}

func (d *decoder) value(p unsafe.Pointer, pl *plan) {
	switch {
	case pl.flat:
		copy(bytesAt(p, pl.size), d.stretch(int(pl.size)))
		return
	case pl.codec != nil:
		if n := d.uint(); n > 0 {
			short := d.stretch(int(n - 1))
			long := d.stretch(d.count())
			if err := pl.codec.decode(short, long, reflect.NewAt(pl.t, p).Interface()); err != nil {
				panic(refusal{err})
			}
		}
		return
	}
	switch pl.kind {
	case reflect.String:
		*(*string)(p) = d.text()
	case reflect.Pointer:
		if q, _ := d.reference(pl.t.Elem(), 1); q != nil {
			*(*unsafe.Pointer)(p) = q
		}
	case reflect.Slice:
		d.slice((*sliceHeader)(p), pl.t.Elem())
	case reflect.Map:
		if i := d.uint(); i > 0 {
			if i > uint64(len(d.maps)) || !d.maps[i-1].CanConvert(pl.t) {
				d.damaged()
			}
			*(*unsafe.Pointer)(p) = d.maps[i-1].UnsafePointer()
		}
	case reflect.Array:
		d.many(p, pl.elem(), pl.t.Len())
	case reflect.Func:
		if d.uint() == byName {
			*(*unsafe.Pointer)(p) = d.function(pl.t)
		}
	case reflect.Struct:
		if pl.t == syncMapType {
			d.syncMap(p)
			return
		}
		for i := range pl.fields {
			d.value(unsafe.Add(p, pl.fields[i].offset), pl.fields[i].plan)
		}
	case reflect.Interface:
		d.dynamic(reflect.NewAt(pl.t, p).Elem())
	}
}

func (d *decoder) slice(s *sliceHeader, t reflect.Type) {
	k := d.uint()
	if k == 0 {
		return
	}
	n := int(k - 1)
	if n < 0 {
		d.damaged()
	}
	if n == 0 || t.Size() == 0 {
		*s = sliceHeader{reflect.MakeSlice(reflect.SliceOf(t), n, n).UnsafePointer(), n, n}
		return
	}
	p, room := d.reference(t, n)
	if p == nil {
		d.damaged()
	}
	room = min(room, int(d.uint()))
	*s = sliceHeader{p, n, max(room, n)}
}

func (d *decoder) dynamic(v reflect.Value) {
	name := d.text()
	if name == "" {
		return
	}
	t := d.typ(name)
	c := reflect.New(t)
	d.value(c.UnsafePointer(), planOf(t))
	x := c.Elem()
	if s, ok := x.Interface().(sentinel); ok {
		known.RLock()
		e := known.values[string(s)]
		known.RUnlock()
		if e == nil {
			panic(refusal{errors.New(string(s) + " isn't known here")})
		}
		x = reflect.ValueOf(e)
	}
	if !x.Type().AssignableTo(v.Type()) { // a method has changed
		panic(refusal{fmt.Errorf("it holds a %s, which is no %s any more: %w", x.Type(), v.Type(), ErrChanged)})
	}
	v.Set(x)
}
