package measure

import (
	"math"
	"strings"
	"testing"

	"odslab/odslib"
	"odslab/odslib/engine"
)

func texts(rows ...string) odslib.Array {
	x := engine.NewArray(len(rows), len(rows[0]))
	for i, r := range rows {
		for j, c := range r {
			x.Row(i)[j] = float32(c)
		}
	}
	return x
}

// TestTextMeasures: by hand.
func TestTextMeasures(t *testing.T) {
	check := func(what string, got float64, err error, want float64) {
		t.Helper()
		if err != nil || math.Abs(got-want) > 1e-12 {
			t.Errorf("%s is %.6f, %v; want %.6f", what, got, err, want)
		}
	}
	a, b := texts("abcdef"), texts("abcxef")
	// Common: 5 of 6, ab bc ef of 5, abc of 4, none of 3.
	v, err := BLEU(a, b)
	check("BLEU", v, err, math.Pow(5./6*4./6*2./5*1./4, .25))
	v, err = GLEU(a, b)
	check("GLEU", v, err, (5.+3+1+0)/18)
	for _, f := range []func(a, b odslib.Array) (float64, error){BLEU, GLEU} {
		v, err = f(a, a)
		check("of a text with itself", v, err, 1)
	}
	v, err = GLEU(texts("aaaa"), texts("abab")) // a is clipped to two
	check("clipped GLEU", v, err, 2./10)
	v, err = DistinctN(texts("abab", "abba"), 2) // ab ba ab ab bb ba
	check("distinct-2", v, err, 3./6)
	v, err = Repetition(texts("abab", "abba"), 2) // ab once again
	check("repetition", v, err, 1./6)
	v, err = OrderEntropy([][]int{{0, 1, 2}, {0, 1, 2}})
	check("entropy of one order", v, err, 0)
	v, err = OrderEntropy([][]int{{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}})
	check("entropy of all orders", v, err, (math.Log(3)+math.Log(2))/3)
	for _, bad := range []func() (float64, error){
		func() (float64, error) { return BLEU(a, texts("ab")) },
		func() (float64, error) { return GLEU(engine.NewArray(0, 4), engine.NewArray(0, 4)) },
		func() (float64, error) { return DistinctN(a, 5) },
		func() (float64, error) { return Repetition(texts("ab"), 3) },
		func() (float64, error) { return OrderEntropy(nil) },
		func() (float64, error) { return OrderEntropy([][]int{{0, 1}, {0}}) },
		func() (float64, error) { return KL([]float64{1}, []float64{.5, .5}) },
		func() (float64, error) { return FactorisationFloor([]float64{1, 0, 0}, 2, 2, 1) },
		func() (float64, error) { return FactorisationFloor([]float64{.5, .5}, 2, 1, 0) },
		func() (float64, error) { _, err := TokenMarginals(texts("ab"), nil, 3); return 0, err },
	} {
		if _, err := bad(); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("want one line, got %v", err)
		}
	}
	if kl, err := KL([]float64{.5, .5}, []float64{1, 0}); err != nil || !math.IsInf(kl, 1) {
		t.Errorf("a law that misses an outcome is %g away, %v", kl, err)
	}
}
