package engine_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"odslab/odslib/engine"
)

func normals(seed uint64, shape ...int) engine.Array {
	a, rng := engine.NewArray(shape...), engine.RNG(seed, "test")
	for i := range a.Data {
		a.Data[i] = float32(rng.NormFloat64())
	}
	return a
}

// pull is a step with everything a sampler's step has: parameters, random numbers, a row, and a gradient in the body.
func pull() engine.Step {
	params := engine.Params{{Name: "net/w", Value: normals(1, 3, 3)}, {Name: "net/b", Value: normals(2, 1, 3)}}
	return engine.Step{Params: params, Build: func(scope *engine.Scope, state []*engine.Node, row *engine.Node) []*engine.Node {
		x, g := state[0], state[0].Graph()
		rng, z := engine.RandomNormal(state[1], x.Shape().Dimensions...)
		s := scope.In("net")
		b := graph.BroadcastToShape(engine.Var(s, g, "b"), x.Shape())
		h := graph.Tanh(graph.Add(graph.Dot(x, engine.Var(s, g, "w")).Product(), b))
		grad := graph.Gradient(graph.ReduceAllSum(graph.Square(h)), x)[0]
		rate, noise := graph.BroadcastToShape(engine.Col(row, 0), x.Shape()), graph.BroadcastToShape(engine.Col(row, 1), x.Shape())
		return []*engine.Node{graph.Add(graph.Sub(x, graph.Mul(rate, grad)), graph.Mul(noise, z)), rng}
	}}
}

func table(n int) engine.Table {
	out := make(engine.Table, n)
	for i := range out {
		out[i] = []float32{.05, .1 / float32(i+1)}
	}
	return out
}

