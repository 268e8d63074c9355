package record_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/gomlx/compute"
	_ "github.com/gomlx/compute/gobackend"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"odslab/odslib/engine/record"
)

// cached is the pure-Go backend behind a cache.
func cached(t *testing.T, keep int) *record.Backend {
	t.Helper()
	be, err := compute.NewWithConfig("go:ops_sequential")
	if err != nil {
		t.Fatal(err)
	}
	return record.NewBackend(be, record.NewCache(keep), func(err *record.OpError, _ []uintptr) error { return err })
}

// scale multiplies by a constant n times.
func scale(be compute.Backend, by float32, n int) *graph.Exec {
	return graph.MustNewExec(be, func(x *graph.Node) *graph.Node {
		for range n {
			x = graph.Mul(x, graph.Const(x.Graph(), by))
		}
		return x
	})
}

func TestCountsAndConstants(t *testing.T) {
	be := cached(t, 0)
	before := record.Count()
	again := func(by float32, n int) *record.Again {
		exec := scale(be, by, n)
		defer exec.Finalize()
		y, g := exec.MustCallWithGraph(float32(1))
		want := float32(1)
		for range n {
			want *= by
		}
		if y[0].Value() != want {
			t.Errorf("1·%g^%d = %v", by, n, y[0].Value())
		}
		return g.Executable().(*record.Program).Again
	}
	for _, c := range []struct {
		by               float32
		n                int
		compiled, found  int64
		times, constants int
	}{
		{2, 1, 1, 0, 0, 0},
		{2, 1, 1, 1, 0, 0},
		{3, 1, 2, 1, 2, 1}, // another constant
		{2, 1, 2, 2, 0, 0}, // is there still
		{4, 1, 3, 2, 3, 1},
		{4, 2, 4, 2, 0, 0}, // another graph
		{5, 2, 5, 2, 2, 2},
	} {
		a := again(c.by, c.n)
		now := record.Count()
		if now.Compiled-before.Compiled != c.compiled || now.Found-before.Found != c.found {
			t.Errorf("%g^%d: counts %+v since %+v; want %d and %d", c.by, c.n, now, before, c.compiled, c.found)
		}
		times, constants := 0, 0
		if a != nil {
			times, constants = a.Times, len(a.Constants)
		}
		if times != c.times || constants != c.constants {
			t.Errorf("%g^%d: compiled %d times, %d constants changed; want %d and %d", c.by, c.n, times, constants, c.times, c.constants)
		}
	}
}

// The array library has one constant for all that have the same value: that a number happens to be one of those hides nothing.
func TestNumbersThatAreThereAnyway(t *testing.T) {
	be := cached(t, 0)
	for i, y := range []float64{.5, 2, 3, 1, -1, 0, 7} {
		exec := graph.MustNewExec(be, func(x *graph.Node) *graph.Node {
			twice := graph.MulScalar(x, 2)
			return graph.Mul(graph.AddScalar(twice, y), graph.AddScalar(graph.DivScalar(x, 3), 1))
		})
		got, g := exec.MustCallWithGraph(float32(1.5))
		if want := float32(1.5*2+y) * 1.5; got[0].Value() != want {
			t.Errorf("y = %g: %v, want %v", y, got[0].Value(), want)
		}
		a := g.Executable().(*record.Program).Again
		if i == 0 {
			if a != nil {
				t.Errorf("the first time: %+v", a)
			}
		} else if a == nil || a.Times != i+1 || len(a.Constants) != 1 || a.Constants[0].Values != 1 {
			t.Errorf("y = %g: %+v; want one number that has changed, %d times", y, a, i+1)
		}
		exec.Finalize()
	}
}

// counted is an executable that knows when it ends; Execute fails the test after that.
type counted struct {
	compute.Executable
	running, ended atomic.Int32
}

func (x *counted) Execute(in []compute.Buffer, donate []bool, device compute.DeviceNum) ([]compute.Buffer, error) {
	if x.ended.Load() > 0 {
		return nil, errors.New("executed after its end")
	}
	return nil, nil
}

func (x *counted) Finalize() {
	if x.running.Load() > 0 {
		panic("finalized while it runs")
	}
	x.ended.Add(1)
}

