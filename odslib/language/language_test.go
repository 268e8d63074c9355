package language

import (
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"odslab/odslib"
	"odslab/odslib/engine"
	_ "odslab/odslib/engine/xla"
	"odslab/odslib/nn"
)

// TestMain runs short tests on the pure-Go engine, which compiles nothing.
func TestMain(m *testing.M) {
	if flag.Parse(); testing.Short() {
		os.Setenv(engine.EnvEngine, "go")
	}
	os.Exit(m.Run())
}

// TestTokenizers: what is encoded comes back, byte pairs are made of the most frequent neighbours and never across a space.
func TestTokenizers(t *testing.T) {
	text := "the cat sat on the mat, the rat at the cat; naïve · 猫"
	chars, err := Characters(text)
	if err != nil {
		t.Fatal(err)
	}
	pairs, err := BytePairs(text, chars.Len()+9)
	if err != nil {
		t.Fatal(err)
	}
	words, err := Words(text)
	if err != nil {
		t.Fatal(err)
	}
	for _, tok := range []Tokenizer{chars, pairs, words} {
		x, err := tok.Encode(text)
		if err != nil || tok.Decode(x) != text {
			t.Errorf("%d pieces: %q, %v", tok.Len(), tok.Decode(x), err)
		}
		again, err := tok.Encode("")
		if err != nil || len(again) != 0 {
			t.Errorf("nothing is encoded as %v, %v", again, err)
		}
		if _, err := tok.Encode("the dog"); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%d pieces: an unknown character or word: %v", tok.Len(), err)
		}
		if got := tok.Decode([]int{tok.Len(), -3, tok.Len() + 1}); strings.Count(got, "?") != 2 || !strings.Contains(got, "_") {
			t.Errorf("a mask and two numbers that are none: %q", got)
		}
	}
	// By hand: "at" comes five times, then " the"… is built; no piece has a space but at its beginning.
	if first := pairs.Pieces[chars.Len()]; first != "at" {
		t.Errorf("the first pair is %q, want \"at\"", first)
	}
	for _, p := range pairs.Pieces {
		if strings.LastIndex(p, " ") > 0 {
			t.Errorf("piece %q goes on across a space", p)
		}
	}
	long, _ := chars.Encode(text)
	short, _ := pairs.Encode(text)
	if len(short) >= len(long) {
		t.Errorf("byte pairs make %d of %d characters", len(short), len(long))
	}
	for _, bad := range []func() error{
		func() error { _, err := Characters(""); return err },
		func() error { _, err := Words("   "); return err },
		func() error { _, err := BytePairs(text, 3); return err },
		func() error { _, err := chars.Windows(text, 1000); return err },
		func() error { _, err := chars.Windows(text, 0); return err },
	} {
		if err := bad(); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("want one line, got %v", err)
		}
	}
}

// TestStories: of many stories, those that share the sentences around the gap have fourth sentences as often as Fillings says.
func TestStories(t *testing.T) {
	s := Stories{}
	const n = 150000
	x, err := s.Draw(n, 1)
	if err != nil {
		t.Fatal(err)
	}
	left, gap, right := s.Split(x)
	tok := s.Tokenizer()
	t.Log(tok.Decode(left[0]), "|", tok.Decode(gap[0]), "|", tok.Decode(right[0]), tok.Len())
	fillings, prior, post, logZ, err := s.Fillings(left[0], right[0])
	if err != nil {
		t.Fatal(err)
	}
	sum, ends := 0., 0.
	for k := range prior {
		sum += prior[k]
		ends += post[k]
	}
	if math.Abs(sum-1) > 1e-12 || math.Abs(ends-1) > 1e-12 || !(logZ < 0) {
		t.Errorf("sums %g and %g, log Z %g", sum, ends, logZ)
	}
	// Who it is matters for no choice: stories of all names count, and of all contexts with the same place, object and mood.
	count, all, both := make([]float64, 48), 0., 0.
	for i := range left {
		if fmt.Sprint(left[i][4], left[i][9], left[i][15]) != fmt.Sprint(left[0][4], left[0][9], left[0][15]) {
			continue
		}
		all++
		if fmt.Sprint(right[i][2:]) != fmt.Sprint(right[0][2:]) {
			continue
		}
		both++
		for k := range count {
			row := fillings.Row(k)
			if float32(gap[i][1]) == row[1] && float32(gap[i][3]) == row[3] && float32(gap[i][4]) == row[4] {
				count[k]++
			}
		}
	}
	z := math.Exp(logZ)
	if math.Abs(both/all-z) > 4*math.Sqrt(z*(1-z)/all) {
		t.Errorf("the last sentence comes in %.4f of %g stories, want %.4f", both/all, all, z)
	}
	for k, c := range count {
		if se := math.Sqrt(post[k] * (1 - post[k]) / both); math.Abs(c/both-post[k]) > 4.5*se+1/both {
			t.Errorf("filling %d comes in %.4f of %g stories, want %.4f", k, c/both, both, post[k])
		}
	}
	wrong := append([]int{}, right[0]...)
	wrong[0] = (wrong[0] + 1) % tok.Len()
	for _, bad := range [][2][]int{{left[0], wrong}, {left[0], right[0][:3]}, {right[0], left[0]}} {
		if _, _, _, _, err := s.Fillings(bad[0], bad[1]); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("what is no story: %v", err)
		}
	}
}

