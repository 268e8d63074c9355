package language

import (
	"math"
	"testing"

	"odslab/odslib"
)

// TestKeptModels: on stories that they have not seen, the autoregressive model is near the entropy of the grammar but for the reaction of the last
// sentence, which depends on verb and thing by a sum that it has not learned: for it all four are alike. The masked model's law of the
// fourth sentence given the first three is near the grammar's, in nats a gap. Neither can be below.
func TestKeptModels(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles for seconds")
	}
	lm, err := Load("stories")
	if err != nil {
		t.Fatal(err)
	}
	ar, err := Load("stories-ar")
	if err != nil {
		t.Fatal(err)
	}
	t.Log(lm, ar)
	s := Stories{}
	if lm.Tokenizer.CheckSum() != s.Tokenizer().CheckSum() || ar.Tokenizer.CheckSum() != s.Tokenizer().CheckSum() {
		t.Fatal("the models have another tokenizer than the stories")
	}
	x, err := s.Draw(400, 99)
	if err != nil {
		t.Fatal(err)
	}
	logp, err := ar.LogProb(x, 0)
	if err != nil {
		t.Fatal(err)
	}
	h := func(p ...float64) (sum float64) {
		for _, q := range p {
			sum -= q * math.Log(q)
		}
		return sum
	}
	want := math.Log(6*4*4*3) + 2*h(choice4...) + h(choice3...) + h(.85, .05, .05, .05) + h(.7, .1, .1, .1) + h(.8, .1, .1)
	mean, square := 0., 0.
	for _, l := range logp {
		mean -= l / 400
		square += l * l / 400
	}
	se := math.Sqrt((square - mean*mean) / 400)
	t.Logf("autoregressive: %.3f ± %.3f nats a story, the grammar %.3f", mean, se, want)
	unlearned := math.Log(4) - h(.85, .05, .05, .05)
	if mean > want+unlearned+.1+3*se || mean < want-3*se {
		t.Errorf("%.3f ± %.3f nats a story, the grammar has %.3f and what is not learned of the reaction %.3f", mean, se, want, unlearned)
	}
	left, _, right := s.Split(x.Slice(0, 8))
	g, err := NewGap(lm, left[0], right[0], StoryGap)
	if err != nil {
		t.Fatal(err)
	}
	given, err := Conditions(left, right)
	if err != nil {
		t.Fatal(err)
	}
	var all odslib.Array
	var index []int
	var prior []float64
	for i := range left {
		f, p, _, _, err := s.Fillings(left[i], right[i])
		if err != nil {
			t.Fatal(err)
		}
		all, prior = all.Append(f), append(prior, p...)
		for range p {
			index = append(index, i)
		}
	}
	rows := given.Take(index)
	logp, err = g.LogProb(t.Context(), all, &rows)
	if err != nil {
		t.Fatal(err)
	}
	kl := 0.
	for k, p := range prior {
		kl += p * (math.Log(p) - logp[k]) / float64(len(left))
	}
	t.Logf("masked: %.4f nats a gap from the grammar", kl)
	if kl > .05 || kl < 0 {
		t.Errorf("the masked model is %.4f nats a gap from the grammar", kl)
	}
}
