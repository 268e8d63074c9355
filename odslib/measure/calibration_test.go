package measure

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"

	"odslab/odslib"
)

// conjugate simulates S pairs θ ~ N(0, I), y = θ + N(0, I) in two dimensions and
// draws L times from N(y/2 + shift, spread²/2): the posterior if spread is 1 and
// shift 0.
func conjugate(seed uint64, S, L int, spread, shift float64) (truths odslib.Array, draws []odslib.Array) {
	rng := rand.New(rand.NewPCG(seed, 3))
	truths.Shape = []int{S, 2}
	for range S {
		d := odslib.Array{Shape: []int{L, 2}, Data: make([]float32, 2*L)}
		for j := range 2 {
			theta := rng.NormFloat64()
			truths.Data = append(truths.Data, float32(theta))
			y := theta + rng.NormFloat64()
			for l := range L {
				d.Data[2*l+j] = float32(y/2 + shift + spread*math.Sqrt(.5)*rng.NormFloat64())
			}
		}
		draws = append(draws, d)
	}
	return truths, draws
}

func TestRanks(t *testing.T) {
	truths := odslib.Array{Shape: []int{2, 2}, Data: []float32{0, 5, 1, 1}}
	draws := []odslib.Array{
		{Shape: []int{3, 2}, Data: []float32{-1, 6, 1, 7, -2, 8}},
		{Shape: []int{3, 2}, Data: []float32{1, 0, 1, 0, 1, 1}},
	}
	ranks, err := Ranks(truths, draws)
	if err != nil {
		t.Fatal(err)
	}
	for j, want := range [][]int{{2, 1}, {0, 2}} {
		for s := range want {
			if ranks[j][s] != want[s] {
				t.Errorf("coordinate %d, simulation %d: rank %d, want %d", j, s, ranks[j][s], want[s])
			}
		}
	}
	_, err = Ranks(truths, draws[:1])
	refuses(t, "missing draws", err, "1 simulations for 2")
	_, err = Ranks(truths, []odslib.Array{draws[0], uniform(1, 4, 2, 1)})
	refuses(t, "sizes", err, "simulation 1 have shape [4 2]")
	_, err = Ranks(truths, []odslib.Array{uniform(1, 3, 3, 1), draws[1]})
	refuses(t, "dimensions", err, "[3 3]")
}

func TestUniformChi2Scipy(t *testing.T) {
	ranks := []int{0, 1, 1, 2, 5, 5, 6, 7, 9, 9, 9, 10, 3, 4, 8, 8, 10, 2, 6, 1}
	chi2, p, err := UniformChi2(ranks, 10, 4)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "χ²", chi2, 0.9916666666666666, 1e-12)
	near(t, "p", p, 0.8032683678876098, 1e-12)
	_, _, err = UniformChi2(ranks, 9, 4)
	refuses(t, "rank out of range", err, "rank 10 of simulation 11")
	_, _, err = UniformChi2(ranks, 10, 12)
	refuses(t, "bins", err, "12 bins")
	_, _, err = UniformChi2(nil, 10, 0)
	refuses(t, "no ranks", err, "0 ranks")
}

// TestCalibrationTells runs all tests on a right posterior and on three wrong ones.
func TestCalibrationTells(t *testing.T) {
	const S, L = 400, 99
	band, err := ECDFBand(S, L, .99)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name          string
		spread, shift float64
		right         bool
	}{{"right", 1, 0, true}, {"narrow", .6, 0, false}, {"wide", 1.7, 0, false}, {"shifted", 1, .3, false}} {
		truths, draws := conjugate(4, S, L, c.spread, c.shift)
		ranks, err := Ranks(truths, draws)
		if err != nil {
			t.Fatal(err)
		}
		for j := range ranks {
			_, p, err := UniformChi2(ranks[j], L, 0)
			if err != nil {
				t.Fatal(err)
			}
			if (p > .005) != c.right {
				t.Errorf("%s: coordinate %d has p = %.2g", c.name, j, p)
			}
			if band.Holds(ranks[j]) != c.right {
				t.Errorf("%s: coordinate %d inside the band: %v", c.name, j, !c.right)
			}
		}
	}
}

