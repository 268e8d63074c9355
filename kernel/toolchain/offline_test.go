package toolchain

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestOfflineNamesTheSources(t *testing.T) {
	goTool, err := RealGo()
	if err != nil {
		t.Fatal(err)
	}
	clone, err := ModuleRoot()
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t)
	w.layout.Clone = clone
	t.Setenv("ODSLAB_MODULE", clone)
	t.Setenv("ODSLAB_GO", goTool)
	t.Setenv("GOMODCACHE", filepath.Join(t.TempDir(), "none"))
	t.Setenv("GOFLAGS", "-modcacherw")
	_, err = w.setUp(context.Background(), Options{Offline: true})
	if err == nil {
		t.Fatal("gonb was built from nothing")
	}
	oneLine(t, err.Error(), "gonb", "missing", "-offline")
}

func TestOfflineWithoutThePlugin(t *testing.T) {
	w := newWorld(t)
	out := w.mustSetUp(Options{Offline: true})
	if !strings.Contains(out, "the plugin (PyPI fake 1") || !strings.Contains(out, "missing, and -offline forbids to fetch it") {
		t.Errorf("got:\n%s", out)
	}
	if w.calls("pip") != 0 {
		t.Error("pip was run")
	}
	w.wantEngine("go")
	// With a network again nothing rests: it was not a failure.
	w.mustSetUp(Options{})
	w.wantEngine("xla-cpu")
	if out := w.mustSetUp(Options{Offline: true}); out != "" {
		t.Errorf("all is there and yet: %s", out)
	}
}

func TestOfflineData(t *testing.T) {
	w := newWorld(t)
	_, err := w.setUp(context.Background(), Options{Offline: true, Data: true})
	if err == nil {
		t.Fatal("no error")
	}
	oneLine(t, err.Error(), "data", "-offline")
}

func TestWheelOfAStoppedSetUpIsTaken(t *testing.T) {
	w := newWorld(t)
	data, err := os.ReadFile(w.wheel)
	if err != nil {
		t.Fatal(err)
	}
	w.write(filepath.Join(filepath.Dir(w.layout.ownPlugin()), "fake.whl"), string(data), 0o644)
	w.mustSetUp(Options{Offline: true})
	w.wantEngine("xla-cpu")
	if w.calls("pip") != 0 {
		t.Error("what had come was fetched again")
	}
}
