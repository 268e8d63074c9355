package rtb_test

import (
	"math"
	"path/filepath"
	"testing"

	"odslab/odslib"
	"odslab/odslib/balance"
	"odslab/odslib/engine"
	"odslab/odslib/language"
	"odslab/odslib/measure"
	"odslab/odslib/nn"
	"odslab/odslib/rtb"
)

// TestInfilling: one policy for gaps between many contexts, of models so small that each posterior is known by going through all
// gaps. It is a law for each context, begins near the posterior since it sees both sides, and comes nearer; kept, it is the same.
func TestInfilling(t *testing.T) {
	if testing.Short() {
		t.Skip("it trains")
	}
	ctx := t.Context()
	tok, err := language.Characters("abcd")
	if err != nil {
		t.Fatal(err)
	}
	data, rng := engine.NewArray(400, 7), engine.RNG(1, "test")
	for i := range data.Len() {
		k := rng.IntN(4)
		for j := range data.Row(i) { // one step up, or two, or now and then none
			data.Row(i)[j] = float32(k)
			k = (k + []int{1, 1, 1, 2, 2, 0}[rng.IntN(6)]) % 4
		}
	}
	train := func(causal bool) *language.LM {
		m, err := language.Training{
			Tokenizer: tok, Causal: causal, Net: nn.Transformer{Width: 16, Layers: 1, Heads: 2}, Batch: 32, Rate: nn.Rate{Peak: 1e-2}, EMA: .97,
		}.Train(ctx, data, odslib.Budget{Steps: 250}, 1)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	lm, ar := train(false), train(true)
	left, right := [][]int{{0, 1}, {2, 3}, {1, 1}}, [][]int{{3, 0}, {3, 1}, {0, 2}}
	gap, err := language.NewGap(lm, left[0], right[0], 3)
	if err != nil {
		t.Fatal(err)
	}
	given, err := language.Conditions(left, right)
	if err != nil {
		t.Fatal(err)
	}
	post := odslib.Given(gap, language.Right{LM: ar, Left: left[0], Right: right[0]})
	post.Given = &given
	all, index := engine.NewArray(3*64, 3), make([]int, 3*64)
	for k := range index {
		index[k] = k / 64
		all.Row(k)[0], all.Row(k)[1], all.Row(k)[2] = float32(k/16%4), float32(k/4%4), float32(k%4)
	}
	rows := given.Take(index)
	each := post
	each.Given = &rows
	logp, err := gap.LogProb(ctx, all, &rows)
	if err != nil {
		t.Fatal(err)
	}
	logr, err := each.Rewards(ctx, all)
	if err != nil {
		t.Fatal(err)
	}
	// far is the mean divergence of the posteriors from laws exp(logp + ratio).
	far := func(ratio []float64) (kl float64) {
		for c := range 3 {
			exact, law, z := make([]float64, 64), make([]float64, 64), 0.
			sum := 0.
			for k := range 64 {
				i := 64*c + k
				exact[k], law[k] = math.Exp(logp[i]+logr[i]), math.Exp(logp[i]+ratio[i])
				z, sum = z+exact[k], sum+law[k]
			}
			for k := range exact {
				exact[k] /= z
			}
			if math.Abs(sum-1) > 1e-3 {
				t.Errorf("context %d: the probabilities of all gaps have sum %.4f", c, sum)
			}
			d, err := measure.KL(exact, law)
			if err != nil {
				t.Fatal(err)
			}
			kl += d / 3
		}
		return kl
	}
	s := rtb.Sampler{Paths: 48, LR: 5e-3, EMA: .95, Anneal: -1, VarGrad: true}
	policy := func(steps int) *balance.Policy {
		p, err := s.Train(ctx, post, odslib.Budget{Steps: steps}, 1)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	judge := func(p *balance.Policy) float64 {
		ratio, err := p.LogRatio(ctx, each, all, 0)
		if err != nil {
			t.Fatal(err)
		}
		return far(ratio)
	}
	prior, first, trained := far(make([]float64, 192)), judge(policy(1)), policy(100)
	last := judge(trained)
	t.Logf("KL of the posterior: %.3f from the prior, %.3f from the policy's start, %.3f after 100 iterations", prior, first, last)
	if !(last < .5*first && last < .3*prior && last < .1) {
		t.Errorf("KL %.3f from the prior, %.3f at the start, %.3f trained", prior, first, last)
	}
	path := filepath.Join(t.TempDir(), "policy")
	if err := trained.Save(path); err != nil {
		t.Fatal(err)
	}
	kept, err := balance.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if again := judge(kept); again != last {
		t.Errorf("kept, the policy is %.4f away, before %.4f", again, last)
	}
	one := post
	one.Given = nil
	if _, err := trained.LogRatio(ctx, one, all, 0); err == nil {
		t.Error("a policy for many contexts is put to one without conditions")
	}
	short := given.Slice(0, 2)
	each.Given = &short
	if _, err := trained.LogRatio(ctx, each, all, 0); err == nil {
		t.Error("conditions of two rows for 192 samples are accepted")
	}
}
