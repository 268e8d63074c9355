package balance

import (
	"math"
	"testing"

	"odslab/odslib"
	"odslab/odslib/engine"
)

// TestRobustLoss: near balance a path pulls with its δ, far from it with no more than the threshold, always towards δ = 0;
// the variance form is left as it is.
func TestRobustLoss(t *testing.T) {
	const n = 4
	for _, c := range []struct {
		name string
		s    Settings
		want [n]float64
	}{
		{"blunted", Settings{Batch: n, Robust: 4}, [n]float64{.1, -.1, 4, -4}},
		{"square", Settings{Batch: n, Robust: -1}, [n]float64{.1, -.1, 400, -400}},
		{"variance form", Settings{Batch: n, Robust: 4, VarGrad: true}, [n]float64{.1, -.1, 400, -400}},
	} {
		tr := &trainer{Settings: c.s, name: "test"}
		it := Iteration{Beta: 1}
		weight, _, err := tr.balance(&it, drawn{sum: []float64{.1, -.1, 400, -400}}, make([]float64, n), 1, .5)
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range c.want {
			if got := weight[i] * n / 2; math.Abs(got-want) > 1e-3*math.Abs(want) {
				t.Errorf("%s: path %d pulls with %g, want %g", c.name, i, got, want)
			}
		}
		if math.Abs(it.Loss-(2*.01+2*160000)/n) > 1e-6*it.Loss {
			t.Errorf("%s: the trace shows the loss %g, not the mean of δ²", c.name, it.Loss)
		}
	}
}

// TestPoolCounts: the effective size of the pool says how many of its samples count under r^β.
func TestPoolCounts(t *testing.T) {
	b := NewBuffer(100, []int{1}, false)
	logr := make([]float64, 100)
	for i := range logr {
		logr[i] = -1000
	}
	logr[3], logr[7] = 5, 5
	b.Add(odslib.Array(engine.NewArray(100, 1)), logr)
	if e := b.ess(1); math.Abs(e-2) > 1e-9 {
		t.Errorf("two samples count, not %g", e)
	}
	if e := b.ess(0); math.Abs(e-100) > 1e-9 {
		t.Errorf("all count at β=0, not %g", e)
	}
}
