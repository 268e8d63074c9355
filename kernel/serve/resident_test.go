package serve

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"odslab/kernel/jupyter"
	"odslab/kernel/toolchain"
)

// withXLA is a kernel whose cells compute in a resident process with XLA; tag is
// in the environment of all its processes.
func withXLA(t *testing.T) (f *front, tag string) {
	t.Helper()
	return withXLAFor(t, 4*time.Minute)
}

func withXLAFor(t *testing.T, limit time.Duration, env ...string) (f *front, tag string) {
	t.Helper()
	toolchain.NeedXLA(t)
	return launched(t, limit, env...)
}

// launched is a kernel with the engine that set-up finds.
func launched(t *testing.T, limit time.Duration, env ...string) (f *front, tag string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	t.Cleanup(cancel)
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	tag = fmt.Sprintf("ODSLAB_TEST_TAG=%s%d", t.Name(), os.Getpid())
	f = &front{t: t, ctx: ctx}
	if f.Client, err = jupyter.Launch(ctx, []string{exe, "kernel", "-f", "{connection_file}"}, append(env, tag, "ODSLAB_ENGINE=")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Shutdown(context.Background()) })
	return f, tag
}

// residentPID is the resident process among those of a tag.
func residentPID(t *testing.T, tag string) int {
	t.Helper()
	for _, p := range family(tag, 0) {
		if pid, cmd, _ := strings.Cut(p, " "); strings.Contains(cmd, "-spill") {
			n, err := strconv.Atoi(pid)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	t.Fatalf("no resident process among %q", family(tag, 0))
	return 0
}

// gone waits until a process is no longer there.
func gone(t *testing.T, tag string, pid int) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		there := false
		for _, p := range family(tag, 0) {
			there = there || strings.HasPrefix(p, fmt.Sprint(pid, " "))
		}
		if !there {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the resident process goes on")
		}
	}
}

func (f *front) prints(code, want string) {
	f.t.Helper()
	if got := f.value(code); got != want {
		f.t.Errorf("%q gives %s, want %s", code, got, want)
	}
}

const doubled = `graph.MustNewExec(compute.MustNew(), func(x *graph.Node) *graph.Node { return graph.MulScalar(x, 2) }).MustCall1`

// Tensors and model stores go from cell to cell on the device, and come back from
// disk when the process that held them is killed: alone, in the middle of an
// execution, and when it would not stop.
func TestResident(t *testing.T) {
	f, tag := withXLA(t)
	f.prints("x := "+doubled+"([]float32{1, 2, 3})\nx.IsLocal()", "false")
	f.prints("y := "+doubled+"(x)\ny.IsLocal()", "false")
	f.prints("y.Value().([]float32)[2]", "12")
	s := f.run("%who")
	if !strings.Contains(s.stdout, "in the resident process") || !strings.Contains(s.stdout, "resident process: arrays 2 (") {
		t.Errorf("%%who: %v", s)
	}

	// A model goes on training where the last cell stopped.
	f.value(`store := model.NewStore()
store.RootScope().SetParam("learning_rate", .1)
store.RootScope().VariableWithValue("w", []float32{1, 2}).SetTrainable(true)
store.RootScope().VariableWithValue("step", int64(3)).SetTrainable(false)
func grow(s *model.Scope, x *graph.Node) *graph.Node {
	w := s.VariableWithValue("w", []float32{1, 2})
	w.SetNodeValue(graph.AddScalar(w.NodeValue(x), 1))
	return x
}
model.MustNewExec(compute.MustNew(), store, grow).MustCall1(float32(0))`)
	f.value("model.MustNewExec(compute.MustNew(), store, grow).MustCall1(float32(0))")
	state := `lr, _ := store.GetParam("/learning_rate")
fmt.Sprint(store.GetVariable("/w").MustValue().Value(), store.GetVariable("/step").Trainable, store.GetVariable("/w").Trainable, lr)`
	f.prints(state, `"[3 4] false true 0.1"`)

	pid := residentPID(t, tag)
	kill9(pid)
	gone(t, tag, pid)
	s = f.run("y.Value().([]float32)[0]")
	if got := s.last("execute_result"); got == nil || !strings.Contains(fmt.Sprint(got), "4") {
		t.Errorf("after the resident process was killed: %v", s)
	}
	for _, want := range []string{"has ended (signal: killed)", "store, x, y came back from disk"} {
		if !strings.Contains(s.stderr, want) {
			t.Errorf("the person is not told that it %q: %s", want, s.stderr)
		}
	}
	f.prints(state, `"[3 4] false true 0.1"`)

	const forever = `fmt.Println("on")
graph.MustNewExec(compute.MustNew(), func(x *graph.Node) *graph.Node {
	g := x.Graph()
	cond := graph.NewClosure(g, func(g *graph.Graph) []*graph.Node { return []*graph.Node{graph.LessThan(graph.Parameter(g, "i", x.Shape()), graph.Const(g, float32(1)))} })
	body := graph.NewClosure(g, func(g *graph.Graph) []*graph.Node { return []*graph.Node{graph.Sin(graph.Parameter(g, "i", x.Shape()))} })
	return graph.While(cond, body, x)[0]
}).MustCall1(float32(0))`
	done := f.begin(forever)
	time.Sleep(300 * time.Millisecond)
	kill9(residentPID(t, tag))
	if s := <-done; !strings.Contains(s.EValue, "the resident process has ended; run the cell again") {
		t.Errorf("killed in the middle of an execution: %v", s)
	}
	f.prints("y.Value().([]float32)[1]", "8")

	// An interrupt ends the cell; the computation, which can't be stopped, goes with its process.
	done = f.begin(forever)
	time.Sleep(300 * time.Millisecond)
	pid = residentPID(t, tag)
	f.Interrupt()
	if s := <-done; s.EName != "interrupted" {
		t.Errorf("interrupted: %v", s)
	}
	gone(t, tag, pid)
	s = f.run("x.Value().([]float32)[1]")
	if !strings.Contains(s.stderr, "nobody waits for") || !strings.Contains(fmt.Sprint(s.last("execute_result")), "4") {
		t.Errorf("after a computation that would not stop: %v", s)
	}

	// What the notebook drops, the process gives up.
	f.run("%drop x")
	if s := f.run("%who"); !strings.Contains(s.stdout, "resident process: arrays 0 (") {
		t.Errorf("after %%drop: %s", s.stdout)
	}
	kill9(f.PID())
	waitGone(t, tag, 5*time.Second)
}