// TestECDFBandLevel: uniform ranks stay inside with the stated probability.
func TestECDFBandLevel(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 8))
	for _, c := range []struct {
		S, L  int
		level float64
	}{{50, 20, .9}, {200, 99, .95}, {300, 1000, .5}, {7, 1, .9}} {
		band, err := ECDFBand(c.S, c.L, c.level)
		if err != nil {
			t.Fatal(err)
		}
		const reps = 4000
		held := 0
		for range reps {
			ranks := make([]int, c.S)
			for i := range ranks {
				ranks[i] = rng.IntN(c.L + 1)
			}
			if band.Holds(ranks) {
				held++
			}
		}
		got := float64(held) / reps
		// Two standard errors of the simulations, .012 to .022, and of this test,
		// below. Counts are whole, so that a band of few can hold more.
		if got < c.level-.03 || got > c.level+.03 && c.S > 10 || got > 1 {
			t.Errorf("%d ranks on 0 … %d: %.3f inside, want %v", c.S, c.L, got, c.level)
		}
	}
	for _, bad := range []float64{0, 1, -1, math.NaN()} {
		_, err := ECDFBand(10, 10, bad)
		refuses(t, "level", err, "level")
	}
	_, err := ECDFBand(0, 10, .5)
	refuses(t, "no ranks", err, "0 ranks")
	if _, err := ECDFBand(10, 10, 1e-300); err != nil {
		t.Errorf("tiny level: %v", err)
	}
}

// TestCoverage: an interval of level ℓ of a posterior whose standard deviation is
// s times the right one covers 2Φ(s·Φ⁻¹((1+ℓ)/2))−1.
func TestCoverage(t *testing.T) {
	const S, L = 4000, 199
	levels := []float64{.1, .5, .9}
	for _, spread := range []float64{1, .5, 2} {
		truths, draws := conjugate(5, S, L, spread, 0)
		got, err := Coverage(truths, draws, levels...)
		if err != nil {
			t.Fatal(err)
		}
		for j := range got {
			for i, l := range levels {
				n := distuv.UnitNormal
				want := 2*n.CDF(spread*n.Quantile((1+l)/2)) - 1
				near(t, "coverage", got[j][i], want, .035) // four standard errors, and 1/L
			}
		}
	}
	truths, draws := conjugate(5, 3, 5, 1, 0)
	_, err := Coverage(truths, draws)
	refuses(t, "no levels", err, "levels")
	_, err = Coverage(truths, draws, 90)
	refuses(t, "level", err, "90")
}

func TestTARP(t *testing.T) {
	const S, L = 4000, 199
	levels := []float64{.1, .25, .5, .75, .9}
	truths, draws := conjugate(6, S, L, 1, 0)
	got, err := TARP{}.Coverage(truths, draws, levels...)
	if err != nil {
		t.Fatal(err)
	}
	for i, l := range levels {
		near(t, "right posterior", got[i], l, .035)
	}
	// Too narrow a posterior: the truth is too often beyond all draws, or nearer
	// to the reference than all, so that the curve is too high at first and too
	// low at the end.
	truths, draws = conjugate(6, S, L, .4, 0)
	if got, err = (TARP{}).Coverage(truths, draws, levels...); err != nil {
		t.Fatal(err)
	}
	if got[0] < .15 || got[4] > .85 {
		t.Errorf("narrow posterior: coverage %v at levels %v", got, levels)
	}
	_, err = TARP{}.Coverage(truths, draws[:2], .5)
	refuses(t, "missing draws", err, "2 simulations")
	_, err = TARP{}.Coverage(truths, draws, math.NaN())
	refuses(t, "level", err, "NaN")
}
