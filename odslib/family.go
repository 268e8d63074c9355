package odslib

import (
	"context"

	"github.com/gomlx/gomlx/core/graph"

	"odslab/odslib/engine"
)

// Family is a prior with a kind of measurement, whatever its outcome: what calibration and amortised training need.
type Family struct {
	Prior      Prior
	Experiment Experiment
}

// FamilyOf is the family that a posterior belongs to; its error model must be able to draw y.
func FamilyOf(post Posterior) (Family, error) {
	if err := post.Check(); err != nil {
		return Family{}, err
	}
	if _, err := Need[Conditioned](post, "a family"); err != nil {
		return Family{}, err
	}
	e, err := Need[Experiment](post, "a family")
	return Family{Prior: post.Prior, Experiment: e}, err
}

// Y draws a measurement of each sample x [n, shape…]: [n, m].
func (f Family) Y(ctx context.Context, x Array, seed uint64) (Array, error) {
	post := Given(f.Prior, f.Experiment)
	e, err := engine.Open()
	if err != nil {
		return Array{}, err
	}
	m := f.Experiment.(Conditioned).Conditions(post.Shape())
	p, err := engine.NewProgram(e, post.Params(), func(scope *Scope, in []*Node) []*Node {
		zero := graph.BroadcastToDims(graph.Const(in[0].Graph(), float32(0)), in[0].Shape().Dimensions[0], m)
		return []*Node{graph.Neg(f.Experiment.Residual(scope.At("constraint"), in[0], zero))}
	})
	if err != nil {
		return Array{}, err
	}
	defer p.Close()
	out, rng := engine.NewArray(x.Len(), m), engine.RNG(seed, "odslib.Family")
	for k := 0; k < x.Len(); k += rewardBatch {
		if err := ctx.Err(); err != nil {
			return out.Slice(0, k), err
		}
		part := x.Slice(k, min(k+rewardBatch, x.Len()))
		ax, err := p.Call1(padded(part).Tensor())
		if err != nil {
			return out.Slice(0, k), err
		}
		row := make([]float64, m)
		for i := range part.Len() {
			for j, v := range ax.Row(i) {
				row[j] = float64(v)
			}
			for j, v := range f.Experiment.DrawY(row, rng) {
				out.Row(k + i)[j] = float32(v)
			}
		}
	}
	return out, nil
}

// At is the posterior at one outcome.
func (f Family) At(y []float64) Posterior { return Given(f.Prior, f.Experiment.At(y)) }

// Rows is the posterior of which draw i has the outcome y[i] of y [n, m].
func (f Family) Rows(y Array) Posterior {
	post := Given(f.Prior, f.Experiment)
	post.Given = &y
	return post
}
