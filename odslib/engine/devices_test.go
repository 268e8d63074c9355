package engine_test

import (
	"fmt"
	"math"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"odslab/odslib/engine"
)

// onDevices runs the rest of a test in a child whose CPU is divided into four devices, since a process has its devices for life.
func onDevices(t *testing.T) (e *engine.Engine, child bool) {
	t.Helper()
	e = open(t)
	if os.Getenv(engine.EnvDevices) != "" {
		return e, true
	}
	if e.Name != "xla-cpu" {
		t.Skipf("%s cannot be divided", e.Name)
	}
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), engine.EnvDevices+"=4", engine.EnvEngine+"=xla-cpu")
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "PASS: "+t.Name()) {
		t.Fatalf("%v\n%s", err, out)
	}
	return e, false
}

func filled(seed uint64, shape ...int) engine.Array {
	a, rng := engine.NewArray(shape...), engine.RNG(seed, "devices")
	for i := range a.Data {
		a.Data[i] = float32(rng.NormFloat64())
	}
	return a
}

// squares is a small network's loss summed over rows: [B, 3] and [B, 2].
func squares(scope *engine.Scope, x, y *engine.Node) *engine.Node {
	g := x.Graph()
	h := graph.Tanh(graph.Add(graph.Dot(x, engine.Var(scope, g, "w")).Product(), graph.ExpandAxes(engine.Var(scope, g, "b"), 0)))
	return graph.ReduceAllSum(graph.Square(graph.Sub(graph.Dot(h, engine.Var(scope, g, "v")).Product(), y)))
}

// The gradient on four devices is that on one, within 1e-5 of its largest entry, by either driver; all random numbers are the
// same to the bit.
func TestDevices(t *testing.T) {
	e, child := onDevices(t)
	if !child {
		return
	}
	params := engine.Params{{Name: "w", Value: filled(1, 3, 16)}, {Name: "b", Value: filled(2, 16)}, {Name: "v", Value: filled(3, 16, 2)}}
	run := func(devices int, driver engine.Driver, after engine.After) (out []engine.Array) {
		l := engine.Loop{Driver: driver, Chunk: 2, Devices: devices, Split: []int{engine.Whole, 0, 1, 0, engine.Whole}, Step: engine.Step{
			Params: params,
			Build: func(scope *engine.Scope, in []*engine.Node, row *engine.Node) []*engine.Node {
				y := graph.TransposeAllAxes(in[2], 1, 0) // [2, B]: rows need not be the first axis
				weights := []*engine.Node{engine.Var(scope, y.Graph(), "w"), engine.Var(scope, y.Graph(), "b")}
				loss := squares(scope, in[1], y)
				sums := engine.SumDevices(append(graph.Gradient(loss, weights...), loss)...)
				rng, z := engine.RandomNormal(in[0], in[3].Shape().Dimensions...)
				rng, u := engine.RandomUniform(rng, in[3].Shape().Dimensions...)
				flat := make([]*engine.Node, len(sums))
				for i, s := range sums {
					flat[i] = graph.Reshape(s, s.Shape().Size())
				}
				return []*engine.Node{
					rng, in[1], graph.Add(in[2], graph.BroadcastToShape(engine.Col(row, 0), in[2].Shape())),
					graph.Add(in[3], graph.Add(z, u)), graph.Add(in[4], graph.Concatenate(flat, 0)),
				}
			},
		}}
		defer l.Close()
		state := []*tensors.Tensor{engine.RNGState(7, "test"), filled(4, 64, 3).Tensor(), filled(5, 2, 64).Tensor(), engine.NewArray(64, 5).Tensor(), engine.NewArray(3*16 + 16 + 1).Tensor()}
		if err := l.Open(e); err != nil {
			t.Fatal(err)
		}
		state, done, err := l.Run(t.Context(), state, engine.Table{{.1}, {.2}, {.3}}, after)
		if err != nil || done != 3 {
			t.Fatal(done, err)
		}
		for _, s := range state[1:] {
			a, err := engine.ToArray(s)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, a)
		}
		engine.Free(state...)
		return out
	}
	want := run(1, engine.Auto, nil)
	largest := 0.
	for _, v := range want[3].Data {
		largest = math.Max(largest, math.Abs(float64(v)))
	}
	looks := 0
	look := func(done int, state []*tensors.Tensor) ([]*tensors.Tensor, error) {
		looks++
		if d := state[1].Shape().Dimensions; !slices.Equal(d, []int{64, 3}) {
			return state, fmt.Errorf("after %d steps a look sees %v", done, d)
		}
		return state, nil
	}
	for _, devices := range []int{2, 4} {
		for _, driver := range []engine.Driver{engine.While, engine.Host} {
			got := run(devices, driver, look)
			for i := range 3 {
				if !slices.Equal(got[i].Data, want[i].Data) || !slices.Equal(got[i].Shape, want[i].Shape) {
					t.Errorf("%d devices: part %d is another", devices, i+1)
				}
			}
			for i, v := range want[3].Data {
				if !(math.Abs(float64(v-got[3].Data[i])) <= 1e-5*largest) {
					t.Errorf("%d devices: gradient %d is %v, on one %v", devices, i, got[3].Data[i], v)
				}
			}
		}
	}
	if looks != 2*(2+3) {
		t.Errorf("%d looks", looks)
	}
	step := engine.Step{Build: func(_ *engine.Scope, in []*engine.Node, _ *engine.Node) []*engine.Node { return in }}
	for _, c := range []struct {
		devices, rows int
		want          string
	}{{5, 64, engine.EnvDevices}, {-1, 64, "-1 devices asked for"}, {4, 62, "among 4 devices"}} {
		l := engine.Loop{Devices: c.devices, Split: []int{0}, Step: step}
		_, _, err := l.Run(t.Context(), []*tensors.Tensor{filled(1, c.rows, 3).Tensor()}, engine.Table{{0}}, nil)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%d rows on %d devices: %v", c.rows, c.devices, err)
		}
	}
}
