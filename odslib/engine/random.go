package engine

import (
	"hash/fnv"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
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

// RNGWords is how many uint64 a random state has.
const RNGWords = 2

// RNGState is a random state for graph code, for one purpose: part of the state of a step function. It is a counter and
// a key, see [RandomUniform].
func RNGState(seed uint64, purpose string) *tensors.Tensor {
	return tensors.FromFlatDataAndDimensions([]uint64{0, RNG(seed, purpose).Uint64() | 1}, RNGWords)
}

// RandomUniform draws U[0,1) of the given shape and returns the new random state. Values are multiples of 2⁻²⁴. On one of
// several devices ([Loop.Devices]) they are its rows of what one device would draw for all.
//
// The generator is Squares (Widynski, 2020, https://arxiv.org/abs/2004.06278): four rounds of squaring a 64-bit counter
// under a key. It is a dozen operations on each element, which XLA compiles in a fraction of the time that its own
// generator takes, and it gives the same bits on every backend.
func RandomUniform(rng *Node, dims ...int) (newRNG, u *Node) {
	dims = allRows(rng, dims)
	newRNG, b := randomBits(rng, size(dims))
	b = graph.BitwiseShiftRightLogical(b, same(b, 8))
	return newRNG, shareRows(graph.Reshape(graph.MulScalar(graph.ConvertDType(b, dtypes.Float32), math.Exp2(-24)), dims...))
}

// allRows is the shape that all devices together draw, where a draw has rows.
func allRows(rng *Node, dims []int) []int {
	dims = slices.Clone(dims)
	if n := rng.Graph().NumDevices(); n > 1 && len(dims) > 0 {
		dims[0] *= n
	}
	return dims
}

func shareRows(x *Node) *Node {
	if x.Rank() == 0 {
		return x
	}
	return Share(x)
}

// randomBits gives n words of 32 random bits, as uint64.
func randomBits(rng *Node, n int) (newRNG, bits *Node) {
	g := rng.Graph()
	word := func(i int) *Node { return graph.Reshape(graph.Slice(rng, graph.AxisElem(i))) }
	counter, key := word(0), graph.BroadcastToDims(word(1), n)
	newRNG = graph.Concatenate([]*Node{graph.Reshape(graph.Add(counter, graph.Const(g, uint64(n))), 1), graph.Slice(rng, graph.AxisElem(1))}, 0)
	at := graph.Iota(g, shapes.Make(dtypes.Uint64, n), 0)
	y := graph.Mul(graph.Add(at, graph.BroadcastToDims(counter, n)), key)
	z := graph.Add(y, key)
	half := same(y, 32)
	round := func(x, add *Node) *Node {
		x = graph.Add(graph.Mul(x, x), add)
		return graph.BitwiseOr(graph.BitwiseShiftRightLogical(x, half), graph.BitwiseShiftLeft(x, half))
	}
	x := round(round(round(y, y), z), y)
	return newRNG, graph.BitwiseShiftRightLogical(graph.Add(graph.Mul(x, x), z), half)
}

// same is a constant of the shape of x.
func same(x *Node, value uint64) *Node {
	return graph.BroadcastToDims(graph.Const(x.Graph(), value), x.Shape().Dimensions...)
}

// RandomNormal draws N(0,1) of the given shape by the Box–Muller transform, both halves of each pair used, and returns
// the new random state.
func RandomNormal(rng *Node, dims ...int) (newRNG, z *Node) {
	dims = allRows(rng, dims)
	n := size(dims)
	newRNG, b := randomBits(rng, n+n%2)
	u := graph.MulScalar(graph.ConvertDType(graph.Reshape(b, 2, (n+1)/2), dtypes.Float32), math.Exp2(-32))
	z = boxMuller(u)
	if z.Shape().Size() != n {
		z = graph.Slice(z, graph.AxisRange(0, n))
	}
	return newRNG, graph.StopGradient(shareRows(graph.Reshape(z, dims...)))
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
