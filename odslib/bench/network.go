package main

import (
	"math"
	"strings"

	"github.com/gomlx/gomlx/core/graph"

	"odslab/odslib"
	"odslab/odslib/diffusion"
	"odslab/odslib/engine"
	"odslab/odslib/nn"
	"odslab/odslib/priors"
)

// mlp is 18→128→128→128→2 with SiLU: a point in the plane and 16 time features.
type mlp struct{}

// Apply implements nn.Net.
func (mlp) Apply(scope *engine.Scope, x *engine.Node, at odslib.Level) *engine.Node {
	return layers(scope, graph.Concatenate([]*engine.Node{x, nn.TimeFeatures(at.T, 16)}, 1))
}

func layers(scope *engine.Scope, h *engine.Node) *engine.Node {
	for _, name := range []string{"dense_0", "dense_1", "dense_2"} {
		h = nn.SiLU(nn.Dense(scope, name, h, 128, engine.FanIn))
	}
	return nn.Dense(scope, "out", h, 2, engine.FanIn)
}

// weights are those of a net for samples of a shape, given by the formula below, so that the peers have the same.
func weights(net nn.Net, shape ...int) (engine.Params, error) {
	params, err := nn.Initial(net, shape, 1)
	for _, p := range params {
		if strings.HasSuffix(p.Name, "/w") {
			s := p.Value.Shape
			fill(p.Value, 1/math.Sqrt(float64(len(p.Value.Data)/s[len(s)-1])))
		}
	}
	return params, err
}

// fill writes numbers of mean 0 and the given deviation that look random: a hash of the index.
func fill(a engine.Array, std float64) {
	for k := range a.Data {
		u := math.Sin(float64(k+1)) * 43758.5453
		a.Data[k] = float32(std * math.Sqrt(12) * (u - math.Floor(u) - .5))
	}
}

func filled(dims ...int) engine.Array {
	a := engine.NewArray(dims...)
	fill(a, 1)
	return a
}

// prior is the MLP as a diffusion prior over the plane.
func prior() (*priors.Diffusion, error) {
	w, err := weights(mlp{}, 2)
	return &priors.Diffusion{Dims: []int{2}, Net: mlp{}, Weights: w, Noising: chain.Schedule, Predicts: diffusion.V}, err
}

// meanAbs is the check value of most cases.
func meanAbs(a engine.Array) float64 {
	sum := 0.
	for _, v := range a.Data {
		sum += math.Abs(float64(v))
	}
	return sum / float64(len(a.Data))
}
