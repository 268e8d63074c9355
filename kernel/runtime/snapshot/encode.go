package snapshot

// Writing a group of variables is one thing, longer than most: what is numbered and written must agree, and the
// reader in decode.go follows it step by step.

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"sort"
	"unsafe"
)

// Encode writes the roots as one group.
func Encode(roots []Root) (Group, error) { return encode(roots, nil, Stamp{}) }

// encode writes the roots, whose memory is m where they have been walked already.
func encode(roots []Root, m *memory, old Stamp) (g Group, err error) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case refusal:
			err = r.error
		default: // a method of the user's, MarshalBinary or Error
			err = fmt.Errorf("it panicked while it was written: %v", r)
		}
	}()
	if m == nil {
		m = newMemory()
		for i, r := range roots {
			if err := m.addRoot(i, r.Ptr); err != nil {
				return Group{}, fmt.Errorf("%s: %w", r.Name, err)
			}
		}
	}
	inner := m.objects
	g.Pointed = make([]bool, len(roots))
	for i, r := range roots {
		v := reflect.ValueOf(r.Ptr)
		a, size := uintptr(v.UnsafePointer()), v.Type().Elem().Size()
		for _, o := range inner {
			if !o.self && o.addr < a+size && o.end() > a {
				g.Pointed[i] = true
			}
		}
	}
	for _, r := range roots {
		g.Names = append(g.Names, r.Name)
	}
	objs := m.merge()
	size := 1024
	for i := range objs {
		if !objs[i].far() {
			size += int(objs[i].size) + 32
		}
	}
	e := &encoder{memory: m, objs: objs, b: make([]byte, headAt, size)}
	e.all(roots)
	g.Image = newImage(e.b, e.far)
	g.Same = g.Image.Stamp() == old
	for n := range m.dyn {
		g.Types = append(g.Types, n)
	}
	sort.Strings(g.Types)
	g.Known = slices.Sorted(maps.Keys(m.names))
	if !g.Same {
		g.Sums = sums(roots, g.Image)
	}
	return g, nil
}

func (e *encoder) all(roots []Root) {
	e.uint(uint64(len(roots)))
	for _, r := range roots {
		t := reflect.TypeOf(r.Ptr).Elem()
		e.text(r.Name)
		e.text(TypeName(t))
		e.b = binary.LittleEndian.AppendUint64(e.b, Fingerprint(t))
	}
	layouts := slices.Sorted(maps.Keys(e.layouts))
	e.uint(uint64(len(layouts)))
	for _, n := range layouts {
		e.text(n)
		e.b = binary.LittleEndian.AppendUint64(e.b, e.layouts[n])
	}
	e.table(roots)
	for _, i := range e.order {
		if o := &e.objs[i]; !o.far() {
			e.many(o.p, planOf(o.typ), o.n)
		}
	}
	for _, p := range e.mapSeq {
		e.mapping(e.maps[p])
	}
}

type encoder struct {
	*memory
	b    []byte    // the head
	far  []stretch // what is written behind it
	objs []object  // by address

	order []int // of objs, as the walk came to them
	id    []int // the inverse
	mapID map[unsafe.Pointer]uint64
}

// put writes b as it lies; a long one is read when the image is written.
func (e *encoder) put(b []byte, coded bool) {
	if len(b) < farSize {
		e.b = append(e.b, b...)
		return
	}
	e.far = append(e.far, stretch{b, coded})
}

func (e *encoder) uint(x uint64) { e.b = binary.AppendUvarint(e.b, x) }

func (e *encoder) text(s string) {
	e.uint(uint64(len(s)))
	e.put(unsafe.Slice(unsafe.StringData(s), len(s)), false)
}

// table writes what to allocate: types, objects, maps; and where roots lie.
// Objects that are long stretches are the first behind the head, for the reader
// must know where they are before it sets the first pointer to one.
func (e *encoder) table(roots []Root) {
	var names []string
	ids := map[reflect.Type]uint64{}
	id := func(t reflect.Type) uint64 {
		i, ok := ids[t]
		if !ok {
			i = uint64(len(names))
			ids[t], names = i, append(names, TypeName(t))
		}
		return i
	}
	e.order, e.id = make([]int, len(e.objs)), make([]int, len(e.objs))
	for i := range e.order {
		e.order[i] = i
	}
	slices.SortFunc(e.order, func(a, b int) int { return e.objs[a].seq - e.objs[b].seq })
	for n, i := range e.order {
		e.id[i] = n
		id(e.objs[i].typ)
	}
	e.mapID = map[unsafe.Pointer]uint64{}
	for i, p := range e.mapSeq {
		id(e.maps[p].Type())
		e.mapID[p] = uint64(i)
	}
	e.uint(uint64(len(names)))
	for _, n := range names {
		e.text(n)
	}
	e.uint(uint64(len(e.objs)))
	for _, i := range e.order {
		e.uint(id(e.objs[i].typ))
		e.uint(uint64(e.objs[i].n))
		if o := &e.objs[i]; o.far() {
			e.put(bytesAt(o.p, o.size), false)
		}
	}
	e.uint(uint64(len(e.mapSeq)))
	for _, p := range e.mapSeq {
		e.uint(id(e.maps[p].Type()))
		e.uint(uint64(e.maps[p].Len()))
	}
	for _, r := range roots {
		v := reflect.ValueOf(r.Ptr)
		if v.Type().Elem().Size() == 0 {
			e.uint(nilPointer)
			continue
		}
		e.reference(v.UnsafePointer())
	}
}

