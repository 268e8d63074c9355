package nn

import (
	"fmt"
	"slices"

	"github.com/gomlx/gomlx/core/graph"

	"odslab/odslib/engine"
)

// Flatten joins parallel lists of weights, or of their gradients, into one vector. An optimiser on one long vector
// compiles several times faster than on many small arrays, and takes the same steps.
func Flatten(nodes []*engine.Node) *engine.Node {
	flat := make([]*engine.Node, len(nodes))
	for i, n := range nodes {
		flat[i] = graph.Reshape(n, n.Shape().Size())
	}
	return graph.Concatenate(flat, 0)
}

// Unflatten takes the vector apart again into nodes of the shapes of params.
func Unflatten(flat *engine.Node, params engine.Params) []*engine.Node {
	out, at := make([]*engine.Node, len(params)), 0
	for i, p := range params {
		n := len(p.Value.Data)
		out[i] = graph.Reshape(graph.Slice(flat, graph.AxisRange(at, at+n)), p.Value.Shape...)
		at += n
	}
	return out
}

// Join is Flatten for values on the host.
func Join(params engine.Params) engine.Array {
	flat := engine.NewArray(params.Size())
	at := 0
	for _, p := range params {
		at += copy(flat.Data[at:], p.Value.Data)
	}
	return flat
}

// Divide is Unflatten for values on the host: names and shapes are those of params.
func Divide(flat engine.Array, params engine.Params) (engine.Params, error) {
	if len(flat.Data) != params.Size() {
		return nil, fmt.Errorf("nn: %d values for weights of %d", len(flat.Data), params.Size())
	}
	out, at := make(engine.Params, len(params)), 0
	for i, p := range params {
		n := len(p.Value.Data)
		out[i] = engine.Param{Name: p.Name, Value: engine.Array{Shape: slices.Clone(p.Value.Shape), Data: slices.Clone(flat.Data[at : at+n])}}
		at += n
	}
	return out, nil
}
