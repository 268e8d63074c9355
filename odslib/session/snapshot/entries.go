package snapshot

import (
	"bytes"
	"cmp"
	"iter"
	"reflect"
	"slices"
)

// sortedMap bounds the maps that are written in order: to sort larger ones
// costs more than to write them again.
const sortedMap = 1 << 17

// entries yields a map in the order of its keys, so that equal maps are
// written alike. Very large maps, and keys that may hold a pointer or NaN, come
// as they come.
func entries(v reflect.Value) iter.Seq2[reflect.Value, reflect.Value] {
	t := v.Type().Key()
	sorted := t.Kind() == reflect.String || exact(t)
	return func(yield func(k, x reflect.Value) bool) {
		if !sorted || v.Len() > sortedMap {
			for it := v.MapRange(); it.Next() && yield(it.Key(), it.Value()); {
			}
			return
		}
		keys := v.MapKeys()
		slices.SortFunc(keys, compareKeys)
		for _, k := range keys {
			if !yield(k, v.MapIndex(k)) {
				return
			}
		}
	}
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

func compareKeys(a, b reflect.Value) int {
	switch {
	case a.Kind() == reflect.String:
		return cmp.Compare(a.String(), b.String())
	case a.CanInt():
		return cmp.Compare(a.Int(), b.Int())
	case a.CanUint():
		return cmp.Compare(a.Uint(), b.Uint())
	}
	return bytes.Compare(flatBytes(a), flatBytes(b))
}

func flatBytes(v reflect.Value) []byte {
	c := reflect.New(v.Type())
	c.Elem().Set(v)
	return bytesAt(c.UnsafePointer(), v.Type().Size())
}