// tiny models learn a language in which a token is the one before plus one or plus two.
func tiny(t *testing.T, causal bool, steps int, checkpoint string) *LM {
	t.Helper()
	tok, err := Characters("abcdef")
	if err != nil {
		t.Fatal(err)
	}
	m, err := Training{
		Tokenizer: tok, Causal: causal, Net: nn.Transformer{Width: 16, Layers: 1, Heads: 2}, Batch: 32, Rate: nn.Rate{Peak: 1e-2}, Checkpoint: checkpoint, EMA: .98,
	}.Train(t.Context(), counting(512), odslib.Budget{Steps: steps}, 1)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func counting(n int) odslib.Array {
	x, rng := engine.NewArray(n, 8), engine.RNG(1, "test")
	for i := range n {
		k := rng.IntN(6)
		for j := range x.Row(i) {
			x.Row(i)[j] = float32(k)
			k = (k + 1 + rng.IntN(2)) % 6
		}
	}
	return x
}

// TestTrainingGoesOn: interrupted and gone on with, training ends with the same bits; and a kept model is the one that was saved.
func TestTrainingGoesOn(t *testing.T) {
	if testing.Short() {
		t.Skip("it trains")
	}
	dir := t.TempDir()
	whole := tiny(t, false, 30, "")
	path := filepath.Join(dir, "run")
	tiny(t, false, 13, path)
	again := tiny(t, false, 30, path)
	if fmt.Sprint(whole.Weights) != fmt.Sprint(again.Weights) || fmt.Sprint(whole.Log.Loss) != fmt.Sprint(again.Log.Loss) {
		t.Error("another model after an interruption")
	}
	if err := whole.Save(filepath.Join(dir, "kept")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"kept", "run"} { // a state that may go on is read as the model that it holds
		kept, err := Open(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if fmt.Sprint(kept.Weights) != fmt.Sprint(whole.Weights) || kept.Tokenizer.CheckSum() != whole.Tokenizer.CheckSum() || kept.Net != whole.Net {
			t.Errorf("%s is another model", name)
		}
	}
	if _, err := (Training{Tokenizer: whole.Tokenizer, Checkpoint: path, Batch: 16}).Train(t.Context(), counting(512), odslib.Budget{Steps: 40}, 1); err == nil || !strings.Contains(err.Error(), "another") {
		t.Errorf("other settings go on from the checkpoint: %v", err)
	}
	for _, bad := range []string{path + ".json", filepath.Join(dir, "none")} {
		if _, err := Open(bad); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s is read: %v", bad, err)
		}
	}
}

// TestModels: after some training both kinds know the language, whose entropy is log 2 a token; an autoregressive model's
// probabilities of all gaps have sum 1, as have a masked one's, whatever the order; and samples are as frequent as they say.
func TestModels(t *testing.T) {
	if testing.Short() {
		t.Skip("it trains")
	}
	lm, ar := tiny(t, false, 600, ""), tiny(t, true, 300, "")
	t.Log(lm, ar)
	x := counting(256)
	logp, err := ar.LogProb(x, 1)
	if err != nil {
		t.Fatal(err)
	}
	mean := 0.
	for _, l := range logp {
		mean -= l / float64(len(logp)) / 7
	}
	if math.Abs(mean-math.Log(2)) > .05 {
		t.Errorf("the autoregressive model takes %.3f nats a token, the language has %.3f", mean, math.Log(2))
	}
	all := engine.NewArray(216, 3)
	for k := range 216 {
		all.Row(k)[0], all.Row(k)[1], all.Row(k)[2] = float32(k/36), float32(k/6%6), float32(k%6)
	}
	for _, m := range []*LM{lm, ar} {
		for _, order := range [][]int{nil, {2, 0, 1}} {
			g, err := NewGap(m, []int{2, 3}, []int{1}, 3)
			if err != nil {
				t.Fatal(err)
			}
			if g.Order = order; m == ar && order != nil {
				if g.Err() == nil {
					t.Error("an autoregressive model in another order is accepted")
				}
				continue
			}
			logp, err := g.LogProb(t.Context(), all, nil)
			if err != nil {
				t.Fatal(err)
			}
			sum, right := 0., 0.
			for k, l := range logp {
				sum += math.Exp(l)
				a, b, c := k/36, k/6%6, k%6
				if d, e, f := (a-3+6)%6, (b-a+6)%6, (c-b+6)%6; d > 0 && d < 3 && e > 0 && e < 3 && f > 0 && f < 3 {
					right += math.Exp(l)
				}
			}
			t.Logf("%v: %.3f of the probability on the language", order, right)
			if math.Abs(sum-1) > 1e-4 || order == nil && right < .85 { // so small a model knows one order better than the others
				t.Errorf("order %v: probabilities of all gaps have sum %.5f, of the right ones %.3f", order, sum, right)
			}
		}
	}
	// What the reward says of a right context that cannot follow: a step back.
	for right, hopeless := range map[string]bool{"ab": false, "ba": true} {
		post, err := Infilling(lm, ar, "ab", right, 3)
		if err != nil {
			t.Fatal(err)
		}
		if err := Hopeless(t.Context(), post, 2, 1); (err != nil) != hopeless || err != nil && (!strings.Contains(err.Error(), "in effect 0") || strings.Contains(err.Error(), "\n")) {
			t.Errorf("right context %q: %v", right, err)
		}
	}
	// Sampling agrees with the probabilities, and reveals what the left context says.
	g, err := NewGap(lm, []int{2, 3}, []int{1}, 3)
	if err != nil {
		t.Fatal(err)
	}
	draws, err := g.Sample(t.Context(), 2000, 1)
	if err != nil {
		t.Fatal(err)
	}
	logp, err = g.LogProb(t.Context(), all, nil)
	if err != nil {
		t.Fatal(err)
	}
	count := make([]float64, 216)
	for i := range draws.Len() {
		r := draws.Row(i)
		count[int(r[0])*36+int(r[1])*6+int(r[2])]++
	}
	for k, c := range count {
		if p := math.Exp(logp[k]); math.Abs(c/2000-p) > 5*math.Sqrt(p/2000)+.001 {
			t.Errorf("gap %d has a share of %.4f, its probability is %.4f", k, c/2000, p)
		}
	}
}

// TestBadInput: what a user can type is answered by a line.
func TestBadInput(t *testing.T) {
	lm, ar := untrained(t, "abcdef", false), untrained(t, "abcdef", true)
	other := untrained(t, "abcdeg", true)
	for want, err := range map[string]error{
		"nothing to fill in":            fill2(Infilling(lm, ar, "ab", "cd", 0)),
		"has -1 tokens":                 fill2(Infilling(lm, ar, "ab", "cd", -1)),
		"nothing is given on either":    fill2(Infilling(lm, ar, "", "", 8)),
		"the posterior is the prior":    fill2(Infilling(lm, ar, "ab", "", 3)),
		"is none of its 6 characters":   fill2(Infilling(lm, ar, "ab", "cé", 3)),
		"left context":                  fill2(Infilling(lm, ar, "a b", "c", 3)),
		"make 9; the model was trained": fill2(Infilling(lm, ar, "abc", "def", 3)),
		"different tokenizers":          fill2(Infilling(lm, other, "ab", "cd", 3)),
		"this one is masked diffusion":  fill2(Infilling(lm, lm, "ab", "cd", 3)),
		"not trained":                   fill2(Infilling(nil, ar, "ab", "cd", 3)),
		"come in pairs":                 cond2(Conditions([][]int{{1}}, nil)),
		"all must be as long":           cond2(Conditions([][]int{{1}, {1, 2}}, [][]int{{1}, {1}})),
		"which is none of 6 tokens":     logp2(ar.LogProb(odslib.Array{Shape: []int{1, 3}, Data: []float32{0, 6, 1}}, 0)),
		"was trained on 8":              logp2(ar.LogProb(engine.NewArray(1, 9), 0)),
		"made by another tokenizer":     train2(Training{Tokenizer: lm.Tokenizer}.Train(t.Context(), odslib.Array{Shape: []int{1, 2}, Data: []float32{0, 9}}, odslib.Budget{Steps: 1}, 1)),
	} {
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%v, want one line with %q", err, want)
		}
	}
	if g, err := NewGap(lm, nil, nil, 8); err != nil || g.Conditions() != 0 {
		t.Errorf("a gap of all tokens is the prior: %v", err)
	}
}

func fill2(_ odslib.Posterior, err error) error { return err }
func cond2(_ odslib.Array, err error) error     { return err }
func logp2(_ []float64, err error) error        { return err }
func train2(_ *LM, err error) error             { return err }

// untrained is a model of random weights.
func untrained(t *testing.T, letters string, causal bool) *LM {
	t.Helper()
	tok, err := Characters(letters)
	if err != nil {
		t.Fatal(err)
	}
	m := &LM{Tokenizer: tok, Length: 8, Net: nn.Transformer{Width: 8, Layers: 1, Heads: 2, Longest: 8, Causal: causal}}
	if m.Weights, err = m.initial(1); err != nil {
		t.Fatal(err)
	}
	return m
}
