package snapshot

import (
	"reflect"
	"sync"
	"unsafe"
)

// plan is what there is to know of a type to walk, write and read its values, found out once: to ask reflect for each
// value costs more than the value.
type plan struct {
	t      reflect.Type
	kind   reflect.Kind
	size   uintptr
	flat   bool // holds no pointers and is written as it lies
	inert  bool // leads to no memory that others may share, nor to what is refused
	closed bool
	codec  *codec
	fields []fieldPlan
}

type fieldPlan struct {
	*plan
	offset uintptr
	path   string
}

var plans sync.Map // reflect.Type → *plan

func planOf(t reflect.Type) *plan {
	if v, ok := plans.Load(t); ok {
		return v.(*plan)
	}
	p := &plan{t: t, kind: t.Kind(), size: t.Size(), codec: codecOf(t), closed: closed(t)}
	switch {
	case p.codec != nil:
		p.inert = true
	case p.closed:
	case p.kind >= reflect.Bool && p.kind <= reflect.Complex128:
		p.flat, p.inert = true, true
	case p.kind == reflect.String:
		p.inert = true
	case p.kind == reflect.Array:
		e := planOf(t.Elem())
		p.flat, p.inert = e.flat, e.inert
	case p.kind == reflect.Struct:
		p.flat, p.inert = true, true
		for i := range t.NumField() {
			f := t.Field(i)
			q := planOf(f.Type)
			p.flat, p.inert = p.flat && q.flat, p.inert && q.inert
			p.fields = append(p.fields, fieldPlan{q, f.Offset, "." + f.Name})
		}
	}
	plans.Store(t, p)
	return p
}

// elem is the plan of what a pointer, slice or array holds.
func (p *plan) elem() *plan { return planOf(p.t.Elem()) }

func flat(t reflect.Type) bool { return planOf(t).flat }

func bytesAt(p unsafe.Pointer, n uintptr) []byte { return unsafe.Slice((*byte)(p), n) }

// sliceHeader is how the compiler lays out every slice.
type sliceHeader struct {
	p        unsafe.Pointer
	len, cap int
}
