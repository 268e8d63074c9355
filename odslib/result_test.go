package odslib_test

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"odslab/odslib"
)

func weighted() *odslib.Result {
	r := odslib.NewResult(odslib.Posterior{}, "test", struct{ K int }{3}, 7)
	r.Samples = odslib.Array{Shape: []int{3, 2}, Data: []float32{0, 1, 10, 2, 20, 3}}
	r.LogWeights = []float64{math.Log(1) + 500, math.Log(2) + 500, math.Log(1) + 500}
	return r
}

// Weights do not change when a constant is added, however large, and moments use them.
func TestWeightedMoments(t *testing.T) {
	r := weighted()
	for i, want := range []float64{.25, .5, .25} {
		if math.Abs(r.Weights()[i]-want) > 1e-12 {
			t.Errorf("weights %v", r.Weights())
		}
	}
	if m := r.Mean(); math.Abs(m[0]-10) > 1e-9 || math.Abs(m[1]-2) > 1e-9 {
		t.Errorf("mean %v", m)
	}
	if s := r.Std(); math.Abs(s[0]-math.Sqrt(50)) > 1e-9 {
		t.Errorf("standard deviation %v", s)
	}
	for q, want := range map[float64]float64{.2: 0, .5: 10, .76: 20} {
		if got := r.Quantile(q)[0]; got != want {
			t.Errorf("quantile %g is %g, want %g", q, got, want)
		}
	}
}

// Systematic resampling gives each sample its share to within one copy.
func TestResample(t *testing.T) {
	r := weighted().Resample(1000, 1)
	count := map[float32]int{}
	for i := range r.Samples.Len() {
		count[r.Samples.Row(i)[0]]++
	}
	for v, want := range map[float32]int{0: 250, 10: 500, 20: 250} {
		if d := count[v] - want; d < -1 || d > 1 {
			t.Errorf("%g came %d times, want %d", v, count[v], want)
		}
	}
	if r.LogWeights != nil || r.Seed != 7 {
		t.Error("resampled draws are equally weighted and keep the run's seed")
	}
}

// TestResampleOfNothing: weights of 0 and weights that are no numbers are no reason to copy sample 0.
func TestResampleOfNothing(t *testing.T) {
	for _, l := range []float64{math.Inf(-1), math.NaN()} {
		r := weighted()
		for i := range r.LogWeights {
			r.LogWeights[i] = l
		}
		got := r.Resample(1000, 1)
		if got.Samples.Len() != 0 || !strings.Contains(strings.Join(got.Notes, "\n"), "nothing was drawn") || len(r.Notes) > 0 {
			t.Errorf("log-weights of %g: %d draws, notes %q", l, got.Samples.Len(), got.Notes)
		}
	}
}

func TestStringAndJSON(t *testing.T) {
	r := weighted()
	if s := r.String(); !strings.Contains(s, "test: 3 samples of shape [2]") || strings.Contains(s, "NaN") || strings.Contains(s, "\n") {
		t.Errorf("%q", s)
	}
	r.LogZ, r.Notes = -1.5, []string{"a bias"}
	if s := r.Report(); !strings.Contains(s, "log Z -1.500") || !strings.Contains(s, "a bias") {
		t.Errorf("%q", s)
	}
	r.Samples.Data[0] = float32(math.NaN())
	path := filepath.Join(t.TempDir(), "r.json")
	if err := r.WriteJSON(path); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var back struct {
		Sampler string     `json:"sampler"`
		Samples []*float64 `json:"samples"`
		LogZ    *float64   `json:"log_z"`
	}
	if err := json.Unmarshal(data, &back); err != nil || back.Sampler != "test" || back.Samples[0] != nil || *back.Samples[1] != 1 || *back.LogZ != -1.5 {
		t.Errorf("%s: %v", data, err)
	}
}
