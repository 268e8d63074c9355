package toolchain

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestModuleRootIsFoundUpward(t *testing.T) {
	w := newWorld(t)
	t.Setenv("ODSLAB_MODULE", "")
	// A module of another name in between does not stop the search.
	inner := filepath.Join(w.layout.Clone, "notebooks", "mine")
	w.write(filepath.Join(inner, "go.mod"), "module mine\n", 0o644)
	t.Chdir(inner)
	got, err := ModuleRoot()
	if err != nil || !sameFile(got, w.layout.Clone) {
		t.Fatalf("got %q, %v", got, err)
	}
	t.Chdir(t.TempDir())
	if _, err := ModuleRoot(); err == nil {
		t.Error("a clone was found where there is none")
	} else {
		oneLine(t, err.Error(), "ODSLAB_MODULE")
	}
	t.Setenv("ODSLAB_MODULE", inner)
	if _, err := ModuleRoot(); err == nil {
		t.Error("any folder is taken for a clone")
	}
}

func TestClonesAreKeptApart(t *testing.T) {
	a, b := Layout{Root: "/c", Clone: "/a"}, Layout{Root: "/c", Clone: "/b"}
	if a.Bin() == b.Bin() || a.CellModule() == b.CellModule() || a.Seam() == b.Seam() {
		t.Error("two clones share a folder that depends on their source")
	}
	if a.ownPlugin() != b.ownPlugin() || a.Data() != b.Data() || a.Python() != b.Python() {
		t.Error("two clones fetch the same things twice")
	}
}

func TestRealGoIsNotTheSeam(t *testing.T) {
	w := newWorld(t)
	w.mustSetUp(Options{})
	t.Setenv("PATH", w.layout.Seam()+string(os.PathListSeparator)+w.tools)
	got, err := RealGo()
	if err != nil || got != filepath.Join(w.tools, "go") {
		t.Fatalf("got %q, %v", got, err)
	}
	t.Setenv("ODSLAB_GO", "/nowhere/go") // of a kernelspec that outlived its Go
	if got, err := RealGo(); err != nil || got != filepath.Join(w.tools, "go") {
		t.Fatalf("got %q, %v", got, err)
	}
	t.Setenv("PATH", w.layout.Seam())
	if _, err := RealGo(); err == nil || !strings.Contains(err.Error(), "go.dev/dl") {
		t.Errorf("got %v", err)
	}
}
