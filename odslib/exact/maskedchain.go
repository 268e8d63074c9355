package exact

import (
	"cmp"
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
	_ odslib.Process      = MaskedChain{}
	_ odslib.Noising      = MaskedChain{}
	_ odslib.Conjugate    = MaskedChain{}
	_ odslib.Parametrised = MaskedChain{}
)

// MaskedChain is a prior over sequences of tokens, a first-order Markov chain, with masked diffusion as its reverse chain: it
// starts with all tokens masked and reveals one a step, in a given order, each by its exact law given those revealed. A
// sample is [length] token numbers; a masked token is the number of tokens, V. The guess at x_t is the logits of all
// positions, [B, length, V].
type MaskedChain struct {
	Initial     []float64     // [V]: of the first token
	Transitions [][][]float64 // [length−1][V][V]: of the next token, a row for each token
	Order       []int         // the positions as they are revealed; nil means from left to right
}

// Err says what is wrong with the numbers of the chain, or nil.
func (m MaskedChain) Err() error {
	law := func(p []float64) error {
		sum := 0.
		for _, v := range p {
			if !(v >= 0) {
				return fmt.Errorf("a probability of %g", v)
			}
			sum += v
		}
		if len(p) != len(m.Initial) || math.Abs(sum-1) > 1e-6 {
			return fmt.Errorf("%d probabilities with sum %g, want %d with sum 1", len(p), sum, len(m.Initial))
		}
		return nil
	}
	if len(m.Initial) == 0 {
		return fmt.Errorf("masked chain: no tokens")
	}
	if err := law(m.Initial); err != nil {
		return fmt.Errorf("masked chain: Initial has %w", err)
	}
	for i, p := range m.Transitions {
		if len(p) != len(m.Initial) {
			return fmt.Errorf("masked chain: Transitions[%d] has %d rows for %d tokens", i, len(p), len(m.Initial))
		}
		for v := range p {
			if err := law(p[v]); err != nil {
				return fmt.Errorf("masked chain: Transitions[%d][%d] has %w", i, v, err)
			}
		}
	}
	if err := m.masked().Err(); err != nil {
		return fmt.Errorf("masked chain: %w", err)
	}
	return nil
}

func (m MaskedChain) length() int { return len(m.Transitions) + 1 }

// Shape implements odslib.Prior.
func (m MaskedChain) Shape() []int { return []int{m.length()} }

// Sample implements odslib.Prior.
func (m MaskedChain) Sample(ctx context.Context, n int, seed uint64) (odslib.Array, error) {
	if err := m.Err(); err != nil {
		return odslib.Array{}, err
	}
	if n < 0 {
		return odslib.Array{}, fmt.Errorf("masked chain: asked for %d samples", n)
	}
	x, rng := engine.NewArray(n, m.length()), engine.RNG(seed, "exact.MaskedChain")
	for i := range n {
		p := m.Initial
		for j := range x.Row(i) {
			u, v := rng.Float64(), 0
			for u -= p[v]; u >= 0 && v < len(p)-1; u -= p[v] {
				v++
			}
			x.Row(i)[j] = float32(v)
			if j < len(m.Transitions) {
				p = m.Transitions[j][v]
			}
		}
	}
	return x, ctx.Err()
}

// Marginals are the probabilities of each token at each position, [length][V].
func (m MaskedChain) Marginals() [][]float64 {
	out := [][]float64{m.Initial}
	for i, p := range m.Transitions {
		next := make([]float64, len(m.Initial))
		for v, row := range p {
			for w := range row {
				next[w] += out[i][v] * row[w]
			}
		}
		out = append(out, next)
	}
	return out
}

// Params implements odslib.Parametrised.
func (m MaskedChain) Params() odslib.Params {
	v := len(m.Initial)
	p := engine.NewArray(len(m.Transitions), v, v)
	for i := range m.Transitions {
		copy(p.Row(i), engine.FromRows(m.Transitions[i]).Data)
	}
	return odslib.Params{{Name: "initial", Value: engine.FromVector(m.Initial)}, {Name: "transitions", Value: p}}
}

func (m MaskedChain) masked() diffusion.Masked {
	return diffusion.Masked{Tokens: len(m.Initial), Length: m.length(), Order: m.Order}
}

// Table implements odslib.Process.
func (m MaskedChain) Table() (engine.Table, error) {
	table, err := m.masked().Table()
	return table, cmp.Or(m.Err(), err)
}

// Times implements odslib.Process.
func (m MaskedChain) Times() []float64 { return m.masked().Times() }

// Start implements odslib.Process: every token is masked.
func (m MaskedChain) Start(scope *odslib.Scope, rng *odslib.Node, n int) (newRNG, x *odslib.Node) {
	return m.masked().Start(scope, rng, n)
}

// Level implements odslib.Process.
func (m MaskedChain) Level(row *odslib.Node, n int) odslib.Level { return m.masked().Level(row, n) }

