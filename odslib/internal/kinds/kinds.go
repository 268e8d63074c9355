// Package kinds writes values of an interface type as JSON with the name of their type, {"kind":"MLP","settings":{…}},
// and reads them back.
//
//	nets := kinds.New[Net]("nn", "network", MLP{}, UNet{})
//	data, err := nets.Encode(MLP{Hidden: 64})
//	net, err := nets.Decode(data)
package kinds

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
)

// Registry knows the types that may be read. The types are structs whose settings are their exported fields.
type Registry[T any] struct {
	pkg, what string
	mu        sync.Mutex
	types     map[string]reflect.Type
}

// New makes a registry; pkg begins its errors and what names its values there.
func New[T any](pkg, what string, values ...T) *Registry[T] {
	r := &Registry[T]{pkg: pkg, what: what, types: map[string]reflect.Type{}}
	for _, v := range values {
		r.Add(v)
	}
	return r
}

// Add makes a type known by its name.
func (r *Registry[T]) Add(v T) {
	t := reflect.TypeOf(v)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.types[t.Name()] = t
}

type kind struct {
	Kind     string          `json:"kind"`
	Settings json.RawMessage `json:"settings"`
}

// Encode writes v.
func (r *Registry[T]) Encode(v T) (json.RawMessage, error) {
	settings, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("%s: settings of %T: %w", r.pkg, v, err)
	}
	return json.Marshal(kind{Kind: reflect.TypeOf(v).Name(), Settings: settings})
}

// Decode reads what Encode wrote. Unknown settings are refused: they would be lost without a word.
func (r *Registry[T]) Decode(data []byte) (v T, err error) {
	var k kind
	if err := json.Unmarshal(data, &k); err != nil {
		return v, fmt.Errorf("%s: not the settings of a %s: %w", r.pkg, r.what, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	t, ok := r.types[k.Kind]
	if !ok {
		var names []string
		for n := range r.types {
			names = append(names, n)
		}
		slices.Sort(names)
		return v, fmt.Errorf("%s: no %s of kind %q; there are %s, and Register adds one", r.pkg, r.what, k.Kind, strings.Join(names, ", "))
	}
	p := reflect.New(t)
	if len(k.Settings) > 0 {
		dec := json.NewDecoder(bytes.NewReader(k.Settings))
		dec.DisallowUnknownFields()
		if err := dec.Decode(p.Interface()); err != nil {
			return v, fmt.Errorf("%s: settings of %s: %w", r.pkg, k.Kind, err)
		}
	}
	return p.Elem().Interface().(T), nil
}
