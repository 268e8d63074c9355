package nn

import (
	"github.com/gomlx/gomlx/core/graph"

	"odslab/odslib"
	"odslab/odslib/engine"
)

// UNet is a small U-Net (Ronneberger et al. 2015, with the residual blocks of Ho et al. 2020) for images [h, w, c]: at
// every level Blocks residual blocks, between levels the mean of 2×2 squares on the way down and repeated pixels on the
// way up, which unlike strided and transposed convolutions can be differentiated twice on every backend. Conditions join
// the time features. Height and width must be divisible by 2^(levels−1). The last layer starts at zero.
type UNet struct {
	Channels int   // at the finest level, 0 means 32
	Multiply []int // channels of each level as multiples of Channels, nil means 1, 2
	Blocks   int   // residual blocks per level, 0 means 1
	Groups   int   // of the normalisation, 0 means 8
	Time     int   // time features, 0 means 64
}

// Apply implements Net.
func (u UNet) Apply(scope *engine.Scope, x *engine.Node, at odslib.Level) *engine.Node {
	ch, blocks, mult := or(u.Channels, 32), or(u.Blocks, 1), u.Multiply
	if len(mult) == 0 {
		mult = []int{1, 2}
	}
	dims := x.Shape().Dimensions
	if len(dims) != 4 {
		engine.Fail("a U-Net wants images [h, w, c], got shape %v; use nn.MLP", dims[1:])
	}
	if f := 1 << (len(mult) - 1); dims[1]%f != 0 || dims[2]%f != 0 {
		engine.Fail("a U-Net of %d levels wants sides divisible by %d, got %d×%d", len(mult), f, dims[1], dims[2])
	}
	time := Dense(scope, "time", TimeFeatures(at.T, or(u.Time, 64)), 4*ch, engine.FanIn)
	if at.Given != nil {
		given := Dense(scope, "given", at.Given, 4*ch, engine.FanIn)
		time = graph.Add(graph.BroadcastToShape(time, given.Shape()), given)
	}
	time = SiLU(time)

	h := Conv(scope, "in", x, ch, 3, engine.FanIn)
	var skips []*engine.Node
	for l, m := range mult {
		if l > 0 {
			h = Down(h)
		}
		for b := range blocks {
			h = u.block(scope.In("down_%d_%d", l, b), h, time, m*ch)
		}
		skips = append(skips, h)
	}
	h = u.block(scope.In("middle"), h, time, mult[len(mult)-1]*ch)
	for l := len(mult) - 2; l >= 0; l-- {
		h = graph.Concatenate([]*engine.Node{Up(h), skips[l]}, 3)
		for b := range blocks {
			h = u.block(scope.In("up_%d_%d", l, b), h, time, mult[l]*ch)
		}
	}
	h = SiLU(GroupNorm(scope, "norm", h, or(u.Groups, 8)))
	return Conv(scope, "out", h, dims[3], 3, engine.Zeros)
}

// block is x + conv(silu(norm(conv(silu(norm(x))) + time))), x going through a 1×1 convolution when channels change.
func (u UNet) block(s *engine.Scope, x, time *engine.Node, channels int) *engine.Node {
	groups := or(u.Groups, 8)
	h := Conv(s, "conv_0", SiLU(GroupNorm(s, "norm_0", x, groups)), channels, 3, engine.FanIn)
	h = perPixel(h, Dense(s, "time", time, channels, engine.FanIn))
	h = Conv(s, "conv_1", SiLU(GroupNorm(s, "norm_1", h, groups)), channels, 3, engine.FanIn)
	if x.Shape().Dimensions[3] != channels {
		x = Dense(s, "skip", x, channels, engine.FanIn)
	}
	return graph.Add(x, h)
}

// perPixel adds a vector per sample to every pixel: x [B, h, w, c] + v [B, c].
func perPixel(x, v *engine.Node) *engine.Node {
	d := v.Shape().Dimensions
	return graph.Add(x, graph.BroadcastToShape(graph.Reshape(v, d[0], 1, 1, d[1]), x.Shape()))
}
