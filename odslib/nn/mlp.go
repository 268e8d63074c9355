package nn

import (
	"github.com/gomlx/gomlx/core/graph"

	"odslab/odslib"
	"odslab/odslib/engine"
)

// MLP is a network of dense layers for samples of any shape, which it flattens; conditions are further inputs. Every layer adds a projection of the
// time features; from the second on a layer is a residual block h + W₂·silu(W₁·norm(h) + time) unless NoResidual is set.
// The last layer starts at zero, so that an untrained network puts out 0.
type MLP struct {
	Hidden     int  // width, 0 means 128
	Layers     int  // hidden layers, 0 means 3
	Time       int  // time features, 0 means 64
	NoResidual bool `json:"Plain"` // no skips and no normalisation: h = silu(W·h + time)
}

// Apply implements Net.
func (m MLP) Apply(scope *engine.Scope, x *engine.Node, at odslib.Level) *engine.Node {
	width, dims := or(m.Hidden, 128), x.Shape().Dimensions
	n := dims[0]
	time := TimeFeatures(at.T, or(m.Time, 64))
	h := graph.Reshape(x, n, x.Shape().Size()/n)
	d := h.Shape().Dimensions[1]
	if at.Given != nil {
		h = graph.Concatenate([]*engine.Node{h, at.Given}, 1)
	}
	h = Dense(scope, "in", h, width, engine.FanIn)
	for i := range or(m.Layers, 3) {
		s := scope.In("layer_%d", i)
		switch {
		case m.NoResidual:
			if i > 0 {
				h = Dense(s, "dense", h, width, engine.FanIn)
			}
			h = SiLU(graph.Add(h, Dense(s, "time", time, width, engine.FanIn)))
		case i == 0:
			h = graph.Add(h, Dense(s, "time", time, width, engine.FanIn))
		default:
			y := Dense(s, "dense_0", GroupNorm(s, "norm", h, 1), width, engine.FanIn)
			y = SiLU(graph.Add(y, Dense(s, "time", time, width, engine.FanIn)))
			h = graph.Add(h, Dense(s, "dense_1", y, width, engine.FanIn))
		}
	}
	if !m.NoResidual {
		h = SiLU(GroupNorm(scope, "norm", h, 1))
	}
	return graph.Reshape(Dense(scope, "out", h, d, engine.Zeros), dims...)
}
