package engine_test

import (
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/graph"

	"odslab/odslib/engine"
)

func TestParamsOrderAndReplacement(t *testing.T) {
	e := open(t)
	builds := 0
	params := engine.Params{
		{Name: "b", Value: engine.FromVector([]float64{1, 2})},
		{Name: "a", Value: engine.FromVector([]float64{10, 20})},
	}
	p, err := engine.NewProgram(e, params, func(scope *engine.Scope, in []*engine.Node) []*engine.Node {
		builds++
		g := in[0].Graph()
		return []*engine.Node{graph.Add(graph.Mul(in[0], engine.Var(scope, g, "b")), engine.Var(scope, g, "a"))}
	})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	check := func(want0, want1 float32) {
		t.Helper()
		out, err := p.Call1([]float32{3, 3})
		if err != nil || out.Data[0] != want0 || out.Data[1] != want1 {
			t.Errorf("%v, %v; want [%v %v]", out, err, want0, want1)
		}
	}
	check(13, 26)
	changed := params.Clone()
	changed[1].Value.Data[0] = 100
	if err := p.SetParams(changed); err != nil {
		t.Fatal(err)
	}
	check(103, 26)
	if params[1].Value.Data[0] != 10 {
		t.Error("Clone shares memory")
	}
	if builds != 1 {
		t.Errorf("built %d times; new values must not compile anew", builds)
	}
	oneLine(t, "other order", p.SetParams(engine.Params{changed[1], changed[0]}), "parameter 0 is b")
	oneLine(t, "too few", p.SetParams(changed[:1]), "2 parameters, got 1")
	check(103, 26)

	changed[0].Value.Data = changed[0].Value.Data[:1]
	oneLine(t, "a value is missing", p.SetParams(changed), "shape [2] has 1 values, not 2")
	_, err = engine.NewProgram(e, changed, nil)
	oneLine(t, "a value is missing", err, "shape [2] has 1 values, not 2")
	check(103, 26)
}

func TestManyShapes(t *testing.T) {
	p, err := engine.NewProgram(open(t), nil, func(_ *engine.Scope, in []*engine.Node) []*engine.Node {
		return []*engine.Node{graph.Neg(in[0])}
	})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	for n := 1; n <= 40; n++ { // the array library stops at 32 by default
		if out, err := p.Call1(make([]float32, n)); err != nil || out.Len() != n {
			t.Fatalf("shape %d: %v, %v", n, out.Shape, err)
		}
	}
}

// TestOutputsAreFreed calls 1000 times for 4 MB: without finalization that is 4 GB.
func TestOutputsAreFreed(t *testing.T) {
	e := open(t)
	calls, values := 1000, 1<<20
	if !e.Loops() {
		calls = 200
	}
	p, err := engine.NewProgram(e, nil, func(_ *engine.Scope, in []*engine.Node) []*engine.Node {
		return []*engine.Node{graph.BroadcastToDims(in[0], values)}
	})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	call := func(n int) {
		for range n {
			out, err := p.Call(float32(1))
			if err != nil {
				t.Fatal(err)
			}
			engine.Free(out...)
		}
	}
	call(20)
	before := residentMB(t)
	call(calls)
	if grown := residentMB(t) - before; grown > 100 {
		t.Errorf("%d calls of 4 MB grew the process by %d MB", calls, grown)
	}
}

func residentMB(t *testing.T) int {
	t.Helper()
	data, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Fatal(err)
	}
	pages, err := strconv.Atoi(strings.Fields(string(data))[1])
	if err != nil {
		t.Fatal(err)
	}
	return pages * os.Getpagesize() >> 20
}
