package snapshot

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unsafe"
)

// Root is a variable: its name and a pointer to it.
type Root struct {
	Name string
	Ptr  any
}

// object is one stretch of memory: n values of type typ.
type object struct {
	p          unsafe.Pointer
	addr, size uintptr
	typ        reflect.Type
	n          int
	root       int  // index of the root that reached it
	self       bool // the root variable itself
	seq        int  // when the walk came to it, which does not depend on addresses
}

func (o *object) end() uintptr { return o.addr + o.size }

// far: the object is one long stretch.
func (o *object) far() bool { return o.size >= farSize && flat(o.typ) }

// memory is what a walk from the roots has found.
type memory struct {
	objects []object
	maps    map[unsafe.Pointer]reflect.Value
	mapSeq  []unsafe.Pointer // in the order found
	mapRoot map[unsafe.Pointer][]int
	seen    map[visit]bool
	dyn     map[string]bool
	root    int
	path    []string
}

type visit struct {
	p unsafe.Pointer
	t reflect.Type
	n int
}

// refusal is the panic by which a walk ends at what can't be kept.
type refusal struct{ error }

func newMemory() *memory {
	return &memory{maps: map[unsafe.Pointer]reflect.Value{}, mapRoot: map[unsafe.Pointer][]int{}, seen: map[visit]bool{}, dyn: map[string]bool{}}
}

func (m *memory) refuse(format string, args ...any) {
	where := strings.Join(m.path, "")
	if where != "" {
		where += ": "
	}
	panic(refusal{fmt.Errorf("%s%s", where, fmt.Sprintf(format, args...))})
}

// addRoot walks one variable; on an error nothing of it counts.
func (m *memory) addRoot(i int, ptr any) (err error) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case refusal:
			err = r.error
		default: // a method of the user's, MarshalBinary or Error
			err = fmt.Errorf("it panicked while it was written: %v", r)
		}
	}()
	v := reflect.ValueOf(ptr)
	m.root = i
	m.add(v.UnsafePointer(), v.Type().Elem(), 1, true)
	return nil
}

// add notes n values of type t at p and walks them.
func (m *memory) add(p unsafe.Pointer, t reflect.Type, n int, self bool) {
	size := t.Size() * uintptr(n)
	if size == 0 {
		return
	}
	k := visit{p, t, n}
	if self {
		k.n = -1 // apart from a pointer to the variable, which is noted too
	}
	if m.seen[k] {
		return
	}
	m.seen[k] = true
	m.objects = append(m.objects, object{p, uintptr(p), size, t, n, m.root, self, len(m.objects)})
	if flat(t) {
		return
	}
	if n == 1 {
		m.walk(p, t)
		return
	}
	m.path = append(m.path, "[]")
	for i := range n {
		m.walk(unsafe.Add(p, uintptr(i)*t.Size()), t)
	}
	m.path = m.path[:len(m.path)-1]
}

