package snapshot

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"iter"
	"reflect"
	"slices"
	"unsafe"
)

// sortedMap bounds the maps that are written in order: to sort larger ones
// costs more than to write them again.
const sortedMap = 1 << 17

// entries yields copies of a map's keys and values in the order of the keys, so
// that equal maps are written alike. Very large maps, and keys that may hold a
// pointer or NaN, come as they come. Each copy has an address of its own, which
// the encoder may point to until the end.
func entries(v reflect.Value) iter.Seq2[unsafe.Pointer, unsafe.Pointer] {
	t := v.Type()
	n := v.Len()
	keys, values := reflect.MakeSlice(reflect.SliceOf(t.Key()), n, n), reflect.MakeSlice(reflect.SliceOf(t.Elem()), n, n)
	i := 0
	for it := v.MapRange(); i < n && it.Next(); i++ {
		keys.Index(i).SetIterKey(it)
		values.Index(i).SetIterValue(it)
	}
	k, x := keys.UnsafePointer(), values.UnsafePointer()
	return func(yield func(k, x unsafe.Pointer) bool) {
		for i := range inOrder(k, t.Key(), i) {
			if !yield(unsafe.Add(k, uintptr(i)*t.Key().Size()), unsafe.Add(x, uintptr(i)*t.Elem().Size())) {
				return
			}
		}
	}
}

// inOrder is the order of n keys; which one is no matter as long as it is always the same.
func inOrder(keys unsafe.Pointer, t reflect.Type, n int) iter.Seq[int] {
	text := t.Kind() == reflect.String
	if t.Kind() == reflect.Interface && n <= sortedMap {
		return byText(keys, t, n)
	}
	if n > sortedMap || !text && !exact(t) {
		return func(yield func(int) bool) {
			for i := 0; i < n && yield(i); i++ {
			}
		}
	}
	at := func(i int) []byte {
		p := unsafe.Add(keys, uintptr(i)*t.Size())
		if text {
			s := *(*string)(p)
			return unsafe.Slice(unsafe.StringData(s), len(s))
		}
		return bytesAt(p, t.Size())
	}
	type key struct {
		first uint64 // its first bytes, which mostly decide
		i     int
	}
	order := make([]key, n)
	for i := range order {
		var first [8]byte
		copy(first[:], at(i))
		order[i] = key{binary.BigEndian.Uint64(first[:]), i}
	}
	slices.SortFunc(order, func(a, b key) int {
		if a.first != b.first {
			return cmp.Compare(a.first, b.first)
		}
		return bytes.Compare(at(a.i), at(b.i))
	})
	return func(yield func(int) bool) {
		for _, k := range order {
			if !yield(k.i) {
				return
			}
		}
	}
}

// byText orders keys that are interfaces by what they say.
func byText(keys unsafe.Pointer, t reflect.Type, n int) iter.Seq[int] {
	texts, order := make([]string, n), make([]int, n)
	for i := range n {
		k := reflect.NewAt(t, unsafe.Add(keys, uintptr(i)*t.Size())).Elem()
		if k = k.Elem(); k.IsValid() && k.Kind() != reflect.Pointer && k.Kind() != reflect.Struct {
			texts[i] = fmt.Sprintf("%s %v", TypeName(k.Type()), k)
		}
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(texts[a], texts[b]) })
	return slices.Values(order)
}

// exact: values of t are equal where their bytes are.
func exact(t reflect.Type) bool {
	switch k := t.Kind(); {
	case k >= reflect.Bool && k <= reflect.Uintptr:
		return true
	case k == reflect.Array:
		return exact(t.Elem())
	case k == reflect.Struct && flat(t):
		for i := range t.NumField() {
			if !exact(t.Field(i).Type) {
				return false
			}
		}
		return true
	}
	return false
}
