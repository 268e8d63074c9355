package serve

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"odslab/kernel/jupyter"
)

// begin runs a cell, returns once it has printed "on", and gives its end.
func (f *front) begin(code string) <-chan *shown {
	f.t.Helper()
	done := make(chan *shown, 1)
	on := make(chan struct{}, 1)
	go func() {
		done <- f.run(code, func(o *jupyter.ExecuteOptions) {
			show := o.OnOutput
			o.OnOutput = func(m *jupyter.Message) {
				if show(m); m.Header.Type == "stream" && strings.Contains(string(m.Content), `on\n`) {
					select {
					case on <- struct{}{}:
					default:
					}
				}
			}
		})
	}()
	select {
	case <-on:
	case s := <-done:
		f.t.Fatalf("%q ended before it was on: %v", code, s)
	case <-f.ctx.Done():
		f.t.Fatalf("%q does not run", code)
	}
	return done
}

// cellPID is the process of the cell at work.
func (f *front) cellPID() int {
	f.t.Helper()
	for _, p := range family("ODSLAB_KERNEL="+f.kernel.mark, 0) {
		pid, cmd, _ := strings.Cut(p, " ")
		if exe := strings.Fields(cmd); len(exe) > 0 && strings.Contains(exe[0], "/gonb_") {
			n, _ := strconv.Atoi(pid)
			return n
		}
	}
	f.t.Fatalf("no cell among %q", family("ODSLAB_KERNEL="+f.kernel.mark, 0))
	return 0
}

func (f *front) value(code string) string {
	f.t.Helper()
	s := f.run(code)
	if r := s.last("execute_result"); s.Status == "ok" && r != nil {
		return fmt.Sprint(r["data"].(map[string]any)["text/plain"])
	}
	return s.String()
}

// Whatever of a cell is killed, the kernel says so in one error, goes on, and
// has the values and functions of before.
func TestKilledInACell(t *testing.T) {
	t.Parallel()
	f := startCells(t)
	f.run("x := []int{1, 4, 9}\nfunc double(n int) int { return 2 * n }")
	for _, test := range []struct {
		what, name, says string
		pid              func() int
	}{
		{"cell", "killed", "the cell was killed from outside", f.cellPID},
		{"GoNB", "kernel error", "GoNB ended in the middle of this cell; it is started again, and kept values are still there", func() int {
			child, err := f.kernel.child.get(f.ctx)
			if err != nil {
				t.Fatal(err)
			}
			return child.PID()
		}},
	} {
		done := f.begin("x[0] = 7\nx = append(x, 16)\nfmt.Println(\"on\")\nexec.Command(\"sleep\", \"1000\").Start()\nfor {\n}")
		kill9(test.pid())
		s := <-done
		if s.EName != test.name || !strings.Contains(s.EValue, test.says) || fmt.Sprint(s.types) != "[error]" {
			t.Errorf("%s: %v", test.what, s)
		}
		if got := f.value("double(x[1]) + len(x)"); got != "11" {
			t.Errorf("%s: the values of before: %s", test.what, got)
		}
	}
	// A GoNB that dies between two cells is nothing that anybody has to know.
	child, err := f.kernel.child.get(f.ctx)
	if err != nil {
		t.Fatal(err)
	}
	kill9(child.PID())
	<-child.Dead()
	if got := f.value("double(x[2])"); got != "18" {
		t.Errorf("after GoNB died between cells: %s", got)
	}
}

// A cell that is killed while it writes its values has written all or none.
func TestKilledInASave(t *testing.T) {
	t.Parallel()
	f := startCells(t)
	const vars = 12
	var names, fill []string
	for i := range vars {
		names = append(names, fmt.Sprintf("v%d", i))
		fill = append(fill, fmt.Sprintf("v%d := full(%%d)", i))
	}
	f.run("func full(g int) []int {\n\tv := make([]int, 1<<18)\n\tfor i := range v {\n\t\tv[i] = g\n\t}\n\treturn v\n}")
	set := func(g int) string { return strings.ReplaceAll(strings.Join(fill, "\n"), "%d", fmt.Sprint(g)) }
	f.run(set(0))
	check := "all := map[int]bool{}\nfor _, v := range [][]int{" + strings.Join(names, ", ") + "} {\n\tfor _, n := range v {\n\t\tall[n] = true\n\t}\n}\nslices.Sorted(maps.Keys(all))"
	outcome := map[string]int{}
	for g := 1; g <= 8; g++ {
		old := f.value(check)
		done := f.begin(set(g) + "\nfmt.Println(\"on\")")
		time.Sleep(time.Duration(rand.IntN(120)) * time.Millisecond)
		var s *shown
		select {
		case s = <-done:
			outcome["saved"]++
		default:
			if pids := family("ODSLAB_KERNEL="+f.kernel.mark, 0); len(pids) > 0 {
				for _, p := range pids {
					if strings.Contains(p, "/gonb_") {
						pid, _, _ := strings.Cut(p, " ")
						n, _ := strconv.Atoi(pid)
						kill9(n)
					}
				}
			}
			if s = <-done; s.Status == "ok" {
				outcome["saved"]++
			} else {
				outcome["killed"]++
			}
		}
		got := f.value(check)
		if fresh := fmt.Sprintf("[]int{%d}", g); got != fresh && (s.Status == "ok" || got != old) {
			t.Errorf("%d: %s %s; values %s, before %s", g, s.Status, s.EValue, got, old)
		}
	}
	t.Log(outcome)
	if left, _ := filepath.Glob(f.kernel.keep + "/*.new"); len(left) > 0 {
		t.Errorf("files left: %q", left)
	}
}

