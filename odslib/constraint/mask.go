package constraint

import (
	"fmt"
	"math"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"

	"odslab/odslib"
	"odslab/odslib/engine"
)

// Mask observes some values of x and hides the others: inpainting.
type Mask struct {
	Keep []bool // one for each value of a flat sample
}

func (m Mask) index() []int {
	var index []int
	for i, k := range m.Keep {
		if k {
			index = append(index, i)
		}
	}
	return index
}

// Size implements Operator.
func (m Mask) Size(shape []int) (int, error) {
	if len(m.Keep) != count(shape) {
		return 0, fmt.Errorf("the mask has %d values, samples of shape %v have %d", len(m.Keep), shape, count(shape))
	}
	if len(m.Keep) > 1<<24 {
		return 0, fmt.Errorf("a mask takes samples of at most %d values, got %d", 1<<24, len(m.Keep)) // float32 holds their numbers
	}
	n := len(m.index())
	if n == 0 {
		return 0, fmt.Errorf("the mask keeps nothing")
	}
	return n, nil
}

// Params implements odslib.Parametrised: where each measured value is in x, and where each value of x is among the measured
// ones, or beyond them. Another mask that keeps as many values needs no other program.
func (m Mask) Params() odslib.Params {
	index := m.index()
	kept, place := make([]float64, len(index)), make([]float64, len(m.Keep))
	beyond := len(index)
	for i, k := range m.Keep {
		if !k {
			place[i] = float64(beyond)
			beyond++
		}
	}
	for k, i := range index {
		kept[k], place[i] = float64(i), float64(k)
	}
	return odslib.Params{{Name: "kept", Value: engine.FromVector(kept)}, {Name: "place", Value: engine.FromVector(place)}}
}

// Apply implements Operator. The gradient is a gather too, by the inverse order: as a scatter, which GoMLX would make of it,
// it is several times slower.
func (m Mask) Apply(scope *odslib.Scope, x *odslib.Node) *odslib.Node {
	x = flat(x)
	out := graph.StopGradient(gather(scope, "kept", x))
	back := graph.IdentityWithCustomGradient(x, func(_, v *odslib.Node) *odslib.Node { return gather(scope, "place", v) })
	through := graph.Slice(back, graph.AxisRange(), graph.AxisRange(0, out.Shape().Dimensions[1]))
	return graph.Add(out, graph.Sub(through, graph.StopGradient(through))) // 0, with that gradient
}

// Lift implements Inverted: what was hidden is 0.
func (m Mask) Lift(scope *odslib.Scope, shape []int, r *odslib.Node) *odslib.Node {
	hidden := graph.BroadcastToDims(graph.ScalarZero(r.Graph(), r.DType()), r.Shape().Dimensions[0], count(shape)-r.Shape().Dimensions[1])
	return shaped(gather(scope, "place", graph.Concatenate([]*odslib.Node{r, hidden}, 1)), shape)
}

// gather takes columns of x [B, n] in the order of a parameter.
func gather(scope *odslib.Scope, order string, x *odslib.Node) *odslib.Node {
	index := graph.ConvertDType(engine.Var(scope, x.Graph(), order), dtypes.Int32)
	return graph.Transpose(graph.Gather(graph.Transpose(x, 0, 1), graph.ExpandAxes(index, -1)), 0, 1)
}

// ApplyHost implements LinearOperator.
func (m Mask) ApplyHost(_ []int, x []float64) []float64 {
	var y []float64
	for _, i := range m.index() {
		y = append(y, x[i])
	}
	return y
}

// Hide returns samples with NaN where the mask keeps nothing: what was seen, for pictures.
func (m Mask) Hide(x odslib.Array) odslib.Array {
	out := x.Clone()
	for i := range out.Len() {
		for j := range out.Row(i) {
			if j >= len(m.Keep) || !m.Keep[j] {
				out.Row(i)[j] = float32(math.NaN())
			}
		}
	}
	return out
}

// LeftHalf keeps the left half of images of shape [h, w, c].
func LeftHalf(shape []int) Mask { return half(shape, func(_, j int) bool { return j < shape[1]/2 }) }

// RightHalf keeps the right half.
func RightHalf(shape []int) Mask { return half(shape, func(_, j int) bool { return j >= shape[1]/2 }) }

// UpperHalf keeps the upper half.
func UpperHalf(shape []int) Mask { return half(shape, func(i, _ int) bool { return i < shape[0]/2 }) }

// LowerHalf keeps the lower half.
func LowerHalf(shape []int) Mask { return half(shape, func(i, _ int) bool { return i >= shape[0]/2 }) }

func half(shape []int, keep func(i, j int) bool) Mask {
	if len(shape) < 2 {
		return Mask{}
	}
	channels := count(shape[2:])
	m := Mask{Keep: make([]bool, count(shape))}
	for k := range m.Keep {
		p := k / channels
		m.Keep[k] = keep(p/shape[1], p%shape[1])
	}
	return m
}
