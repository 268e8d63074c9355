package rtb_test

import (
	"context"
	"math"
	"os"
	"strconv"
	"testing"

	"gonum.org/v1/gonum/stat"

	"odslab/odslib"
	"odslab/odslib/balance"
	"odslab/odslib/exact"
	"odslab/odslib/measure"
	"odslab/odslib/nn"
	"odslab/odslib/rtb"
)

// learned is what is known of a policy for sequences: everything, since all of them can be gone through.
type learned struct {
	deltaZ, ess  float64 // log Ẑ − log Z by weights of n draws, effective share
	gap          float64 // EUBO − ELBO, by every sequence
	kl, backward float64 // of the posterior from the policy, and back
	marginals    [][]float64
}

// judge goes through all sequences under the policy.
func judge(t *testing.T, c exact.Case, p *balance.Policy, n int, seed uint64) learned {
	t.Helper()
	ctx := context.Background()
	q, logZ, err := c.Post.Exact()
	if err != nil {
		t.Fatal(err)
	}
	prior, post := c.Post.Prior.(exact.Sequences), q.(exact.Sequences)
	ratio, err := p.LogRatio(ctx, c.Post, prior.All(), seed)
	if err != nil {
		t.Fatal(err)
	}
	law, sum := make([]float64, len(ratio)), 0.
	for i, l := range ratio {
		law[i] = prior.P[i] * math.Exp(l)
		sum += law[i]
	}
	if math.Abs(sum-1) > 1e-3 {
		t.Errorf("%s: the policy's probabilities have sum %.5f", c.Name, sum)
	}
	var out learned
	if out.kl, err = measure.KL(post.P, law); err != nil {
		t.Fatal(err)
	}
	if out.backward, err = measure.KL(law, post.P); err != nil {
		t.Fatal(err)
	}
	out.gap = out.kl + out.backward
	r, err := p.Sample(ctx, c.Post, n, seed)
	if err != nil {
		t.Fatal(err)
	}
	out.deltaZ, out.ess = r.LogZ-logZ, r.ESS/float64(n)
	if out.marginals, err = measure.TokenMarginals(r.Samples, nil, prior.Tokens); err != nil {
		t.Fatal(err)
	}
	return out
}

// TestLanguage: RTB on the enumerable cases of language. One seed of a shorter training is a smoke test with margins of its own;
//
//	ODSLAB_GATES=5 go test ./odslib/rtb -run TestLanguage -v -timeout 2h
//
// trains as many seeds and holds their mean to the gate: |log Ẑ − log Z| ≤ .01 with weights, EUBO − ELBO ≤ .05, and the worst
// positional marginal of 10⁴ draws within twice the floor of exact ones.
func TestLanguage(t *testing.T) {
	if testing.Short() {
		t.Skip("it trains")
	}
	seeds, _ := strconv.Atoi(os.Getenv("ODSLAB_GATES"))
	cases, steps := []exact.Case{exact.L5()}, 300
	if seeds > 0 {
		cases, steps = []exact.Case{exact.L1(), exact.L2(), exact.L3(), exact.L4(), exact.L5()}, 1200
	}
	const n = 10000
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			q, _, err := c.Post.Exact()
			if err != nil {
				t.Fatal(err)
			}
			want := q.(exact.Sequences).Marginals()
			floor, err := measure.MarginalFloor(want, func(seed uint64) (odslib.Array, error) { return q.Sample(t.Context(), n, 100+seed) }, 20)
			if err != nil {
				t.Fatal(err)
			}
			var z, gap, worst []float64
			for seed := range max(1, seeds) {
				p, err := rtb.Sampler{Net: nn.MLP{Hidden: 128}, Paths: 128}.Train(t.Context(), c.Post, odslib.Budget{Steps: steps}, uint64(seed))
				if err != nil {
					t.Fatal(err)
				}
				l := judge(t, c, p, n, uint64(seed))
				d, at, err := measure.WorstMarginal(l.marginals, want)
				if err != nil {
					t.Fatal(err)
				}
				t.Logf("seed %d: log Ẑ − log Z %+.4f, EUBO − ELBO %.4f (KL %.4f and %.4f), ESS/N %.3f, worst marginal %.4f at %d, floor %.4f, %.0f s; %v",
					seed, l.deltaZ, l.gap, l.kl, l.backward, l.ess, d, at, floor, p.Seconds, p.Notes)
				z, gap, worst = append(z, l.deltaZ), append(gap, l.gap), append(worst, d)
			}
			limit := [3]float64{.01, .05, 2 * floor}
			if seeds == 0 { // a quarter of the training
				limit = [3]float64{.03, .15, 4 * floor}
			}
			got := [3]float64{math.Abs(stat.Mean(z, nil)), stat.Mean(gap, nil), stat.Mean(worst, nil)}
			for k, what := range [3]string{"|log Ẑ − log Z|", "EUBO − ELBO", "worst marginal"} {
				if !(got[k] <= limit[k]) {
					t.Errorf("%s: the mean of the seeds is %.4f, the limit %.4f", what, got[k], limit[k])
				}
			}
		})
	}
}
