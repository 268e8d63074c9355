package nn

import (
	"math"

	"github.com/gomlx/gomlx/core/graph"

	"odslab/odslib/engine"
)

// Dense is x·W + b on the last axis of x, any rank: [..., in] → [..., out]. The weights "w" and "b" live under name.
func Dense(scope *engine.Scope, name string, x *engine.Node, out int, init engine.Init) *engine.Node {
	s, g := scope.In("%s", name), x.Graph()
	dims := x.Shape().Dimensions
	in := dims[len(dims)-1]
	w := engine.Weight(s, g, "w", init, in, out)
	b := engine.Weight(s, g, "b", engine.Zeros, out)
	flat := x
	if len(dims) != 2 {
		flat = graph.Reshape(x, x.Shape().Size()/in, in)
	}
	y := graph.Dot(flat, w).Product()
	y = graph.Add(y, graph.BroadcastToShape(graph.Reshape(b, 1, out), y.Shape()))
	if len(dims) != 2 {
		y = graph.Reshape(y, append(append([]int{}, dims[:len(dims)-1]...), out)...)
	}
	return y
}

// GroupNorm normalises each group of channels of each sample to mean 0 and variance 1, then scales and shifts every
// channel (Wu & He 2018): x [B, ..., c] → the same shape. Groups that do not divide c are lowered to a divisor.
func GroupNorm(scope *engine.Scope, name string, x *engine.Node, groups int) *engine.Node {
	return groupNorm(scope, name, x, groups, 1e-5)
}

func groupNorm(scope *engine.Scope, name string, x *engine.Node, groups int, epsilon float64) *engine.Node {
	s, g := scope.In("%s", name), x.Graph()
	dims := x.Shape().Dimensions
	n, c := dims[0], dims[len(dims)-1]
	groups = max(1, min(groups, c))
	for c%groups != 0 {
		groups--
	}
	space := x.Shape().Size() / (n * c)
	y := graph.Reshape(x, n, space, groups, c/groups)
	mean := func(v *engine.Node) *engine.Node {
		m := graph.DivScalar(graph.ReduceSum(v, 1, 3), float64(space*c/groups))
		return graph.BroadcastToShape(graph.Reshape(m, n, 1, groups, 1), v.Shape())
	}
	y = graph.Sub(y, mean(y))
	y = graph.Reshape(graph.Div(y, graph.Sqrt(graph.AddScalar(mean(graph.Square(y)), epsilon))), dims...)
	return graph.Add(graph.Mul(y, channelwise(engine.Weight(s, g, "scale", engine.Ones, c), y)),
		channelwise(engine.Weight(s, g, "shift", engine.Zeros, c), y))
}

// channelwise lets a [c] vector act on the last axis of x.
func channelwise(v, x *engine.Node) *engine.Node {
	dims := make([]int, x.Rank())
	for i := range dims {
		dims[i] = 1
	}
	dims[len(dims)-1] = v.Shape().Dimensions[0]
	return graph.BroadcastToShape(graph.Reshape(v, dims...), x.Shape())
}

// SiLU is x·sigmoid(x).
func SiLU(x *engine.Node) *engine.Node { return graph.Mul(x, graph.Sigmoid(x)) }

// TimeFeatures are sines and cosines of t at width/2 angular frequencies spaced geometrically from 1 to 200, so that both
// the whole of [0, 1] and its hundredth parts are told apart: t [B] → [B, width].
func TimeFeatures(t *engine.Node, width int) *engine.Node {
	half := max(1, width/2)
	freq := make([]float32, half)
	for i := range freq {
		freq[i] = float32(math.Pow(200, float64(i)/float64(max(1, half-1))))
	}
	n := t.Shape().Dimensions[0]
	w := graph.Mul(graph.BroadcastToDims(graph.Reshape(t, n, 1), n, half),
		graph.BroadcastToDims(graph.Reshape(graph.Const(t.Graph(), freq), 1, half), n, half))
	return graph.Concatenate([]*engine.Node{graph.Sin(w), graph.Cos(w)}, 1)
}

// Up doubles height and width by repeating pixels: [B, h, w, c] → [B, 2h, 2w, c].
func Up(x *engine.Node) *engine.Node {
	d := x.Shape().Dimensions
	y := graph.BroadcastToDims(graph.Reshape(x, d[0], d[1], 1, d[2], 1, d[3]), d[0], d[1], 2, d[2], 2, d[3])
	return graph.Reshape(y, d[0], 2*d[1], 2*d[2], d[3])
}

// Down halves height and width, which must be even, by the mean of each 2×2 square: [B, h, w, c] → [B, h/2, w/2, c].
func Down(x *engine.Node) *engine.Node {
	d := x.Shape().Dimensions
	y := graph.Reshape(x, d[0], d[1]/2, 2, d[2]/2, 2, d[3])
	return graph.MulScalar(graph.ReduceSum(y, 2, 4), .25)
}
