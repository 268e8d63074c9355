package snapshot

import (
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"reflect"
	"strconv"
	"strings"
	"sync"
)

var (
	typesMu    sync.RWMutex
	registered = map[string]reflect.Type{}
	fixedNames = map[string]reflect.Type{}
)

// Register makes T known as a dynamic type of interface values.
func Register[T any]() {
	t := reflect.TypeFor[T]()
	typesMu.Lock()
	registered[TypeName(t)] = t
	typesMu.Unlock()
}

// RegisterTypeOf makes the dynamic type of a value known, which may be hidden:
// a *T with its T.
func RegisterTypeOf(x any) {
	t := reflect.TypeOf(x)
	typesMu.Lock()
	defer typesMu.Unlock()
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	registered[TypeName(t)] = t
	fixedNames[TypeName(t)] = t // no program need write it
}

func init() {
	for _, t := range []reflect.Type{
		reflect.TypeFor[bool](), reflect.TypeFor[string](), reflect.TypeFor[any](), reflect.TypeFor[error](),
		reflect.TypeFor[int](), reflect.TypeFor[int8](), reflect.TypeFor[int16](), reflect.TypeFor[int32](), reflect.TypeFor[int64](),
		reflect.TypeFor[uint](), reflect.TypeFor[uint8](), reflect.TypeFor[uint16](), reflect.TypeFor[uint32](), reflect.TypeFor[uint64](), reflect.TypeFor[uintptr](),
		reflect.TypeFor[float32](), reflect.TypeFor[float64](), reflect.TypeFor[complex64](), reflect.TypeFor[complex128](),
	} {
		fixedNames[TypeName(t)] = t
	}
	Register[sentinel]()
	for _, x := range []any{errors.New(""), errors.Join(io.EOF), fmt.Errorf("%w", io.EOF), fmt.Errorf("%w %w", io.EOF, io.EOF)} { // errors of hidden types
		RegisterTypeOf(x)
	}
}

// TypeName is the full name of a type: import paths instead of package names,
// so that two packages of one name stay apart.
func TypeName(t reflect.Type) string {
	if t.PkgPath() != "" {
		return t.PkgPath() + "." + t.Name()
	}
	switch t.Kind() {
	case reflect.Pointer:
		return "*" + TypeName(t.Elem())
	case reflect.Slice:
		return "[]" + TypeName(t.Elem())
	case reflect.Array:
		return "[" + strconv.Itoa(t.Len()) + "]" + TypeName(t.Elem())
	case reflect.Map:
		return "map[" + TypeName(t.Key()) + "]" + TypeName(t.Elem())
	case reflect.Struct:
		var b strings.Builder
		b.WriteString("struct{")
		for i := range t.NumField() {
			f := t.Field(i)
			b.WriteString(f.PkgPath + " " + f.Name + " " + TypeName(f.Type) + ";")
		}
		return b.String() + "}"
	case reflect.Interface:
		if t.NumMethod() == 0 {
			return "any"
		}
	}
	return t.String()
}

// dynamic finds the type of a full name among the registered ones and what
// can be composed of them.
func dynamic(name string) (reflect.Type, error) {
	t, rest, err := parseType(name)
	if err == nil && rest != "" {
		err = fmt.Errorf("bad type name %q", name)
	}
	return t, err
}

func parseType(s string) (t reflect.Type, rest string, err error) {
	switch {
	case strings.HasPrefix(s, "*"):
		if t, rest, err = parseType(s[1:]); err == nil {
			t = reflect.PointerTo(t)
		}
		return
	case strings.HasPrefix(s, "[]"):
		if t, rest, err = parseType(s[2:]); err == nil {
			t = reflect.SliceOf(t)
		}
		return
	case strings.HasPrefix(s, "["):
		i := strings.IndexByte(s, ']')
		if i < 0 {
			return nil, "", fmt.Errorf("bad type name %q", s)
		}
		n, err := strconv.Atoi(s[1:i])
		if err != nil || n < 0 {
			return nil, "", fmt.Errorf("bad type name %q", s)
		}
		if t, rest, err = parseType(s[i+1:]); err == nil {
			t = reflect.ArrayOf(n, t)
		}
		return t, rest, err
	case strings.HasPrefix(s, "map["):
		k, rest, err := parseType(s[4:])
		if err != nil {
			return nil, "", err
		}
		if !strings.HasPrefix(rest, "]") || !k.Comparable() {
			return nil, "", fmt.Errorf("bad type name %q", s)
		}
		if t, rest, err = parseType(rest[1:]); err == nil {
			t = reflect.MapOf(k, t)
		}
		return t, rest, err
	}
	depth, end := 0, len(s)
scan:
	for i := range len(s) {
		switch s[i] {
		case '[':
			depth++
		case ']':
			if depth--; depth < 0 {
				end = i
				break scan
			}
		}
	}
	typesMu.RLock()
	t, ok := fixedNames[s[:end]]
	if !ok {
		t, ok = registered[s[:end]]
	}
	typesMu.RUnlock()
	if !ok {
		return nil, "", fmt.Errorf("the type %s isn't known here", s[:end])
	}
	return t, s[end:], nil
}

// named lists the named types that a dynamic type is composed of; ok is false
// where a program could not write the type down.
func named(t reflect.Type, into map[string]bool) (ok bool) {
	typesMu.RLock()
	_, fixed := fixedNames[TypeName(t)]
	typesMu.RUnlock()
	if fixed {
		return true
	}
	if t.PkgPath() != "" {
		n := TypeName(t)
		typesMu.RLock()
		_, known := registered[n]
		typesMu.RUnlock()
		if !known {
			p := t.PkgPath()
			if p == "main" || t.Name() == "" || t.Name()[0] < 'A' || t.Name()[0] > 'Z' || strings.Contains("/"+p+"/", "/internal/") {
				return false
			}
		}
		into[n] = true
		return true
	}
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array:
		return named(t.Elem(), into)
	case reflect.Map:
		return named(t.Key(), into) && named(t.Elem(), into)
	}
	return false
}

// Fingerprint of a type's layout: equal for two declarations of which one can
// stand for the other.
func Fingerprint(t reflect.Type) uint64 {
	h := fnv.New64a()
	seen := map[reflect.Type]bool{}
	var walk func(reflect.Type)
	walk = func(t reflect.Type) {
		h.Write([]byte(TypeName(t)))
		h.Write([]byte{0, byte(t.Kind())})
		if seen[t] {
			return
		}
		seen[t] = true
		if codecOf(t) != nil {
			return
		}
		switch t.Kind() {
		case reflect.Struct:
			for i := range t.NumField() {
				h.Write([]byte(t.Field(i).Name + ";"))
				walk(t.Field(i).Type)
			}
		case reflect.Map:
			walk(t.Key())
			walk(t.Elem())
		case reflect.Pointer, reflect.Slice, reflect.Array:
			walk(t.Elem())
		}
	}
	walk(t)
	return h.Sum64()
}

// reachable adds every type that memory of type t may hold to the map.
func reachable(t reflect.Type, into map[string]reflect.Type) {
	n := TypeName(t)
	if _, ok := into[n]; ok {
		return
	}
	into[n] = t
	switch t.Kind() {
	case reflect.Struct:
		for i := range t.NumField() {
			reachable(t.Field(i).Type, into)
		}
	case reflect.Map:
		reachable(t.Key(), into)
		reachable(t.Elem(), into)
	case reflect.Pointer, reflect.Slice, reflect.Array:
		reachable(t.Elem(), into)
	}
}
