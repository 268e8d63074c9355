package measure

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"odslab/odslib"
)

var six = []float64{0, .5, -1, .25, -3, 1}

func TestWeightsScipy(t *testing.T) {
	near(t, "ESS", ESS(six), 3.875208671362488, 1e-12)
	mean, se := LogMeanExp(six)
	near(t, "log mean", mean, 0.1639164144903053, 1e-14)
	near(t, "standard error", se, 0.33115063628960245, 1e-14)
	// A constant moves the evidence and nothing else, however large it is.
	moved := slices.Clone(six)
	for i := range moved {
		moved[i] -= 4096
	}
	near(t, "ESS, moved", ESS(moved), ESS(six), 1e-9)
	mean2, se2 := LogMeanExp(moved)
	near(t, "log mean, moved", mean2, mean-4096, 1e-9)
	near(t, "standard error, moved", se2, se, 1e-9)
}

func TestWeightsAtTheEdge(t *testing.T) {
	inf, nan := math.Inf(1), math.NaN()
	near(t, "equal", ESS(make([]float64, 7)), 7, 1e-12)
	near(t, "one counts", ESS([]float64{-inf, 3, -inf}), 1, 0)
	near(t, "none counts", ESS([]float64{-inf, -inf}), 0, 0)
	near(t, "no weights", ESS(nil), 0, 0)
	if !math.IsNaN(ESS([]float64{1, nan})) || !math.IsNaN(ESS([]float64{1, inf})) {
		t.Error("a NaN or infinite weight is not seen in ESS")
	}
	if m, se := LogMeanExp([]float64{1, nan}); !math.IsNaN(m) || !math.IsNaN(se) {
		t.Errorf("with a NaN: %v ± %v", m, se)
	}
	if m, se := LogMeanExp([]float64{-inf, -inf}); !math.IsInf(m, -1) || !math.IsNaN(se) {
		t.Errorf("all weights 0: %v ± %v", m, se)
	}
	if m, se := LogMeanExp([]float64{2}); m != 2 || !math.IsNaN(se) {
		t.Errorf("one weight: %v ± %v", m, se)
	}
	if m, se := LogMeanExp([]float64{.1, .1, .1}); math.Abs(m-.1) > 1e-15 || se != 0 {
		t.Errorf("equal weights: %v ± %v", m, se)
	}
}

// TestLogMeanExpError: for l ~ N(0, σ²) the truth is σ²/2, and errors in units
// of the reported standard error are about N(0, 1).
func TestLogMeanExpError(t *testing.T) {
	const sigma, n, reps = .5, 500, 1000
	rng := rand.New(rand.NewPCG(1, 1))
	var s1, s2 float64
	for range reps {
		l := make([]float64, n)
		for i := range l {
			l[i] = sigma * rng.NormFloat64()
		}
		m, se := LogMeanExp(l)
		z := (m - sigma*sigma/2) / se
		s1 += z / reps
		s2 += z * z / reps
	}
	// Standard errors of the two: .032 and .045. The logarithm is biased by
	// −se²/2, which is −.01 in these units.
	near(t, "mean of z", s1, 0, .15)
	near(t, "variance of z", s2, 1, .2)
}

func TestQuantiles(t *testing.T) {
	x := []float64{3, 1, 4, 1.5, 9, 2.6}
	got, err := Quantiles(x, six, 0, .05, .25, .5, .9, .975, 1)
	if want := []float64{1, 1, 1.5, 2.6, 3, 4, 9}; err != nil || !slices.Equal(got, want) { // numpy, inverted_cdf
		t.Errorf("weighted: %v, want %v (error %v)", got, want, err)
	}
	got, err = Quantiles(x, nil, 0, .25, .5, .75, 1)
	if want := []float64{1, 1.5, 2.6, 4, 9}; err != nil || !slices.Equal(got, want) {
		t.Errorf("equal weights: %v, want %v (error %v)", got, want, err)
	}
	if x[0] != 3 {
		t.Error("the argument was sorted")
	}
	_, err = Quantiles(nil, nil, .5)
	refuses(t, "none", err, "no samples")
	_, err = Quantiles(x, six[1:], .5)
	refuses(t, "lengths", err, "5 log-weights for 6")
	_, err = Quantiles(x, nil, 1.5)
	refuses(t, "p", err, "1.5")
	_, err = Quantiles([]float64{1, math.NaN()}, nil, .5)
	refuses(t, "NaN", err, "sample 1")
	_, err = Quantiles([]float64{1, 2}, []float64{0, math.NaN()}, .5)
	refuses(t, "NaN weight", err, "log-weight 1")
	_, err = Quantiles([]float64{1}, []float64{math.Inf(-1)}, .5)
	refuses(t, "weight 0", err, "above 0")
}

// TestModes uses nine of 25 modes with unequal weights, whose entropy is 2.0626.
func TestModes(t *testing.T) {
	centres := odslib.Array{Shape: []int{25, 2}}
	for i := range 25 {
		centres.Data = append(centres.Data, float32(5*(i/5)-10), float32(5*(i%5)-10))
	}
	weights := map[int]float64{1: 4, 5: 10, 10: 4, 21: 5, 12: 10, 13: 5, 16: 4, 17: 15, 19: 4}
	x := odslib.Array{Shape: []int{61, 2}}
	truth := make([]float64, 25)
	rng := rand.New(rand.NewPCG(1, 1))
	for k, w := range weights {
		truth[k] = w / 61
		for range int(w) {
			x.Data = append(x.Data, centres.Data[2*k]+float32(2*rng.Float64()-1), centres.Data[2*k+1]+float32(2*rng.Float64()-1))
		}
	}
	got, err := ModeWeights(x, nil, centres)
	if err != nil {
		t.Fatal(err)
	}
	tv, err := TotalVariation(got, truth)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "total variation", tv, 0, 1e-12)
	near(t, "entropy", Entropy(got), 2.0626, 5e-5)

	two := odslib.Array{Shape: []int{2, 2}, Data: []float32{-9, -9, 9, 11}}
	got, err = ModeWeights(two, []float64{0, math.Log(3)}, centres)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "first mode", got[0], .25, 1e-12)
	near(t, "last mode", got[24], .75, 1e-12)

	tv, _ = TotalVariation([]float64{1, 0, 0}, []float64{.25, .25, .5})
	near(t, "total variation", tv, .75, 1e-15)
	_, err = TotalVariation([]float64{1}, []float64{.5, .5})
	refuses(t, "lengths", err, "1 and 2")
	_, err = ModeWeights(x, nil, odslib.Array{Shape: []int{1, 3}, Data: make([]float32, 3)})
	refuses(t, "dimensions", err, "2 and 3")
	_, err = ModeWeights(x, []float64{1}, centres)
	refuses(t, "weights", err, "1 log-weights for 61")
}
