package engine

import "github.com/gomlx/gomlx/core/graph"

// cholMax is the largest matrix that [NewCholesky] takes: every column is graph code of its own.
const cholMax = 16

// Cholesky is the factor L of small symmetric positive definite matrices A = L·Lᵀ, [B, m, m], in graph code: a [1, m, m]
// serves a batch of any size. It can be differentiated.
type Cholesky struct {
	diagonal []*Node // [B, 1, 1] each
	below    []*Node // column j below the diagonal, [B, m-1-j, 1]
}

// NewCholesky factors a, [B, m, m], column by column; it reads the lower triangle. m is at most 16, and meant to be 8 or
// less; [ConjugateGradients] solves larger systems. A matrix that is not positive
// definite gives NaN. least > 0 says that a − least·I has no negative eigenvalue: where that is not so, pivots below it are taken for
// least and the entries of a column for what the diagonal leaves room for, so that the factor is finite.
func NewCholesky(a *Node, least float64) Cholesky {
	s := a.Shape()
	if s.Rank() != 3 || s.Dimensions[1] != s.Dimensions[2] || s.Dimensions[1] > cholMax {
		Fail("Cholesky wants matrices [B, m, m] with m at most %d, got %s; ConjugateGradients solves larger systems", cholMax, s)
	}
	var c Cholesky
	for m := s.Dimensions[1]; m > 0; m-- {
		d := graph.Sqrt(pivot(block(a, 0, 1, 0, 1), least))
		c.diagonal = append(c.diagonal, d)
		if m > 1 {
			l := graph.Div(block(a, 1, m, 0, 1), d)
			if least > 0 {
				l = within(l, block(a, 1, m, 1, m), least)
			}
			c.below = append(c.below, l)
			a = graph.Sub(block(a, 1, m, 1, m), graph.Mul(l, graph.Transpose(l, 1, 2)))
		}
	}
	return c
}

func pivot(d *Node, least float64) *Node {
	if least == 0 {
		return d
	}
	return graph.MaxScalar(d, least)
}

// within cuts l to l_i² ≤ a_ii − least: the pivots that follow are then no less than least.
func within(l, a *Node, least float64) *Node {
	n, m := a.Shape().Dimensions[0], a.Shape().Dimensions[1]
	on := graph.BroadcastPrefix(graph.Diagonal(a.Graph(), m), n)
	diagonal := graph.ReduceAndKeep(graph.Where(on, a, graph.ZerosLike(a)), graph.ReduceSum, 2)
	room := graph.Sqrt(graph.MaxScalar(graph.AddScalar(diagonal, -least), 0))
	return graph.Max(graph.Neg(room), graph.Min(room, l))
}

// block are rows i to j-1 and columns k to l-1 of each matrix.
func block(a *Node, i, j, k, l int) *Node {
	return graph.Slice(a, graph.AxisRange(), graph.AxisRange(i, j), graph.AxisRange(k, l))
}

// LogDet is log |A|, [B].
func (c Cholesky) LogDet() *Node {
	d := graph.Concatenate(c.diagonal, 1)
	return graph.MulScalar(graph.ReduceSum(graph.Log(d), 1, 2), 2)
}

// Whiten is L⁻¹·b, of which the square is bᵀ·A⁻¹·b; b is [B, m] or [B, m, k].
func (c Cholesky) Whiten(b *Node) *Node {
	return columnwise(b, func(b *Node) *Node { return graph.Concatenate(c.forward(b), 1) })
}

// Solve is A⁻¹·b; b is [B, m] or [B, m, k].
func (c Cholesky) Solve(b *Node) *Node {
	return columnwise(b, func(b *Node) *Node {
		x := c.forward(b)
		for j := len(x) - 1; j >= 0; j-- {
			if j < len(x)-1 {
				rest := graph.ReduceAndKeep(graph.Mul(c.below[j], graph.Concatenate(x[j+1:], 1)), graph.ReduceSum, 1)
				x[j] = graph.Sub(x[j], rest)
			}
			x[j] = graph.Div(x[j], c.diagonal[j])
		}
		return graph.Concatenate(x, 1)
	})
}

// forward are the rows of L⁻¹·b, [B, 1, k] each.
func (c Cholesky) forward(b *Node) []*Node {
	if m := b.Shape().Dimensions[1]; m != len(c.diagonal) {
		Fail("Cholesky of matrices %d×%d does not fit a right side of %d rows", len(c.diagonal), len(c.diagonal), m)
	}
	x := make([]*Node, len(c.diagonal))
	for j, d := range c.diagonal {
		k := b.Shape().Dimensions[2]
		x[j] = graph.Div(block(b, 0, 1, 0, k), d)
		if j < len(c.below) {
			b = graph.Sub(block(b, 1, len(x)-j, 0, k), graph.Mul(c.below[j], x[j]))
		}
	}
	return x
}

// columnwise has f see [B, m, k] where b is [B, m].
func columnwise(b *Node, f func(b *Node) *Node) *Node {
	if b.Rank() == 2 {
		return graph.Squeeze(f(graph.ExpandAxes(b, 2)), 2)
	}
	return f(b)
}
