package toolchain

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestCellsFollowAMovingClone builds a cell against a small clone, in a folder
// with a space, and again after the clone has moved.
func TestCellsFollowAMovingClone(t *testing.T) {
	goTool, err := RealGo()
	if err != nil {
		t.Fatal(err)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t)
	t.Setenv("GOCACHE", filepath.Join(cache, "go-build"))
	clone := filepath.Join(t.TempDir(), "my clone")
	w.write(filepath.Join(clone, "go.mod"), "module odslab\n\ngo 1.26.0\n", 0o644)
	w.write(filepath.Join(clone, "go.sum"), "", 0o644)
	w.write(filepath.Join(clone, "odslib", "lib.go"), "package odslib\n\nconst X = 1\n", 0o644)
	build := func(clone string) {
		t.Helper()
		l := Layout{Root: w.layout.Root, Clone: clone}
		m, err := readModule(clone)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := l.cellsStep(m).do(context.Background(), nil); err != nil {
			t.Fatal(err)
		}
		src := filepath.Join(t.TempDir(), "cell.go")
		w.write(src, "package main\n\nimport \"odslab/odslib\"\n\nfunc main() { println(odslib.X) }\n", 0o644)
		cmd := exec.Command(goTool, "build", "-o", filepath.Join(t.TempDir(), "cell"), src)
		cmd.Dir = l.CellModule()
		cmd.Env = append(os.Environ(), "GOFLAGS=-mod=readonly", "GOPROXY=off")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	build(clone)
	moved := filepath.Join(t.TempDir(), "elsewhere")
	if err := os.Rename(clone, moved); err != nil {
		t.Fatal(err)
	}
	build(moved)
}

func TestCellModKeepsThePins(t *testing.T) {
	clone, err := ModuleRoot()
	if err != nil {
		t.Fatal(err)
	}
	m, err := readModule(clone)
	if err != nil {
		t.Fatal(err)
	}
	text, err := m.cellMod(clone)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range m.file.Require {
		if !strings.Contains(string(text), r.Mod.Path+" "+r.Mod.Version) {
			t.Errorf("%v is not in the go.mod of cells", r.Mod)
		}
	}
	for _, want := range []string{"module cells\n", "odslab v0.0.0\n", "replace odslab => "} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if strings.Contains(string(text), "tool") && strings.Contains(string(text), "cmd/goimports") {
		t.Error("cells need no tools")
	}
}

// A source of C is a source too, and a text beside it is none.
func TestSourceState(t *testing.T) {
	dir := t.TempDir()
	last := sourceState(dir, "x")
	for i, name := range []string{"x/a.go", "x/y/b.c", "x/y/b.h", "x/notes.txt", "x/a_test.go", "x/testdata/c.go"} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("text"), 0o600); err != nil {
			t.Fatal(err)
		}
		now := sourceState(dir, "x")
		if (now != last) != (i < 3) {
			t.Errorf("%s: changed %v", name, now != last)
		}
		last = now
	}
}
