package priors

import (
	"fmt"
	"slices"

	"github.com/gomlx/gomlx/core/graph"

	"odslab/odslib"
	"odslab/odslib/engine"
)

// Denoised is x̂0 = E[x_0|x_t] for samples x [n, shape…] at time t, on the host: to look at a denoiser, not to sample with.
func Denoised(prior odslib.Diffusion, x odslib.Array, t float64) (odslib.Array, error) {
	if x.Len() == 0 || !slices.Equal(x.Shape[1:], prior.Shape()) {
		return odslib.Array{}, fmt.Errorf("the prior denoises samples of shape %v, got an array of shape %v", prior.Shape(), x.Shape)
	}
	if !(t > 0 && t <= 1) {
		return odslib.Array{}, fmt.Errorf("time %g is not in (0, 1]", t)
	}
	e, err := engine.Open()
	if err != nil {
		return odslib.Array{}, err
	}
	var params odslib.Params
	if p, ok := prior.(odslib.Parametrised); ok {
		params = p.Params()
	}
	program, err := engine.NewProgram(e, params, func(scope *engine.Scope, in []*engine.Node) []*engine.Node {
		level := func(s *engine.Node) *engine.Node { return graph.BroadcastToDims(s, x.Len()) }
		return []*engine.Node{prior.Denoise(scope, in[0], odslib.Level{T: level(in[1]), Alpha: level(in[2]), Sigma: level(in[3])})}
	})
	if err != nil {
		return odslib.Array{}, err
	}
	defer program.Close()
	in, err := e.Tensors(x)
	if err != nil {
		return odslib.Array{}, err
	}
	defer engine.Free(in...)
	s := prior.Schedule()
	return program.Call1(in[0], float32(t), float32(s.Alpha(t)), float32(s.Sigma(t)))
}
