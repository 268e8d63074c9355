package measure

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"

	"odslab/odslib"
)

// TestEnergyScipy uses means of scipy's cdist and pdist.
func TestEnergyScipy(t *testing.T) {
	a, b := uniform(5, 30, 2, 1), uniform(6, 20, 2, 2)
	falling := make([]float64, 30)
	for i := range falling {
		falling[i] = 7 - float64(i)/10
	}
	for _, c := range []struct {
		a    []float64
		want float64
	}{{nil, 0.728520760947821}, {make([]float64, 30), 0.728520760947821}, {falling, 0.6955522089292046}} {
		got, err := Energy{A: c.a}.Distance(a, b)
		if err != nil {
			t.Fatal(err)
		}
		near(t, "energy distance", got, c.want, 1e-12)
		if back, err := (Energy{B: c.a}).Distance(b, a); err != nil || math.Abs(back-got) > 1e-12 {
			t.Errorf("the other way: %v (error %v), not %v", back, err, got)
		}
	}
	_, err := Energy{A: falling[1:]}.Distance(a, b)
	refuses(t, "lengths", err, "29 log-weights for 30")
	_, err = Energy{}.Distance(a, uniform(1, 1, 2, 1))
	refuses(t, "one sample", err, "at least 2")
	lone := make([]float64, 30)
	for i := range lone {
		lone[i] = math.Inf(-1)
	}
	lone[3] = 0
	_, err = Energy{A: lone}.Distance(a, b)
	refuses(t, "one weight", err, "all of its weight on one row of 30")
}

// meanNorm is E|N(m, v)| on the line.
func meanNorm(m, v float64) float64 {
	s := math.Sqrt(v)
	return s*math.Sqrt(2/math.Pi)*math.Exp(-m*m/(2*v)) + m*(1-2*distuv.UnitNormal.CDF(-m/s))
}

// energyGaussians is the energy distance of N(0, 1) and N(m, s²).
func energyGaussians(m, s float64) float64 {
	return 2*meanNorm(m, 1+s*s) - meanNorm(0, 2) - meanNorm(0, 2*s*s)
}

// TestEnergyGaussians: the mean over repetitions is the closed form, of two means, of two widths in five dimensions, where
// E‖N(0, v·I)‖ = √(2v)·Γ((d+1)/2)/Γ(d/2), and 0 between samples of one law, however small.
func TestEnergyGaussians(t *testing.T) {
	radius := func(v float64) float64 { return math.Sqrt(2*v) * math.Gamma(3) / math.Gamma(2.5) }
	for _, c := range []struct {
		name       string
		d          int
		mean, sd   float64
		want, most float64
	}{
		{"apart", 1, 1.5, 2, energyGaussians(1.5, 2), .05},
		{"wider", 5, 0, 3, 2*radius(10) - radius(2) - radius(18), .05},
		{"same", 5, 0, 1, 0, .01},
	} {
		r := 0
		draw := func(seed uint64) (odslib.Array, error) {
			if r++; r%2 == 1 {
				return gaussian(seed, 20, c.d, 0, 1), nil
			}
			return gaussian(seed, 20, c.d, c.mean, c.sd), nil
		}
		mean, se, err := Floor(Energy{}.Distance, draw, 600)
		if err != nil {
			t.Fatal(err)
		}
		near(t, c.name, mean, c.want, 4*se)
		if se > c.most {
			t.Errorf("%s: standard error %v is too large for the test to mean anything", c.name, se)
		}
	}
}

// TestEnergyWeighted: weights carry a sample of N(0, 2²) over to N(0, 1).
func TestEnergyWeighted(t *testing.T) {
	a, b := gaussian(1, 1500, 1, 0, 2), gaussian(2, 1500, 1, 0, 1)
	w := make([]float64, 1500)
	for i, x := range a.Data {
		w[i] = -.5 * float64(x) * float64(x) * (1 - .25)
	}
	plain, err := Energy{}.Distance(a, b)
	if err != nil {
		t.Fatal(err)
	}
	weighted, err := Energy{A: w}.Distance(a, b)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "without weights", plain, energyGaussians(0, 2), .05)
	near(t, "with weights", weighted, 0, .005)
}
