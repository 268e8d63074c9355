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
	program *engine.Program // graph code, in engine
	engine  *engine.Engine
	host    HostConstraint
	decode  *Decoder     // what the parts see is decoded first
	parts   []*Evaluator // of a sum, or of a constraint that is pulled back, where not all is graph code
}

// rewardBatch is how many samples are evaluated together at most.
const rewardBatch = 4096

// Evaluator readies the evaluation of log r for many calls; Close it. [Posterior.Rewards] is the same for one.
func (p Posterior) Evaluator() (v *Evaluator, err error) {
	v = &Evaluator{}
	if p.Constraint == nil {
		return v, nil
	}
	if _, ok := Can[Constraint](p.Constraint); ok {
		if v.engine, err = engine.Open(); err != nil {
			return nil, err
		}
		v.program, err = engine.NewProgram(v.engine, p.Params(), func(scope *Scope, in []*Node) []*Node {
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
	terms := []any{}
	switch c := p.Constraint.(type) {
	case Pullback:
		terms = append(terms, c.Constraint)
		v.decode, err = Inner{Outer: Given(c.Map, c.Constraint)}.Decoder()
	case Sum:
		terms = c.Terms()
	case Wrapper:
		terms = append(terms, c.Unwrap())
	default:
		v.host, err = as[HostConstraint](p.Constraint)
	}
	for _, term := range terms {
		if err != nil {
			break
		}
		var part *Evaluator
		if part, err = Given(p.Prior, term).Evaluator(); err == nil {
			v.parts = append(v.parts, part)
		}
	}
	if err != nil {
		v.Close()
		return nil, err
	}
	return v, nil
}

// Rewards are log r of samples x [n, shape…]; given [n, c] are conditions of the rows, or nil. −Inf is a reward of 0; NaN
// stands for what is no number or +Inf. With an error the values that are known come back, NaN for the rest: a host function
// that fails for some samples is asked for the others all the same, and its first error comes at the end.
func (v *Evaluator) Rewards(ctx context.Context, x Array, given *Array) ([]float64, error) {
	out := make([]float64, x.Len())
	if v.program == nil && v.host == nil && v.parts == nil {
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
		if err != nil && (v.program != nil || ctx.Err() != nil) {
			return out, err
		}
		first = cmp.Or(first, err)
	}
	return out, first
}

// Partly says whether an error of [Evaluator.Rewards] is that of a host function which failed for some of the samples alone: who
// asked may go on without these, whose log r is NaN, and says so.
func Partly(ctx context.Context, logr []float64, err error) bool {
	known := func(l float64) bool { return !math.IsNaN(l) }
	return err != nil && ctx.Err() == nil && slices.ContainsFunc(logr, known)
}

func (v *Evaluator) batch(ctx context.Context, x Array, given *Array) (sum []float64, err error) {
	if v.program == nil && given != nil {
		return nil, fmt.Errorf("a host function takes no conditions")
	}
	if v.host != nil {
		return v.host.LogRHost(ctx, x)
	}
	if v.decode != nil {
		if x, err = v.decode.Out(ctx, x); err != nil {
			return nil, err
		}
	}
	for _, part := range v.parts {
		r, partErr := part.Rewards(ctx, x, nil)
		err = cmp.Or(err, partErr)
		if sum == nil {
			sum = r
			continue
		}
		for i := range sum {
			sum[i] += r[i]
		}
		if ctx.Err() != nil { // the other parts are missing
			return nil, ctx.Err()
		}
	}
	if v.program == nil {
		return sum, err
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

// Note says that programs were compiled anew which need not be, and how to avoid it, or "".
func (v *Evaluator) Note() string {
	if v.program != nil {
		return v.program.Note()
	}
	for _, part := range v.parts {
		if note := part.Note(); note != "" {
			return note
		}
	}
	return ""
}

// Close frees what the evaluator holds on the device.
func (v *Evaluator) Close() {
	if v.program != nil {
		v.program.Close()
	}
	if v.decode != nil {
		v.decode.Close()
	}
	for _, part := range v.parts {
		part.Close()
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
