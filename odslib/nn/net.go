package nn

import (
	"encoding/json"
	"slices"

	"github.com/gomlx/compute/shapes"

	"odslab/odslib"
	"odslab/odslib/engine"
	"odslab/odslib/internal/kinds"
)

// Net is a network with a time input: x [B, shape…] → the same shape. The level has a row for each of x, or one row for
// all, of which a network computes what depends on the level alone once; conditions, [B, c] or nil, have a row for each. Its weights are read through the scope with
// [engine.Weight], so that the struct holds settings only.
type Net interface {
	Apply(scope *engine.Scope, x *engine.Node, at odslib.Level) *engine.Node
}

var (
	_ Net = MLP{}
	_ Net = UNet{}
	_ Net = Transformer{}
	_ Net = DDPMUNet{}
)

// or is the default of a setting whose zero value means "choose for me".
func or[T comparable](v, def T) T {
	var zero T
	if v == zero {
		return def
	}
	return v
}

var nets = kinds.New[Net]("nn", "network", MLP{}, UNet{}, Transformer{}, DDPMUNet{})

// Register makes a network of one's own readable from checkpoints, by the name of its type: a struct of exported
// settings.
func Register(net Net) { nets.Add(net) }

// Encode writes the settings of a network as JSON: {"kind":"MLP","settings":{…}}.
func Encode(net Net) (json.RawMessage, error) { return nets.Encode(net) }

// Decode reads what Encode wrote.
func Decode(data []byte) (Net, error) { return nets.Decode(data) }

// Initial returns the weights of a network for samples of a shape, drawn from seed: the same on every backend.
func Initial(net Net, shape []int, seed uint64) (engine.Params, error) {
	return InitialGiven(net, shape, 0, seed)
}

// InitialGiven is Initial for a network that takes c conditions.
func InitialGiven(net Net, shape []int, c int, seed uint64) (engine.Params, error) {
	batch := append([]int{2}, shape...)
	level := engine.Float32(2)
	inputs := []shapes.Shape{engine.Float32(batch...), level, level, level}
	if c > 0 {
		inputs = append(inputs, engine.Float32(2, c))
	}
	return engine.Initial(seed, inputs, func(scope *engine.Scope, in []*engine.Node) {
		at := odslib.Level{T: in[1], Alpha: in[2], Sigma: in[3]}
		if c > 0 {
			at.Given = in[4]
		}
		out := net.Apply(scope, in[0], at)
		if !slices.Equal(out.Shape().Dimensions, batch) {
			engine.Fail("%T turns %v into %v; a network here must keep the shape", net, shape, out.Shape().Dimensions[1:])
		}
	})
}
