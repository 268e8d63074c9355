package twist

import "odslab/odslib"

// Point is the twist r(x̂0(x_t)), the reward of the best guess: the likelihood of DPS (Chung et al. 2023, 2209.14687).
type Point struct{}

// Bind implements Twist. A host function will do: [HostBound]. For tokens, whose guess is a law and no sample, it is [Tokens].
func (Point) Bind(post odslib.Posterior, seed uint64) (Bound, error) {
	if IsTokens(post.Prior) {
		return Tokens{}.Bind(post, seed)
	}
	return point{bare{post}}, nil
}

type point struct{ bare }

// LogTwist implements Bound.
func (b point) LogTwist(scope *odslib.Scope, _, x0 *odslib.Node, at odslib.Level) *odslib.Node {
	return b.post.LogR(scope, x0, at.Given)
}

// FromReward implements HostBound.
func (point) FromReward(logR, _, _ float64) float64 { return logR }
