package smc

import (
	"context"
	"math"
	"testing"

	"github.com/gomlx/gomlx/core/graph"

	"odslab/odslib"
	"odslab/odslib/exact"
	"odslab/odslib/twist"
)

// expected is the twist of a token reward: the log of its mean under the logits of the guess, position by position, and those
// that are forbidden count e⁻³⁰. For independent tokens it would be exact.
func expected(r exact.TokenReward) twist.Twist {
	rows := make([][]float32, len(r.LogRewards))
	for i, row := range r.LogRewards {
		for _, l := range row {
			rows[i] = append(rows[i], float32(math.Max(l, -30)))
		}
	}
	return twist.Func{F: func(_, logits *odslib.Node, _ odslib.Level) *odslib.Node {
		f := graph.BroadcastToDims(graph.ExpandAxes(graph.Const(logits.Graph(), rows), 0), logits.Shape().Dimensions...)
		mean := graph.ReduceSum(graph.Mul(graph.Softmax(logits, -1), graph.Exp(f)), -1)
		return graph.ReduceSum(graph.Log(mean), -1)
	}}
}

// TestTokens: the particle core on a process that is not Gaussian, masked tokens, against the exact infilling posterior: log Ẑ
// within three standard errors, and the marginals of five runs together within four.
func TestTokens(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles for seconds")
	}
	const runs = 5
	c := exact.Infilling()
	truth, logZ, err := c.Post.Exact()
	if err != nil {
		t.Fatal(err)
	}
	want := truth.(exact.MaskedChain).Marginals()
	methods := map[string]Bootstrap{"twisted": {Particles: smaller(20000, 4000), Twist: expected(c.Post.Constraint.(exact.TokenReward))}}
	if !testing.Short() {
		methods["terminal"] = Bootstrap{Particles: smaller(20000, 4000), Potential: Terminal}
	}
	for name, s := range methods {
		o, err := s.core().open(c.Post, 1, 0)
		if err != nil {
			t.Fatal(err)
		}
		var all, variance float64
		got := make([][8]float64, len(want))
		for seed := range uint64(runs) {
			res := drawn(t, o, seed)
			t.Logf("%s: log Z %.4f ± %.4f, exact %.4f, %d resamplings", name, res.LogZ, res.LogZError, logZ, len(res.Ancestors))
			if math.Abs(res.LogZ-logZ) > 3*res.LogZError || !(res.LogZError < .5) {
				t.Errorf("%s: log Z %.4f ± %.4f, exact %.4f", name, res.LogZ, res.LogZError, logZ)
			}
			z := math.Exp(res.LogZ - logZ)
			all, variance = all+z, variance+res.LogZError*res.LogZError/runs/runs
			for j, w := range odslib.NormalisedWeights(res.Particles.LogWeights) {
				for i, token := range res.Particles.X.Row(j) {
					got[i][int(token)] += w * z
				}
			}
		}
		o.close()
		worst := 0.
		for i := range want {
			for v, p := range want[i] {
				worst = max(worst, math.Abs(got[i][v]/all-p)/max(.01, math.Sqrt(p*(1-p))))
			}
		}
		t.Logf("%s: marginals off by %.2f standard errors of %.4f at most", name, worst/math.Sqrt(variance), math.Sqrt(variance))
		if worst > 4*math.Sqrt(variance) {
			t.Errorf("%s: a marginal is off by %.2f standard errors", name, worst/math.Sqrt(variance))
		}
	}
}

// TestTokensAreUnbiased: E[Ẑ] = Z, since the steps of the masked chain are exact.
func TestTokensAreUnbiased(t *testing.T) {
	long(t)
	c := exact.Infilling()
	o, err := Bootstrap{Particles: 1000, Twist: expected(c.Post.Constraint.(exact.TokenReward))}.core().open(c.Post, 1, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer o.close()
	unbiased(t, "tokens", o, c.LogZ, 100)
}

// TestTokensOnTheWay: what a stopped run leaves are sequences with masks.
func TestTokensOnTheWay(t *testing.T) {
	long(t)
	run, err := Bootstrap{Particles: 20, Potential: Terminal}.Open(exact.Infilling().Post, 5, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer run.Close()
	for range 4 {
		if err := run.Step(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	res, err := run.Result()
	if err != nil {
		t.Fatal(err)
	}
	masks := 0
	for _, v := range res.Samples.Row(0) {
		if v == 8 {
			masks++
		}
	}
	if masks != 9 || res.Samples.Len() != 20 {
		t.Errorf("%d masks after 3 moves in %v", masks, res.Samples.Row(0))
	}
}
