package twist

import (
	"fmt"
	"math"

	"github.com/gomlx/gomlx/core/graph"

	"odslab/odslib"
	"odslab/odslib/engine"
)

// Tokens is the twist of a process over tokens, whose guess is the logits of all positions: log (1/n)·Σ_k r(x̂_k) over n whole
// sequences x̂_k drawn from the guess, each position by itself. The draws are one stratified sample of uniforms, the same for all
// particles and steps, so that the twist is a function and weights stay unbiased.
//
// Its gradient in the logits of a position is the law of the token there that the draws and their r suggest, less the
// guess's (the score function): what smc.TwistedStep proposes by.
type Tokens struct {
	Draws int // n, 0 means 16
}

// IsTokens says whether the prior is a process whose guess is logits: one whose steps are not Gaussian.
func IsTokens(prior odslib.Prior) bool {
	p, ok := prior.(odslib.Process)
	_, gaussian := p.(odslib.GaussianSteps)
	return ok && !gaussian && len(prior.Shape()) == 1
}

// Bind implements Twist.
func (s Tokens) Bind(post odslib.Posterior, seed uint64) (Bound, error) {
	if !IsTokens(post.Prior) {
		return nil, fmt.Errorf("twist.Tokens is for processes that reveal tokens; got %T", post.Prior)
	}
	if s.Draws < 0 {
		return nil, fmt.Errorf("twist.Tokens: %d draws; ask for at least one", s.Draws)
	}
	if _, err := odslib.Need[odslib.Constraint](post, "twist.Tokens"); err != nil {
		return nil, fmt.Errorf("%w; with Potential: smc.Terminal none is needed", err)
	}
	if s.Draws == 0 {
		s.Draws = 16
	}
	b := tokens{bare: bare{post}, u: engine.NewArray(s.Draws, post.Shape()[0])}
	rng := engine.RNG(seed, "twist.Tokens")
	for j := range b.u.Dim() {
		for i, k := range rng.Perm(s.Draws) {
			b.u.Row(i)[j] = float32((float64(k) + rng.Float64()) / float64(s.Draws))
		}
	}
	return b, nil
}

type tokens struct {
	bare
	u odslib.Array // [n, length]
}

func (b tokens) Params() odslib.Params { return odslib.Params{{Name: "u", Value: b.u}} }

// Evaluations implements Several.
func (b tokens) Evaluations() int { return b.u.Len() }

// LogTwist implements Bound; the guess is logits [B, length, V].
func (b tokens) LogTwist(scope *odslib.Scope, x, logits *odslib.Node, at odslib.Level) *odslib.Node {
	n, d := b.u.Len(), logits.Shape().Dimensions
	if len(d) != 3 {
		engine.Fail("twist.Tokens reads logits [B, length, V], the guess has shape %s", logits.Shape())
	}
	wide := append([]int{n}, d...)
	each := func(v *odslib.Node) *odslib.Node { return graph.BroadcastToDims(graph.ExpandAxes(v, 0), wide...) }
	u := graph.BroadcastToDims(graph.ExpandAxes(engine.Var(scope.At("twist"), x.Graph(), "u"), 1, 3), wide...)
	// The token whose share of [0, 1) holds u: as many as end at or before it.
	below := graph.LessOrEqual(each(graph.CumSum(graph.StopGradient(graph.Softmax(logits, -1)), -1)), u)
	token := graph.ReduceSum(graph.Where(below, graph.OnesLike(u), graph.ZerosLike(u)), -1)
	token = graph.MinScalar(token, float64(d[2]-1)) // where rounding ends the sum below u
	given := at.Given
	if given != nil {
		tall := append([]int{n}, given.Shape().Dimensions...)
		given = graph.Reshape(graph.BroadcastToDims(graph.ExpandAxes(given, 0), tall...), n*tall[1], tall[2])
	}
	logR := graph.Reshape(b.post.LogR(scope, graph.Reshape(token, n*d[0], d[1]), given), n, d[0])
	tokens := graph.Iota(x.Graph(), u.Shape(), 3)
	is := graph.Equal(graph.BroadcastToDims(graph.ExpandAxes(token, -1), wide...), tokens)
	score := graph.ReduceSum(graph.Where(is, each(graph.LogSoftmax(logits, -1)), graph.ZerosLike(u)), 2, 3)
	return logMean(graph.Add(graph.StopGradient(logR), graph.Sub(score, graph.StopGradient(score))))
}

// logMean is the log of the mean of exp over the first axis, [n, B] → [B].
func logMean(all *odslib.Node) *odslib.Node {
	// Where all are −Inf the largest is too, and −Inf − (−Inf) is no number.
	top := graph.MaxScalar(graph.StopGradient(graph.ReduceMax(all, 0)), -math.MaxFloat32)
	sum := graph.ReduceSum(graph.Exp(graph.Sub(all, graph.BroadcastToShape(graph.ExpandAxes(top, 0), all.Shape()))), 0)
	return graph.Add(top, graph.Log(graph.DivScalar(sum, float64(all.Shape().Dimensions[0]))))
}