// Guess is the logits of each position's law given the tokens that are revealed, by forward and backward messages.
func (m MaskedChain) Guess(scope *odslib.Scope, x *odslib.Node, _ odslib.Level) []*odslib.Node {
	g, n, length, v := x.Graph(), x.Shape().Dimensions[0], m.length(), len(m.Initial)
	masked := graph.Equal(x, graph.BroadcastToShape(graph.Const(g, float32(v)), x.Shape()))
	known := graph.LogicalOr(diffusion.IsToken(x, v), graph.BroadcastToDims(graph.ExpandAxes(masked, -1), n, length, v))
	evidence := graph.ConvertDType(known, dtypes.Float32) // [B, length, V]
	at := func(a *odslib.Node, i int) *odslib.Node {
		return graph.Squeeze(graph.Slice(a, graph.AxisRange(), graph.AxisElem(i)), 1)
	}
	normal := func(p *odslib.Node) *odslib.Node {
		return graph.Div(p, graph.BroadcastToShape(graph.ReduceAndKeep(p, graph.ReduceSum, -1), p.Shape()))
	}
	initial := graph.BroadcastToDims(graph.ExpandAxes(engine.Var(scope, g, "initial"), 0), n, v)
	forward := []*odslib.Node{normal(graph.Mul(initial, at(evidence, 0)))}
	backward := make([]*odslib.Node, length)
	backward[length-1] = graph.OnesLike(initial)
	if length > 1 {
		all := engine.Var(scope, g, "transitions")
		step := func(i int) *odslib.Node { return graph.Squeeze(graph.Slice(all, graph.AxisElem(i)), 0) }
		for i := range length - 1 {
			moved := graph.Einsum("bv,vw->bw", forward[i], step(i))
			forward = append(forward, normal(graph.Mul(moved, at(evidence, i+1))))
		}
		for i := length - 2; i >= 0; i-- {
			backward[i] = normal(graph.Einsum("bw,vw->bv", graph.Mul(at(evidence, i+1), backward[i+1]), step(i)))
		}
	}
	logits := make([]*odslib.Node, length)
	for i := range logits {
		logits[i] = graph.ExpandAxes(graph.Log(graph.MaxScalar(normal(graph.Mul(forward[i], backward[i])), 1e-30)), 1)
	}
	return []*odslib.Node{graph.Concatenate(logits, 1)}
}

// Step implements odslib.Process.
func (m MaskedChain) Step(guess []*odslib.Node, x, row, rng *odslib.Node) (newRNG, next *odslib.Node) {
	return m.masked().Step(guess, x, row, rng)
}

// LogStep implements odslib.Process.
func (m MaskedChain) LogStep(guess []*odslib.Node, next, x, row *odslib.Node) *odslib.Node {
	return m.masked().LogStep(guess, next, x, row)
}

// Noise implements odslib.Noising: the row's position is masked again.
func (m MaskedChain) Noise(next, row, rng *odslib.Node) (newRNG, x *odslib.Node) {
	return m.masked().Noise(next, row, rng)
}

// Exact implements odslib.Conjugate: under a reward of each position the posterior is a Markov chain again.
func (m MaskedChain) Exact(c odslib.Constraint) (odslib.Prior, float64, error) {
	r, ok := c.(TokenReward)
	if !ok {
		return nil, 0, fmt.Errorf("%w: a Markov chain knows its posterior under an exact.TokenReward; got %T", odslib.ErrNoClosedForm, c)
	}
	if err := r.Check(m.Shape()); err != nil {
		return nil, 0, err
	}
	tilt := func(p, ahead []float64) (law []float64, sum float64) {
		law = make([]float64, len(p))
		for v := range p {
			law[v] = p[v] * ahead[v]
			sum += law[v]
		}
		for v := range law {
			if law[v] /= sum; sum == 0 {
				law[v] = p[v] // from here the posterior never comes
			}
		}
		return law, sum
	}
	out, logZ, n := m, 0., m.length()
	out.Transitions = make([][][]float64, n-1)
	var ahead []float64 // of each token: the mean of r from its position on, up to a factor that is in log Z
	for i := n - 1; i >= 0; i-- {
		here, top := make([]float64, len(m.Initial)), slices.Max(r.LogRewards[i])
		for v := range here {
			here[v] = math.Exp(r.LogRewards[i][v] - top)
		}
		if ahead != nil {
			out.Transitions[i] = make([][]float64, len(here))
			for v := range here {
				var sum float64
				out.Transitions[i][v], sum = tilt(m.Transitions[i][v], ahead)
				here[v] *= sum
			}
		}
		most := slices.Max(here)
		for v := range here {
			here[v] /= most
		}
		ahead = here
		logZ += top + math.Log(most)
	}
	var sum float64
	if out.Initial, sum = tilt(m.Initial, ahead); !(sum > 0) {
		return nil, 0, fmt.Errorf("the reward is 0 for every sequence that the chain can make")
	}
	return out, logZ + math.Log(sum), nil
}

// String names the prior.
func (m MaskedChain) String() string {
	return fmt.Sprintf("Markov chain of %d tokens out of %d", m.length(), len(m.Initial))
}
