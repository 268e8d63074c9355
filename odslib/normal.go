package odslib

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/gomlx/gomlx/core/graph"

	"odslab/odslib/engine"
)

var (
	_ Diffusion = Normal{}
	_ Density   = Normal{}
	_ Marginal  = Normal{}
	_ Moments   = Normal{}
	_ Generator = Normal{}
)

// Normal is the prior N(0, I) over samples of shape Dims, with its exact denoiser: the law of a generator's noise.
type Normal struct{ Dims []int }

// Shape implements Prior.
func (p Normal) Shape() []int { return slices.Clone(p.Dims) }

// NoiseShape implements Generator.
func (p Normal) NoiseShape() []int { return p.Shape() }

// Generate implements Generator: a sample is its own noise.
func (Normal) Generate(_ *Scope, z *Node) *Node { return z }

// Schedule implements Diffusion.
func (Normal) Schedule() Schedule { return VPLinear{} }

// Sample implements Prior.
func (p Normal) Sample(ctx context.Context, n int, seed uint64) (Array, error) {
	if n < 0 {
		return Array{}, fmt.Errorf("normal prior: asked for %d samples", n)
	}
	x, rng := engine.NewArray(append([]int{n}, p.Dims...)...), engine.RNG(seed, "odslib.Normal")
	for i := range x.Data {
		x.Data[i] = float32(rng.NormFloat64())
	}
	return x, ctx.Err()
}

// Denoise is α·x/(α²+σ²).
func (Normal) Denoise(_ *Scope, x *Node, at Level) *Node {
	return graph.Mul(x, perRow(graph.Div(at.Alpha, total(at)), x))
}

// SampleAt implements Marginal.
func (p Normal) SampleAt(_ *Scope, rng *Node, at Level) (newRNG, x *Node) {
	newRNG, x = engine.RandomNormal(rng, append([]int{at.T.Shape().Dimensions[0]}, p.Dims...)...)
	return newRNG, graph.Mul(x, perRow(graph.Sqrt(total(at)), x))
}

// LogDensity is log N(x; 0, (α²+σ²)I).
func (Normal) LogDensity(_ *Scope, x *Node, at Level) *Node {
	n, v := x.Shape().Dimensions[0], total(at)
	d := float64(x.Shape().Size() / n)
	quad := graph.ReduceSum(graph.Square(graph.Reshape(x, n, -1)), -1)
	return graph.MulScalar(graph.Add(graph.Div(quad, v), graph.MulScalar(graph.AddScalar(graph.Log(v), math.Log(2*math.Pi)), d)), -.5)
}

// Moments implements Moments.
func (p Normal) Moments() (mean, std []float64) {
	d := engine.NewArray(append([]int{1}, p.Dims...)...).Dim()
	mean, std = make([]float64, d), make([]float64, d)
	for i := range std {
		std[i] = 1
	}
	return mean, std
}

// String names the prior.
func (p Normal) String() string { return fmt.Sprintf("N(0, I) over %v", p.Dims) }

func total(at Level) *Node { return graph.Add(graph.Square(at.Alpha), graph.Square(at.Sigma)) }

func perRow(v, x *Node) *Node {
	dims := slices.Repeat([]int{1}, x.Rank())
	dims[0] = v.Shape().Dimensions[0]
	return graph.BroadcastToShape(graph.Reshape(v, dims...), x.Shape())
}

// VPLinear is the variance-preserving process with β(t) linear from BetaMin (0 means .1) to BetaMax (0 means 20).
type VPLinear struct{ BetaMin, BetaMax float64 }

// integral is ∫β over [0, t].
func (s VPLinear) integral(t float64) float64 {
	b0, b1 := s.BetaMin, s.BetaMax
	if b0 == 0 {
		b0 = .1
	}
	if b1 == 0 {
		b1 = 20
	}
	return .5*t*t*(b1-b0) + t*b0
}

// Alpha is exp(−½∫β).
func (s VPLinear) Alpha(t float64) float64 { return math.Exp(-.5 * s.integral(t)) }

// Sigma is √(1−α²).
func (s VPLinear) Sigma(t float64) float64 { return math.Sqrt(-math.Expm1(-s.integral(t))) }
