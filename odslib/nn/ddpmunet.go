package nn

import (
	"math"

	"github.com/gomlx/gomlx/core/graph"

	"odslab/odslib"
	"odslab/odslib/engine"
)

// DDPMUNet is the U-Net of Ho et al. 2020 as the diffusers library has it (UNet2DModel), for weights that are trained there: its names
// are diffusers' with "/" for ".". priors.Diffusers reads them. [UNet] is smaller and faster, for what is trained here.
type DDPMUNet struct {
	Channels    []int   // of each level, the finest first; nil means 224, 448, 672, 896
	Attention   []bool  // levels whose blocks are followed by attention, on the way down
	UpAttention []bool  // and on the way up, in the order of levels of Channels
	Middle      bool    // attention in the middle
	Blocks      int     // residual blocks of a level on the way down, one more on the way up; 0 means 2
	Head        int     // width of a head; 0 means one head
	Groups      int     // of the normalisation; 0 means 32
	Epsilon     float64 // of the normalisation; 0 means 1e-5
	MidScale    float64 // the middle's residual sums are divided by it; 0 means 1
	Entries     int     // steps of the noise's table; t=k/Entries is step k−1; 0 means 1000
	CosFirst    bool    // cosines of the time before its sines
	Shift       float64 // of the frequencies' spacing: n frequencies end at 10000^(−(n−1)/(n−Shift))
	ScaleShift  bool    // the time scales and shifts a block's second norm; else it is added before it
	Corner      bool    // the squares of strided convolutions begin at a pixel; else they are centred on it
	Centre      bool    // the network sees 2x−1
}

// Apply implements Net.
func (u DDPMUNet) Apply(scope *engine.Scope, x *engine.Node, at odslib.Level) *engine.Node {
	if len(u.Channels) == 0 {
		u.Channels = []int{224, 448, 672, 896}
	}
	u.Blocks, u.Groups, u.Epsilon, u.MidScale = or(u.Blocks, 2), or(u.Groups, 32), or(u.Epsilon, 1e-5), or(u.MidScale, 1)
	dims, levels := x.Shape().Dimensions, len(u.Channels)
	if len(dims) != 4 {
		engine.Fail("a U-Net wants images [h, w, c], got shape %v", dims[1:])
	}
	if f := 1 << (levels - 1); dims[1]%f != 0 || dims[2]%f != 0 {
		engine.Fail("a U-Net of %d levels wants sides divisible by %d, got %d×%d", levels, f, dims[1], dims[2])
	}
	if at.Given != nil {
		engine.Fail("nn.DDPMUNet takes no conditions")
	}
	time := u.time(scope.In("time_embedding"), at.T)
	if u.Centre {
		x = graph.AddScalar(graph.MulScalar(x, 2), -1)
	}
	h := Conv(scope, "conv_in", x, u.Channels[0], 3, engine.FanIn)
	skips := []*engine.Node{h}
	for l, ch := range u.Channels {
		s := scope.At("down_blocks").In("%d", l)
		for b := range u.Blocks {
			h = u.block(s, b, h, time, ch, 1)
			if on(u.Attention, l) {
				h = u.attend(s, b, h, 1)
			}
			skips = append(skips, h)
		}
		if l < levels-1 {
			h = u.down(s.In("downsamplers").In("0"), h)
			skips = append(skips, h)
		}
	}
	s := scope.In("mid_block")
	h = u.block(s, 0, h, time, u.Channels[levels-1], u.MidScale)
	if u.Middle {
		h = u.attend(s, 0, h, u.MidScale)
	}
	h = u.block(s, 1, h, time, u.Channels[levels-1], u.MidScale)
	for i := range levels {
		l := levels - 1 - i
		s := scope.At("up_blocks").In("%d", i)
		for b := range u.Blocks + 1 {
			h = graph.Concatenate([]*engine.Node{h, skips[len(skips)-1]}, 3)
			skips = skips[:len(skips)-1]
			h = u.block(s, b, h, time, u.Channels[l], 1)
			if on(u.UpAttention, l) {
				h = u.attend(s, b, h, 1)
			}
		}
		if l > 0 {
			h = Conv(s.In("upsamplers").In("0"), "conv", Up(h), u.Channels[l], 3, engine.FanIn)
		}
	}
	h = SiLU(groupNorm(scope, "conv_norm_out", h, u.Groups, u.Epsilon))
	return Conv(scope, "conv_out", h, dims[3], 3, engine.FanIn)
}

func on(levels []bool, l int) bool { return l < len(levels) && levels[l] }