// A kernel that is killed in the middle of a save, or with its watchdog killed
// before it, leaves no process and no folder.
func TestKilledKernel(t *testing.T) {
	for _, when := range []string{"save", "watchdog first"} {
		t.Run(when, func(t *testing.T) {
			tag := "ODSLAB_TEST_TAG=" + strings.ReplaceAll(t.Name(), "/", "_") + fmt.Sprint(os.Getpid())
			tmp := t.TempDir()
			f := launch(t, tag, "TMPDIR="+tmp)
			code := "x := make([]int, 8<<20)\nfmt.Println(\"on\")"
			if when != "save" {
				f.run("1")
				for _, p := range family(tag, f.PID()) {
					if strings.Contains(p, "odslab-watchdog") {
						pid, _, _ := strings.Cut(p, " ")
						n, _ := strconv.Atoi(pid)
						kill9(n)
					}
				}
				code += "\nfor {\n}"
			}
			on := make(chan struct{}, 1)
			go f.Execute(f.ctx, code, jupyter.ExecuteOptions{OnOutput: func(m *jupyter.Message) {
				if m.Header.Type == "stream" {
					select {
					case on <- struct{}{}:
					default:
					}
				}
			}})
			<-on
			time.Sleep(5 * time.Millisecond)
			kill9(f.PID())
			waitGone(t, tag, 5*time.Second)
			if left, _ := filepath.Glob(tmp + "/odslab-*"); len(left) > 0 {
				t.Errorf("folders left: %q", left)
			}
		})
	}
}

// A file of history that has become long is cut to its last lines, but not
// while another kernel writes to it.
func TestLongHistory(t *testing.T) {
	file := t.TempDir() + "/history"
	if h := openHistory(file); h.file == nil {
		t.Fatal("no file")
	} else {
		input := strings.Repeat("x", 1<<20)
		for n := range 10 {
			h.add(n, fmt.Sprint(n, input), "")
		}
		openHistory(file).close()
		if info, err := os.Stat(file); err != nil || info.Size() < 10<<20 {
			t.Errorf("cut under a kernel that writes to it: %v %v", info.Size(), err)
		}
		h.close()
	}
	h := openHistory(file)
	h.add(1, "last", "")
	h.close()
	info, err := os.Stat(file)
	if err != nil || info.Size() > maxHistory || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info, err)
	}
	h = openHistory(file)
	defer h.close()
	if n := len(h.entries); n != 2 || !strings.HasPrefix(h.entries[0].Input, "9x") || h.entries[1].Input != "last" || h.session != 3 {
		t.Errorf("%d entries, session %d", n, h.session)
	}
}

// A line of history that was being written when its kernel was killed is lost,
// and no other.
func TestTornHistory(t *testing.T) {
	file := t.TempDir() + "/history"
	h := openHistory(file)
	h.add(1, "first", "")
	h.close()
	f, err := os.OpenFile(file, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	f.WriteString(`{"s":1,"n":2,"in":"to`)
	f.Close()
	h = openHistory(file)
	h.add(1, "third", "")
	h.close()
	h = openHistory(file)
	defer h.close()
	if len(h.entries) != 2 || h.entries[0].Input != "first" || h.entries[1].Input != "third" || h.session != 3 {
		t.Errorf("session %d, %+v", h.session, h.entries)
	}
}

// An interrupt waits for a step of draw, whose partial result would be lost; a
// second one does not; a cell that does not listen is ended soon.
func TestInterruptGrace(t *testing.T) {
	t.Parallel()
	f := startCells(t)
	s := f.run(`type slow struct{ Step time.Duration }
func (s slow) Sample(ctx context.Context, post odslib.Posterior, n int, seed uint64) (*odslib.Result, error) {
	r := odslib.NewResult(post, "slow", s, seed)
	r.Samples = engine.Array{Shape: []int{1, 1}, Data: []float32{5}}
	fmt.Println("on")
	time.Sleep(s.Step)
	return r, ctx.Err()
}`)
	if s.Status != "ok" {
		t.Fatal(s)
	}
	stop := func(code string, interrupts int) (*shown, time.Duration) {
		done := f.begin(code)
		begin := time.Now()
		for range interrupts {
			f.Interrupt()
			time.Sleep(300 * time.Millisecond)
		}
		return <-done, time.Since(begin)
	}
	s, took := stop("kept := draw(slow{3 * time.Second}, odslib.Posterior{}, 1)", 1)
	if s.EName != "interrupted" || !strings.Contains(strings.Join(s.Traceback, "\n"), "1 samples are kept in kept") ||
		!strings.Contains(s.stderr, "interrupt again to stop it at once") || took < 2*time.Second || took > 9*time.Second {
		t.Errorf("%v after %v", s, took)
	}
	if got := f.value("kept.Samples.Data[0]"); got != "5" {
		t.Errorf("the partial result: %s", got)
	}
	if s, took := stop("lost := draw(slow{time.Hour}, odslib.Posterior{}, 1)", 2); s.EName != "interrupted" || took > 8*time.Second {
		t.Errorf("two interrupts: %v after %v", s, took)
	}
	if s, took := stop("lost := draw(slow{time.Hour}, odslib.Posterior{}, 1)", 1); s.EName != "interrupted" || took < 9*time.Second || took > 20*time.Second {
		t.Errorf("a step that never ends: %v after %v", s, took)
	}
	if s, took := stop("signal.Ignore(os.Interrupt)\nfmt.Println(\"on\")\nfor {\n}", 1); s.EName != "interrupted" || took > 9*time.Second {
		t.Errorf("a cell that does not listen: %v after %v", s, took)
	}
}
