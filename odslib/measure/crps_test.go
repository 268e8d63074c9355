package measure

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"

	"odslab/odslib"
)

// crpsNormal is the score of N(0, 1) at y.
func crpsNormal(y float64) float64 {
	n := distuv.UnitNormal
	return y*(2*n.CDF(y)-1) + 2*n.Prob(y) - 1/math.Sqrt(math.Pi)
}

// TestCRPSScoringrules compares with scoringrules 0.10.0, estimator "fair".
func TestCRPSScoringrules(t *testing.T) {
	truths, draws := uniform(31, 1, 2, 1), []odslib.Array{uniform(32, 9, 2, 1)}
	for _, w := range [][][]float64{nil, {make([]float64, 9)}} {
		got, err := CRPS(truths, draws, w)
		if err != nil {
			t.Fatal(err)
		}
		for j, want := range []float64{0.1407405998971727, 0.3295883768134647} {
			near(t, "CRPS", got[j][0], want, 1e-7) // scoringrules was given float64 of the same numbers
		}
	}
	_, err := CRPS(truths, nil, nil)
	refuses(t, "missing draws", err, "0 simulations for 1")
	_, err = CRPS(truths, draws, [][]float64{})
	refuses(t, "missing weights", err, "0 simulations for 1")
	_, err = CRPS(truths, draws, [][]float64{{1, 2}})
	refuses(t, "weights", err, "2 log-weights for 9")
	_, err = CRPS(truths, []odslib.Array{uniform(32, 1, 2, 1)}, nil)
	refuses(t, "one draw", err, "simulation 0")
	bad := draws[0].Clone()
	bad.Data[3] = float32(math.Inf(1))
	_, err = CRPS(truths, []odslib.Array{bad}, nil)
	refuses(t, "Inf", err, "sample 1 of the draws of simulation 0 is +Inf")
}

// TestCRPSNormal: with three draws only, the mean score over many simulations is the closed form, since it is fair; so it is by
// weights on draws of another law.
func TestCRPSNormal(t *testing.T) {
	const S = 20000
	for _, y := range []float64{0, 1.3, -4} {
		truths := odslib.Array{Shape: []int{S, 1}, Data: make([]float32, S)}
		draws := make([]odslib.Array, S)
		all := gaussian(7, 3*S, 1, 0, 1)
		for s := range S {
			truths.Data[s] = float32(y)
			draws[s] = all.Slice(3*s, 3*s+3)
		}
		crps, err := CRPS(truths, draws, nil)
		if err != nil {
			t.Fatal(err)
		}
		mean, sd := stat.MeanStdDev(crps[0], nil)
		near(t, "mean CRPS", mean, crpsNormal(float64(float32(y))), 4*sd/math.Sqrt(S))

		wide := gaussian(8, 20000, 1, 0, 2)
		w := make([]float64, 20000)
		for i, x := range wide.Data {
			w[i] = -.5 * float64(x) * float64(x) * (1 - .25)
		}
		weighted, err := CRPS(truths.Slice(0, 1), []odslib.Array{wide}, [][]float64{w})
		if err != nil {
			t.Fatal(err)
		}
		near(t, "weighted CRPS", weighted[0][0], crpsNormal(y), .03) // an effective 13,000 draws
	}
}

// TestCRPSRanksPosteriors: the right posterior has the least mean score, √½/√π, and too narrow, wide or shifted ones more.
func TestCRPSRanksPosteriors(t *testing.T) {
	score := func(spread, shift float64) (mean, low, high float64) {
		truths, draws := conjugate(4, 2000, 20, spread, shift)
		crps, err := CRPS(truths, draws, nil)
		if err != nil {
			t.Fatal(err)
		}
		mean, low, high, err = Mean(crps[0], .999)
		if err != nil {
			t.Fatal(err)
		}
		return mean, low, high
	}
	right, low, high := score(1, 0)
	if floor := math.Sqrt(.5 / math.Pi); floor < low || floor > high {
		t.Errorf("right posterior: %v, in %v … %v, want %v", right, low, high, floor)
	}
	for name, c := range map[string][2]float64{"narrow": {.3, 0}, "wide": {2.5, 0}, "shifted": {1, .6}} {
		if _, low, _ := score(c[0], c[1]); low < high {
			t.Errorf("%s: at least %v, and the right one at most %v", name, low, high)
		}
	}
}
