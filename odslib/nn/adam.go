package nn

import (
	"math"

	"github.com/gomlx/gomlx/core/graph"

	"odslab/odslib/engine"
)

// Adam is the optimiser of Kingma & Ba (1412.6980) as a pure function; with WeightDecay it is AdamW (1711.05101).
type Adam struct {
	Beta1, Beta2 float64 // 0 means .9 and .999
	Epsilon      float64 // 0 means 1e-8
	WeightDecay  float64
}

// Update takes one step: params, moments m and v, and gradients are parallel lists, rate is the learning rate and count
// the number of this step, from 1, both float32 scalars.
func (a Adam) Update(params, m, v, grads []*engine.Node, rate, count *engine.Node) (newParams, newM, newV []*engine.Node) {
	b1, b2, eps := or(a.Beta1, .9), or(a.Beta2, .999), or(a.Epsilon, 1e-8)
	// 1 − β^count by expm1: the plain difference would lose half its digits at the first steps.
	debias := func(beta float64) *engine.Node {
		return graph.Neg(graph.Expm1(graph.MulScalar(count, math.Log(beta))))
	}
	rate1 := graph.Div(rate, debias(b1))
	root2 := graph.Sqrt(debias(b2))
	for i, p := range params {
		mi := graph.Add(graph.MulScalar(m[i], b1), graph.MulScalar(grads[i], 1-b1))
		vi := graph.Add(graph.MulScalar(v[i], b2), graph.MulScalar(graph.Square(grads[i]), 1-b2))
		scale := graph.AddScalar(graph.Div(graph.Sqrt(vi), like(root2, vi)), eps)
		next := graph.Sub(p, graph.Mul(like(rate1, mi), graph.Div(mi, scale)))
		if a.WeightDecay > 0 {
			next = graph.Sub(next, graph.Mul(like(graph.MulScalar(rate, a.WeightDecay), p), p))
		}
		newParams, newM, newV = append(newParams, next), append(newM, mi), append(newV, vi)
	}
	return newParams, newM, newV
}

// ClipByGlobalNorm scales the gradients down together when their joint Euclidean norm is above limit, and returns the
// norm before (Pascanu et al. 2013). A limit of 0 or less only measures.
func ClipByGlobalNorm(grads []*engine.Node, limit float64) (clipped []*engine.Node, norm *engine.Node) {
	for _, g := range grads {
		s := graph.ReduceAllSum(graph.Square(g))
		if norm == nil {
			norm = s
		} else {
			norm = graph.Add(norm, s)
		}
	}
	norm = graph.Sqrt(norm)
	if limit <= 0 {
		return grads, norm
	}
	scale := graph.Div(graph.Const(norm.Graph(), float32(limit)), graph.MaxScalar(norm, limit))
	for _, g := range grads {
		clipped = append(clipped, graph.Mul(g, like(scale, g)))
	}
	return clipped, norm
}

// EMA moves averages towards params: decay·average + (1−decay)·param, decay being a float32 scalar.
func EMA(average, params []*engine.Node, decay *engine.Node) []*engine.Node {
	out := make([]*engine.Node, len(params))
	for i, p := range params {
		// Written as a step from the average, which keeps equal values equal.
		out[i] = graph.Add(average[i], graph.Mul(like(graph.OneMinus(decay), p), graph.Sub(p, average[i])))
	}
	return out
}

// Select returns, for every pair, yes where the scalar condition holds and no elsewhere.
func Select(condition *engine.Node, yes, no []*engine.Node) []*engine.Node {
	out := make([]*engine.Node, len(yes))
	for i := range yes {
		out[i] = graph.Where(graph.BroadcastToDims(condition, yes[i].Shape().Dimensions...), yes[i], no[i])
	}
	return out
}

func like(s, x *engine.Node) *engine.Node { return graph.BroadcastToShape(s, x.Shape()) }
