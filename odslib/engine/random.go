package engine

import (
	"hash/fnv"
	"math"
	"math/rand/v2"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
)

// Split derives a seed for one purpose ("smc.TDS.resample") from a seed. Different purposes give unrelated streams; the
// same purpose always gives the same one.
func Split(seed uint64, purpose string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(purpose))
	// One round of PCG mixes seed and hash, which plain xor would let cancel.
	return rand.NewPCG(seed, h.Sum64()).Uint64()
}

// RNG is a host random source for one purpose.
func RNG(seed uint64, purpose string) *rand.Rand {
	return rand.New(rand.NewPCG(Split(seed, purpose), 0x9e3779b97f4a7c15))
}

// RNGState is a random state for graph code, for one purpose: part of the state of a step function.
func RNGState(seed uint64, purpose string) *tensors.Tensor {
	rng := RNG(seed, purpose)
	return tensors.FromFlatDataAndDimensions([]uint64{rng.Uint64(), rng.Uint64(), rng.Uint64()}, 3)
}

// RandomUniform draws U[0,1) of the given shape and returns the new random state.
func RandomUniform(rng *Node, dims ...int) (newRNG, u *Node) {
	return graph.RandomUniform(rng, Float32(dims...))
}

// RandomNormal draws N(0,1) of the given shape by the Box–Muller transform, both halves of each pair used, and returns
// the new random state.
func RandomNormal(rng *Node, dims ...int) (newRNG, z *Node) {
	n := size(dims)
	newRNG, u := graph.RandomUniform(rng, Float32(2, (n+1)/2))
	z = boxMuller(u)
	if z.Shape().Size() != n {
		z = graph.Slice(z, graph.AxisRange(0, n))
	}
	return newRNG, graph.StopGradient(graph.Reshape(z, dims...))
}

// boxMuller turns uniforms [2, k] into 2k normals. The radius takes u ≥ 2⁻³³, the middle of the lowest cell: zero would
// give +Inf once in 2³² draws.
func boxMuller(u *Node) *Node {
	k := u.Shape().Dimensions[1]
	u1 := graph.Reshape(graph.Slice(u, graph.AxisElem(0)), k)
	u2 := graph.Reshape(graph.Slice(u, graph.AxisElem(1)), k)
	r := graph.Sqrt(graph.MulScalar(graph.Log(graph.MaxScalar(u1, math.Exp2(-33))), -2))
	phi := graph.MulScalar(u2, 2*math.Pi)
	return graph.Concatenate([]*Node{graph.Mul(r, graph.Cos(phi)), graph.Mul(r, graph.Sin(phi))}, 0)
}
