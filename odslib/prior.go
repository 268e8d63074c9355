package odslib

import (
	"context"

	"odslab/odslib/engine"
)

type (
	// Array is n-dimensional float32 data; samples have shape [n, shape…].
	Array = engine.Array
	// Params is an ordered list of named arrays: whatever numbers graph code reads.
	Params = engine.Params
	// Node is a value of a computation graph.
	Node = engine.Node
	// Scope is where graph code finds its parameters.
	Scope = engine.Scope
)

// Prior is a distribution over arrays of one shape.
type Prior interface {
	Shape() []int
	// Sample draws n independent samples, [n, shape…].
	Sample(ctx context.Context, n int, seed uint64) (Array, error)
}

// Parametrised is what has numbers that its graph code reads through the scope: weights, means, a measurement. Numbers
// passed this way can change without a new compilation.
type Parametrised interface{ Params() Params }

// Level is a noise level for every row of a batch; each field has shape [B].
type Level struct{ T, Alpha, Sigma *Node }

// Schedule is a noise process x_t = α(t)·x_0 + σ(t)·ε on t in [0, 1].
type Schedule interface {
	Alpha(t float64) float64
	Sigma(t float64) float64
}

// Diffusion is a prior with a denoiser.
type Diffusion interface {
	Prior
	Schedule() Schedule
	// Denoise is E[x_0 | x_t]: x [B, shape…] → [B, shape…].
	Denoise(scope *Scope, x *Node, at Level) *Node
}

// Density is a prior whose log-density is known at every noise level: x [B, shape…] → [B].
type Density interface {
	LogDensity(scope *Scope, x *Node, at Level) *Node
}

// Generator is a prior x = f(z) with z ~ N(0, I).
type Generator interface {
	Prior
	NoiseShape() []int
	// Generate is f: z [B, noise…] → [B, shape…].
	Generate(scope *Scope, z *Node) *Node
}

// HostGenerator is a generator whose f runs outside the graph: no gradients.
type HostGenerator interface {
	Prior
	NoiseShape() []int
	GenerateHost(z Array) (Array, error)
}

// Exact is a prior that knows the posterior under some constraints in closed form.
type Exact interface {
	// Exact returns a prior that is the posterior, and log Z. It fails, saying why, when there is no closed form.
	Exact(c Constraint) (Prior, float64, error)
}