// time is silu of the embedding of the step's number.
func (u DDPMUNet) time(s *engine.Scope, t *engine.Node) *engine.Node {
	n, half := t.Shape().Dimensions[0], max(1, u.Channels[0]/2)
	freq := make([]float32, half)
	for i := range freq { // rounded as PyTorch rounds, since the last digit times 1000 steps is seen
		freq[i] = float32(math.Exp(float64(float32(-math.Log(10000)) * float32(i) / float32(float64(half)-u.Shift))))
	}
	step := graph.AddScalar(graph.MulScalar(t, float64(or(u.Entries, 1000))), -1)
	w := graph.Mul(graph.BroadcastToDims(graph.Reshape(step, n, 1), n, half),
		graph.BroadcastToDims(graph.Reshape(graph.Const(t.Graph(), freq), 1, half), n, half))
	waves := []*engine.Node{graph.Sin(w), graph.Cos(w)}
	if u.CosFirst {
		waves[0], waves[1] = waves[1], waves[0]
	}
	width := 4 * u.Channels[0]
	h := SiLU(Dense(s, "linear_1", graph.Concatenate(waves, 1), width, engine.FanIn))
	return SiLU(Dense(s, "linear_2", h, width, engine.FanIn))
}

func (u DDPMUNet) block(s *engine.Scope, b int, x, time *engine.Node, channels int, scale float64) *engine.Node {
	s = s.At("resnets").In("%d", b)
	h := Conv(s, "conv1", SiLU(groupNorm(s, "norm1", x, u.Groups, u.Epsilon)), channels, 3, engine.FanIn)
	if u.ScaleShift {
		t := Dense(s, "time_emb_proj", time, 2*channels, engine.FanIn)
		part := func(i int) *engine.Node {
			return graph.Slice(t, graph.AxisRange(), graph.AxisRange(i*channels, (i+1)*channels))
		}
		h = groupNorm(s, "norm2", h, u.Groups, u.Epsilon)
		by := graph.OnePlus(part(0))
		n := by.Shape().Dimensions[0]
		h = perPixel(graph.Mul(h, graph.BroadcastToShape(graph.Reshape(by, n, 1, 1, channels), h.Shape())), part(1))
	} else {
		h = perPixel(h, Dense(s, "time_emb_proj", time, channels, engine.FanIn))
		h = groupNorm(s, "norm2", h, u.Groups, u.Epsilon)
	}
	h = Conv(s, "conv2", SiLU(h), channels, 3, engine.FanIn)
	if x.Shape().Dimensions[3] != channels {
		x = Conv(s, "conv_shortcut", x, channels, 1, engine.FanIn)
	}
	return graph.DivScalar(graph.Add(x, h), scale)
}

// attend is attention of all pixels to all.
func (u DDPMUNet) attend(s *engine.Scope, b int, x *engine.Node, scale float64) *engine.Node {
	s, dims := s.At("attentions").In("%d", b), x.Shape().Dimensions
	n, pixels, c := dims[0], dims[1]*dims[2], dims[3]
	each := or(u.Head, c)
	if c%each != 0 {
		engine.Fail("attention heads of width %d over %d channels; the width must divide them", each, c)
	}
	h := graph.Reshape(groupNorm(s, "group_norm", x, u.Groups, u.Epsilon), n, pixels, c)
	part := func(name string) *engine.Node {
		v := graph.Reshape(Dense(s, name, h, c, engine.FanIn), n, pixels, c/each, each)
		return graph.TransposeAllAxes(v, 0, 2, 1, 3) // [B, heads, pixels, each]
	}
	score := graph.Einsum("bhld,bhmd->bhlm", graph.MulScalar(part("to_q"), 1/math.Sqrt(float64(each))), part("to_k"))
	h = graph.Einsum("bhlm,bhmd->bhld", graph.Softmax(score, -1), part("to_v"))
	h = graph.Reshape(graph.TransposeAllAxes(h, 0, 2, 1, 3), n, pixels, c)
	h = graph.Reshape(Dense(s.In("to_out"), "0", h, c, engine.FanIn), dims...)
	return graph.DivScalar(graph.Add(x, h), scale)
}

// down is a convolution of stride 2: every second pixel of one of stride 1, which can be differentiated twice on every backend.
func (u DDPMUNet) down(s *engine.Scope, x *engine.Node) *engine.Node {
	d, first := x.Shape().Dimensions, 0
	if u.Corner {
		first = 1
	}
	y := graph.Reshape(Conv(s, "conv", x, d[3], 3, engine.FanIn), d[0], d[1]/2, 2, d[2]/2, 2, d[3])
	y = graph.Slice(y, graph.AxisRange(), graph.AxisRange(), graph.AxisElem(first), graph.AxisRange(), graph.AxisElem(first))
	return graph.Reshape(y, d[0], d[1]/2, d[2]/2, d[3])
}
