package measure

import (
	"math"
	"math/rand/v2"
	"testing"

	"odslab/odslib"
)

// normals are n samples of N(mean, diag(std²)).
func normals(n int, mean, std []float64, seed uint64) odslib.Array {
	rng := rand.New(rand.NewPCG(seed, 1))
	a := odslib.Array{Shape: []int{n, len(mean)}}
	for range n {
		for j := range mean {
			a.Data = append(a.Data, float32(mean[j]+std[j]*rng.NormFloat64()))
		}
	}
	return a
}

// TestFrechet: of diagonal Gaussians it is ‖m−n‖² + Σ(s−t)², and 0 of a sample and itself, of full rank or not.
func TestFrechet(t *testing.T) {
	a := normals(40000, []float64{0, 1, 2}, []float64{1, 2, .5}, 1)
	b := normals(40000, []float64{1, 1, 0}, []float64{1, 1, 1.5}, 2)
	got, err := Frechet(a, b)
	if err != nil {
		t.Fatal(err)
	}
	if want := 5. + 1 + 1; math.Abs(got-want) > .1 { // three standard errors
		t.Errorf("%.4f, want %g", got, want)
	}
	for _, n := range []int{2, 40000} {
		if got, err := Frechet(a.Slice(0, n), a.Slice(0, n)); err != nil || got > 1e-6 {
			t.Errorf("%d samples and themselves: %g, %v", n, got, err)
		}
	}
	a.Data[0] = float32(math.NaN())
	if got, err := Frechet(a, b); err == nil {
		t.Errorf("a NaN gives %g", got)
	}
}

// TestPrecisionRecall: a missing mode lowers recall alone, samples off the data lower precision alone.
func TestPrecisionRecall(t *testing.T) {
	left, right := normals(300, []float64{-9, 0}, []float64{1, 1}, 1), normals(300, []float64{9, 0}, []float64{1, 1}, 2)
	real := left.Clone().Append(right)
	again := normals(300, []float64{-9, 0}, []float64{1, 1}, 3)
	p, r, err := PrecisionRecall(real, again, 0)
	if err != nil {
		t.Fatal(err)
	}
	if p < .9 || r > .55 || r < .4 {
		t.Errorf("one of two modes: precision %.3f, recall %.3f", p, r)
	}
	p, r, err = PrecisionRecall(left, real.Take(append(indices(300), indices(600)[300:]...)), 0)
	if err != nil || p > .55 || r < .9 {
		t.Errorf("a mode too many: precision %.3f, recall %.3f, %v", p, r, err)
	}
	if _, _, err := PrecisionRecall(left.Slice(0, 3), right, 3); err == nil {
		t.Error("three samples have no third neighbour each")
	}
}

func indices(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}
