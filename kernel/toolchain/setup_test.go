package toolchain

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestSecondSetUpIsQuietAndQuick(t *testing.T) {
	w := newWorld(t)
	out := w.mustSetUp(Options{})
	for _, want := range []string{"tools", "cells", "odslab", "plugin", "resident", "warm"} {
		if !strings.Contains(out, "  "+want) {
			t.Errorf("no line for %s in:\n%s", want, out)
		}
	}
	w.wantEngine("xla-cpu")
	before, _ := os.ReadFile(w.log)
	start := time.Now()
	if out := w.mustSetUp(Options{}); out != "" {
		t.Errorf("the second set-up says %q", out)
	}
	if d := time.Since(start); d > 50*time.Millisecond {
		t.Errorf("the second set-up took %v", d)
	}
	if after, _ := os.ReadFile(w.log); !bytes.Equal(before, after) {
		t.Errorf("the second set-up ran programs:\n%s", after[len(before):])
	}
}

func TestChangedInputsAreMadeAnew(t *testing.T) {
	w := newWorld(t)
	w.mustSetUp(Options{})
	w.write(filepath.Join(w.layout.Clone, "go.mod"), "module odslab\n\ngo 1.26.0\n\nrequire example.com/a v1.3.0\n", 0o644)
	w.mustSetUp(Options{})
	if n := w.calls("janpfeifer/gonb golang"); n != 2 {
		t.Errorf("gonb was built %d times, want 2", n)
	}
	mod, _ := os.ReadFile(filepath.Join(w.layout.CellModule(), "go.mod"))
	if !strings.Contains(string(mod), "example.com/a v1.3.0") {
		t.Errorf("go.mod of cells is stale:\n%s", mod)
	}
	if err := os.Remove(w.layout.Tool("goimports")); err != nil {
		t.Fatal(err)
	}
	w.mustSetUp(Options{})
	if _, err := os.Stat(w.layout.Tool("goimports")); err != nil {
		t.Error("a tool that was deleted is not built again")
	}
}

func TestTwoAtOnce(t *testing.T) {
	w := newWorld(t)
	// Slow enough that the second comes while the first is at work.
	w.write(filepath.Join(w.tools, "go"), strings.Replace(fakeGo, "case \"$1\" in\nbuild)", "case \"$1\" in\nbuild) /bin/sleep .2", 1), 0o755)
	a, b := w.child(""), w.child("")
	var outA, outB bytes.Buffer
	a.Stdout, a.Stderr, b.Stdout, b.Stderr = &outA, &outA, &outB, &outB
	if err := errors.Join(a.Start(), b.Start()); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(a.Wait(), b.Wait()); err != nil {
		t.Fatalf("%v\n%s\n%s", err, &outA, &outB)
	}
	for _, once := range []string{"janpfeifer/gonb golang", "pip download"} {
		if n := w.calls(once); n != 1 {
			t.Errorf("%s ran %d times, want 1", once, n)
		}
	}
	if !strings.Contains(outA.String()+outB.String(), "waiting") {
		t.Errorf("neither says that it waits:\n%s\n%s", &outA, &outB)
	}
}

// parts runs a set-up and lists the places where it may be stopped.
func parts(t *testing.T) (names []string) {
	w := newWorld(t)
	ctx := context.WithValue(context.Background(), faultKey{}, func(part string) error {
		if !slices.Contains(names, part) {
			names = append(names, part)
		}
		return nil
	})
	if _, err := w.setUp(ctx, Options{}); err != nil {
		t.Fatal(err)
	}
	if len(names) < 5 {
		t.Fatalf("only %v", names)
	}
	return names
}

func TestStoppedAnywhere(t *testing.T) {
	for _, part := range parts(t) {
		t.Run(part, func(t *testing.T) {
			w := newWorld(t)
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			ctx = context.WithValue(ctx, faultKey{}, func(p string) error {
				if p == part {
					cancel()
				}
				return nil
			})
			_, err := w.setUp(ctx, Options{})
			if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "goes on from here") {
				t.Fatalf("stopped at %s: %v", part, err)
			}
			w.goesOn()
		})
	}
}

