package exact

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"

	"odslab/odslib"
	"odslab/odslib/diffusion"
	"odslab/odslib/engine"
)

var (
	_ odslib.Process      = Sequences{}
	_ odslib.Noising      = Sequences{}
	_ odslib.Conjugate    = Sequences{}
	_ odslib.Parametrised = Sequences{}
)

// Sequences is any prior over sequences of tokens that are few enough to go through all of them, with masked diffusion as its
// reverse chain: the guess is the exact law of each position given the tokens that are revealed. [NewSequences] makes it; Order and
// Parallel may be set afterwards.
type Sequences struct {
	diffusion.Masked
	P      []float64    // probability of each sequence, the last position running fastest: [V^length]
	Logits odslib.Array // of each position for each partly masked sequence, [(V+1)^length, length·V]
}

// mostLogits is how large the table of logits may be: 256 MB.
const mostLogits = 1 << 26

// NewSequences is the prior under which a sequence x has a probability in proportion to weight(x), and log of the sum of all
// weights. It fails when they are too many, a weight is negative or no number, or all are 0.
func NewSequences(tokens, length int, weight func(x []int) float64) (Sequences, float64, error) {
	s := Sequences{Masked: diffusion.Masked{Tokens: tokens, Length: length}}
	if err := s.Masked.Err(); err != nil {
		return s, 0, err
	}
	if size := math.Pow(float64(tokens+1), float64(length)) * float64(length*tokens); size > mostLogits {
		return s, 0, fmt.Errorf("sequences: %d positions of %d tokens take a table of %.2g numbers, at most %d are kept; take fewer", length, tokens, size, mostLogits)
	}
	n := power(tokens, length)
	s.P = make([]float64, n)
	sum := 0.
	for i := range s.P {
		x := s.Sequence(i)
		w := weight(x)
		if !(w >= 0) || math.IsInf(w, 1) {
			return s, 0, fmt.Errorf("sequences: the weight of %v is %g", x, w)
		}
		s.P[i] = w
		sum += w
	}
	if sum == 0 {
		return s, 0, fmt.Errorf("sequences: every sequence has weight 0")
	}
	for i := range s.P {
		s.P[i] /= sum
	}
	s.tabulate()
	return s, math.Log(sum), nil
}

func power(base, n int) int {
	out := 1
	for range n {
		out *= base
	}
	return out
}

// Sequence is the i-th sequence.
func (s Sequences) Sequence(i int) []int {
	x := make([]int, s.Length)
	for j := s.Length - 1; j >= 0; j-- {
		x[j] = i % s.Tokens
		i /= s.Tokens
	}
	return x
}

// tabulate computes the logits of all partly masked sequences from their probabilities, those with the fewest masks first.
func (s *Sequences) tabulate() {
	v, n := s.Tokens, s.Length
	all := power(v+1, n)
	mass := make([]float64, all)
	s.Logits = engine.NewArray(all, n*v)
	x := make([]int, n)
	stride := make([]int, n)
	for j := range stride {
		stride[j] = power(v+1, n-1-j)
	}
	for k := range all { // a mask is the largest digit, so what fills one in comes before
		rest, whole, first := k, 0, -1
		for j := n - 1; j >= 0; j-- {
			x[j] = rest % (v + 1)
			rest /= v + 1
			if x[j] == v {
				first = j
			}
		}
		if first < 0 {
			for _, d := range x {
				whole = whole*v + d
			}
			mass[k] = s.P[whole]
		} else {
			for d := range v {
				mass[k] += mass[k-(v-d)*stride[first]]
			}
		}
		row := s.Logits.Row(k)
		for j, d := range x {
			for w := range v {
				p := 0.
				switch {
				case d == w:
					p = 1
				case d == v && mass[k] > 0:
					p = mass[k-(v-w)*stride[j]] / mass[k]
				case d == v: // no sequence is like this
					p = 1 / float64(v)
				}
				row[j*v+w] = float32(math.Log(math.Max(p, 1e-30)))
			}
		}
	}
}

// Err says what is wrong with the prior, or nil.
func (s Sequences) Err() error {
	if len(s.P) == 0 || len(s.Logits.Data) == 0 {
		return fmt.Errorf("sequences: no probabilities; make them by exact.NewSequences")
	}
	return s.Masked.Err()
}

// Table implements odslib.Process.
func (s Sequences) Table() (engine.Table, error) {
	if err := s.Err(); err != nil {
		return nil, err
	}
	return s.Masked.Table()
}

