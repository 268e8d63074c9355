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

// Level is what graph code knows of a noise level, for every row of a batch.
type Level struct {
	T, Alpha, Sigma *Node   // [B]
	Given           *Node   // [B, c]: class, measurement, state; or nil
	Gain            *Node   // [B]: weight of x̂0 in the step, or Heun stage, at hand; nil outside a chain
	Extra           []*Node // [B] each: values of the columns that a guide or twist asked for
}

// Curve is a setting that changes with the noise process's time t in [0, 1].
type Curve func(t float64) float64

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

// Conditional is a prior whose graph code reads c columns of Level.Given, the first of a posterior's conditions.
type Conditional interface {
	Prior
	Conditions() int // c
}

// Moments is a prior that knows mean and standard deviation of each value of a sample, flat: the scale of its process and
// of networks.
type Moments interface {
	Moments() (mean, std []float64)
}

// Marginal is a diffusion prior that can draw x_t itself, a row for each row of the level: chains then start from its law.
type Marginal interface {
	SampleAt(scope *Scope, rng *Node, at Level) (newRNG, x *Node)
}

// Density is a prior whose log-density is known: x [B, shape…] → [B]. A mixture's is at every noise level, a normalising flow's
// is that of the data whatever the level.
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
	GenerateHost(ctx context.Context, z Array) (Array, error)
}

// HostDiffusion is a diffusion prior whose denoiser is no graph code: a program of another framework, another process. It has no
// gradient.
type HostDiffusion interface {
	Prior
	Schedule() Schedule
	// DenoiseHost is x̂0 of a batch x_t [n, shape…] at time t.
	DenoiseHost(ctx context.Context, x Array, t float64) (Array, error)
}

// AffineMap is a generator or latent prior with x = W·z + b for flat x and z; ok is false where the map at hand is not.
type AffineMap interface {
	Affine() (w [][]float64, b []float64, ok bool)
}

// Latent is a prior x = g(z) with z from another prior.
type Latent interface {
	Prior
	Inner() Prior
	// Decode is g: z [B, inner shape…] → [B, shape…].
	Decode(scope *Scope, z *Node) *Node
}

// Conjugate is a prior that knows the posterior under some constraints in closed form.
type Conjugate interface {
	// Exact returns a prior that is the posterior, and log Z. It fails, saying why, when there is no closed form.
	Exact(c Constraint) (Prior, float64, error)
}

// ConjugateInside is a generator that knows the posterior of its noise under some constraints in closed form.
type ConjugateInside interface {
	ExactInside(c Constraint) (Prior, float64, error)
}
