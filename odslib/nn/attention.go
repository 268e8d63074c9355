package nn

import (
	"math"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"

	"odslab/odslib/engine"
)

// LayerNorm normalises the last axis of x to mean 0 and variance 1, then scales and shifts each of its values (Ba et al. 2016).
func LayerNorm(scope *engine.Scope, name string, x *engine.Node) *engine.Node {
	const epsilon = 1e-5
	s, g := scope.In("%s", name), x.Graph()
	c := x.Shape().Dimensions[x.Rank()-1]
	mean := func(v *engine.Node) *engine.Node {
		return graph.BroadcastToShape(graph.ReduceAndKeep(v, graph.ReduceMean, -1), x.Shape())
	}
	y := graph.Sub(x, mean(x))
	y = graph.Div(y, graph.Sqrt(graph.AddScalar(mean(graph.Square(y)), epsilon)))
	return graph.Add(graph.Mul(y, channelwise(engine.Weight(s, g, "scale", engine.Ones, c), y)),
		channelwise(engine.Weight(s, g, "shift", engine.Zeros, c), y))
}

// SelfAttention is multi-head attention of a sequence to itself, x [B, L, d] → the same shape (Vaswani et al. 2017). Causal positions
// see themselves and what is before. Heads must divide d.
func SelfAttention(scope *engine.Scope, name string, x *engine.Node, heads int, causal bool) *engine.Node {
	s, d := scope.In("%s", name), x.Shape().Dimensions
	if heads < 1 || d[2]%heads != 0 {
		engine.Fail("attention of %d heads over a width of %d; heads must divide the width", heads, d[2])
	}
	b, l, each := d[0], d[1], d[2]/heads
	qkv := graph.Reshape(Dense(s, "qkv", x, 3*d[2], engine.FanIn), b, l, 3, heads, each)
	part := func(i int) *engine.Node {
		v := graph.Slice(qkv, graph.AxisRange(), graph.AxisRange(), graph.AxisElem(i))
		return graph.TransposeAllAxes(graph.Reshape(v, b, l, heads, each), 0, 2, 1, 3) // [B, heads, L, each]
	}
	score := graph.Einsum("bhld,bhmd->bhlm", graph.MulScalar(part(0), 1/math.Sqrt(float64(each))), part(1))
	if causal {
		square := shapes.Make(dtypes.Int32, l, l)
		late := graph.LessThan(graph.Iota(x.Graph(), square, 0), graph.Iota(x.Graph(), square, 1))
		never := graph.BroadcastToShape(graph.Const(x.Graph(), float32(-1e9)), score.Shape())
		score = graph.Where(graph.BroadcastToDims(graph.ExpandAxes(late, 0, 1), score.Shape().Dimensions...), never, score)
	}
	out := graph.Einsum("bhlm,bhmd->bhld", graph.Softmax(score, -1), part(2))
	out = graph.Reshape(graph.TransposeAllAxes(out, 0, 2, 1, 3), b, l, d[2])
	return Dense(s, "out", out, d[2], engine.FanIn)
}