// The weights of a prior and the samples of a Result go to the device once, whatever cells and programs read them; they
// are sent again when the process that had them is killed.
func TestWeightsStay(t *testing.T) {
	f, tag := withXLA(t)
	counts := func() (shared, found int) {
		t.Helper()
		s := f.run("%who")
		m := regexp.MustCompile(`MiB\), (\d+) of them weights, data and samples that cells share \((\d+) times found again\)`).FindStringSubmatch(s.stdout)
		if m == nil {
			t.Fatalf("%%who: %v", s)
		}
		shared, _ = strconv.Atoi(m[1])
		found, _ = strconv.Atoi(m[2])
		return shared, found
	}
	f.value(`digits := priors.Load("digits").(*priors.Diffusion)
a, err := guide.Plain{Steps: 2}.Sample(ctx, odslib.Given(digits, nil), 8, 1)
err`)
	shared, found := counts()
	var weights, distinct int
	fmt.Sscan(f.value("len(digits.Weights)"), &weights)
	fmt.Sscan(f.value(`seen := map[string]bool{}
for _, w := range digits.Weights { seen[fmt.Sprint(w.Value.Shape, w.Value.Data)] = true }
len(seen)`), &distinct)
	const start = 3                                  // its row of the table, mean and standard deviation
	if distinct < 10 || shared != distinct+1+start { // and the samples
		t.Errorf("%d shared for %d weights, %d of them distinct", shared, weights, distinct)
	}
	if s := f.run("%who"); strings.Count(s.stdout, "by value, and in the resident process") != 2 { // digits and a; not err
		t.Errorf("%%who: %s", s.stdout)
	}
	// Another cell, another program, the same weights; the samples are where they were made.
	f.run("x, err := priors.Denoised(digits, a.Samples, .5)")
	if s, n := counts(); s != shared || n != found+weights+1 {
		t.Errorf("%d shared, %d found again; before %d, %d with %d weights", s, n, shared, found, weights)
	}
	f.prints("fmt.Sprint(err, x.Shape)", `"<nil> [8 8 8 1]"`)

	pid := residentPID(t, tag)
	kill9(pid)
	gone(t, tag, pid)
	f.run("y, err := priors.Denoised(digits, a.Samples, .5)")
	f.prints("fmt.Sprint(err, slices.Equal(x.Data, y.Data))", `"<nil> true"`)
	if s, n := counts(); s != shared-start || n != 0 { // nothing starts here
		t.Errorf("in the new process %d shared, %d found; in the old one %d", s, n, shared)
	}
	if s := f.run("%who"); strings.Count(s.stdout, "by value, and in the resident process") != 2 { // digits and a; not x, y
		t.Errorf("%%who: %s", s.stdout)
	}
}

// What one kernel has compiled the next one finds on disk.
func TestProgramsStay(t *testing.T) {
	now := time.Now().UnixNano()
	code := fmt.Sprintf(`graph.MustNewExec(compute.MustNew(), func(x *graph.Node) *graph.Node { return graph.AddScalar(graph.MulScalar(x, %d), %d) }).MustCall1(float32(0)).Shape().Rank()`, now%1e6, now/1e6%1e6)
	for _, want := range []string{"(0 from disk, 1 compiled", "(1 from disk, 0 compiled"} {
		f, _ := withXLA(t)
		f.prints(code, "0")
		if s := f.run("%who"); !strings.Contains(s.stdout, want) {
			t.Errorf("no %q in %s", want, s.stdout)
		}
		f.Shutdown(f.ctx)
	}
}
