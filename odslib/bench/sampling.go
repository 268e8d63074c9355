package main

import (
	"context"
	"fmt"

	"github.com/gomlx/gomlx/core/tensors"

	"odslab/odslib/diffusion"
	"odslab/odslib/engine"
)

// sampling is the reverse process of the MLP prior, as diffusion.Chain runs it, from start to samples on the host.
func sampling(driver engine.Driver) func(e *engine.Engine) (*ready, error) {
	return func(e *engine.Engine) (*ready, error) {
		d, err := prior()
		if err != nil {
			return nil, err
		}
		p, err := chain.Of(d)
		if err != nil {
			return nil, err
		}
		table, err := p.Table()
		if err != nil {
			return nil, err
		}
		loop := diffusion.Walk{Process: p, Params: p.Params(), Driver: driver}.Loop()
		if err := loop.Open(e); err != nil {
			return nil, err
		}
		begin, seed := filled(batch, 2), uint64(0)
		var last engine.Array
		once := func() error {
			seed++
			out, _, err := loop.Run(context.Background(), []*tensors.Tensor{begin.Tensor(), engine.RNGState(seed, "bench")}, table, nil)
			if err != nil {
				return err
			}
			last, err = engine.ToArray(out[0])
			engine.Free(out...)
			return err
		}
		if err := once(); err != nil {
			return nil, err
		}
		if bad := last.NonFinite(); bad > 0 {
			return nil, fmt.Errorf("%d samples are not finite", bad)
		}
		return &ready{check: meanAbs(last), once: once}, nil
	}
}
