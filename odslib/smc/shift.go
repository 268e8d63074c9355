package smc

import (
	"context"
	"fmt"
	"math"
	"time"

	"odslab/odslib"
	"odslab/odslib/diffusion"
	"odslab/odslib/engine"
)

// coarser is the chain of a quarter of the steps that a run is compared with.
const coarser = 4

// shift estimates log Z_T − log Z, what the chain's discretisation does to the evidence: its error falls as 1/T (to first
// order), so that a chain of a quarter of the steps, on every fourth time of the grid and in the same programs, is off by
// four times as much. It costs a quarter of the run, and its noise counts a third.
func (r *Run) shift(ctx context.Context, res *odslib.Result) error {
	if !r.weighs() || len(r.groups) > 1 {
		return nil
	}
	chain := r.chain
	switch p := r.process.(type) {
	case *diffusion.Process:
		chain = p.Chain
	case *corrected:
		chain = p.chain
	default:
		res.Shift, res.ShiftError, res.ShiftBy = 0, 0, "the prior, which is this chain"
		return nil
	}
	if r.plain || r.control || r.Steps() < 2*coarser || res.LogZAtLeast || math.IsNaN(res.LogZError) {
		return nil
	}
	grid := chain.Grid
	chain.Observe, chain.Grid = nil, nil
	for i := 0; i < r.Steps(); i += coarser {
		chain.Grid = append(chain.Grid, grid[i])
	}
	chain.Grid = append(chain.Grid, grid[r.Steps()])
	o := *r.opened
	o.chain = chain
	var err error
	if o.process, err = o.under(chain); err != nil {
		return err
	}
	if err := o.rows(); err != nil {
		return err
	}
	begun := time.Now()
	short := o.begin(nil, begun, engine.Split(r.seed, "smc.FeynmanKac.shift"))
	short.owner = false
	defer short.Close()
	got, err := short.finish(odslib.WithObserver(ctx, nil))
	res.NetworkEvals += got.NetworkEvals
	res.ConstraintEvals += got.ConstraintEvals
	res.JacobianProducts += got.JacobianProducts
	res.Seconds += time.Since(begun).Seconds()
	if ctx.Err() != nil {
		return err
	}
	if err != nil || got.LogZAtLeast {
		return nil // so few steps are too few for these particles, which says nothing of the longer chain
	}
	times := float64(r.Steps())/float64(short.Steps()) - 1
	res.Shift = (got.LogZ - res.LogZ) / times
	res.ShiftError = math.Hypot(got.LogZError, res.LogZError) / times
	res.ShiftBy = fmt.Sprintf("chains of %d and %d steps, to first order in 1/T", short.Steps(), r.Steps())
	return nil
}
