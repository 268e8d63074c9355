package odslib

import "odslab/odslib/engine"

// Process is a prior with a reverse chain of its own, one row of a table for each step. The guess at x_t is evaluated once a
// step and handed on to whoever needs it. A [Diffusion] gives a Process through diffusion.Chain.
type Process interface {
	Prior
	// Table has one row for each step; what is added to a row, behind its own columns, the process does not read.
	Table() (engine.Table, error)
	// Times are the falling times between the steps, one more than rows.
	Times() []float64
	// Start draws n values of x at the noisiest level, in a program of its own.
	Start(scope *Scope, rng *Node, n int) (newRNG, x *Node)
	// Level is where the step of a row starts, for n rows of a batch.
	Level(row *Node, n int) Level
	// Guess is x̂0 or the logits of tokens; what a process needs of its own comes after.
	Guess(scope *Scope, x *Node, at Level) []*Node
	// Step draws x_s given x_t and the guess there.
	Step(guess []*Node, x, row, rng *Node) (newRNG, next *Node)
	// LogStep is log p(x_s|x_t), [B].
	LogStep(guess []*Node, next, x, row *Node) *Node
}

// GaussianSteps is a process whose steps are N(mean, std²I): what twisted proposals shift. std is a scalar.
type GaussianSteps interface {
	Process
	Mean(guess []*Node, x, row *Node) (mean, std *Node)
}

// Noising is a process that can go the other way: x_t given x_s, for paths that end in given samples.
type Noising interface {
	Process
	Noise(next, row, rng *Node) (newRNG, x *Node)
}
