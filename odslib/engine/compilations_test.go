package engine_test

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"odslab/odslib/engine"
	"odslab/odslib/engine/record"
)

// counted is how many programs f compiles and finds.
func counted(f func()) (compiled, found int) {
	c, d := engine.Compilations()
	f()
	compiled, found = engine.Compilations()
	return compiled - c, found - d
}

// Another loop of the same step compiles nothing, whatever the numbers: parameters, state, table, seed, length.
func TestAnotherLoopCompilesNothing(t *testing.T) {
	eachEngine(t, func(t *testing.T, e *engine.Engine) {
		drivers := []engine.Driver{engine.Host}
		if e.Loops() {
			drivers = append(drivers, engine.While)
		}
		for _, driver := range drivers {
			run := func(seed uint64, steps int) engine.Array {
				step := pull()
				for i := range step.Params {
					step.Params[i].Value = normals(seed+uint64(i), step.Params[i].Value.Shape...)
				}
				loop := engine.Loop{Step: step, Driver: driver}
				if err := loop.Open(e); err != nil {
					t.Fatal(err)
				}
				defer loop.Close()
				out, _, err := loop.Run(context.Background(), []*tensors.Tensor{normals(seed, 16, 3).Tensor(), engine.RNGState(seed, "noise")}, table(steps), nil)
				if err != nil {
					t.Fatal(err)
				}
				defer engine.Free(out...)
				if loop.Note() != "" {
					t.Errorf("a note: %s", loop.Note())
				}
				x, err := engine.ToArray(out[0])
				if err != nil {
					t.Fatal(err)
				}
				return x
			}
			var first, second, again engine.Array
			run(10, 7)
			if c, f := counted(func() { first = run(11, 8) }); c != 0 || f != 1 {
				t.Errorf("driver %d, other numbers: %d compiled, %d found; want 0 and 1", driver, c, f)
			}
			if c, f := counted(func() { second, again = run(12, 8), run(11, 8) }); c != 0 || f != 2 {
				t.Errorf("driver %d: %d compiled, %d found; want 0 and 2", driver, c, f)
			}
			for i := range first.Data {
				if first.Data[i] != again.Data[i] || first.Data[i] == second.Data[i] {
					t.Fatalf("driver %d, value %d: %v, again %v, with other numbers %v", driver, i, first.Data[i], again.Data[i], second.Data[i])
				}
			}
		}
	})
}

// A graph is the same whenever it is built: nothing in it may depend on the order of a map.
func TestTracingRepeats(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles for seconds")
	}
	e := open(t)
	build := func() {
		p, err := engine.NewProgram(e, pull().Params, func(scope *engine.Scope, in []*engine.Node) []*engine.Node {
			out := pull().Build(scope, in[1:], in[0])
			return append(out, engine.VJP(graph.Softmax(curved(in[3]), -1), in[3], curved(in[3])))
		})
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		out, err := p.Call([]float32{.1, .2}, normals(3, 16, 3).Tensor(), engine.RNGState(4, "noise"), normals(1, 3, 4).Tensor())
		if err != nil {
			t.Fatal(err)
		}
		engine.Free(out...)
	}
	build()
	if c, f := counted(func() {
		for range 50 {
			build()
		}
	}); c != 0 || f != 50 {
		t.Errorf("%d of 50 times the graph was another one, %d times the same", c, f)
	}
}

// shift adds a captured vector to its input.
func shift(t *testing.T, e *engine.Engine, y []float32) (note string) {
	t.Helper()
	p, err := engine.NewProgram(e, nil, func(_ *engine.Scope, in []*engine.Node) []*engine.Node {
		return []*engine.Node{graph.Add(in[0], graph.Const(in[0].Graph(), y))} // captured here
	})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	x, err := p.Call1(make([]float32, len(y)))
	if err != nil || x.Data[0] != y[0] {
		t.Fatalf("%v, %v; want %v", x, err, y)
	}
	return p.Note()
}