func runPull(t *testing.T, e *engine.Engine, driver engine.Driver, chunk, steps int) engine.Array {
	t.Helper()
	loop := engine.Loop{Step: pull(), Driver: driver, Chunk: chunk}
	if err := loop.Open(e); err != nil {
		t.Fatal(err)
	}
	defer loop.Close()
	out, done, err := loop.Run(context.Background(), []*tensors.Tensor{normals(3, 16, 3).Tensor(), engine.RNGState(4, "noise")}, table(steps), nil)
	if err != nil || done != steps {
		t.Fatalf("done %d of %d, %v", done, steps, err)
	}
	defer engine.Free(out...)
	x, err := engine.ToArray(out[0])
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func TestDriversAgree(t *testing.T) {
	e := open(t)
	want := runPull(t, e, engine.Host, 0, 11)
	if want.NonFinite() > 0 {
		t.Fatalf("host driver: %v", want)
	}
	if !e.Loops() {
		loop := engine.Loop{Step: pull(), Driver: engine.While}
		if err := loop.Open(e); err == nil || !strings.Contains(err.Error(), "use the Host driver") {
			t.Errorf("While on engine %s: %v", e.Name, err)
		}
		return
	}
	// 4 does not divide 11: the last chunk is padded.
	for _, chunk := range []int{1, 4, 11, 50} {
		got := runPull(t, e, engine.While, chunk, 11)
		for i := range want.Data {
			near(t, fmt.Sprintf("chunk %d, value %d", chunk, i), float64(got.Data[i]), float64(want.Data[i]), 2e-6)
		}
	}
}

func TestGradientInLoopEqualsUnrolled(t *testing.T) {
	e := open(t)
	step := pull()
	unrolled, err := engine.NewProgram(e, step.Params, func(scope *engine.Scope, in []*engine.Node) []*engine.Node {
		state := in[1:]
		for i := range 5 {
			row := graph.Reshape(graph.Slice(in[0], graph.AxisElem(i)), -1)
			state = step.Build(scope.ResetVisited(), state, row)
		}
		return state
	})
	if err != nil {
		t.Fatal(err)
	}
	defer unrolled.Close()
	out, err := unrolled.Call([][]float32(table(5)), normals(3, 16, 3).Tensor(), engine.RNGState(4, "noise"))
	if err != nil {
		t.Fatal(err)
	}
	want, err := engine.ToArray(out[0])
	if err != nil {
		t.Fatal(err)
	}
	got := runPull(t, e, engine.Auto, 0, 5)
	for i := range want.Data {
		near(t, fmt.Sprintf("value %d", i), float64(got.Data[i]), float64(want.Data[i]), 2e-6)
	}
}

func TestLoopRefusals(t *testing.T) {
	e := open(t)
	for _, c := range []struct {
		name  string
		build func(scope *engine.Scope, state []*engine.Node, row *engine.Node) []*engine.Node
		want  []string
	}{
		{"shape change", func(_ *engine.Scope, s []*engine.Node, _ *engine.Node) []*engine.Node {
			return []*engine.Node{graph.Concatenate([]*engine.Node{s[0], s[0]}, 1)}
		}, []string{"state 0", "[4, 2]", "[4, 4]", "shapes must stay"}},
		{
			"lost state", func(_ *engine.Scope, s []*engine.Node, _ *engine.Node) []*engine.Node { return nil },
			[]string{"returns 0 values, its state has 1"},
		},
		{"wrong operand", func(_ *engine.Scope, s []*engine.Node, _ *engine.Node) []*engine.Node {
			return []*engine.Node{graph.Add(s[0], graph.Transpose(s[0], 0, 1))}
		}, []string{"[4, 2]", "[2, 4]", "loop_test.go:"}},
		{"missing parameter", func(scope *engine.Scope, s []*engine.Node, _ *engine.Node) []*engine.Node {
			return []*engine.Node{graph.Mul(s[0], engine.Var(scope.In("net"), s[0].Graph(), "scale"))}
		}, []string{`no parameter "scale" under "/net"`}},
	} {
		for _, driver := range []engine.Driver{engine.Host, engine.While} {
			if driver == engine.While && !e.Loops() {
				continue
			}
			loop := engine.Loop{Step: engine.Step{Build: c.build}, Driver: driver}
			if err := loop.Open(e); err != nil {
				t.Fatal(err)
			}
			_, _, err := loop.Run(context.Background(), []*tensors.Tensor{normals(1, 4, 2).Tensor()}, table(3), nil)
			loop.Close()
			oneLine(t, c.name, err, c.want...)
		}
	}
}

// TestCapturedNode lets the body of a While use a node of main: its gradient would be zero without a word.
func TestCapturedNode(t *testing.T) {
	e := open(t)
	if !e.Loops() {
		return // a host loop has no outside: its step is the main function
	}
	for name, use := range map[string]func(in, x *engine.Node) *engine.Node{
		"Mul":       graph.Mul,
		"Transpose": func(in, x *engine.Node) *engine.Node { return graph.Dot(x, graph.Transpose(in, 0, 1)).Product() },
	} {
		loop := engine.Loop{Driver: engine.While}
		loop.Build = func(_ *engine.Scope, state []*engine.Node, row *engine.Node) []*engine.Node {
			main := graph.Const(state[0].Graph(), [][]float32{{1, 2}, {3, 4}})
			outer := mainOf(state[0].Graph(), main)
			return []*engine.Node{use(outer, state[0])}
		}
		if err := loop.Open(e); err != nil {
			t.Fatal(err)
		}
		_, _, err := loop.Run(context.Background(), []*tensors.Tensor{normals(1, 2, 2).Tensor()}, table(3), nil)
		oneLine(t, name, err, name, "outside the loop", "pass it through the state", "loop_test.go:")
		loop.Close()
	}
}

// mainOf returns the first parameter of main with the shape of like.
func mainOf(g *graph.Graph, like *engine.Node) *engine.Node {
	for _, n := range g.Nodes() {
		if n.Function() != like.Function() && n.Function().Parent() == nil && n.Type() == graph.NodeTypeParameter && n.Shape().Equal(like.Shape()) {
			return n
		}
	}
	panic(errors.New("main has no such parameter"))
}

func TestAfterReplacesStateAndStops(t *testing.T) {
	e := open(t)
	loop := engine.Loop{Chunk: 3, Step: engine.Step{Build: func(_ *engine.Scope, s []*engine.Node, row *engine.Node) []*engine.Node {
		return []*engine.Node{graph.Add(s[0], graph.BroadcastToShape(engine.Col(row, 0), s[0].Shape()))}
	}}}
	if err := loop.Open(e); err != nil {
		t.Fatal(err)
	}
	defer loop.Close()
	rows := engine.Table{{1}, {1}, {1}, {1}, {1}, {1}, {1}, {1}}
	stop := errors.New("enough")
	var seen []int
	out, done, err := loop.Run(context.Background(), []*tensors.Tensor{engine.NewArray(2).Tensor()}, rows, func(done int, state []*tensors.Tensor) ([]*tensors.Tensor, error) {
		seen = append(seen, done)
		if done >= 6 {
			return state, stop
		}
		if done == 3 {
			engine.Free(state...)
			return []*tensors.Tensor{engine.FromVector([]float64{10, 20}).Tensor()}, nil
		}
		return state, nil
	})
	if !errors.Is(err, stop) || done != 6 {
		t.Fatalf("done %d, %v", done, err)
	}
	got, err := engine.ToArray(out[0])
	if err != nil || got.Data[0] != 13 || got.Data[1] != 23 {
		t.Errorf("state %v, %v; want [13 23]", got, err)
	}
	if want := map[bool]int{true: 2, false: 6}[e.Loops()]; len(seen) != want {
		t.Errorf("after was called at %v", seen)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, done, err := loop.Run(ctx, out, rows, nil); !errors.Is(err, context.Canceled) || done != 0 {
		t.Errorf("cancelled: done %d, %v", done, err)
	}
}

// TestReduceMaxKeepsNaN: under XLA's fast flag a maximum loses NaN, and a diverged particle would look fine.
func TestReduceMaxKeepsNaN(t *testing.T) {
	p, err := engine.NewProgram(open(t), nil, func(_ *engine.Scope, in []*engine.Node) []*engine.Node {
		return []*engine.Node{graph.ReduceAllMax(in[0]), graph.ReduceAllMax(graph.Max(in[0], graph.Neg(in[0])))}
	})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	for at := range 9 {
		x := make([]float32, 9)
		x[at] = float32(math.NaN())
		out, err := p.Call(x)
		if err != nil {
			t.Fatal(err)
		}
		for i, o := range out {
			if v := tensors.ToScalar[float32](o); v == v {
				t.Errorf("NaN at %d: maximum %d is %v", at, i, v)
			}
		}
		engine.Free(out...)
	}
}
