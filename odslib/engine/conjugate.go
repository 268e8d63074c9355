package engine

import "github.com/gomlx/gomlx/core/graph"

// ConjugateGradients solves A·x = b for a symmetric positive definite A that is known by its products with vectors, each
// row of b [B, m] being a system of its own (Hestenes and Stiefel 1952). It takes a fixed number of iterations, m of them
// at most for an exact answer, and √κ·log(2/ε)/2 for a relative error of ε at condition number κ; each is graph code of
// its own, so that it runs inside a step. residual is ‖b−A·x‖/‖b‖, [B]: look at it, for nothing else says that the
// iterations were too few.
//
// Neither is to be differentiated: both are held fixed (StopGradient).
func ConjugateGradients(product func(v *Node) *Node, b *Node, iterations int) (x, residual *Node) {
	if b.Rank() != 2 || iterations < 1 {
		Fail("ConjugateGradients wants right sides [B, m] and at least one iteration, got %s and %d", b.Shape(), iterations)
	}
	square := func(u, v *Node) *Node { return graph.ReduceAndKeep(graph.Mul(u, v), graph.ReduceSum, 1) } // [B, 1]
	// A system that is solved exactly stays as it is.
	ratio := func(a, b *Node) *Node {
		some := graph.GreaterThan(b, graph.ZerosLike(b))
		return graph.Where(some, graph.Div(a, graph.Where(some, b, graph.OnesLike(b))), graph.ZerosLike(a))
	}
	b = graph.StopGradient(b)
	x = graph.ZerosLike(b)
	r, p := b, b
	rr := square(r, r)
	size := rr
	for range iterations {
		ap := product(p)
		step := ratio(rr, square(p, ap))
		x = graph.Add(x, graph.Mul(step, p))
		r = graph.Sub(r, graph.Mul(step, ap))
		next := square(r, r)
		p = graph.Add(r, graph.Mul(ratio(next, rr), p))
		rr = next
	}
	// The residual that the iterations carry along drifts from the true one.
	r = graph.Sub(b, product(x))
	residual = graph.Reshape(graph.Sqrt(ratio(square(r, r), size)), -1)
	return graph.StopGradient(x), graph.StopGradient(residual)
}