func (m *memory) walk(p unsafe.Pointer, t reflect.Type) {
	if flat(t) {
		return
	}
	if ownCodec(t) {
		return
	}
	v := reflect.NewAt(t, p).Elem()
	switch t.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			m.add(v.UnsafePointer(), t.Elem(), 1, false)
		}
	case reflect.Slice:
		if !v.IsNil() {
			m.add(v.UnsafePointer(), t.Elem(), v.Len(), false)
		}
	case reflect.Map:
		if v.IsNil() {
			return
		}
		q := v.UnsafePointer()
		if _, ok := m.maps[q]; ok {
			if r := m.mapRoot[q]; r[len(r)-1] != m.root {
				m.mapRoot[q] = append(r, m.root)
			}
			return
		}
		m.maps[q] = v
		m.mapSeq = append(m.mapSeq, q)
		m.mapRoot[q] = append(m.mapRoot[q], m.root)
		if flat(t.Key()) && flat(t.Elem()) || t.Key().Kind() == reflect.String && flat(t.Elem()) {
			return
		}
		m.path = append(m.path, "[…]")
		for k, x := range entries(v) {
			m.temp(k, t.Key())
			m.temp(x, t.Elem())
		}
		m.path = m.path[:len(m.path)-1]
	case reflect.Array:
		for i := range t.Len() {
			m.walk(unsafe.Add(p, uintptr(i)*t.Elem().Size()), t.Elem())
		}
	case reflect.Struct:
		if closed(t) {
			if !v.IsZero() {
				if t.PkgPath() == "sync" {
					m.refuse("a %s in use can't be kept", t)
				}
				m.refuse("%s has hidden fields and no MarshalBinary", t)
			}
			return
		}
		for i := range t.NumField() {
			f := t.Field(i)
			m.path = append(m.path, "."+f.Name)
			m.walk(unsafe.Add(p, f.Offset), f.Type)
			m.path = m.path[:len(m.path)-1]
		}
	case reflect.Interface:
		if v.IsNil() {
			return
		}
		d := m.dynamic(v)
		m.temp(d, d.Type())
	case reflect.Func, reflect.Chan:
		if !v.IsNil() {
			m.refuse("a %s can't leave its process", t.Kind())
		}
	case reflect.UnsafePointer:
		if !v.IsNil() {
			m.refuse("an unsafe.Pointer can't leave its process")
		}
	}
}

// dynamic is the value to write for what an interface holds.
func (m *memory) dynamic(v reflect.Value) reflect.Value {
	d := v.Elem()
	if e, ok := d.Interface().(error); ok {
		if s, ok := sentinelOf(e); ok {
			return reflect.ValueOf(s)
		}
		names := map[string]bool{}
		if !named(d.Type(), names) || m.refuses(d) {
			return reflect.ValueOf(TextError(e.Error()))
		}
	}
	if k := d.Kind(); k == reflect.Func || k == reflect.Chan {
		m.refuse("a %s can't leave its process", k)
	}
	if !named(d.Type(), m.dyn) {
		m.refuse("the hidden type %s can't be kept in an interface", d.Type())
	}
	return d
}

// refuses tries a walk of an error's own fields, on the side.
func (m *memory) refuses(d reflect.Value) bool {
	side := newMemory()
	c := reflect.New(d.Type())
	c.Elem().Set(d)
	return side.addRoot(0, c.Interface()) != nil
}

// temp walks a value that has no address of its own.
func (m *memory) temp(v reflect.Value, t reflect.Type) {
	if flat(t) || t.Kind() == reflect.String {
		return
	}
	c := reflect.New(t)
	c.Elem().Set(v)
	m.walk(c.UnsafePointer(), t)
}

// merge turns the ranges found into disjoint objects, in order of address.
func (m *memory) merge() []object {
	rank := func(o object) int {
		if o.self {
			return 1 << 20
		}
		return wraps(o.typ)
	}
	slices.SortStableFunc(m.objects, func(a, b object) int {
		return cmp.Or(cmp.Compare(a.addr, b.addr), cmp.Compare(b.size, a.size), cmp.Compare(rank(b), rank(a)))
	})
	var out []object
	for _, o := range m.objects {
		if len(out) == 0 || o.addr >= out[len(out)-1].end() {
			out = append(out, o)
			continue
		}
		last := &out[len(out)-1]
		last.seq = min(last.seq, o.seq)
		if o.end() <= last.end() {
			continue
		}
		if o.typ != last.typ || last.self || (o.addr-last.addr)%o.typ.Size() != 0 {
			m.refuse("memory of %s and %s overlaps", last.typ, o.typ)
		}
		last.size = o.end() - last.addr // two slices of one array
		last.n = int(last.size / last.typ.Size())
	}
	return out
}

// wraps counts how deep a type nests at its first byte: of two types at one
// address and of one size, the outer one describes the memory.
func wraps(t reflect.Type) int {
	switch {
	case t.Kind() == reflect.Struct && t.NumField() > 0:
		return 1 + wraps(t.Field(0).Type)
	case t.Kind() == reflect.Array && t.Len() > 0:
		return 1 + wraps(t.Elem())
	}
	return 0
}
