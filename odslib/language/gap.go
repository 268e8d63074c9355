package language

import (
	"context"
	"fmt"
	"slices"

	"github.com/gomlx/gomlx/core/graph"

	"odslab/odslib"
	"odslab/odslib/diffusion"
	"odslab/odslib/engine"
	"odslab/odslib/nn"
)

var (
	_ odslib.Process      = Gap{}
	_ odslib.Noising      = Gap{}
	_ odslib.Conditional  = Gap{}
	_ odslib.Parametrised = Gap{}
)

// Gap is a language model's law of the tokens between two contexts given the left one, with masked diffusion as its reverse chain. A
// sample is [Length] tokens. Conditions of a posterior are another left context in each row (and another right one behind it,
// see [Conditions]).
//
// Of a masked diffusion model any order goes, and Parallel. Its conditionals in two orders are those of two laws, as far as its
// training went: the posterior is that of the order given. Of an autoregressive model the order is from left to right.
type Gap struct {
	diffusion.Masked
	LM          *LM
	Left, Right []int // contexts; the prior does not see the right one, a policy of trajectory balance does
}

// NewGap is the gap of so many tokens after left and before right.
func NewGap(lm *LM, left, right []int, length int) (Gap, error) {
	if err := lm.Err(); err != nil {
		return Gap{}, err
	}
	g := Gap{Masked: diffusion.Masked{Tokens: lm.Tokenizer.Len(), Length: length}, LM: lm, Left: left, Right: right}
	return g, g.Err()
}

// Err says what is wrong with the gap, or nil.
func (g Gap) Err() error {
	if err := g.LM.Err(); err != nil {
		return err
	}
	v := g.LM.Tokenizer.Len()
	switch total := len(g.Left) + g.Length + len(g.Right); {
	case g.Length < 1:
		return fmt.Errorf("gap: it has %d tokens; there is nothing to fill in", g.Length)
	case total > g.LM.Length:
		return fmt.Errorf("gap: %d tokens on the left, %d in it and %d on the right make %d; the model was trained on %d", len(g.Left), g.Length, len(g.Right), total, g.LM.Length)
	case g.Tokens != v:
		return fmt.Errorf("gap: of %d tokens, the model knows %d", g.Tokens, v)
	case g.LM.Net.Causal && (g.Parallel > 0 || g.Order != nil && !slices.IsSorted(g.Order)):
		return fmt.Errorf("gap: an autoregressive model reveals from left to right, one token a step")
	}
	for _, x := range [][]int{g.Left, g.Right} {
		if i := slices.IndexFunc(x, func(k int) bool { return k < 0 || k >= v }); i >= 0 {
			return fmt.Errorf("gap: token %d of a context is %d, which is none of %d", i, x[i], v)
		}
	}
	return g.Masked.Err()
}

// Table implements odslib.Process.
func (g Gap) Table() (engine.Table, error) {
	if err := g.Err(); err != nil {
		return nil, err
	}
	return g.Masked.Table()
}

// Conditions implements odslib.Conditional: the left context.
func (g Gap) Conditions() int { return len(g.Left) }

// Params implements odslib.Parametrised.
func (g Gap) Params() odslib.Params {
	return append(g.LM.Weights.Under("lm"), contextParams(g.Left, g.Right)...)
}

func contextParams(left, right []int) (out odslib.Params) {
	for name, x := range map[string][]int{"left": left, "right": right} {
		if len(x) > 0 {
			out = append(out, engine.Param{Name: name, Value: tokenRow(x)})
		}
	}
	slices.SortFunc(out, func(a, b engine.Param) int { return len(a.Name) - len(b.Name) })
	return out
}

func tokenRow(x []int) odslib.Array {
	a := engine.NewArray(1, len(x))
	for i, k := range x {
		a.Data[i] = float32(k)
	}
	return a
}

// Sample implements odslib.Prior.
func (g Gap) Sample(ctx context.Context, n int, seed uint64) (odslib.Array, error) {
	if err := g.Err(); err != nil {
		return odslib.Array{}, err
	}
	d, err := g.walk().Draw(ctx, "language.Gap", nil, n, batchOf(g.LM), seed)
	return d.X, err
}

func (g Gap) walk() diffusion.Walk { return diffusion.Walk{Process: g, Params: g.Params()} }

// batchOf keeps the one-hot tokens of a batch to 64 MB.
func batchOf(m *LM) int { return max(16, min(4096, 1<<24/(m.Length*(m.Tokenizer.Len()+1)))) }

