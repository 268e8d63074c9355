package twist

import (
	"github.com/gomlx/gomlx/core/graph"

	"odslab/odslib"
)

// Twist is a guess of log p(y|x_t), before it is put to a posterior.
type Twist interface {
	// Bind checks that the twist fits the posterior. Random numbers that it needs are drawn from seed, once.
	Bind(post odslib.Posterior, seed uint64) (Bound, error)
}

// Bound is a twist of one posterior, in graph code.
type Bound interface {
	odslib.Parametrised // its own numbers; users put them under "twist"
	// Columns are curves of t that LogTwist reads from Level.Extra, in this order.
	Columns() []odslib.Curve
	// LogTwist is log ψ_t(x_t), [B], from x_t and x̂0(x_t), both [B, shape…], in the posterior's scope. Where x̂0 was computed
	// from x in this graph, gradients go through it.
	LogTwist(scope *odslib.Scope, x, x0 *odslib.Node, at odslib.Level) *odslib.Node
}

// HostBound is a twist that can be had from log r(x̂0) alone, and so from a constraint that runs on the host.
type HostBound interface {
	Bound
	// FromReward is log ψ_t given log r(x̂0), at signal alpha and noise sigma.
	FromReward(logR, alpha, sigma float64) float64
}

// HostDraws is a twist that is the mean of r over several points around x̂0, which a constraint on the host can judge.
type HostDraws interface {
	Bound
	Several
	// Around are the points for each row of x̂0, those of a row together.
	Around(x0 odslib.Array, alpha, sigma float64) odslib.Array
}

// Valued is a twist that has judged all it needs when it is bound: r may run on the host.
type Valued interface {
	Bound
	Valued()
}

// Several is a twist or guide that evaluates the constraint more than once for each row.
type Several interface{ Evaluations() int }

// Costly is what has products with the Jacobian of x̂0 for each row: a pass backwards through the network each.
type Costly interface{ Products() int }

// ProductsOf is how many products the value of a bound twist or guide takes.
func ProductsOf(v any) int {
	if c, ok := v.(Costly); ok {
		return c.Products()
	}
	return 0
}

// GradientProducts is how many products a bound twist takes with its gradient in x: one more where it reads x̂0.
func GradientProducts(b Bound) int {
	if _, ok := b.(Valued); ok {
		return ProductsOf(b)
	}
	return ProductsOf(b) + 1
}

// EvaluationsOf is how often a bound twist or guide evaluates the constraint for each row.
func EvaluationsOf(v any) int {
	if s, ok := v.(Several); ok {
		return s.Evaluations()
	}
	return 1
}

// bare is what twists have that have no numbers and no columns.
type bare struct{ post odslib.Posterior }

func (bare) Params() odslib.Params { return nil }

func (bare) Columns() []odslib.Curve { return nil }

// certainty is α²/(α²+σ²).
func certainty(at odslib.Level) *odslib.Node {
	a2 := graph.Square(at.Alpha)
	return graph.Div(a2, graph.Add(a2, graph.Square(at.Sigma)))
}