// What a closure captures is part of the graph: it is compiled again, rightly, and the note says where it comes from.
func TestCapturedNumberIsNoted(t *testing.T) {
	eachEngine(t, func(t *testing.T, e *engine.Engine) {
		var notes []string
		c, f := counted(func() {
			for _, y := range [][]float32{{1, 2, 3}, {1, 2, 3}, {4, 5, 6}, {7, 8, 9}, {1, 2, 3}} {
				notes = append(notes, shift(t, e, y))
			}
		})
		if c != 3 || f != 2 {
			t.Errorf("%d compiled, %d found; want 3 and 2", c, f)
		}
		for i, times := range []int{0, 0, 2, 3, 0} {
			if times == 0 {
				if notes[i] != "" {
					t.Errorf("call %d has a note: %s", i, notes[i])
				}
				continue
			}
			oneLine(t, fmt.Sprintf("note of call %d", i), &engine.Error{Msg: notes[i]},
				fmt.Sprintf("%d times by now", times), "3 numbers at compilations_test.go:", "a method Params; engine.Var reads it")
		}
	})
}

// Eight goroutines have programs of their own, of one graph and of several; each closes its program while others run theirs.
func TestProgramsShareAndClose(t *testing.T) {
	eachEngine(t, func(t *testing.T, e *engine.Engine) {
		var all sync.WaitGroup
		for i := range 8 {
			all.Go(func() {
				for j := range 10 {
					size := 1 + (i+j)%3
					params := engine.Params{{Name: "y", Value: engine.FromVector([]float64{float64(100*i + j)})}}
					p, err := engine.NewProgram(e, params, func(scope *engine.Scope, in []*engine.Node) []*engine.Node {
						y := graph.BroadcastToShape(engine.Var(scope, in[0].Graph(), "y"), in[0].Shape())
						for range size {
							y = graph.Add(y, in[0])
						}
						return []*engine.Node{y}
					})
					if err != nil {
						t.Error(err)
						return
					}
					for k := range 3 {
						x := tensors.FromFlatDataAndDimensions([]float32{float32(k)}, 1)
						var in any = x
						if k == 2 {
							in = e.Donate(x)
						}
						if out, err := p.Call1(in); err != nil || out.Data[0] != float32(100*i+j+size*k) {
							t.Errorf("goroutine %d, round %d: %v, %v; want %d", i, j, out, err, 100*i+j+size*k)
						}
					}
					p.Close()
				}
			})
		}
		all.Wait()
	})
}

// A Program that sees ever new shapes holds on to some of them, and a process that forgets to close holds on to none.
func TestHeldProgramsAreBounded(t *testing.T) {
	e, err := engine.Choose("go") // XLA would take a minute to compile so many
	if err != nil {
		t.Fatal(err)
	}
	cache := e.Backend.(*record.Backend).Cache
	negate := func() *engine.Program {
		p, err := engine.NewProgram(e, nil, func(_ *engine.Scope, in []*engine.Node) []*engine.Node { return []*engine.Node{graph.Neg(in[0])} })
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	p := negate()
	defer p.Close()
	for n := 1; n <= 300; n++ {
		if out, err := p.Call1(make([]float32, n)); err != nil || out.Len() != n {
			t.Fatalf("shape %d: %v, %v", n, out.Shape, err)
		}
	}
	if n := cache.Len(); n > cache.Keep+100 {
		t.Errorf("%d programs are kept, at most %d that nobody holds and 65 of the one", n, cache.Keep)
	}
	if c, _ := counted(func() { p.Call1(make([]float32, 300)) }); c != 0 {
		t.Error("the last shape was compiled again")
	}
	for n := range 10 {
		if _, err := negate().Call1(make([]float32, 1000+n)); err != nil { // never closed
			t.Fatal(err)
		}
	}
	before := cache.Held()
	for range 100 {
		runtime.GC()
		if cache.Held() <= before-9 {
			return
		}
	}
	t.Errorf("%d programs are held, %d before the collector ran", cache.Held(), before)
}

func TestHowManyProgramsAreKept(t *testing.T) {
	t.Setenv(engine.EnvPrograms, "7")
	e, err := engine.Choose("go")
	if err != nil {
		t.Fatal(err)
	}
	if keep := e.Backend.(*record.Backend).Cache.Keep; keep != 7 {
		t.Errorf("%d are kept", keep)
	}
	for _, v := range []string{"0", "-1", "many"} {
		t.Setenv(engine.EnvPrograms, v)
		_, err := engine.Choose("go")
		oneLine(t, v, err, "ODSLAB_PROGRAMS="+v, "1 or more")
	}
}
