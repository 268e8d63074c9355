package nn

import (
	"github.com/gomlx/gomlx/core/graph"

	"odslab/odslib/engine"
)

// Tower is a network without a time input that leads from samples of one shape to those of another: encoders, decoders,
// critics and classifiers. It is made of residual dense blocks h + W·silu(norm(h)); with Channels an image [h, w, c] at either end
// goes through convolutions that halve (double) its sides while they are even and above 4, channels doubling (halving).
type Tower struct {
	Hidden   int // width of the dense part, 0 means 128
	Layers   int // dense blocks, 0 means 2
	Channels int // of convolutions at an image's full size; 0 means that images are flattened
}

// Map takes x [B, in…] to [B, out…]; the last layer starts from last.
func (t Tower) Map(scope *engine.Scope, x *engine.Node, last engine.Init, out ...int) *engine.Node {
	scope = scope.ResetVisited()
	n, width := x.Shape().Dimensions[0], or(t.Hidden, 128)
	if t.Channels > 0 && x.Rank() == 4 {
		x = t.down(scope.In("down"), x)
	}
	h := Dense(scope, "in", graph.Reshape(x, n, x.Shape().Size()/n), width, engine.FanIn)
	for i := range or(t.Layers, 2) {
		s := scope.In("layer_%d", i)
		h = graph.Add(h, Dense(s, "dense", SiLU(GroupNorm(s, "norm", h, 1)), width, engine.FanIn))
	}
	h = SiLU(GroupNorm(scope, "norm", h, 1))
	if t.Channels > 0 && len(out) == 3 {
		return t.up(scope, h, last, out)
	}
	size := 1
	for _, d := range out {
		size *= d
	}
	return graph.Reshape(Dense(scope, "out", h, size, last), append([]int{n}, out...)...)
}

// halvings is how often the sides of an image can be halved: 28 → 14 → 7, 8 → 4.
func halvings(h, w int) (k int) {
	for h%2 == 0 && w%2 == 0 && min(h, w) > 4 {
		h, w, k = h/2, w/2, k+1
	}
	return k
}

func (t Tower) down(s *engine.Scope, x *engine.Node) *engine.Node {
	dims, ch := x.Shape().Dimensions, t.Channels
	h := Conv(s, "in", x, ch, 3, engine.FanIn)
	for l := range halvings(dims[1], dims[2]) {
		ch *= 2
		h = Down(Conv(s.In("level_%d", l), "conv", SiLU(GroupNorm(s, norm(l), h, 8)), ch, 3, engine.FanIn))
	}
	return SiLU(GroupNorm(s, "norm", h, 8))
}

func (t Tower) up(scope *engine.Scope, h *engine.Node, last engine.Init, out []int) *engine.Node {
	k := halvings(out[0], out[1])
	s, ch := scope.In("up"), t.Channels<<k
	h = Dense(scope, "out", h, (out[0]>>k)*(out[1]>>k)*ch, engine.FanIn)
	h = graph.Reshape(h, h.Shape().Dimensions[0], out[0]>>k, out[1]>>k, ch)
	for l := range k {
		ch /= 2
		h = Up(Conv(s.In("level_%d", l), "conv", SiLU(GroupNorm(s, norm(l), h, 8)), ch, 3, engine.FanIn))
	}
	return Conv(s, "out", SiLU(GroupNorm(s, "norm", h, 8)), out[2], 3, last)
}

func norm(level int) string { return "norm_" + string(rune('0'+level)) }
