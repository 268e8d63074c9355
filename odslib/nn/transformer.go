package nn

import (
	"math/rand/v2"

	"github.com/gomlx/gomlx/core/graph"

	"odslab/odslib"
	"odslab/odslib/engine"
)

// Transformer is a network of sequences, [B, L, c] → the same shape: positions are vectors of c numbers, such as one-hot tokens, and
// c logits come out. It is pre-normalised, with learned positions, and reads no time and no conditions: a masked language
// model needs none. The last layer starts at zero, so that an untrained one puts out 0.
type Transformer struct {
	Width   int  // 0 means 64
	Layers  int  // 0 means 2
	Heads   int  // 0 means 4; they divide Width
	Longest int  // positions there are vectors for; 0 means the length of the sequences at hand
	Causal  bool // positions see themselves and what is before: an autoregressive model
}

// Apply implements Net.
func (m Transformer) Apply(scope *engine.Scope, x *engine.Node, _ odslib.Level) *engine.Node {
	if x.Rank() != 3 {
		engine.Fail("a transformer wants sequences [B, L, c], got %s", x.Shape())
	}
	d, width := x.Shape().Dimensions, or(m.Width, 64)
	longest := or(m.Longest, d[1])
	if d[1] > longest {
		engine.Fail("a sequence of %d positions; the transformer knows %d", d[1], longest)
	}
	h := Dense(scope, "embed", x, width, small)
	at := engine.Weight(scope, x.Graph(), "positions", small, longest, width)
	if longest > d[1] {
		at = graph.Slice(at, graph.AxisRange(0, d[1]))
	}
	h = graph.Add(h, graph.BroadcastToShape(graph.ExpandAxes(at, 0), h.Shape()))
	for i := range or(m.Layers, 2) {
		s := scope.In("layer_%d", i)
		h = graph.Add(h, SelfAttention(s, "attention", LayerNorm(s, "norm_0", h), or(m.Heads, 4), m.Causal))
		y := Dense(s, "dense_0", LayerNorm(s, "norm_1", h), 4*width, engine.FanIn)
		h = graph.Add(h, Dense(s, "dense_1", SiLU(y), width, engine.FanIn))
	}
	return Dense(scope, "out", LayerNorm(scope, "norm", h), d[2], engine.Zeros)
}

// small draws from N(0, .05²): vectors of tokens and positions, of which each row is looked up by itself.
func small(rng *rand.Rand, _ []int, data []float32) {
	for i := range data {
		data[i] = float32(.05 * rng.NormFloat64())
	}
}
