package checkpoint_test

import (
	"fmt"
	"math"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"odslab/odslib"
	"odslab/odslib/checkpoint"
	"odslab/odslib/engine"
)

// A Result comes back with all of its fields, NaN and −Inf among them; what is not one is refused in one line.
func TestResultComesBack(t *testing.T) {
	z := engine.FromRows([][]float64{{9}, {8}, {7}})
	full := &odslib.Result{
		Figures: []string{"R̂ ≤ 1.01"}, About: "biased", LogZAtLeast: true, Shift: .5, ShiftError: .25, ShiftBy: "two chains",
		Sampler: "test", Settings: "{K:3}", Engine: "xla-cpu", Names: []string{"a", "b"}, Samples: engine.FromRows([][]float64{{1, 2}, {3, 4}, {5, math.NaN()}}),
		LogWeights: []float64{0, math.Inf(-1), 500}, Particles: &odslib.Cloud{X: z, LogWeights: []float64{1, 2, 3}}, Noise: &z,
		LogZ: math.NaN(), LogZError: math.Inf(1), ESS: 2.5, Ancestors: [][]int32{{0, 0, 2}, {1, 1, 1}},
		Trace:  []odslib.TraceStep{{Step: 1, T: .5, LogZ: math.NaN(), ESS: .9, Loss: 3, Resampled: true, Accepted: .2, NonFinite: 4}, {Step: 2}},
		States: []odslib.Array{z, z}, NetworkEvals: 300, ConstraintEvals: 3, JacobianProducts: 11, NonFinite: 1, Rejected: 2, Seconds: 1.5, Seed: 1 << 63, Notes: []string{"a line"},
		Islands: []odslib.Island{{Draws: 2, LogZ: math.NaN(), LogZError: .5, ESS: 1.5}, {Draws: 1, LogZ: -3}},
	}
	for v, i := reflect.ValueOf(*full), 0; i < v.NumField(); i++ {
		if v.Field(i).IsZero() {
			t.Errorf("%s is not tried", v.Type().Field(i).Name)
		}
	}
	bare := odslib.NewResult(odslib.Posterior{}, "bare", struct{}{}, 1)
	bare.Samples = engine.NewArray(0, 2)
	for _, r := range []*odslib.Result{full, bare} {
		path := filepath.Join(t.TempDir(), "result")
		if err := checkpoint.SaveResult(r, path); err != nil {
			t.Fatal(err)
		}
		got, err := checkpoint.OpenResult(path)
		if err != nil {
			t.Fatal(err)
		}
		show := func(r *odslib.Result) string {
			s := *r
			text := ""
			if s.Particles != nil {
				text = fmt.Sprintf("%#v ", *s.Particles)
			}
			if s.Noise != nil {
				text += fmt.Sprintf("%#v ", *s.Noise)
			}
			s.Particles, s.Noise = nil, nil
			return text + fmt.Sprintf("%#v", s)
		}
		if show(got) != show(r) {
			t.Errorf("got  %s\nwant %s", show(got), show(r))
		}
	}
	other := state(t)
	if _, err := checkpoint.OpenResult(other); err == nil || !strings.Contains(err.Error(), "not that of a Result") || strings.Contains(err.Error(), "\n") {
		t.Errorf("a training state opened as a Result: %v", err)
	}
}
