package balance

import (
	"math"
	"os"
	"os/exec"
	"strings"
	"testing"

	"odslab/odslib"
	"odslab/odslib/constraint"
	"odslab/odslib/engine"
	"odslab/odslib/priors"
)

// The same seed trains the same policy on one, two and four devices: after 12 iterations no weight is farther off than a
// thousandth of how far the weights have moved at most, and losses agree to 1e-3. A process has its devices for life, so a child runs with four.
func TestDevices(t *testing.T) {
	if testing.Short() {
		t.Skip("trains")
	}
	if os.Getenv(engine.EnvDevices) == "" {
		e, err := engine.Open()
		if err != nil {
			t.Fatal(err)
		}
		if e.Name != "xla-cpu" {
			t.Skipf("%s cannot be divided", e.Name)
		}
		cmd := exec.Command(os.Args[0], "-test.run=^TestDevices$", "-test.v")
		cmd.Env = append(os.Environ(), engine.EnvDevices+"=4", engine.EnvEngine+"=xla-cpu")
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), "PASS: TestDevices") {
			t.Fatalf("%v\n%s", err, out)
		}
		t.Logf("%s", out)
		return
	}
	post := odslib.Given(priors.Grid25(), constraint.Gaussian{A: constraint.Matrix{{1, -1}}, Y: []float64{3}, Sigma: .5})
	y := engine.FromRows([][]float64{{-1}, {0}, {3}})
	conditioned := post
	conditioned.Given = &y
	for _, c := range []struct {
		name string
		post odslib.Posterior
		on   []int
		edit func(*Settings)
	}{
		{"balance with replay and local search", post, []int{1, 2, 4}, func(s *Settings) { s.Local, s.Pool = 4, 256 }},
		{"adjoint", post, []int{1, 4}, func(s *Settings) { s.Objective = Adjoint{} }},
		{"conditions", conditioned, []int{1, 4}, func(*Settings) {}},
	} {
		var first, want odslib.Params
		var losses []float64
		for _, devices := range c.on {
			s := small()
			s.Devices, s.Horizon = devices, 12
			c.edit(&s)
			tr, err := NewTrainer(t.Context(), "test", s, c.post, 1)
			if err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
			var got []float64
			for range 12 {
				it, err := tr.Step(t.Context())
				if err != nil {
					t.Fatalf("%s, %d devices: %v", c.name, devices, err)
				}
				got = append(got, it.Loss)
			}
			weights, err := tr.weights.WithTensors(tr.phi)
			if err != nil {
				t.Fatal(err)
			}
			if devices == 1 {
				first, want, losses = tr.weights, weights, got
			}
			tr.Close()
			moved, off, worst := 0., 0., 0.
			for i := range want {
				for j, w := range want[i].Value.Data {
					moved = math.Max(moved, math.Abs(float64(w-first[i].Value.Data[j])))
					off = math.Max(off, math.Abs(float64(w-weights[i].Value.Data[j])))
				}
			}
			for i, l := range losses {
				if !math.IsNaN(l) {
					worst = math.Max(worst, math.Abs(got[i]-l)/(math.Abs(l)+1e-3))
				}
			}
			t.Logf("%s, %d devices: weights off by %.1e of %.1e, losses by %.1e", c.name, devices, off, moved, worst)
			if !(off <= 1e-3*moved) || !(worst <= 1e-3) || moved == 0 {
				t.Errorf("%s, %d devices: weights off by %.1e of %.1e, losses by %.1e", c.name, devices, off, moved, worst)
			}
		}
	}
	for devices, want := range map[int]string{3: "64 rows do not divide among 3 devices", 5: engine.EnvDevices, -1: "-1 devices asked for"} {
		s := small()
		s.Devices = devices
		if _, err := NewTrainer(t.Context(), "test", s, post, 1); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%d devices: %v", devices, err)
		}
	}
}
