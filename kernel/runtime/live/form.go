package live

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unsafe"
)

// How much of a large value is shown.
const (
	formItems = 20   // of a slice or map, at the top; deeper ones show half
	formText  = 2000 // bytes of a string
	formDepth = 6
)

// Form is a value in readable Go: like the literal that would make it, large
// slices cut short, cycles marked.
func Form(v any) string {
	if v == nil {
		return "nil"
	}
	r := reflect.New(reflect.TypeOf(v)).Elem()
	r.Set(reflect.ValueOf(v))
	f := former{}
	f.value(r, 0, true)
	return f.b.String()
}

type former struct {
	b    strings.Builder
	open []unsafe.Pointer
}

// typeName is the type as the notebook writes it.
func typeName(t reflect.Type) string { return strings.ReplaceAll(t.String(), "main.", "") }

// value writes v. typed says that the type can't be told from around it.
func (f *former) value(v reflect.Value, depth int, typed bool) {
	t := v.Type()
	if depth > 0 && v.CanAddr() && t.Kind() != reflect.Interface && f.named(v) {
		return
	}
	if depth > formDepth {
		f.b.WriteString("…")
		return
	}
	switch t.Kind() {
	case reflect.String:
		s := v.String()
		if len(s) > formText {
			fmt.Fprintf(&f.b, "%s… (%d bytes)", strconv.Quote(strings.ToValidUTF8(s[:formText], "")), len(s))
			return
		}
		f.b.WriteString(strconv.Quote(s))
	case reflect.Interface:
		if v.IsNil() {
			f.b.WriteString("nil")
			return
		}
		c := reflect.New(v.Elem().Type()).Elem()
		c.Set(f.readable(v).Elem())
		f.value(c, depth, true)
	case reflect.Pointer:
		f.pointer(v, depth)
	case reflect.Slice, reflect.Array:
		f.list(v, depth, typed)
	case reflect.Map:
		f.mapping(v, depth, typed)
	case reflect.Struct:
		f.structure(v, depth, typed)
	case reflect.Func, reflect.Chan:
		if v.IsNil() {
			f.b.WriteString("nil")
			return
		}
		f.b.WriteString(typeName(t))
	case reflect.Float32:
		f.b.WriteString(strconv.FormatFloat(v.Float(), 'g', -1, 32))
	case reflect.UnsafePointer, reflect.Uintptr:
		fmt.Fprintf(&f.b, "%#x", v)
	default:
		fmt.Fprintf(&f.b, "%v", v)
	}
}

// readable lifts the ban on hidden fields.
func (f *former) readable(v reflect.Value) reflect.Value {
	if v.CanInterface() || !v.CanAddr() {
		return v
	}
	return reflect.NewAt(v.Type(), v.Addr().UnsafePointer()).Elem()
}

// named writes an inner value that knows its own text form.
func (f *former) named(v reflect.Value) bool {
	v = f.readable(v)
	if !v.CanInterface() || v.Kind() == reflect.Pointer {
		return false
	}
	switch x := v.Interface().(type) {
	case time.Time:
		f.b.WriteString(x.Format(time.RFC3339Nano))
	case time.Duration:
		f.b.WriteString(x.String())
	case error:
		f.b.WriteString(strconv.Quote(x.Error()))
	default:
		return false
	}
	return true
}

func (f *former) enter(p unsafe.Pointer) bool {
	if slices.Contains(f.open, p) {
		return false
	}
	f.open = append(f.open, p)
	return true
}

func (f *former) leave() { f.open = f.open[:len(f.open)-1] }

func (f *former) pointer(v reflect.Value, depth int) {
	switch {
	case v.IsNil():
		f.b.WriteString("nil")
	case !f.enter(v.UnsafePointer()):
		f.b.WriteString("&" + typeName(v.Type().Elem()) + "{…}")
	default:
		f.b.WriteString("&")
		f.value(reflect.NewAt(v.Type().Elem(), v.UnsafePointer()).Elem(), depth, true)
		f.leave()
	}
}

func (f *former) list(v reflect.Value, depth int, typed bool) {
	t := v.Type()
	if t.Kind() == reflect.Slice && v.IsNil() {
		f.b.WriteString(typeName(t) + "(nil)")
		return
	}
	if typed {
		f.b.WriteString(typeName(t))
	}
	if t.Kind() == reflect.Slice && v.Len() > 0 {
		if !f.enter(v.UnsafePointer()) {
			f.b.WriteString("{…}")
			return
		}
		defer f.leave()
	}
	n, limit := v.Len(), formItems
	if depth > 0 {
		limit /= 2
	}
	f.b.WriteString("{")
	for i := range n {
		if i > 0 {
			f.b.WriteString(", ")
		}
		if n > limit && i == limit-3 {
			fmt.Fprintf(&f.b, "… %d more …", n-limit)
			for j := n - 3; j < n; j++ {
				f.b.WriteString(", ")
				f.value(v.Index(j), depth+1, false)
			}
			break
		}
		f.value(v.Index(i), depth+1, false)
	}
	f.b.WriteString("}")
}

func (f *former) mapping(v reflect.Value, depth int, typed bool) {
	t := v.Type()
	if v.IsNil() {
		f.b.WriteString(typeName(t) + "(nil)")
		return
	}
	if typed {
		f.b.WriteString(typeName(t))
	}
	if !f.enter(v.UnsafePointer()) {
		f.b.WriteString("{…}")
		return
	}
	defer f.leave()
	v = f.readable(v)
	type entry struct {
		key string
		val reflect.Value
		num float64
	}
	var list []entry
	for it := v.MapRange(); it.Next(); {
		k, x := reflect.New(t.Key()).Elem(), reflect.New(t.Elem()).Elem()
		k.Set(it.Key())
		x.Set(it.Value())
		g := former{}
		g.value(k, depth+1, false)
		e := entry{g.b.String(), x, 0}
		switch {
		case k.CanInt():
			e.num = float64(k.Int())
		case k.CanUint():
			e.num = float64(k.Uint())
		case k.CanFloat():
			e.num = k.Float()
		}
		list = append(list, e)
	}
	slices.SortFunc(list, func(a, b entry) int {
		if a.num != b.num {
			if a.num < b.num {
				return -1
			}
			return 1
		}
		return strings.Compare(a.key, b.key)
	})
	f.b.WriteString("{")
	for i, e := range list {
		if i > 0 {
			f.b.WriteString(", ")
		}
		if i == formItems {
			fmt.Fprintf(&f.b, "… %d more", len(list)-i)
			break
		}
		f.b.WriteString(e.key + ": ")
		f.value(e.val, depth+1, false)
	}
	f.b.WriteString("}")
}

func (f *former) structure(v reflect.Value, depth int, typed bool) {
	t := v.Type()
	if typed {
		f.b.WriteString(typeName(t))
	}
	f.b.WriteString("{")
	for i := range t.NumField() {
		if i > 0 {
			f.b.WriteString(", ")
		}
		f.b.WriteString(t.Field(i).Name + ": ")
		f.value(v.Field(i), depth+1, true)
	}
	f.b.WriteString("}")
}
