package diffusion

import (
	"fmt"
	"math"

	"github.com/gomlx/gomlx/core/graph"

	"odslab/odslib"
)

// Unit is the size of what a network of this parametrisation predicts, [B]. Networks put out values of order one; they
// are multiplied by Unit before [Parametrisation.ToX0]. With V this is the preconditioning of Karras et al. (2022) for
// data of unit variance.
func (p Parametrisation) Unit(at odslib.Level) *odslib.Node {
	switch p {
	case V:
		return graph.Sqrt(graph.Add(graph.Square(at.Alpha), graph.Square(at.Sigma)))
	case Score:
		return graph.Reciprocal(at.Sigma)
	}
	return graph.OnesLike(at.Alpha)
}

// Target is what a network is trained towards when data and noise are known, in units of Unit.
func (p Parametrisation) Target(x0, noise *odslib.Node, at odslib.Level) *odslib.Node {
	switch p {
	case V:
		a, s := PerRow(at.Alpha, x0), PerRow(at.Sigma, x0)
		return graph.Div(graph.Sub(graph.Mul(a, noise), graph.Mul(s, x0)), PerRow(p.Unit(at), x0))
	case Epsilon:
		return noise
	case Score:
		return graph.Neg(noise)
	case Velocity:
		return graph.Sub(noise, x0)
	}
	return x0
}

// gain is ∂x̂0/∂output: how an error of the network, in units of Unit, shows in x̂0.
func (p Parametrisation) gain(alpha, sigma float64) float64 {
	switch p {
	case V:
		return sigma / math.Hypot(alpha, sigma)
	case Velocity:
		return sigma / (alpha + sigma)
	case X0:
		return 1
	}
	return sigma / alpha
}

// Weighting says how much the errors at each noise level count in training.
type Weighting int

const (
	WeightOutput Weighting = iota // squared error of what the network predicts, in its own unit
	WeightNoise                   // squared error of ε̂ (Ho et al. 2020)
	WeightClean                   // squared error of x̂0
	WeightMinSNR                  // squared error of x̂0 times min(α²/σ², 5) (Hang et al. 2303.09556)
)

var weightingNames = [...]string{"plain", "noise", "clean", "min-snr"}

func (w Weighting) String() string {
	if w < 0 || w > WeightMinSNR {
		return fmt.Sprintf("Weighting(%d)", int(w))
	}
	return weightingNames[w]
}

// Weight multiplies the squared error of a network's output, in its unit, at one noise level.
func (w Weighting) Weight(p Parametrisation, alpha, sigma float64) float64 {
	g, snr := p.gain(alpha, sigma), alpha*alpha/(sigma*sigma)
	switch w {
	case WeightNoise:
		return g * g * snr
	case WeightClean:
		return g * g
	case WeightMinSNR:
		return g * g * math.Min(snr, 5)
	}
	return 1
}
