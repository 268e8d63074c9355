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
	dyn     map[string]bool                  // names of types inside interfaces
	layouts map[string]uint64                // and how those that are written are laid out
	names   map[string]bool                  // what is kept by name
	syncs   map[unsafe.Pointer]reflect.Value // the entries of each sync.Map, as a map
	root    int
	path    []string
}

type visit struct {
	p  unsafe.Pointer
	pl *plan
	n  int
}

// refusal is the panic by which a walk ends at what can't be kept.
type refusal struct{ error }

func newMemory() *memory {
	return &memory{
		maps: map[unsafe.Pointer]reflect.Value{}, mapRoot: map[unsafe.Pointer][]int{}, seen: map[visit]bool{}, dyn: map[string]bool{},
		layouts: map[string]uint64{}, names: map[string]bool{}, syncs: map[unsafe.Pointer]reflect.Value{},
	}
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
	pl := planOf(t)
	k := visit{p, pl, n}
	if self {
		k.n = -1 // apart from a pointer to the variable, which is noted too
	}
	if m.seen[k] {
		return
	}
	m.seen[k] = true
	m.objects = append(m.objects, object{p, uintptr(p), size, t, n, m.root, self, len(m.objects)})
	if pl.inert {
		return
	}
	if n == 1 {
		m.walk(p, pl)
		return
	}
	if pl.kind == reflect.Slice || pl.kind == reflect.Pointer {
		m.objects = slices.Grow(m.objects, n)
	}
	m.path = append(m.path, "[]")
	for i := range n {
		m.walk(unsafe.Add(p, uintptr(i)*pl.size), pl)
	}
	m.path = m.path[:len(m.path)-1]
}

func (m *memory) walk(p unsafe.Pointer, pl *plan) {
	if pl.inert {
		return
	}
	t := pl.t
	switch pl.kind {
	case reflect.Pointer:
		if q := *(*unsafe.Pointer)(p); q != nil {
			if name, ok := nameOf(q); ok {
				m.names[name] = true
				return
			}
			m.add(q, t.Elem(), 1, false)
		}
		return
	case reflect.Slice:
		if s := (*sliceHeader)(p); s.p != nil {
			m.add(s.p, t.Elem(), s.len, false)
		}
		return
	case reflect.Array:
		e := pl.elem()
		for i := range t.Len() {
			m.walk(unsafe.Add(p, uintptr(i)*e.size), e)
		}
		return
	case reflect.Struct:
		if t == syncMapType {
			m.mapping(m.syncMap(p))
			return
		}
		if pl.closed {
			break
		}
		for i := range pl.fields {
			f := &pl.fields[i]
			m.path = append(m.path, f.path)
			m.walk(unsafe.Add(p, f.offset), f.plan)
			m.path = m.path[:len(m.path)-1]
		}
		return
	}
	v := reflect.NewAt(t, p).Elem()
	switch pl.kind {
	case reflect.Map:
		if !v.IsNil() {
			m.mapping(v)
		}
	case reflect.Struct: // closed
		if !v.IsZero() {
			m.refuse("%s %s can't leave its process", article(t.String()), t)
		}
	case reflect.Interface:
		if v.IsNil() {
			return
		}
		d := m.dynamic(v)
		if pl := planOf(d.Type()); !pl.inert {
			m.walk(copyOf(d), pl)
		}
	case reflect.Func:
		if q := *(*unsafe.Pointer)(p); q != nil {
			name, ok := funcName(q)
			if !ok {
				m.refuse("a func can't leave its process")
			}
			m.names[name] = true
		}
	case reflect.Chan:
		if !v.IsNil() {
			m.refuse("a chan can't leave its process")
		}
	case reflect.UnsafePointer:
		if !v.IsNil() {
			m.refuse("an unsafe.Pointer can't leave its process")
		}
	}
}

// mapping walks a map's entries.
func (m *memory) mapping(v reflect.Value) {
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
	k, x := planOf(v.Type().Key()), planOf(v.Type().Elem())
	if k.inert && x.inert {
		return
	}
	m.path = append(m.path, "[…]")
	for kp, xp := range entries(v) {
		m.walk(kp, k)
		m.walk(xp, x)
	}
	m.path = m.path[:len(m.path)-1]
}

// dynamic is the value to write for what an interface holds.
func (m *memory) dynamic(v reflect.Value) reflect.Value {
	d := v.Elem()
	if s, ok := sentinelOf(d); ok {
		m.names[string(s)] = true
		return reflect.ValueOf(s)
	}
	switch d.Kind() {
	case reflect.Chan:
		m.refuse("a chan can't leave its process")
	case reflect.Func:
		if d.Type().PkgPath() == "" { // known by its own registration
			return d
		}
	}
	if !named(d.Type(), m.dyn) {
		m.refuse("the hidden type %s can't be kept in an interface", d.Type())
	}
	if n := TypeName(d.Type()); m.layouts[n] == 0 {
		m.layouts[n] = Fingerprint(d.Type())
	}
	return d
}

// copyOf is the address of a copy of v, which has none of its own.
func copyOf(v reflect.Value) unsafe.Pointer {
	c := reflect.New(v.Type())
	c.Elem().Set(v)
	return c.UnsafePointer()
}

// merge turns the ranges found into disjoint objects, in order of address.
func (m *memory) merge() []object {
	rank := func(o object) int {
		if o.self {
			return 1 << 20
		}
		return wraps(o.typ)
	}
	slices.SortFunc(m.objects, func(a, b object) int {
		if a.addr != b.addr {
			return cmp.Compare(a.addr, b.addr)
		}
		return cmp.Or(cmp.Compare(b.size, a.size), cmp.Compare(rank(b), rank(a)), cmp.Compare(a.seq, b.seq))
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

// article goes before a name.
func article(name string) string {
	if strings.ContainsAny(name[:1], "aeiou") {
		return "an"
	}
	return "a"
}
