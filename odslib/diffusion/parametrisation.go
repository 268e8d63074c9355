package diffusion

import (
	"fmt"

	"github.com/gomlx/gomlx/core/graph"

	"odslab/odslib"
)

// Parametrisation is what a network predicts. All of them carry the same information: with x_t and the noise level each
// converts to x̂0 = E[x_0|x_t].
type Parametrisation int

const (
	V        Parametrisation = iota // v = α·ε − σ·x_0 (Salimans & Ho 2022): the default, bounded at every level
	Epsilon                         // ε̂ = E[ε|x_t]
	X0                              // x̂0
	Score                           // ∇ log p(x_t) = −ε̂/σ
	Velocity                        // ε − x_0, the velocity of a straight flow
)

var parametrisationNames = [...]string{"v", "epsilon", "x0", "score", "velocity"}

func (p Parametrisation) String() string {
	if p < 0 || int(p) >= len(parametrisationNames) {
		return fmt.Sprintf("Parametrisation(%d)", int(p))
	}
	return parametrisationNames[p]
}

// ParseParametrisation reads the name that String writes.
func ParseParametrisation(name string) (Parametrisation, error) {
	for i, n := range parametrisationNames {
		if n == name {
			return Parametrisation(i), nil
		}
	}
	return 0, fmt.Errorf("diffusion: no parametrisation %q; there are %v", name, parametrisationNames)
}

// ToX0 turns the network's output into x̂0.
func (p Parametrisation) ToX0(out, x *odslib.Node, at odslib.Level) *odslib.Node {
	a, s := PerRow(at.Alpha, x), PerRow(at.Sigma, x)
	switch p {
	case Epsilon:
		return graph.Div(graph.Sub(x, graph.Mul(s, out)), a)
	case V: // x_0 = (α·x − σ·v)/(α²+σ²), which is α·x − σ·v where the variance is preserved
		return graph.Div(graph.Sub(graph.Mul(a, x), graph.Mul(s, out)), graph.Add(graph.Square(a), graph.Square(s)))
	case Score:
		return graph.Div(graph.Add(x, graph.Mul(graph.Square(s), out)), a)
	case Velocity: // x = α·x_0 + σ·(x_0 + u)
		return graph.Div(graph.Sub(x, graph.Mul(s, out)), graph.Add(a, s))
	}
	return out
}

// FromX0 turns x̂0 into what a network of this parametrisation would put out: the training target when x0 is the data.
func (p Parametrisation) FromX0(x0, x *odslib.Node, at odslib.Level) *odslib.Node {
	a, s := PerRow(at.Alpha, x), PerRow(at.Sigma, x)
	eps := graph.Div(graph.Sub(x, graph.Mul(a, x0)), s)
	switch p {
	case Epsilon:
		return eps
	case V:
		return graph.Sub(graph.Mul(a, eps), graph.Mul(s, x0))
	case Score:
		return graph.Neg(graph.Div(eps, s))
	case Velocity:
		return graph.Sub(eps, x0)
	}
	return x0
}
