package engine

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gomlx/gomlx/core/tensors"
)

// Param is a named array: a weight matrix, an observation, the means of a mixture. Names are paths ("dense_0/weights").
type Param struct {
	Name  string
	Value Array
}

// Params is an ordered list of named arrays. The order is part of the value: checkpoints, moving averages and donated
// state all follow it.
type Params []Param

// Get returns the array of that name.
func (p Params) Get(name string) (Array, bool) {
	for _, q := range p {
		if q.Name == name {
			return q.Value, true
		}
	}
	return Array{}, false
}

// Under returns the parameters with every name put under the prefix, as Scope.In does for the reader.
func (p Params) Under(prefix string) Params {
	out := make(Params, len(p))
	for i, q := range p {
		out[i] = Param{Name: prefix + "/" + q.Name, Value: q.Value}
	}
	return out
}

// Sub returns the parameters under the prefix, with the prefix taken off.
func (p Params) Sub(prefix string) Params {
	var out Params
	for _, q := range p {
		if name, ok := strings.CutPrefix(q.Name, prefix+"/"); ok {
			out = append(out, Param{Name: name, Value: q.Value})
		}
	}
	return out
}

// Clone returns a deep copy.
func (p Params) Clone() Params {
	out := slices.Clone(p)
	for i := range out {
		out[i].Value = out[i].Value.Clone()
	}
	return out
}

// Size is the number of values in all parameters together.
func (p Params) Size() int {
	n := 0
	for _, q := range p {
		n += len(q.Value.Data)
	}
	return n
}

// Names lists the names in order.
func (p Params) Names() []string {
	names := make([]string, len(p))
	for i, q := range p {
		names[i] = q.Name
	}
	return names
}

// Values lists the arrays in order.
func (p Params) Values() []Array {
	out := make([]Array, len(p))
	for i, q := range p {
		out[i] = q.Value
	}
	return out
}

// Tensors copies the parameters into tensors, in order, for a state that changes them; what programs only read comes from
// [Engine.Tensors].
func (p Params) Tensors() []*tensors.Tensor {
	out := make([]*tensors.Tensor, len(p))
	for i, q := range p {
		out[i] = q.Value.Tensor()
	}
	return out
}

// WithTensors returns the same names with the values of the tensors.
func (p Params) WithTensors(ts []*tensors.Tensor) (Params, error) {
	if len(ts) != len(p) {
		return nil, fmt.Errorf("engine: %d tensors for %d parameters", len(ts), len(p))
	}
	out := make(Params, len(p))
	for i, t := range ts {
		a, err := ToArray(t)
		if err != nil {
			return nil, fmt.Errorf("parameter %s: %w", p[i].Name, err)
		}
		if !slices.Equal(a.Shape, p[i].Value.Shape) {
			return nil, fmt.Errorf("engine: parameter %s has shape %v, got %v", p[i].Name, p[i].Value.Shape, a.Shape)
		}
		out[i] = Param{Name: p[i].Name, Value: a}
	}
	return out, nil
}

// String lists names and shapes.
func (p Params) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d parameters, %d values", len(p), p.Size())
	for _, q := range p {
		fmt.Fprintf(&b, "\n  %s %v", q.Name, q.Value.Shape)
	}
	return b.String()
}