// How a pointer begins: else it is a reference, the number of its object and firstObject.
const (
	nilPointer = iota
	byName
	firstObject
)

// reference writes a pointer as (object, offset).
func (e *encoder) reference(p unsafe.Pointer) *object {
	a := uintptr(p)
	i, ok := slices.BinarySearchFunc(e.objs, a, func(o object, a uintptr) int {
		switch {
		case o.end() <= a:
			return -1
		case o.addr > a:
			return 1
		}
		return 0
	})
	if !ok {
		panic(refusal{fmt.Errorf("memory changed while it was written")})
	}
	e.uint(uint64(e.id[i] + firstObject))
	e.uint(uint64(a - e.objs[i].addr))
	return &e.objs[i]
}

func (e *encoder) many(p unsafe.Pointer, pl *plan, n int) {
	if pl.flat {
		e.put(bytesAt(p, pl.size*uintptr(n)), false)
		return
	}
	for i := range n {
		e.value(unsafe.Add(p, uintptr(i)*pl.size), pl)
	}
}

func (e *encoder) value(p unsafe.Pointer, pl *plan) {
	switch {
	case pl.flat:
		e.put(bytesAt(p, pl.size), false)
		return
	case pl.codec != nil:
		e.coded(reflect.NewAt(pl.t, p), pl.codec)
		return
	}
	switch pl.kind {
	case reflect.String:
		e.text(*(*string)(p))
	case reflect.Pointer:
		switch q := *(*unsafe.Pointer)(p); {
		case q == nil:
			e.uint(nilPointer)
		case pl.t.Elem().Size() == 0:
			e.uint(firstObject)
		default:
			if name, ok := nameOf(q); ok {
				e.uint(byName)
				e.text(name)
				return
			}
			e.reference(q)
		}
	case reflect.Func:
		q := *(*unsafe.Pointer)(p)
		if q == nil {
			e.uint(nilPointer)
			return
		}
		name, _ := funcName(q)
		e.uint(byName)
		e.text(name)
	case reflect.Slice:
		e.slice((*sliceHeader)(p), pl.t.Elem().Size())
	case reflect.Map:
		q := *(*unsafe.Pointer)(p)
		if q == nil {
			e.uint(0)
			return
		}
		e.uint(e.mapID[q] + 1)
	case reflect.Array:
		e.many(p, pl.elem(), pl.t.Len())
	case reflect.Struct: // a closed one has no fields here, and is zero
		switch pl.t {
		case timeType:
			p = stripped(p)
		case syncMapType:
			e.uint(e.mapID[e.syncMap(p).UnsafePointer()])
			return
		}
		for i := range pl.fields {
			e.value(unsafe.Add(p, pl.fields[i].offset), pl.fields[i].plan)
		}
	case reflect.Interface:
		v := reflect.NewAt(pl.t, p).Elem()
		if v.IsNil() {
			e.uint(0)
			return
		}
		d := e.dynamic(v)
		e.text(TypeName(d.Type()))
		e.value(copyOf(d), planOf(d.Type()))
	}
}

// coded writes zero as 0, else how much the codec has returned, plus one, and that; then what is long.
func (e *encoder) coded(ptr reflect.Value, c *codec) {
	if ptr.Elem().IsZero() {
		e.uint(0)
		return
	}
	short, long, err := c.encode(ptr.Interface())
	if err != nil {
		panic(refusal{err})
	}
	if !c.fresh && len(short) >= farSize {
		short = bytes.Clone(short) // the next call may write over it
	}
	e.uint(uint64(len(short)) + 1)
	e.put(short, true)
	e.uint(uint64(len(long)))
	e.put(long, false)
}

// slice writes nil as 0, else length + 1, the array and how far it may grow.
func (e *encoder) slice(s *sliceHeader, size uintptr) {
	if s.p == nil {
		e.uint(0)
		return
	}
	e.uint(uint64(s.len) + 1)
	if s.len == 0 || size == 0 {
		return
	}
	o := e.reference(s.p)
	// What lies behind the memory that is written is not there when it is read.
	room := (o.end() - uintptr(s.p)) / size
	e.uint(min(uint64(s.cap), uint64(room)))
}

func (e *encoder) mapping(v reflect.Value) {
	kp, xp := planOf(v.Type().Key()), planOf(v.Type().Elem())
	for k, x := range entries(v) {
		e.value(k, kp)
		e.value(x, xp)
	}
}
