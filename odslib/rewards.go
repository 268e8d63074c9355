package odslib

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"odslab/odslib/engine"
)

// Evaluator evaluates log r, in the graph where the constraint has graph code and on the host else. Whoever needs log r of
// samples asks it: batches, the context, the number of values and their finiteness are its business alone.
type Evaluator struct {
	engine  *engine.Engine
	program *engine.Program // nil for a host function
	host    HostConstraint
	known   bool // the constraint has graph code
}

// rewardBatch is how many samples are evaluated together at most.
const rewardBatch = 4096

// Evaluator readies the evaluation of log r for many calls; Close it. [Posterior.Rewards] is the same for one.
func (p Posterior) Evaluator() (*Evaluator, error) {
	v := &Evaluator{}
	if p.Constraint == nil {
		return v, nil
	}
	if _, ok := Can[Constraint](p.Constraint); !ok {
		var err error
		v.host, err = as[HostConstraint](p.Constraint)
		return v, err
	}
	e, err := engine.Open()
	if err != nil {
		return nil, err
	}
	v.engine = e
	v.program, err = engine.NewProgram(e, p.Params(), func(scope *Scope, in []*Node) []*Node {
		var given *Node
		if len(in) > 1 {
			given = in[1]
		}
		r := p.LogR(scope, in[0], given)
		if want := engine.Float32(in[0].Shape().Dimensions[0]); !r.Shape().Equal(want) {
			engine.Fail("log r has shape %s, want one value a sample, %s", r.Shape(), want)
		}
		return []*Node{r}
	})
	return v, err
}

// Rewards are log r of samples x [n, shape…]; given [n, c] are conditions of the rows, or nil. −Inf is a reward of 0; NaN
// stands for what is no number or +Inf. With an error the values that are known come back, NaN for the rest: a host function
// that fails for some samples is asked for the others all the same, and its first error comes at the end.
func (v *Evaluator) Rewards(ctx context.Context, x Array, given *Array) ([]float64, error) {
	out := make([]float64, x.Len())
	if v.program == nil && v.host == nil {
		return out, nil
	}
	for i := range out {
		out[i] = math.NaN()
	}
	if given != nil && given.Len() != x.Len() {
		return out, fmt.Errorf("conditions for %d samples, got %d samples", given.Len(), x.Len())
	}
	var first error
	for i := 0; i < x.Len(); i += rewardBatch {
		if err := ctx.Err(); err != nil {
			return out, err
		}
		j := min(i+rewardBatch, x.Len())
		var g *Array
		if given != nil {
			part := given.Slice(i, j)
			g = &part
		}
		r, err := v.batch(ctx, x.Slice(i, j), g)
		if err == nil && len(r) != j-i {
			r, err = nil, fmt.Errorf("the constraint gave %d values for %d samples", len(r), j-i)
		}
		for k, l := range r[:min(len(r), j-i)] {
			if !math.IsInf(l, 1) {
				out[i+k] = l
			}
		}
		if err != nil && (v.host == nil || ctx.Err() != nil) {
			return out, err
		}
		first = cmp.Or(first, err)
	}
	return out, first
}

func (v *Evaluator) batch(ctx context.Context, x Array, given *Array) ([]float64, error) {
	if v.host != nil {
		if given != nil {
			return nil, fmt.Errorf("a host function takes no conditions")
		}
		return v.host.LogRHost(ctx, x)
	}
	n := x.Len()
	in := []Array{padded(x)}
	if given != nil {
		in = append(in, padded(*given))
	}
	ts, err := v.engine.Tensors(in...)
	if err != nil {
		return nil, err
	}
	defer engine.Free(ts...)
	args := make([]any, len(ts))
	for i, t := range ts {
		args[i] = t
	}
	a, err := v.program.Call1(args...)
	if err != nil {
		return nil, err
	}
	out := make([]float64, n)
	for i := range out {
		out[i] = float64(a.Data[i])
	}
	return out, nil
}

// padded repeats the last row up to a power of two, so that few sizes are compiled.
func padded(x Array) Array {
	n := 1
	for n < x.Len() {
		n *= 2
	}
	if n == x.Len() || n == 0 || x.Len() == 0 {
		return x
	}
	out := Array{Shape: slices.Clone(x.Shape), Data: make([]float32, 0, n*x.Dim())}
	out.Shape[0], out.Data = n, append(out.Data, x.Data[:x.Len()*x.Dim()]...)
	for range n - x.Len() {
		out.Data = append(out.Data, x.Row(x.Len()-1)...)
	}
	return out
}

// Close frees what the evaluator holds on the device.
func (v *Evaluator) Close() {
	if v.program != nil {
		v.program.Close()
	}
}

// Rewards are log r of samples x [n, shape…], as [Evaluator.Rewards] gives them.
func (p Posterior) Rewards(ctx context.Context, x Array) ([]float64, error) {
	v, err := p.Evaluator()
	if err != nil {
		return nil, err
	}
	defer v.Close()
	return v.Rewards(ctx, x, p.Given)
}