func TestLeastRecentlyUsedGo(t *testing.T) {
	c := record.NewCache(2)
	made := map[string]*counted{}
	hold := func(name string) *record.Hold {
		var hash record.Hash
		copy(hash[:], name)
		h, _, err := c.Make(hash, func() record.Outline { return record.Outline{Hash: hash} }, func() (compute.Executable, error) {
			made[name] = &counted{}
			return made[name], nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	held := hold("held")
	twice := hold("twice")
	for _, name := range []string{"a", "b", "twice", "a", "c"} { // now b has gone, a and c are there
		hold(name).Release()
	}
	if made["b"].ended.Load() != 1 || made["a"].ended.Load() != 0 || c.Len() != 4 {
		t.Errorf("b ended %d times, a %d; %d programs", made["b"].ended.Load(), made["a"].ended.Load(), c.Len())
	}
	if twice.Release(); made["a"].ended.Load() != 1 { // it is idle only now
		t.Error("a was used before c and twice, and stays")
	}
	if _, err := held.Execute(nil, nil, 0); err != nil {
		t.Errorf("a program that is held: %v", err)
	}
	was := made["a"]
	if hold("a"); made["a"] == was {
		t.Error("a was not compiled anew")
	}
}

// A failure and a panic go to all who wait, and are forgotten.
func TestFailuresAreForgotten(t *testing.T) {
	c := record.NewCache(1)
	outline := func() record.Outline { return record.Outline{} }
	for _, fail := range []func() (compute.Executable, error){
		func() (compute.Executable, error) { return nil, errors.New("too large") },
		func() (compute.Executable, error) { panic(errors.New("too large")) },
		func() (compute.Executable, error) { panic("too large") },
	} {
		inside, going := make(chan struct{}), make(chan struct{})
		var all sync.WaitGroup
		for i := range 4 {
			all.Go(func() {
				if i > 0 {
					<-inside
				}
				_, _, err := c.Make(record.Hash{}, outline, func() (compute.Executable, error) {
					if i == 0 {
						close(inside)
						<-going
					}
					return fail()
				})
				if err == nil || err.Error() != "too large" {
					t.Errorf("error %v", err)
				}
			})
		}
		<-inside
		close(going)
		all.Wait()
		if c.Len() != 0 || c.Find(record.Hash{}) != nil {
			t.Error("a failed program stays")
		}
	}
	h, made, err := c.Make(record.Hash{}, outline, func() (compute.Executable, error) { return &counted{}, nil })
	if err != nil || !made.Compiled {
		t.Fatalf("%+v, %v", made, err)
	}
	h.Release()
}

// Many goroutines compile few programs, run them, some with donated inputs, and give them up again, in a cache that is too
// small for all. Run it with -race.
func TestConcurrentUse(t *testing.T) {
	be := cached(t, 2)
	shared := scale(be, 3, 4)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for j := range 60 {
				n := 1 + (i+j)%5
				exec := scale(be, 2, n)
				x := tensors.FromScalar(float32(i))
				if got := exec.MustCall1(x).Value(); got != float32(i)*float32(int(1)<<n) {
					t.Errorf("%d·2^%d = %v", i, n, got)
				}
				if x.Value() != float32(i) { // lent, not given
					t.Errorf("%d has become %v", i, x.Value())
				}
				given, err := graph.DonateTensorBuffer(x, be, 0)
				if err != nil {
					t.Error(err)
					return
				}
				if got := exec.MustCall1(given).Value(); got != float32(i)*float32(int(1)<<n) {
					t.Errorf("%d·2^%d = %v, given", i, n, got)
				}
				if got := shared.MustCall1(float32(j)).Value(); got != float32(81*j) {
					t.Errorf("%d·3⁴ = %v", j, got)
				}
				exec.Finalize()
			}
		})
	}
	all.Wait()
	if n := be.Cache.Len(); n > 3 { // two, and the one that is held
		t.Errorf("%d programs are kept", n)
	}
	shared.Finalize()
	if _, err := shared.Call(float32(1)); err == nil {
		t.Error("a finalized exec runs")
	}
}

// An operation that the engine refuses is located, whether it is refused at once or when the program is compiled.
func TestRefusals(t *testing.T) {
	var at []string
	be, err := compute.NewWithConfig("go:ops_sequential")
	if err != nil {
		t.Fatal(err)
	}
	cached := record.NewBackend(be, record.NewCache(0), func(err *record.OpError, stack []uintptr) error {
		at = append(at, fmt.Sprint(err.Op, len(stack) > 0))
		return err
	})
	_, err = graph.NewExec(cached, func(x *graph.Node) *graph.Node { return graph.Add(x, graph.Const(x.Graph(), []float32{1, 2, 3})) })
	if err != nil {
		t.Fatal(err)
	}
	exec := graph.MustNewExec(cached, func(x *graph.Node) *graph.Node { return graph.Add(x, graph.Const(x.Graph(), []float32{1, 2, 3})) })
	if _, err := exec.Call([]float32{1, 2}); err == nil || !strings.Contains(err.Error(), "[2]") {
		t.Errorf("an addition that does not fit: %v", err)
	}
	if len(at) != 1 || at[0] != "2 true" {
		t.Errorf("located: %v; want the third operation, with its stack", at)
	}
	foreign, err := be.BufferFromFlatData(0, []float32{1}, tensors.FromScalar(float32(1)).Shape())
	if err != nil {
		t.Fatal(err)
	}
	x, err := tensors.FromBuffer(foreign)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := scale(cached, 2, 1).Call(x); err == nil {
		t.Error("a tensor of another backend was taken")
	}
}
