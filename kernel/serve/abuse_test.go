package serve

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"odslab/kernel/gonb/gonbtest"
	"odslab/kernel/jupyter"
	"odslab/kernel/toolchain"
)

// A cell of any size leaves the history of others, in the file and in memory.
func TestHugeCellInHistory(t *testing.T) {
	file := filepath.Join(t.TempDir(), "history")
	h := openHistory(file)
	h.add(1, "before", "")
	for i, huge := range []string{strings.Repeat("x", 8<<20), strings.Repeat("\x01é\n", 3<<20), strings.Repeat("y", 2<<20)} {
		h.add(2+i, huge, huge)
	}
	h.add(5, "after", "out")
	for _, e := range h.entries {
		if len(e.Input) > 2000 || len(e.Output) > 2000 {
			t.Errorf("entry %d: %d and %d bytes stay in memory", e.Line, len(e.Input), len(e.Output))
		}
	}
	h.close()
	h = openHistory(file)
	defer h.close()
	if n := len(h.entries); n != 5 || h.entries[0].Input != "before" || h.entries[4].Input != "after" || !strings.Contains(h.entries[1].Input, "8.4 MB in all") {
		t.Errorf("%d entries: %.300v", n, h.entries)
	}
}

// A GoNB that never answers is told of after a while, once, and an interrupt
// ends the waiting at once.
func TestSilentGoNB(t *testing.T) {
	silent := filepath.Join(t.TempDir(), "gonb")
	if err := os.WriteFile(silent, []byte("#!/bin/sh\nexec sleep 1000\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	child := gonbtest.Config(t)
	child.Gonb = silent
	conn := jupyter.LocalConnection(t.TempDir())
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	k, err := start(ctx, config{conn: conn, child: child, version: "test", prepare: func(string, []string) (Compiler, error) { return &plainCompiler{goimports: child.Goimports}, nil }})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { k.wait(ctx); close(done) }()
	f := &front{t: t, ctx: ctx, kernel: k}
	if f.Client, err = jupyter.Connect(ctx, conn); err != nil {
		t.Fatal(err)
	}
	defer f.Client.Close()
	go func() { time.Sleep(time.Second); f.Interrupt() }()
	begin := time.Now()
	if s := f.run("fmt.Println(1)"); s.EName != "interrupted" || time.Since(begin) > 8*time.Second {
		t.Errorf("after %v: %v", time.Since(begin), s.Reply)
	}
	if s := f.run("fmt.Println(1)"); !strings.Contains(s.EValue, "GoNB has not answered") || strings.Contains(s.EValue, "\n") || time.Since(begin) > 50*time.Second {
		t.Errorf("after %v: %v", time.Since(begin), s.Reply)
	}
	begin = time.Now()
	k.end()
	<-done
	if d := time.Since(begin); d > 10*time.Second {
		t.Errorf("it took %v to end", d)
	}
}

// A resident process that somebody has stopped holds up neither what the kernel
// tells it nor its end.
func TestStoppedResident(t *testing.T) {
	program := filepath.Join(t.TempDir(), "resident")
	if err := os.WriteFile(program, []byte("#!/bin/sh\nexec sleep 1000\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "r")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	r := newResident(program, dir, "", "", os.Environ())
	if _, _, err := r.start(); err != nil {
		t.Fatal(err)
	}
	if err := r.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	held := map[string][]string{"x": nil}
	for i := range 20000 {
		held["x"] = append(held["x"], fmt.Sprint("array", i))
	}
	begin := time.Now()
	for range 3 {
		r.retain(held, nil)
	}
	r.close()
	if d := time.Since(begin); d > 15*time.Second {
		t.Errorf("the kernel was held up for %v", d)
	}
	if again, how, err := newResident(program, dir, "", "", os.Environ()).start(); err != nil || again {
		t.Errorf("%v %q %v", again, how, err)
	}
}

// A kernel whose cache is deleted under it, or a part of it, says so with what
// fails, and computes nothing wrong.
func TestDeletedCache(t *testing.T) {
	for _, part := range []string{"", "bin/gonb", "seam", "module/go.mod"} {
		from := gonbtest.Layout(t)
		l := toolchain.Layout{Root: filepath.Join(t.TempDir(), "cache"), Clone: from.Clone}
		if out, err := exec.Command("cp", "-a", from.Root, l.Root).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		f := launch(t, gonbtest.Env(l)...)
		if got := f.value("x := 20\nx + 1"); got != "21" {
			t.Fatal(got)
		}
		gone := filepath.Join(filepath.Dir(l.Bin()), part)
		if part == "" {
			gone = l.Root
		}
		if err := os.RemoveAll(gone); err != nil {
			t.Fatal(err)
		}
		for i, code := range []string{"x + 1", "fmt.Println(x + 2)", "kill GoNB", "x + 3", "y := x", "%%script sh\necho 1"} {
			if i == 2 { // GoNB has to be started again
				for _, p := range family("ODSLAB_CACHE="+l.Root, f.PID()) {
					if pid, cmd, _ := strings.Cut(p, " "); strings.Contains(cmd, "/gonb ") {
						n, _ := strconv.Atoi(pid)
						kill9(n)
					}
				}
				continue
			}
			s := f.run(code)
			if s.Status == "error" {
				if !strings.Contains(s.EValue, "the cache has been deleted under this kernel; run `go run ./kernel setup` in "+from.Clone) {
					t.Errorf("%q: %q: %v", part, code, s)
				}
			} else if i == 1 && s.stdout != "22\n" {
				t.Errorf("%q: %q: %v", part, code, s)
			}
		}
		f.Shutdown(f.ctx)
	}
}

// Of a huge cell nothing stays, whatever it holds and however it ends, but the
// function that it declares, until that is dropped.
func TestHugeCellInMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles 20 MB some times")
	}
	f := startCells(t)
	live := func() int64 {
		f.run("1+1")
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	const size = 20 << 20
	fill := strings.Repeat("x", size)
	for i, c := range []struct{ code, after, status string }{
		{"fmt.Println(1) // " + fill, "", "ok"},
		{"undefined(1) /* " + fill + " */", "", "error"},
		{strings.Repeat("((((x)", size/6), "", "error"},
		{"v := \"" + fill + "\"", "", "ok"},
		{"func f() string { return \"" + fill + "\" }", "%drop f", "ok"},
		{"%%script wc\n" + strings.Repeat("m\n", size/2), "", "ok"},
	} {
		before := live()
		s := f.run(c.code, func(o *jupyter.ExecuteOptions) { o.CellID = []string{"one", ""}[i%2] })
		if c.after != "" {
			f.run(c.after)
		}
		if more := live() - before; more > size/4 || s.Status != c.status {
			t.Errorf("%.20q: %s, %d MB stay", c.code, s.Status, more>>20)
		}
	}
}
