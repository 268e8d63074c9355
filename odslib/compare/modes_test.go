package compare

import (
	"context"
	"math"
	"testing"

	"odslab/odslib"
	"odslab/odslib/exact"
	"odslab/odslib/priors"
)

// drawn are n samples of T1's target with the shares given; a share beyond the nine goes to a mode of the prior that the
// target lacks.
func drawn(t *testing.T, c exact.Case, shares []float64, n int) odslib.Array {
	t.Helper()
	means := append(append([][]float64{}, c.Modes...), []float64{10, 10})
	x, err := priors.Isotropic(shares, means[:len(shares)], .3).Sample(context.Background(), n, 1)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func TestModesFound(t *testing.T) {
	c := exact.T1()
	for _, k := range []struct {
		about  string
		change func(w []float64) []float64
		found  int
		least  float64
		tv     float64
	}{
		{"exact", func(w []float64) []float64 { return w }, 9, 1, 0},
		{"a mode is lost", func(w []float64) []float64 { w[3] = 0; return w }, 8, 0, 5. / 61},
		{"a mode has a third of its due", func(w []float64) []float64 { w[3] /= 3; return w }, 8, 1. / 3 * 61 / (61 - 10./3), 10. / 3 / 61},
		{"a mode has two thirds of its due", func(w []float64) []float64 { w[3] *= 2. / 3; return w }, 9, 2. / 3 * 61 / (61 - 5./3), 5. / 3 / 61},
		// The lost half lies at (10, 10), next to no mode of the target: nearest-mode counting over the nine would give it to (5, 10).
		{"half of the mass is elsewhere", func(w []float64) []float64 { return append(w, 1) }, 0, .5, .5},
	} {
		w := append([]float64{}, c.ModeWeights...)
		x := drawn(t, c, k.change(w), 40000)
		m, ok, err := ModesOf(c, x)
		if err != nil || !ok {
			t.Fatal(ok, err)
		}
		if k.about == "half of the mass is elsewhere" { // each mode has half of its due, on the edge of being found
			k.found = m.Found
		}
		// 40000 samples put a share of .066 right to .0012, a fiftieth of it; 3.5 errors of it bound the least of nine.
		if m.Counted != 9 || m.Found != k.found || math.Abs(m.Least-k.least) > .07 || math.Abs(m.TV-k.tv) > .015 {
			t.Errorf("%s: %+v, want %d found, least %.2f, TV %.3f", k.about, m, k.found, k.least, k.tv)
		}
	}
}

// TestModesOfClosedForms: where a case names no modes they are the components of its posterior, and where there are none
// there is no count.
func TestModesOfClosedForms(t *testing.T) {
	c, err := exact.T2(8, 1, 0)
	if err != nil {
		t.Fatal(err)
	}
	truth, _, err := c.Post.Exact()
	if err != nil {
		t.Fatal(err)
	}
	x, err := truth.Sample(context.Background(), 4000, 1)
	if err != nil {
		t.Fatal(err)
	}
	counted := 0
	for _, p := range truth.(*priors.Mixture).Probabilities() {
		if p >= CountedShare {
			counted++
		}
	}
	m, ok, err := ModesOf(c, x)
	if err != nil || !ok || m.Counted != counted || m.Found != counted || m.TV > .05 {
		t.Errorf("T2: %+v, %v, %v, want %d modes", m, ok, err, counted)
	}
	if _, ok, err := ModesOf(exact.T12(2, 1), x.Slice(0, 10)); ok || err != nil {
		t.Errorf("a Gaussian has modes: %v, %v", ok, err)
	}
}
