package engine

import (
	"reflect"

	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
)

// VJP is Jᵀ·v for the Jacobian J = ∂y/∂x; v has the shape of y and is held fixed, the result has the shape of x. Rows of
// a batch that do not depend on each other each get their own product. Where y does not depend on x it is zero.
func VJP(y, x, v *Node) *Node {
	return graph.Gradient(graph.ReduceAllSum(graph.Mul(y, graph.StopGradient(v))), x)[0]
}

// JVP is J·v for the Jacobian J = ∂y/∂x; v has the shape of x and is held fixed, the result has the shape of y.
//
// Jᵀ·u is linear in u, and the derivative of (Jᵀ·u)·v by u is J·v: two reverse passes (Townsend 2017,
// https://j-towns.github.io/2017/06/12/A-new-trick.html). Where J is symmetric, as that of an exact denoiser is, [VJP] is
// the same product for less.
func JVP(y, x, v *Node) *Node {
	u := graph.ZerosLike(y)
	back := graph.Gradient(graph.ReduceAllSum(graph.Mul(y, u)), x)[0]
	return graph.Gradient(graph.ReduceAllSum(graph.Mul(back, graph.StopGradient(v))), u)[0]
}

// GoMLX 0.28.2 differentiates a slice by a padding and has no derivative of a padding, so that no second order goes
// through a slice.
func init() {
	if graph.VJPRegistration[graph.NodeTypePad] == nil {
		graph.VJPRegistration[graph.NodeTypePad] = padVJP
	}
}

// padVJP takes what was padded out of v. The numbers of a padding are in fields that GoMLX does not export.
func padVJP(node *Node, out []*Node, _ shapes.Shape) []*Node {
	v, x := out[0], node.Inputs()[0]
	padding := reflect.ValueOf(node).Elem().FieldByName("inputs").Elem().Elem().FieldByName("axesConfig")
	axes := make([]graph.SliceAxisSpec, x.Rank())
	for i, n := range x.Shape().Dimensions {
		axes[i] = graph.AxisRange()
		if i >= padding.Len() {
			continue
		}
		number := func(name string) int { return int(padding.Index(i).FieldByName(name).Int()) }
		start, step := number("Start"), 1+number("Interior")
		if start < 0 || number("End") < 0 || n == 0 {
			Fail("a padding of %d and %d on axis %d of %s has no gradient", start, number("End"), i, x.Shape())
		}
		axes[i] = graph.AxisRange(start, start+(n-1)*step+1).Stride(step)
	}
	inner := graph.Slice(v, axes...)
	fill := node.Inputs()[1]
	if fill.Type() == graph.NodeTypeConstant {
		return []*Node{inner, nil}
	}
	return []*Node{inner, graph.Sub(graph.ReduceAllSum(v), graph.ReduceAllSum(inner))}
}
