package measure

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/integrate/quad"

	"odslab/odslib"
)

// scores of N(0, I).
func normalScore(x odslib.Array) odslib.Array {
	s := odslib.Array{Shape: x.Shape, Data: make([]float32, len(x.Data))}
	for i, v := range x.Data {
		s.Data[i] = -v
	}
	return s
}

// TestKSDFiniteDifferences compares with numpy, the kernel's derivatives by finite differences.
func TestKSDFiniteDifferences(t *testing.T) {
	x := uniform(5, 30, 2, 1)
	falling := make([]float64, 30)
	for i := range falling {
		falling[i] = -float64(i) / 10
	}
	for _, c := range []struct {
		w    []float64
		want float64
	}{{nil, 1.5193562500911255}, {falling, 1.5384096366771396}} {
		got, err := KSD{Bandwidth: .7, LogWeights: c.w}.Distance(x, normalScore(x))
		if err != nil {
			t.Fatal(err)
		}
		near(t, "KSD", got, c.want, 1e-6)
	}
	_, err := KSD{}.Distance(x, uniform(1, 30, 3, 1))
	refuses(t, "shapes", err, "[30 3]")
	_, err = KSD{Bandwidth: -1}.Distance(x, x)
	refuses(t, "bandwidth", err, "-1")
	_, err = KSD{}.Distance(vector(1, 1, 1), vector(0, 0, 0))
	refuses(t, "median 0", err, "median")
	_, err = KSD{LogWeights: falling[1:]}.Distance(x, x)
	refuses(t, "weights", err, "29 log-weights for 30")
	_, err = KSD{}.Distance(x.Slice(0, 1), x.Slice(0, 1))
	refuses(t, "one sample", err, "at least 2")
	s := normalScore(x)
	s.Data[5], s.Data[9] = float32(math.NaN()), float32(math.Inf(1))
	_, err = KSD{}.Distance(x, s)
	refuses(t, "NaN score", err, "sample 2 of the array of scores is NaN at coordinate 1, the first of 2 values")
}

// TestKSDGaussians: samples of N(m, I) under the score of N(0, I) have E = ‖m‖²·E k(X, X'), which is 0 for m = 0.
func TestKSDGaussians(t *testing.T) {
	const h = 1.2
	for _, m := range []float64{0, .8} {
		// On the line ‖X−X'‖² is 2·z², z ~ N(0, 1).
		want := m * m * quad.Fixed(func(z float64) float64 {
			return math.Exp(-z*z/2) / math.Sqrt(2*math.Pi) / math.Sqrt(1+2*z*z/(h*h))
		}, -9, 9, 400, nil, 0)
		mean, se, err := Floor(func(x, _ odslib.Array) (float64, error) { return KSD{Bandwidth: h}.Distance(x, normalScore(x)) },
			func(seed uint64) (odslib.Array, error) { return gaussian(seed, 20, 1, m, 1), nil }, 1500)
		if err != nil {
			t.Fatal(err)
		}
		near(t, "KSD", mean, want, 4*se)
		if se > .01 {
			t.Errorf("standard error %v is too large for the test to mean anything", se)
		}
	}
}

// TestKSDWeighted: weights carry N(.5, 1) over to N(0, 1).
func TestKSDWeighted(t *testing.T) {
	x := gaussian(1, 1500, 1, .5, 1)
	w := make([]float64, 1500)
	for i, v := range x.Data {
		w[i] = -.5 * float64(v)
	}
	plain, err := KSD{}.Distance(x, normalScore(x))
	if err != nil {
		t.Fatal(err)
	}
	weighted, err := KSD{LogWeights: w}.Distance(x, normalScore(x))
	if err != nil {
		t.Fatal(err)
	}
	if plain < .1 || math.Abs(weighted) > .01 {
		t.Errorf("KSD %v, with weights %v", plain, weighted)
	}
}
