package smc

import (
	"github.com/gomlx/gomlx/core/graph"

	"odslab/odslib"
)

// Twist is log ψ_t(x_t), a guess of how well a particle will do, as graph code.
type Twist interface {
	// LogTwist returns x̂0(x_t) [K, shape…] and log ψ_t(x_t) [K]; at the end log r(x_0) takes its place.
	LogTwist(post odslib.Posterior, scope *odslib.Scope, x *odslib.Node, at odslib.Level) (x0, logTwist *odslib.Node)
}

// hostTwist is a twist that can be had from log r(x̂0) alone, and so from a constraint that runs on the host. certainty
// is α²/(α²+σ²).
type hostTwist interface {
	fromReward(logR, certainty float64) float64
}

// Point is the twist r(x̂0(x_t)): the reward of the best guess.
type Point struct{}

// LogTwist implements Twist.
func (Point) LogTwist(post odslib.Posterior, scope *odslib.Scope, x *odslib.Node, at odslib.Level) (x0, logTwist *odslib.Node) {
	x0 = post.Denoise(scope, x, at)
	return x0, post.LogR(scope, x0)
}

func (Point) fromReward(logR, _ float64) float64 { return logR }

// Tempered is the twist r(x̂0)^{c³} with the certainty c = α²/(α²+σ²). Far from the end x̂0 is an average over all that
// x_t may become, and the reward of an average says little: under the point twist, particles on their way between two
// modes are lost, and whole families with them. The cube is the least power that serves both smooth rewards and sharp
// measurements.
type Tempered struct{}

// LogTwist implements Twist.
func (Tempered) LogTwist(post odslib.Posterior, scope *odslib.Scope, x *odslib.Node, at odslib.Level) (x0, logTwist *odslib.Node) {
	x0, logTwist = Point{}.LogTwist(post, scope, x, at)
	a2, s2 := graph.Square(at.Alpha), graph.Square(at.Sigma)
	c := graph.Div(a2, graph.Add(a2, s2))
	return x0, graph.Mul(graph.Mul(c, graph.Square(c)), logTwist)
}

func (Tempered) fromReward(logR, certainty float64) float64 {
	return certainty * certainty * certainty * logR
}