// Sample implements odslib.Prior.
func (s Sequences) Sample(ctx context.Context, n int, seed uint64) (odslib.Array, error) {
	if err := s.Err(); err != nil {
		return odslib.Array{}, err
	}
	if n < 0 {
		return odslib.Array{}, fmt.Errorf("sequences: asked for %d samples", n)
	}
	cum, sum := make([]float64, len(s.P)), 0.
	for i, p := range s.P {
		sum += p
		cum[i] = sum
	}
	x, rng := engine.NewArray(n, s.Length), engine.RNG(seed, "exact.Sequences")
	for i := range n {
		k, found := slices.BinarySearch(cum, rng.Float64()*sum)
		for found && k < len(cum)-1 && cum[k+1] == cum[k] { // of probability 0
			k++
		}
		for j, d := range s.Sequence(min(k, len(cum)-1)) {
			x.Row(i)[j] = float32(d)
		}
	}
	return x, ctx.Err()
}

// All are all sequences, in order.
func (s Sequences) All() odslib.Array {
	x := engine.NewArray(len(s.P), s.Length)
	for i := range s.P {
		for j, d := range s.Sequence(i) {
			x.Row(i)[j] = float32(d)
		}
	}
	return x
}

// Params implements odslib.Parametrised.
func (s Sequences) Params() odslib.Params {
	return odslib.Params{{Name: "logits", Value: s.Logits}}
}

// Guess implements odslib.Process: it looks the logits up.
func (s Sequences) Guess(scope *odslib.Scope, x *odslib.Node, _ odslib.Level) []*odslib.Node {
	logits := graph.Gather(engine.Var(scope, x.Graph(), "logits"), number(x, s.Tokens+1))
	return []*odslib.Node{graph.Reshape(logits, x.Shape().Dimensions[0], s.Length, s.Tokens)}
}

// number is the place of each row of x [B, length], read as digits, in a table: [B, 1].
func number(x *odslib.Node, base int) *odslib.Node {
	digits := make([]float32, x.Shape().Dimensions[1])
	for j := range digits {
		digits[j] = float32(power(base, len(digits)-1-j))
	}
	each := graph.BroadcastToShape(graph.Const(x.Graph(), [][]float32{digits}), x.Shape())
	return graph.ConvertDType(graph.ReduceAndKeep(graph.Mul(x, each), graph.ReduceSum, -1), dtypes.Int32)
}

// Marginals are the probabilities of each token at each position, [length][V].
func (s Sequences) Marginals() [][]float64 {
	out := make([][]float64, s.Length)
	for j := range out {
		out[j] = make([]float64, s.Tokens)
	}
	for i, p := range s.P {
		for j, d := range s.Sequence(i) {
			out[j][d] += p
		}
	}
	return out
}

// Exact implements odslib.Conjugate, for a [SequenceReward] or a [TokenReward].
func (s Sequences) Exact(c odslib.Constraint) (odslib.Prior, float64, error) {
	var logR func(x []int) float64
	switch r := c.(type) {
	case SequenceReward:
		i := -1
		logR = func([]int) float64 { i++; return r.Values[i] } // both are in the same order
	case TokenReward:
		logR = func(x []int) float64 {
			sum := 0.
			for j, d := range x {
				sum += r.LogRewards[j][d]
			}
			return sum
		}
	default:
		return nil, 0, fmt.Errorf("%w: enumerated sequences know their posterior under an exact.SequenceReward or exact.TokenReward; got %T", odslib.ErrNoClosedForm, c)
	}
	if err := c.(odslib.Checked).Check(s.Shape()); err != nil {
		return nil, 0, err
	}
	if v, ok := c.(TokenReward); ok && len(v.LogRewards[0]) != s.Tokens {
		return nil, 0, fmt.Errorf("the reward is of %d tokens, the sequences have %d", len(v.LogRewards[0]), s.Tokens)
	}
	logw, top := make([]float64, len(s.P)), math.Inf(-1)
	for i, p := range s.P {
		logw[i] = math.Log(p) + logR(s.Sequence(i))
		top = math.Max(top, logw[i])
	}
	if math.IsInf(top, -1) {
		return nil, 0, fmt.Errorf("the reward is 0 for every sequence that the prior can make")
	}
	i := -1
	out, logZ, err := NewSequences(s.Tokens, s.Length, func([]int) float64 { i++; return math.Exp(logw[i] - top) })
	out.Order, out.Parallel = s.Order, s.Parallel
	return out, logZ + top, err
}

// String names the prior.
func (s Sequences) String() string {
	return fmt.Sprintf("%d sequences of %d tokens out of %d", len(s.P), s.Length, s.Tokens)
}
