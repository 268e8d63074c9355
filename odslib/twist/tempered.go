package twist

import (
	"math"

	"github.com/gomlx/gomlx/core/graph"

	"odslab/odslib"
)

// Tempered is the twist r(x̂0)^{c³} with the certainty c = α²/(α²+σ²). Far from the end x̂0 is an average over all that x_t
// may become, and the reward of an average says little: under the point twist, particles on their way between two modes
// are lost, and whole families with them. The cube is the least power that serves both smooth rewards and sharp
// measurements.
type Tempered struct{}

// Bind implements Twist. A host function will do: [HostBound].
func (Tempered) Bind(post odslib.Posterior, _ uint64) (Bound, error) {
	return tempered{bare{post}}, nil
}

type tempered struct{ bare }

// LogTwist implements Bound.
func (b tempered) LogTwist(scope *odslib.Scope, _, x0 *odslib.Node, at odslib.Level) *odslib.Node {
	c := certainty(at)
	return graph.Mul(graph.Mul(c, graph.Square(c)), b.post.LogR(scope, x0, at.Given))
}

// FromReward implements HostBound.
func (tempered) FromReward(logR, alpha, sigma float64) float64 {
	return math.Pow(alpha*alpha/(alpha*alpha+sigma*sigma), 3) * logR
}
