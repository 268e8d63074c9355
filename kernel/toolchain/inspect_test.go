package toolchain

import (
	"context"
	"os"
	"testing"
)

func TestInspect(t *testing.T) {
	w := newWorld(t)
	state := func(name string) (f Finding) {
		t.Helper()
		for _, f := range Inspect(context.Background(), w.layout) {
			if f.Name == name {
				return f
			}
		}
		t.Fatalf("nothing is said of %s", name)
		return f
	}
	for _, f := range Inspect(context.Background(), w.layout) {
		if f.State == Broken {
			t.Errorf("before the first set-up: %+v", f)
		}
		if f.State == Missing && f.Mend == "" {
			t.Errorf("no line that mends %+v", f)
		}
	}
	if _, err := os.Stat(w.layout.Root); err == nil {
		t.Error("looking made the cache")
	}
	w.mustSetUp(Options{})
	for _, name := range []string{"go", "cache", "compiler", "tools", "cells", "odslab", "plugin", "resident", "warm", "engine"} {
		if f := state(name); f.State != OK {
			t.Errorf("after set-up: %+v", f)
		}
	}
	w.write(w.layout.Plugin(), "junk", 0o644)
	if f := state("plugin"); f.State != Broken || f.Mend == "" {
		t.Errorf("junk: %+v", f)
	}
	if err := os.Remove(w.layout.Tool("gonb")); err != nil {
		t.Fatal(err)
	}
	if f := state("tools"); f.State != Broken {
		t.Errorf("no gonb: %+v", f)
	}
	os.Remove(w.tools + "/gcc")
	if f := state("compiler"); f.State != Missing || f.Mend == "" {
		t.Errorf("no compiler: %+v", f)
	}
}

// TestCompilerDuringSetUp: doctor asks for the compiler while a set-up sweeps its unfinished work.
func TestCompilerDuringSetUp(t *testing.T) {
	if noCompiler() {
		t.Skip("no C compiler")
	}
	l, stop, swept := Layout{Root: t.TempDir()}, make(chan bool), make(chan bool)
	go func() {
		defer close(swept)
		for {
			select {
			case <-stop:
				return
			default:
				l.sweep()
			}
		}
	}()
	for range 3 {
		if _, err := tryCompiler(t.Context()); err != nil {
			t.Error(err)
		}
	}
	close(stop)
	<-swept
}
