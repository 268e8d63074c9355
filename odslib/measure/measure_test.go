package measure

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"odslab/odslib"
)

// The numbers named "scipy" and "arviz" in the tests of this package were
// computed with scipy 1.17.1, numpy 2.4.6 and arviz 0.23.4 on the same inputs,
// which a generator that takes one line in any language makes.
type congruential uint32

// u returns a number in [0, 1) that float32 holds exactly.
func (c *congruential) u() float64 {
	*c = 1664525**c + 1013904223
	return float64(*c>>8) / (1 << 24)
}

func uniform(seed uint32, n, d int, scale float64) odslib.Array {
	c := congruential(seed)
	a := odslib.Array{Shape: []int{n, d}, Data: make([]float32, n*d)}
	for i := range a.Data {
		a.Data[i] = float32(c.u() * scale)
	}
	return a
}

// gaussian draws n points of N(mean, sd²·I) in d dimensions.
func gaussian(seed uint64, n, d int, mean, sd float64) odslib.Array {
	rng := rand.New(rand.NewPCG(seed, 99))
	a := odslib.Array{Shape: []int{n, d}, Data: make([]float32, n*d)}
	for i := range a.Data {
		a.Data[i] = float32(mean + sd*rng.NormFloat64())
	}
	return a
}

func vector(x ...float32) odslib.Array { return odslib.Array{Shape: []int{len(x)}, Data: x} }

// near fails unless got is within tolerance of want.
func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance) {
		t.Errorf("%s: got %v, want %v ± %v", what, got, want, tolerance)
	}
}

// refuses fails unless err is one line of this package with a word in it.
func refuses(t *testing.T, what string, err error, word string) {
	t.Helper()
	if err == nil || !strings.HasPrefix(err.Error(), "measure: ") || strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), word) {
		t.Errorf("%s: error %v; want one line with %q", what, err, word)
	}
}

func TestDistancesRefuse(t *testing.T) {
	nan := float32(math.NaN())
	good := uniform(1, 10, 2, 1)
	for name, d := range map[string]Distance{
		"SlicedW1": SlicedW1{}.Distance, "W1": W1, "W2": W2, "MMD": MMD{}.Distance, "C2ST": C2ST{}.Distance,
		"Energy": Energy{}.Distance, "Sinkhorn": Sinkhorn{}.Distance, "PSNR": PSNR{}.Distance,
	} {
		for word, bad := range map[string]odslib.Array{
			"at least one sample": {Shape: []int{0, 2}},
			"at least one":        {},
			"19 numbers":          {Shape: []int{10, 2}, Data: good.Data[:19]},
			"coordinates":         uniform(1, 10, 3, 1),
			"sample 1 of":         {Shape: []int{10, 2}, Data: append([]float32{1, 2, nan}, good.Data[3:]...)},
			"at coordinate 1":     {Shape: []int{10, 2}, Data: append([]float32{1, float32(math.Inf(1))}, good.Data[2:]...)},
		} {
			_, err := d(bad, good)
			refuses(t, name, err, word)
			_, err = d(good, bad)
			refuses(t, name, err, word)
		}
	}
	_, err := W2(good, uniform(2, 11, 2, 1))
	refuses(t, "sizes", err, "SlicedW1")
	_, err = W1(uniform(1, 5001, 1, 1), uniform(2, 5001, 1, 1))
	refuses(t, "too many", err, "5000")
	_, err = SlicedW1{Projections: -1}.Distance(good, good)
	refuses(t, "projections", err, "-1")
	_, err = MMD{Bandwidth: -1}.Distance(good, good)
	refuses(t, "bandwidth", err, "-1")
	_, err = MMD{}.Distance(vector(1, 1, 1), vector(1, 1, 2))
	refuses(t, "median 0", err, "median")
	_, err = MMD{}.Distance(vector(1), vector(1, 2))
	refuses(t, "one sample", err, "at least 2")
	_, err = C2ST{Neighbours: 4}.Distance(good, good)
	refuses(t, "even", err, "odd")
	_, err = C2ST{Neighbours: 17}.Distance(good, good)
	refuses(t, "too many neighbours", err, "16 points")
	_, err = C2ST{Folds: 11}.Distance(good, good)
	refuses(t, "folds", err, "11 folds")
}

func TestFloor(t *testing.T) {
	// The squared difference of two means of n values of variance 4 has mean 8/n
	// and standard deviation √2·8/n.
	const n, reps = 50, 400
	distance := func(a, b odslib.Array) (float64, error) {
		var d float64
		for i := range a.Data {
			d += float64(a.Data[i]-b.Data[i]) / n
		}
		return d * d, nil
	}
	mean, se, err := Floor(distance, func(seed uint64) (odslib.Array, error) { return gaussian(seed, n, 1, 3, 2), nil }, reps)
	if err != nil {
		t.Fatal(err)
	}
	want := 8.0 / n
	near(t, "mean", mean, want, 4*want*math.Sqrt2/math.Sqrt(reps))
	near(t, "standard error", se, want*math.Sqrt2/math.Sqrt(reps), 0.3*want*math.Sqrt2/math.Sqrt(reps))

	_, _, err = Floor(distance, func(seed uint64) (odslib.Array, error) { return odslib.Array{}, nil }, 1)
	refuses(t, "one repetition", err, "2 repetitions")
	_, _, err = Floor(nil, nil, 3)
	refuses(t, "nothing", err, "needs a distance")
	_, _, err = Floor(W1, func(seed uint64) (odslib.Array, error) { return uniform(1, 0, 2, 1), nil }, 2)
	refuses(t, "no samples", err, "at least one sample")
}
