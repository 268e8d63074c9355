package language

import (
	"context"
	"fmt"
	"slices"

	"github.com/gomlx/gomlx/core/graph"

	"odslab/odslib"
	"odslab/odslib/engine"
)

var (
	_ odslib.Conditioned  = Right{}
	_ odslib.Checked      = Right{}
	_ odslib.Parametrised = Right{}
)

// Right is the reward of a gap, β·log p(right | left, gap) of an autoregressive model.
type Right struct {
	LM          *LM
	Left, Right []int
	Power       float64 // β; 0 means 1
}

// Check implements odslib.Checked.
func (r Right) Check(shape []int) error {
	if err := r.LM.Err(); err != nil {
		return err
	}
	if !r.LM.Net.Causal {
		return fmt.Errorf("the reward wants an autoregressive model (language.Training with Causal); this one is masked diffusion")
	}
	if len(shape) != 1 || len(r.Right) == 0 {
		return fmt.Errorf("the reward is of a right context of %d tokens after a gap, samples have shape %v; it wants a token at least and gaps [length]", len(r.Right), shape)
	}
	if total := len(r.Left) + shape[0] + len(r.Right); total > r.LM.Length {
		return fmt.Errorf("left, gap and right are %d tokens; the reward's model was trained on %d", total, r.LM.Length)
	}
	for _, x := range [][]int{r.Left, r.Right} {
		if i := slices.IndexFunc(x, func(k int) bool { return k < 0 || k >= r.LM.Tokenizer.Len() }); i >= 0 {
			return fmt.Errorf("token %d of a context is %d, which is none of %d", i, x[i], r.LM.Tokenizer.Len())
		}
	}
	return nil
}

// Params implements odslib.Parametrised.
func (r Right) Params() odslib.Params {
	return append(r.LM.Weights.Under("lm"), contextParams(r.Left, r.Right)...)
}

// LogR implements odslib.Constraint.
func (r Right) LogR(scope *odslib.Scope, x *odslib.Node) *odslib.Node {
	n := x.Shape().Dimensions[0]
	var left *odslib.Node
	if len(r.Left) > 0 {
		left = graph.BroadcastToDims(engine.Var(scope, x.Graph(), "left"), n, len(r.Left))
	}
	return r.logR(scope, left, x, graph.BroadcastToDims(engine.Var(scope, x.Graph(), "right"), n, len(r.Right)))
}

// Conditions implements odslib.Conditioned: left context and right.
func (r Right) Conditions([]int) int { return len(r.Left) + len(r.Right) }

// LogRGiven implements odslib.Conditioned.
func (r Right) LogRGiven(scope *odslib.Scope, x, given *odslib.Node) *odslib.Node {
	k := len(r.Left)
	part := func(i, j int) *odslib.Node {
		if i == j {
			return nil
		}
		return graph.Slice(given, graph.AxisRange(), graph.AxisRange(i, j))
	}
	return r.logR(scope, part(0, k), x, part(k, k+len(r.Right)))
}

func (r Right) logR(scope *odslib.Scope, left, x, right *odslib.Node) *odslib.Node {
	parts := []*odslib.Node{x, right}
	if left != nil {
		parts = slices.Insert(parts, 0, left)
	}
	whole := graph.Concatenate(parts, 1)
	each := logProb(r.LM.logits(scope.At("lm"), whole), whole)
	from, to := whole.Shape().Dimensions[1]-len(r.Right), whole.Shape().Dimensions[1]
	sum := graph.ReduceSum(graph.Slice(each, graph.AxisRange(), graph.AxisRange(from, to)), -1)
	if r.Power != 0 {
		sum = graph.MulScalar(sum, r.Power)
	}
	return sum
}

// String names the constraint.
func (r Right) String() string {
	return fmt.Sprintf("a right context of %d tokens by a %v", len(r.Right), r.LM)
}

// Infilling is the posterior of a gap of so many tokens between two texts: lm is the prior, which knows the left one, and ar, an
// autoregressive model of the same tokenizer, says how well the right one follows.
func Infilling(lm, ar *LM, left, right string, length int) (odslib.Posterior, error) {
	var none odslib.Posterior
	for _, m := range []*LM{lm, ar} {
		if err := m.Err(); err != nil {
			return none, err
		}
	}
	if a, b := lm.Tokenizer.CheckSum(), ar.Tokenizer.CheckSum(); a != b {
		return none, fmt.Errorf("infilling: prior and reward have different tokenizers (%s; %s): their tokens mean different things", a, b)
	}
	if left == "" && right == "" {
		return none, fmt.Errorf("infilling: nothing is given on either side; a gap of all tokens is the prior, language.NewGap")
	}
	if right == "" {
		return none, fmt.Errorf("infilling: there is nothing to the right, so that the posterior is the prior; take language.NewGap alone")
	}
	l, err := lm.Tokenizer.Encode(left)
	if err != nil {
		return none, fmt.Errorf("infilling: left context: %w", err)
	}
	r, err := lm.Tokenizer.Encode(right)
	if err != nil {
		return none, fmt.Errorf("infilling: right context: %w", err)
	}
	g, err := NewGap(lm, l, r, length)
	if err != nil {
		return none, err
	}
	post := odslib.Given(g, Right{LM: ar, Left: l, Right: r})
	return post, post.Check()
}

// Conditions are the rows of Posterior.Given that put a gap between other contexts of the same lengths: left, and for the reward
// left and right.
func Conditions(left, right [][]int) (odslib.Array, error) {
	if len(left) != len(right) || len(left) == 0 {
		return odslib.Array{}, fmt.Errorf("conditions: %d left and %d right contexts; they come in pairs", len(left), len(right))
	}
	a, b := len(left[0]), len(right[0])
	out := engine.NewArray(len(left), 2*a+b)
	for i := range left {
		if len(left[i]) != a || len(right[i]) != b {
			return out, fmt.Errorf("conditions: contexts %d have %d and %d tokens, the first %d and %d; all must be as long", i, len(left[i]), len(right[i]), a, b)
		}
		for j, k := range slices.Concat(left[i], left[i], right[i]) {
			out.Row(i)[j] = float32(k)
		}
	}
	return out, nil
}

// Hopeless says, in a line, where the right context has next to no probability whatever of the prior's fillings stands before it:
// more than limit nats a token for the best of 64, 0 meaning 15. It is nil where there is hope.
func Hopeless(ctx context.Context, post odslib.Posterior, limit float64, seed uint64) error {
	r, ok := post.Constraint.(Right)
	if !ok {
		return fmt.Errorf("hopeless: the constraint is %T, not a language.Right", post.Constraint)
	}
	if limit == 0 {
		limit = 15
	}
	post.Given = nil
	x, err := post.Prior.Sample(ctx, 64, seed)
	if err != nil {
		return err
	}
	logr, err := post.Rewards(ctx, x)
	if err != nil {
		return err
	}
	best := slices.Max(logr)
	if each := -best / float64(len(r.Right)); !(each <= limit) {
		return fmt.Errorf("the right context has probability e^%.0f at best after 64 fillings by the prior, %.0f nats a token: in effect 0, and no filling explains it", best, each)
	}
	return nil
}