func TestKilledAnywhere(t *testing.T) {
	for _, part := range parts(t) {
		t.Run(part, func(t *testing.T) {
			w := newWorld(t)
			cmd := w.child("", "TOOLCHAIN_TEST_KILL="+part)
			if err := cmd.Run(); err == nil || cmd.ProcessState.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
				t.Fatalf("was not killed: %v", err)
			}
			w.goesOn()
		})
	}
}

// goesOn checks that what a stopped set-up left is sound and that the next one
// ends with everything.
func (w *world) goesOn() {
	t := w.t
	t.Helper()
	if sum, err := hashFile(w.layout.ownPlugin()); err == nil && sum != xlaWheel.memberSum {
		t.Errorf("a wrong plugin lies where it would be loaded")
	}
	w.mustSetUp(Options{})
	w.wantEngine("xla-cpu")
	for _, p := range []string{w.layout.Tool("gonb"), w.layout.Tool("goimports"), w.layout.Tool("odslab"), filepath.Join(w.layout.Seam(), "go"), filepath.Join(w.layout.CellModule(), "go.mod"), w.layout.Plugin()} {
		if _, err := os.Stat(p); err != nil {
			t.Error(err)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(w.layout.Root, "work", "*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	if out := w.mustSetUp(Options{}); out != "" {
		t.Errorf("then still not done: %s", out)
	}
}

func TestInterruptEndsTheChildren(t *testing.T) {
	w := newWorld(t)
	w.write(filepath.Join(w.tools, "go"), "#!/bin/sh\necho started >> \"$FAKE_LOG\"\n/bin/sleep 30 &\nwait\n", 0o755)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		for w.calls("started") == 0 && ctx.Err() == nil {
			time.Sleep(5 * time.Millisecond)
		}
		cancel()
	}()
	start := time.Now()
	if _, err := w.setUp(ctx, Options{}); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	if d := time.Since(start); d > 7*time.Second {
		t.Errorf("it took %v to stop", d)
	}
}

func TestGoFailureIsOneLine(t *testing.T) {
	w := newWorld(t)
	t.Setenv("FAKE_GO_FAILS", "go: downloading example.com/a v1.2.3\n# example.com/a\na.go:3:1: undefined: x\nmore\n")
	_, err := w.setUp(context.Background(), Options{})
	if err == nil || strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), "set-up, tools: go build: a.go:3:1: undefined: x") {
		t.Fatalf("got %q", err)
	}
}

func TestUnknownEngine(t *testing.T) {
	w := newWorld(t)
	if _, err := w.setUp(context.Background(), Options{Engine: "tpu"}); err == nil || !strings.Contains(err.Error(), "xla-cpu, xla-cuda, go") {
		t.Fatalf("got %v", err)
	}
}

func TestRefreshFollowsTheClone(t *testing.T) {
	w := newWorld(t)
	if err := Refresh(context.Background(), w.layout); err == nil || !strings.Contains(err.Error(), "go run ./kernel setup") {
		t.Errorf("before any set-up: %v", err)
	}
	w.mustSetUp(Options{})
	w.write(filepath.Join(w.layout.Clone, "go.mod"), "module odslab\n\ngo 1.26.0\n\nrequire example.com/a v1.9.0\n", 0o644)
	calls := w.calls("")
	if err := Refresh(context.Background(), w.layout); err != nil {
		t.Fatal(err)
	}
	mod, _ := os.ReadFile(filepath.Join(w.layout.CellModule(), "go.mod"))
	if !strings.Contains(string(mod), "example.com/a v1.9.0") {
		t.Errorf("go.mod of cells is stale:\n%s", mod)
	}
	if w.calls("") != calls {
		t.Error("a kernel that starts ran other programs")
	}
}
