package constraint

import (
	"context"
	"fmt"
	"math"
	"time"

	"odslab/odslib"
	"odslab/odslib/engine"
)

var (
	_ odslib.Constraint     = Reward{}
	_ odslib.HostConstraint = HostReward{}
	_ odslib.HostConstraint = Batched{}
)

// Reward is log r as the user's own graph code, x [B, shape…] → [B]. What F captures, a y for example, is a constant of the
// program: another value is another compilation. FWith finds the numbers of Numbers in its scope instead, and they may change:
//
//	constraint.Reward{Numbers: odslib.Params{{Name: "y", Value: y}}, FWith: func(scope *odslib.Scope, x *odslib.Node) *odslib.Node {
//		y := engine.Var(scope, x.Graph(), "y") …
//	}}
type Reward struct {
	F       func(x *odslib.Node) *odslib.Node
	FWith   func(scope *odslib.Scope, x *odslib.Node) *odslib.Node // in place of F
	Numbers odslib.Params
}

// Params implements odslib.Parametrised.
func (c Reward) Params() odslib.Params { return c.Numbers.Under("numbers") }

// LogR implements odslib.Constraint.
func (c Reward) LogR(scope *odslib.Scope, x *odslib.Node) *odslib.Node {
	r := call(c.F, c.FWith, scope, x)
	if want := engine.Float32(x.Shape().Dimensions[0]); !r.Shape().Equal(want) {
		engine.Fail("the reward turns %s into %s; it must give one value a sample, %s", x.Shape(), r.Shape(), want)
	}
	return r
}

// Check implements odslib.Checked.
func (c Reward) Check([]int) error { return oneOf("reward", c.F, c.FWith, c.Numbers) }

// HostReward is log r as an ordinary Go function of one flat sample: a simulator, a table, a person. It has no gradient.
type HostReward struct {
	F func(x []float32) float64
}

// Check implements odslib.Checked.
func (c HostReward) Check([]int) error {
	if c.F == nil {
		return fmt.Errorf("the reward has no function F")
	}
	return nil
}

// LogRHost implements odslib.HostConstraint.
func (c HostReward) LogRHost(ctx context.Context, x odslib.Array) ([]float64, error) {
	if err := c.Check(nil); err != nil {
		return nil, err
	}
	out := make([]float64, x.Len())
	for i := range out {
		if err := ctx.Err(); err != nil {
			return out[:i], err
		}
		out[i] = c.F(x.Row(i))
	}
	return out, nil
}

// Batched is log r as a Go function of many samples [n, shape…] → n values: a simulator that takes them together, a service.
// A batch that fails, panics or takes longer than Timeout leaves NaN in its rows, and the work goes on with the next; the
// error comes at the end. A function that does not heed its context is left behind when the time is up.
type Batched struct {
	F       func(ctx context.Context, x odslib.Array) ([]float64, error)
	Chunk   int           // samples to a batch; 0 means as many as there are
	Timeout time.Duration // for a batch; 0 means none
}

// Check implements odslib.Checked.
func (c Batched) Check([]int) error {
	if c.F == nil {
		return fmt.Errorf("the reward has no function F")
	}
	if c.Chunk < 0 || c.Timeout < 0 {
		return fmt.Errorf("the reward has Chunk %d and Timeout %v; neither can be negative", c.Chunk, c.Timeout)
	}
	return nil
}

// LogRHost implements odslib.HostConstraint.
func (c Batched) LogRHost(ctx context.Context, x odslib.Array) ([]float64, error) {
	if err := c.Check(nil); err != nil {
		return nil, err
	}
	out := make([]float64, x.Len())
	for i := range out {
		out[i] = math.NaN()
	}
	chunk := c.Chunk
	if chunk == 0 {
		chunk = max(1, x.Len())
	}
	var first error
	failed := 0
	for i := 0; i < x.Len(); i += chunk {
		if err := ctx.Err(); err != nil {
			return out, err
		}
		j := min(i+chunk, x.Len())
		r, err := c.batch(ctx, x.Slice(i, j).Clone())
		copy(out[i:j], r)
		if err != nil {
			failed++
			if first == nil {
				first = fmt.Errorf("samples %d to %d: %w", i, j-1, err)
			}
		}
	}
	if err := ctx.Err(); err != nil {
		return out, err
	}
	if failed > 1 {
		return out, fmt.Errorf("%d of %d batches failed, the first with %w", failed, (x.Len()+chunk-1)/chunk, first)
	}
	return out, first
}

// batch gives what F gives for one batch, or what kept it from doing so.
func (c Batched) batch(ctx context.Context, x odslib.Array) ([]float64, error) {
	if c.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, c.Timeout, fmt.Errorf("no answer within %v", c.Timeout))
		defer cancel()
	}
	type answer struct {
		r   []float64
		err error
	}
	done := make(chan answer, 1)
	go func() {
		var a answer
		defer func() {
			if p := recover(); p != nil {
				a = answer{err: fmt.Errorf("the reward panicked: %v", p)}
			}
			done <- a
		}()
		a.r, a.err = c.F(ctx, x)
		if a.err == nil && len(a.r) != x.Len() {
			a = answer{err: fmt.Errorf("the reward gave %d values for %d samples", len(a.r), x.Len())}
		}
	}()
	select {
	case a := <-done:
		if a.err != nil && ctx.Err() != nil {
			a.err = context.Cause(ctx)
		}
		if len(a.r) > x.Len() {
			a.r = nil
		}
		return a.r, a.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}
