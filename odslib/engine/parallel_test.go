package engine_test

import (
	"math"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/graph"

	"odslab/odslib/engine"
)

// squares is a small network's loss: [B, 3] and [B, 2] → [B].
func squares(scope *engine.Scope, in []*engine.Node) *engine.Node {
	g := in[0].Graph()
	h := graph.Tanh(graph.Add(graph.Dot(in[0], engine.Var(scope, g, "w")).Product(), graph.ExpandAxes(engine.Var(scope, g, "b"), 0)))
	return graph.ReduceSum(graph.Square(graph.Sub(graph.Dot(h, engine.Var(scope, g, "v")).Product(), in[1])), 1)
}

func filled(seed uint64, shape ...int) engine.Array {
	a, rng := engine.NewArray(shape...), engine.RNG(seed, "parallel")
	for i := range a.Data {
		a.Data[i] = float32(rng.NormFloat64())
	}
	return a
}

// The gradient on four devices is that on one, within 1e-5 of its largest entry. A process has its devices for life, so a
// child runs with four.
func TestParallelGradient(t *testing.T) {
	if os.Getenv(engine.EnvDevices) == "" {
		e := open(t)
		if e.Name != "xla-cpu" {
			t.Logf("%s cannot be divided", e.Name)
			return
		}
		cmd := exec.Command(os.Args[0], "-test.run=^TestParallelGradient$", "-test.v")
		cmd.Env = append(os.Environ(), engine.EnvDevices+"=4", engine.EnvEngine+"=xla-cpu")
		if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "PASS: TestParallelGradient") {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	e := open(t)
	params := engine.Params{{Name: "w", Value: filled(1, 3, 16)}, {Name: "b", Value: filled(2, 16)}, {Name: "v", Value: filled(3, 16, 2)}}
	x, y := filled(4, 64, 3), filled(5, 64, 2)
	var loss float64
	var want engine.Params
	for _, devices := range []int{1, 2, 4} {
		p, err := engine.NewParallelGradient(e, devices, params, squares)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			l, got, err := p.Call(params, x, y)
			if err != nil {
				t.Fatal(err)
			}
			if devices == 1 {
				loss, want = l, got
			}
			largest, worst := 0., 0.
			for i := range want {
				for j, v := range want[i].Value.Data {
					largest = math.Max(largest, math.Abs(float64(v)))
					worst = math.Max(worst, math.Abs(float64(v-got[i].Value.Data[j])))
				}
			}
			if largest == 0 || worst > 1e-5*largest || math.Abs(l-loss) > 1e-5*math.Abs(loss) {
				t.Errorf("%d devices: loss %v for %v, gradient off by %.1e of %.1e", devices, l, loss, worst, largest)
			}
		}
		if devices == 4 {
			if _, _, err := p.Call(params, filled(4, 62, 3), filled(5, 62, 2)); err == nil || !strings.Contains(err.Error(), "a multiple of 4") {
				t.Errorf("62 rows on 4 devices: %v", err)
			}
		}
		p.Close()
	}
	// By hand: the loss by one weight, by a difference.
	const h = 1e-2
	at := func(d float32) float64 {
		q := params.Clone()
		q[2].Value.Data[5] += d
		p, err := engine.NewParallelGradient(e, 4, params, squares)
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		l, _, err := p.Call(q, x, y)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	if d := (at(h) - at(-h)) / (2 * h); math.Abs(d-float64(want[2].Value.Data[5])) > 1e-2*(1+math.Abs(d)) {
		t.Errorf("by a difference %v, by the gradient %v", d, want[2].Value.Data[5])
	}
	if _, err := engine.NewParallelGradient(e, 5, params, squares); err == nil || !strings.Contains(err.Error(), engine.EnvDevices) {
		t.Errorf("five of four devices: %v", err)
	}
}
