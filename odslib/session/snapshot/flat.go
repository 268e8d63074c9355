package snapshot

import (
	"reflect"
	"sync"
	"unsafe"
)

var flatTypes sync.Map

// flat: memory of type t holds no pointers and is written as it lies.
func flat(t reflect.Type) bool {
	if v, ok := flatTypes.Load(t); ok {
		return v.(bool)
	}
	r := isFlat(t)
	flatTypes.Store(t, r)
	return r
}

func isFlat(t reflect.Type) bool {
	if ownCodec(t) {
		return false
	}
	switch k := t.Kind(); {
	case k >= reflect.Bool && k <= reflect.Complex128:
		return true
	case k == reflect.Array:
		return flat(t.Elem())
	case k == reflect.Struct:
		if closed(t) {
			return false
		}
		for i := range t.NumField() {
			if !flat(t.Field(i).Type) {
				return false
			}
		}
		return true
	}
	return false
}

func bytesAt(p unsafe.Pointer, n uintptr) []byte { return unsafe.Slice((*byte)(p), n) }
