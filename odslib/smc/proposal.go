package smc

import (
	"github.com/gomlx/gomlx/core/graph"

	"odslab/odslib"
	"odslab/odslib/engine"
)

// Particle is what graph code knows of the particles at time t, K rows of each.
type Particle struct {
	X        *odslib.Node   // x_t
	Guess    []*odslib.Node // the process's guess there
	Gradient *odslib.Node   // ∇ log ψ_t(x_t), or for tokens that in the logits of the guess; nil unless the proposal is guided
}

// Proposal moves particles, as graph code.
type Proposal interface {
	// Guided says whether Propose reads the gradient of the twist.
	Guided() bool
	// Propose draws x_s by the step of a row and returns log p(x_s|x_t) − log q(x_s|x_t), [K]; nil means 0.
	Propose(p odslib.Process, from Particle, row, rng *odslib.Node) (newRNG, x, logRatio *odslib.Node)
}

// OwnStep proposes by the process's own step.
type OwnStep struct{}

// Guided implements Proposal.
func (OwnStep) Guided() bool { return false }

// Propose implements Proposal.
func (OwnStep) Propose(p odslib.Process, from Particle, row, rng *odslib.Node) (newRNG, x, logRatio *odslib.Node) {
	newRNG, x = p.Step(from.Guess, from.X, row, rng)
	return newRNG, x, nil
}

// TwistedStep proposes N(mean + std²·∇ log ψ_t(x_t), std²), as twisted diffusion sampling does.
//
// Tokens it draws from the law that the twist suggests: with π the guess's law at a position and ψ linear in it, as the mean of r over
// independent positions is, π + ∂log ψ/∂logits is the law of the token there under r. Half is left to π itself, so that
// nothing is out of reach.
type TwistedStep struct{}

const leftToGuess = .5

// Guided implements Proposal.
func (TwistedStep) Guided() bool { return true }

// Propose implements Proposal.
func (TwistedStep) Propose(p odslib.Process, from Particle, row, rng *odslib.Node) (newRNG, x, logRatio *odslib.Node) {
	steps, ok := p.(odslib.GaussianSteps)
	if !ok {
		return twistedTokens(p, from, row, rng)
	}
	mean, std := steps.Mean(from.Guess, from.X, row)
	newRNG, noise := engine.RandomNormal(rng, from.X.Shape().Dimensions...)
	v := graph.Square(std)
	off := graph.Add(times(v, from.Gradient), times(std, noise)) // x_s − mean
	each := graph.Sub(graph.MulScalar(times(v, graph.Square(from.Gradient)), .5), graph.Mul(from.Gradient, off))
	return newRNG, graph.Add(mean, off), graph.ReduceSum(graph.Reshape(each, each.Shape().Dimensions[0], -1), -1)
}

func twistedTokens(p odslib.Process, from Particle, row, rng *odslib.Node) (newRNG, x, logRatio *odslib.Node) {
	guess := graph.Softmax(from.Guess[0], -1)
	known := graph.Where(graph.IsFinite(from.Gradient), from.Gradient, graph.ZerosLike(guess)) // ψ = 0 has no gradient
	law := graph.MaxScalar(graph.Add(guess, known), 0)
	law = graph.Add(graph.MulScalar(law, 1-leftToGuess), graph.MulScalar(guess, leftToGuess))
	moved := append([]*odslib.Node{graph.Log(graph.MaxScalar(law, 1e-30))}, from.Guess[1:]...)
	newRNG, x = p.Step(moved, from.X, row, rng)
	return newRNG, x, graph.Sub(p.LogStep(from.Guess, x, from.X, row), p.LogStep(moved, x, from.X, row))
}

func times(s, x *odslib.Node) *odslib.Node { return graph.Mul(graph.BroadcastToShape(s, x.Shape()), x) }
