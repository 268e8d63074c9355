package diffusion

import (
	"fmt"
	"slices"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"

	"odslab/odslib"
	"odslab/odslib/engine"
)

// Masked is the reverse chain of masked (absorbing) diffusion over sequences of Length tokens 0 … Tokens−1, all of a
// [odslib.Process] but the guess, the logits of all positions, [B, Length, Tokens]. The mask is the number Tokens. Noise masks each
// position by itself with probability t (Austin et al. 2021, D3PM; Sahoo et al. 2024, MDLM).
//
// One position a step is as exact as the guess. Positions that are revealed together are drawn independently, and what they know
// of each other is lost: measure.FactorisationFloor says how much.
type Masked struct {
	Tokens, Length int
	Order          []int // the positions as they are revealed, one a step; nil means from left to right
	Parallel       int   // equal steps of t that reveal positions at random, several at once; 0 means one a step in Order
}

// Err says what is wrong with the numbers, or nil.
func (m Masked) Err() error {
	switch {
	case m.Tokens < 1 || m.Length < 1:
		return fmt.Errorf("masked diffusion: %d positions of %d tokens; there must be at least one of each", m.Length, m.Tokens)
	case m.Parallel < 0:
		return fmt.Errorf("masked diffusion: Parallel is %d; it is a number of steps, or 0 for one position a step", m.Parallel)
	case m.Parallel > 0 && m.Order != nil:
		return fmt.Errorf("masked diffusion: Order says which position is revealed alone, Parallel=%d that several are; leave one out", m.Parallel)
	}
	if sorted := slices.Sorted(slices.Values(m.order())); !slices.Equal(sorted, upTo(m.Length)) {
		return fmt.Errorf("masked diffusion: Order is %v; it must name each of the %d positions once", m.Order, m.Length)
	}
	return nil
}

func (m Masked) order() []int {
	if m.Order == nil {
		return upTo(m.Length)
	}
	return m.Order
}

