package odslib

import (
	"context"
	"math/rand/v2"
	"slices"

	"github.com/gomlx/gomlx/core/graph"

	"odslab/odslib/engine"
)

// Constraint is log r(x): the log-likelihood of a measurement or a log reward, as graph code. x [B, shape…] → [B].
type Constraint interface {
	LogR(scope *Scope, x *Node) *Node
}

// HostConstraint is log r(x) as an ordinary Go function of n samples [n, shape…] → n values: no gradient. A row that it
// cannot judge is NaN; with an error the rows that are known may come back too.
type HostConstraint interface {
	LogRHost(ctx context.Context, x Array) ([]float64, error)
}

// Checked is a constraint that can tell, before anything is built, whether it fits samples of a shape.
type Checked interface {
	Check(shape []int) error
}

// Conditioned is a constraint whose measurement may differ from row to row of a batch: given is [B, c].
type Conditioned interface {
	Constraint
	Conditions(shape []int) int // c
	LogRGiven(scope *Scope, x, given *Node) *Node
}

// Measured is a measurement y = A(x) + error.
type Measured interface {
	Constraint
	// Residual is y − A(x), [B, shape…] → [B, m]; given holds the y of each row, nil stands for the measurement's own.
	Residual(scope *Scope, x, given *Node) *Node
}

// Widening is a measurement whose error model takes further Gaussian noise of standard deviation extra, [B].
type Widening interface {
	Measured
	LogRWith(scope *Scope, x, extra, given *Node) *Node
}

// System is a linear measurement with unit noise, Y = A·x + N(0, I) for flat x: log p(y|x) = log N(Y; A·x, I) + LogScale.
type System struct {
	A        [][]float64 // [m][d]
	Y        []float64   // [m]
	LogScale float64
}

// Stack is both measurements as one.
func (s System) Stack(t System) System {
	return System{A: slices.Concat(s.A, t.A), Y: slices.Concat(s.Y, t.Y), LogScale: s.LogScale + t.LogScale}
}

// Linear is a measurement y = A·x + Gaussian error.
type Linear interface {
	Measured
	System(shape []int) (System, error)
	// Whitened is the residual in units of its error, Y − A·x of the System: [B, m].
	Whitened(scope *Scope, x, given *Node) *Node
}

// Adjoint is Aᵀ·v of a linear measurement's System in graph code, [B, m] → [B, shape…]: by differentiation, so that a
// measurement too large for a matrix has it too.
func Adjoint(c Linear, scope *Scope, shape []int, v *Node) *Node {
	zero := graph.BroadcastToDims(graph.ScalarZero(v.Graph(), v.DType()), append([]int{v.Shape().Dimensions[0]}, shape...)...)
	return graph.Neg(engine.VJP(c.Whitened(scope, zero, graph.ZerosLike(v)), zero, v))
}

// Gram is A·Aᵀ·v of a linear measurement's System in graph code, [B, m] → [B, m].
func Gram(c Linear, scope *Scope, shape []int, v *Node) *Node {
	x, y := Adjoint(c, scope, shape, v), graph.ZerosLike(v)
	return graph.Sub(c.Whitened(scope, graph.ZerosLike(x), y), c.Whitened(scope, x, y)) // the first is a pulled-back offset, or 0
}

// Lifted is a measurement with a pseudo-inverse of its A: A†r, [B, m] → [B, shape…].
type Lifted interface {
	Measured
	Lift(scope *Scope, shape []int, r *Node) *Node
}

// Quadratic is a constraint with log r(x) = ½xᵀHx + bᵀx + c, H symmetric [d, d]: exponential tilts, quadratic rewards.
type Quadratic interface {
	Constraint
	Quadratic(shape []int) (h [][]float64, b []float64, c float64, err error)
}

// KnownPosterior is a constraint that was made from its posterior, as the ratio of a target to the prior is.
type KnownPosterior interface {
	// Posterior returns the posterior under the prior, and log Z.
	Posterior(prior Prior) (Prior, float64, error)
}

// Experiment is a measurement that can be made again: its error model draws, and it can be put at another outcome.
type Experiment interface {
	Measured
	// DrawY draws y given A(x) = ax, [m].
	DrawY(ax []float64, rng *rand.Rand) []float64
	At(y []float64) Constraint
}

// Sum is a constraint whose log r is the sum of others'. Closed forms take them one by one.
type Sum interface{ Terms() []any }

// Wrapper is a constraint around another one, which can all that the other can.
type Wrapper interface{ Unwrap() any }

// Composite is a constraint made of others, which can do something only where its parts can.
type Composite interface {
	// Offers is nil where the constraint has the ability that what names, a nil pointer to an interface such as
	// (*Linear)(nil), and else says which part has not.
	Offers(what any) error
}
