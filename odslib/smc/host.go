package smc

import (
	"context"
	"fmt"
	"slices"

	"github.com/gomlx/gomlx/core/graph"

	"odslab/odslib"
	"odslab/odslib/engine"
)

// hostSteps are the steps of a prior whose x̂0 comes from the host: programs leave a place for it in the state, which is filled between two of
// them.
type hostSteps struct{ odslib.HostDiffusion }

// Denoise is the place.
func (hostSteps) Denoise(_ *odslib.Scope, x *odslib.Node, _ odslib.Level) *odslib.Node {
	return graph.ZerosLike(x)
}

// denoise puts x̂0 of the particles into the state.
func (r *Run) denoise(ctx context.Context) error {
	x, err := r.Particles()
	if err != nil {
		return err
	}
	x0, err := r.denoiser.DenoiseHost(ctx, x, r.process.Times()[r.done])
	if err != nil {
		return err
	}
	if !slices.Equal(x0.Shape, x.Shape) {
		return fmt.Errorf("x̂0 of %T has shape %v, its x_t %v", r.denoiser, x0.Shape, x.Shape)
	}
	r.res.NonFinite += x0.NonFinite()
	engine.Free(r.state[1])
	r.state[1] = x0.Tensor()
	return nil
}