func upTo(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

// Shape implements odslib.Prior.
func (m Masked) Shape() []int { return []int{m.Length} }

// Columns of the table: t is the share of tokens that are masked, α that of the others. Then the position that is revealed, or with
// Parallel the probability with which each masked one is, and that with which noise masks again what was revealed.
const (
	maskedT = iota
	maskedAlpha
	maskedPosition
	maskedNoise

	maskedReveal = maskedPosition
)

// Table implements odslib.Process.
func (m Masked) Table() (engine.Table, error) {
	if err := m.Err(); err != nil {
		return nil, err
	}
	table, times := engine.Table{}, m.Times()
	for i, t := range times[:len(times)-1] {
		row := []float32{float32(t), float32(1 - t)}
		if s := times[i+1]; m.Parallel > 0 {
			row = append(row, float32((t-s)/t), float32((t-s)/(1-s)))
		} else {
			row = append(row, float32(m.order()[i]))
		}
		table = append(table, row)
	}
	return table, nil
}

// Times implements odslib.Process.
func (m Masked) Times() []float64 {
	n := m.Length
	if m.Parallel > 0 {
		n = m.Parallel
	}
	t := make([]float64, n+1)
	for i := range t {
		t[i] = float64(n-i) / float64(n)
	}
	return t
}

// Start implements odslib.Process: every token is masked.
func (m Masked) Start(_ *odslib.Scope, rng *odslib.Node, n int) (newRNG, x *odslib.Node) {
	return rng, graph.BroadcastToDims(graph.Const(rng.Graph(), float32(m.Tokens)), n, m.Length)
}

// Level implements odslib.Process.
func (m Masked) Level(row *odslib.Node, n int) odslib.Level {
	c := func(j int) *odslib.Node { return graph.BroadcastToDims(engine.Col(row, j), n) }
	return odslib.Level{T: c(maskedT), Alpha: c(maskedAlpha), Sigma: c(maskedT)}
}

// Step implements odslib.Process: tokens are drawn from their logits.
func (m Masked) Step(guess []*odslib.Node, x, row, rng *odslib.Node) (newRNG, next *odslib.Node) {
	if m.Parallel == 0 {
		rng, token := Categorical(rng, m.here(guess[0], row))
		return rng, graph.Where(m.position(x, row), graph.BroadcastToShape(graph.ExpandAxes(token, 1), x.Shape()), x)
	}
	rng, tokens := Categorical(rng, guess[0])
	rng, u := engine.RandomUniform(rng, x.Shape().Dimensions...)
	chosen := graph.LessThan(u, graph.BroadcastToShape(engine.Col(row, maskedReveal), x.Shape()))
	return rng, graph.Where(graph.LogicalAnd(m.masked(x), chosen), tokens, x)
}

// LogStep implements odslib.Process.
func (m Masked) LogStep(guess []*odslib.Node, next, x, row *odslib.Node) *odslib.Node {
	if m.Parallel == 0 {
		logp := graph.LogSoftmax(m.here(guess[0], row), -1)
		revealed := graph.ReduceSum(graph.Where(m.position(next, row), next, graph.ZerosLike(next)), -1)
		return graph.ReduceSum(graph.Where(IsToken(revealed, m.Tokens), logp, graph.ZerosLike(logp)), -1)
	}
	logp := graph.LogSoftmax(guess[0], -1)
	each := graph.ReduceSum(graph.Where(IsToken(next, m.Tokens), logp, graph.ZerosLike(logp)), -1)
	chosen := graph.BroadcastToShape(engine.Col(row, maskedReveal), x.Shape())
	stays := graph.Log(graph.MaxScalar(graph.OneMinus(chosen), 1e-30)) // of the last step none does
	each = graph.Where(m.masked(next), stays, graph.Add(each, graph.Log(chosen)))
	return graph.ReduceSum(graph.Where(m.masked(x), each, graph.ZerosLike(each)), -1)
}

// Noise implements odslib.Noising.
func (m Masked) Noise(next, row, rng *odslib.Node) (newRNG, x *odslib.Node) {
	mask := graph.BroadcastToShape(graph.Const(next.Graph(), float32(m.Tokens)), next.Shape())
	if m.Parallel == 0 {
		return rng, graph.Where(m.position(next, row), mask, next)
	}
	rng, u := engine.RandomUniform(rng, next.Shape().Dimensions...)
	return rng, graph.Where(graph.LessThan(u, graph.BroadcastToShape(engine.Col(row, maskedNoise), next.Shape())), mask, next)
}

func (m Masked) masked(x *odslib.Node) *odslib.Node {
	return graph.Equal(x, graph.BroadcastToShape(graph.Const(x.Graph(), float32(m.Tokens)), x.Shape()))
}

// position says which of x [B, length] the row reveals.
func (m Masked) position(x, row *odslib.Node) *odslib.Node {
	at := graph.Iota(x.Graph(), shapes.Make(dtypes.Float32, m.Length), 0)
	here := graph.Equal(at, graph.BroadcastToDims(engine.Col(row, maskedPosition), m.Length))
	return graph.BroadcastToShape(graph.ExpandAxes(here, 0), shapes.Make(dtypes.Bool, x.Shape().Dimensions...))
}

// here are the logits of the position that the row reveals, [B, V].
func (m Masked) here(logits, row *odslib.Node) *odslib.Node {
	dims := logits.Shape().Dimensions
	here := m.position(graph.Squeeze(graph.Slice(logits, graph.AxisRange(), graph.AxisRange(), graph.AxisElem(0)), 2), row)
	return graph.ReduceSum(graph.Where(graph.BroadcastToDims(graph.ExpandAxes(here, -1), dims...), logits, graph.ZerosLike(logits)), 1)
}

// IsToken says of each x [B, …] which of v tokens it is, [B, …, v]; a mask is none.
func IsToken(x *odslib.Node, v int) *odslib.Node {
	dims := append(slices.Clone(x.Shape().Dimensions), v)
	tokens := graph.Iota(x.Graph(), shapes.Make(dtypes.Float32, dims...), len(dims)-1)
	return graph.Equal(graph.BroadcastToDims(graph.ExpandAxes(x, -1), dims...), tokens)
}

// Categorical draws a token for each row of logits, [B, …, V] → [B, …], by Gumbel's trick.
func Categorical(rng, logits *odslib.Node) (newRNG, token *odslib.Node) {
	rng, u := engine.RandomUniform(rng, logits.Shape().Dimensions...)
	return rng, graph.ConvertDType(graph.ArgMax(graph.Add(logits, Gumbel(u)), -1), dtypes.Float32)
}

// Gumbel turns uniforms into draws of Gumbel's law, from −2.8 to 16.
func Gumbel(u *odslib.Node) *odslib.Node {
	return graph.Neg(graph.Log(graph.Neg(graph.Log(graph.AddScalar(graph.MulScalar(u, 1-1e-7), 5e-8)))))
}

// Carried are logits in which the tokens of x that are no masks are certain, so that draws from them are whole sequences.
func Carried(logits, x *odslib.Node) *odslib.Node {
	dims := logits.Shape().Dimensions
	v := dims[len(dims)-1]
	masked := graph.Equal(x, graph.BroadcastToShape(graph.Const(x.Graph(), float32(v)), x.Shape()))
	never := graph.BroadcastToDims(graph.Const(x.Graph(), float32(-100)), dims...)
	certain := graph.Where(IsToken(x, v), graph.ZerosLike(never), never)
	return graph.Where(graph.BroadcastToDims(graph.ExpandAxes(masked, -1), dims...), logits, certain)
}
