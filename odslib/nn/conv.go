package nn

import (
	"strings"

	"github.com/gomlx/gomlx/core/graph"

	"odslab/odslib/engine"
)

// Conv is a convolution with an odd square kernel, stride 1, the border padded with zeros so that the size stays:
// x [B, h, w, c] → [B, h, w, channels]. The weights "w" [kernel, kernel, c, channels] and "b" live under name.
func Conv(scope *engine.Scope, name string, x *engine.Node, channels, kernel int, init engine.Init) *engine.Node {
	if x.Rank() != 4 {
		engine.Fail("layer %q wants images [B, h, w, c], got shape %v", name, x.Shape().Dimensions)
	}
	if kernel < 1 || kernel%2 == 0 {
		engine.Fail("layer %q: the kernel must be odd, got %d", name, kernel)
	}
	s, g := scope.In("%s", name), x.Graph()
	w := engine.Weight(s, g, "w", init, kernel, kernel, x.Shape().Dimensions[3], channels)
	b := engine.Weight(s, g, "b", engine.Zeros, channels)
	var y *engine.Node
	if byProduct(x) {
		y = patches(x, w)
	} else {
		y = graph.Convolve(x, w).PadSame().Done()
	}
	return graph.Add(y, channelwise(b, y))
}

// byProduct says where a matrix product is faster than the backend's own convolution: on pure Go (six times), and on
// XLA-CPU inside a While, where XLA falls back to plain loops (ten times).
func byProduct(x *engine.Node) bool {
	b := x.Graph().Backend()
	return b.Name() == "go" || x.Function().IsClosure() && !strings.Contains(strings.ToLower(b.Description()), "cuda")
}

// patches convolves by one matrix product: every pixel's neighbourhood, laid out as a row, times the kernel.
func patches(x, w *engine.Node) *engine.Node {
	d, k := x.Shape().Dimensions, w.Shape().Dimensions
	g, p := x.Graph(), k[0]/2
	if p > 0 {
		rows := graph.Zeros(g, engine.Float32(d[0], p, d[2], d[3]))
		x = graph.Concatenate([]*engine.Node{rows, x, rows}, 1)
		cols := graph.Zeros(g, engine.Float32(d[0], d[1]+2*p, p, d[3]))
		x = graph.Concatenate([]*engine.Node{cols, x, cols}, 2)
	}
	var shifted []*engine.Node
	for i := range k[0] {
		for j := range k[1] {
			shifted = append(shifted, graph.Slice(x, graph.AxisRange(), graph.AxisRange(i, i+d[1]), graph.AxisRange(j, j+d[2])))
		}
	}
	in := k[0] * k[1] * d[3]
	rows := graph.Reshape(graph.Concatenate(shifted, 3), d[0]*d[1]*d[2], in)
	return graph.Reshape(graph.Dot(rows, graph.Reshape(w, in, k[3])).Product(), d[0], d[1], d[2], k[3])
}
