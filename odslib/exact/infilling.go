package exact

import (
	"fmt"
	"math"

	"github.com/gomlx/gomlx/core/graph"

	"odslab/odslib"
	"odslab/odslib/diffusion"
	"odslab/odslib/engine"
)

var (
	_ odslib.Constraint = TokenReward{}
	_ odslib.Checked    = TokenReward{}
)

// TokenReward is log r(x) = Σ_i LogRewards[i][x_i]: a reward of each position's token, −Inf for one that is forbidden. Masked
// tokens count for nothing.
type TokenReward struct{ LogRewards [][]float64 } // [length][V]

// Check implements odslib.Checked.
func (c TokenReward) Check(shape []int) error {
	if len(shape) != 1 || len(c.LogRewards) != shape[0] || shape[0] == 0 {
		return fmt.Errorf("the reward is of %d positions, samples have shape %v", len(c.LogRewards), shape)
	}
	for i, r := range c.LogRewards {
		if len(r) != len(c.LogRewards[0]) {
			return fmt.Errorf("the reward of position %d is of %d tokens, that of position 0 of %d", i, len(r), len(c.LogRewards[0]))
		}
		allowed := false
		for v, l := range r {
			if math.IsNaN(l) || math.IsInf(l, 1) {
				return fmt.Errorf("the log reward of token %d at position %d is %g", v, i, l)
			}
			allowed = allowed || !math.IsInf(l, -1)
		}
		if !allowed {
			return fmt.Errorf("the reward forbids every token at position %d", i)
		}
	}
	return nil
}

// Params implements odslib.Parametrised.
func (c TokenReward) Params() odslib.Params {
	return odslib.Params{{Name: "log_rewards", Value: engine.FromRows(c.LogRewards)}}
}

// LogR implements odslib.Constraint: x [B, length] → [B].
func (c TokenReward) LogR(scope *odslib.Scope, x *odslib.Node) *odslib.Node {
	r := graph.ExpandAxes(engine.Var(scope, x.Graph(), "log_rewards"), 0)
	is := diffusion.IsToken(x, len(c.LogRewards[0]))
	r = graph.BroadcastToDims(r, is.Shape().Dimensions...)
	return graph.ReduceSum(graph.Where(is, r, graph.ZerosLike(r)), 1, 2) // −Inf·0 would be NaN
}

// String names the constraint.
func (c TokenReward) String() string { return "a reward of each token" }

// Infilling is the discrete case: twelve tokens out of eight by a Markov chain, revealed from both ends to the middle, of
// which the last two are given and some of the others are rewarded.
func Infilling() Case {
	const length, v = 12, 8
	law := func(f func(w int) float64) []float64 {
		p, sum := make([]float64, v), 0.
		for w := range p {
			p[w] = math.Exp(f(w))
			sum += p[w]
		}
		for w := range p {
			p[w] /= sum
		}
		return p
	}
	prior := MaskedChain{Initial: law(func(w int) float64 { return math.Sin(float64(w)) })}
	var next [][]float64
	for u := range v {
		next = append(next, law(func(w int) float64 { return 1.5 * math.Cos(float64((u+1)*(w+2))) }))
	}
	for range length - 1 {
		prior.Transitions = append(prior.Transitions, next)
	}
	for i := range length / 2 {
		prior.Order = append(prior.Order, i, length-1-i)
	}
	r := make([][]float64, length)
	for i := range r {
		r[i] = make([]float64, v)
		for w := range v {
			switch {
			case i >= length-2 && w != (3*i)%v:
				r[i][w] = math.Inf(-1)
			case i < length-2 && i%3 == 1:
				r[i][w] = math.Sin(float64(i + 2*w))
			}
		}
	}
	post := odslib.Given(prior, TokenReward{r})
	_, logZ, _ := prior.Exact(TokenReward{r})
	return Case{Name: "infilling", About: "12 tokens of a Markov chain, two given, some rewarded", Post: post, LogZ: logZ}
}