// LogProb is the log-probability in nats of each gap x [n, length] under the prior, with one position a step in Order; given are
// left contexts, a row for each, or nil.
func (g Gap) LogProb(ctx context.Context, x odslib.Array, given *odslib.Array) ([]float64, error) {
	if err := g.Err(); err != nil {
		return nil, err
	}
	if g.Parallel > 0 {
		return nil, fmt.Errorf("gap: with Parallel a gap is reached by many paths, and its probability is not that of one; set it to 0")
	}
	if len(x.Shape) != 2 || x.Dim() != g.Length {
		return nil, fmt.Errorf("gap: samples of shape %v for a gap of %d tokens", x.Shape, g.Length)
	}
	if err := g.LM.fits(x); err != nil {
		return nil, fmt.Errorf("gap: %w", err)
	}
	return g.walk().Back(ctx, "language.Gap", g, x, given, 0, func(s diffusion.Stride) *odslib.Node {
		return g.LogStep(s.Guess, s.Next, s.X, s.Row)
	})
}

// fill makes rows of n tokens all alike.
func fill(g *graph.Graph, token, n, length int) *odslib.Node {
	return graph.BroadcastToDims(graph.Const(g, float32(token)), n, length)
}

// Guess implements odslib.Process: the model sees the left context, the gap, and masks.
func (g Gap) Guess(scope *odslib.Scope, x *odslib.Node, at odslib.Level) []*odslib.Node {
	n, parts := x.Shape().Dimensions[0], []*odslib.Node{}
	if k := len(g.Left); k > 0 {
		if at.Given != nil {
			parts = append(parts, graph.Slice(at.Given, graph.AxisRange(), graph.AxisRange(0, k)))
		} else {
			parts = append(parts, graph.BroadcastToDims(engine.Var(scope, x.Graph(), "left"), n, k))
		}
	}
	parts = append(parts, x)
	if rest := g.LM.Length - len(g.Left) - g.Length; rest > 0 && !g.LM.Net.Causal { // an autoregressive one would not look
		parts = append(parts, fill(x.Graph(), g.Tokens, n, rest))
	}
	logits := g.LM.logits(scope.At("lm"), graph.Concatenate(parts, 1))
	return []*odslib.Node{diffusion.Carried(g.inside(logits), x)}
}

// inside are the rows of a whole sequence that belong to the gap.
func (g Gap) inside(whole *odslib.Node) *odslib.Node {
	return graph.Slice(whole, graph.AxisRange(), graph.AxisRange(len(g.Left), len(g.Left)+g.Length), graph.AxisRange(0, g.Tokens))
}

// Starting is the network and the weights of a policy before training (see balance.Starting): those of the model.
func (g Gap) Starting() (nn.Net, odslib.Params) { return g.LM.Net, g.LM.Weights }

// Inputs is what a policy's network sees (see balance.Correction): the whole sequence, the right context too.
func (g Gap) Inputs(scope *odslib.Scope, _ []*odslib.Node, x *odslib.Node, at odslib.Level) *odslib.Node {
	n, gr := x.Shape().Dimensions[0], x.Graph()
	fixed := func(x []int) *odslib.Node {
		if len(x) == 0 {
			return nil
		}
		return graph.BroadcastToDims(graph.Const(gr, [][]float32{tokenRow(x).Data}), n, len(x))
	}
	left, right := fixed(g.Left), fixed(g.Right)
	if given := at.Given; given != nil {
		d := given.Shape().Dimensions
		if engine.Has(scope, "given_mean") { // conditions come standardised; these were tokens
			each := func(name string) *odslib.Node {
				return graph.BroadcastToDims(graph.ExpandAxes(engine.Var(scope, gr, name), 0), d...)
			}
			given = graph.Round(graph.Add(graph.Mul(given, each("given_std")), each("given_mean")))
		}
		if left != nil {
			left = graph.Slice(given, graph.AxisRange(), graph.AxisRange(0, len(g.Left)))
		}
		if right != nil && d[1] > len(g.Left) {
			right = graph.Slice(given, graph.AxisRange(), graph.AxisRange(d[1]-len(g.Right), d[1]))
		}
	}
	parts := slices.DeleteFunc([]*odslib.Node{left, x, right}, func(v *odslib.Node) bool { return v == nil })
	if rest := g.LM.Length - len(g.Left) - g.Length - len(g.Right); rest > 0 {
		parts = append(parts, fill(gr, g.Tokens, n, rest))
	}
	return oneHot(graph.Concatenate(parts, 1), g.Tokens+1)
}

// Correct takes the policy's logits for the prior's (see balance.Correction).
func (g Gap) Correct(guess []*odslib.Node, e *odslib.Node, _ odslib.Level) []*odslib.Node {
	return append([]*odslib.Node{g.inside(e)}, guess[1:]...)
}

// String names the prior.
func (g Gap) String() string {
	return fmt.Sprintf("gap of %d tokens after %q by a %v", g.Length, g.LM.Tokenizer.Decode(g.Left), g.LM)
}
