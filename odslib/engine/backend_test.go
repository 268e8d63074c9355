package engine_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/gomlx/compute"

	"odslab/odslib/engine"
)

// TestBadPluginsAreRefused: the dynamic loader would take the process down with it.
func TestBadPluginsAreRefused(t *testing.T) {
	opened := false
	was := engine.OpenXLA
	engine.OpenXLA = func(string, bool) (compute.Backend, error) { opened = true; return nil, nil }
	defer func() { engine.OpenXLA = was }()

	self, err := os.Executable() // a well-formed ELF file at hand
	if err != nil {
		t.Fatal(err)
	}
	elf, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"empty":     {nil, "not a shared library"},
		"junk":      {[]byte("<html>404 not found</html>"), "not a shared library"},
		"header":    {elf[:200], "setup"},
		"truncated": {elf[:len(elf)/2], "setup"},
	} {
		path := filepath.Join(t.TempDir(), "pjrt_c_api_cpu_plugin.so")
		if err := os.WriteFile(path, c.data, 0o755); err != nil {
			t.Fatal(err)
		}
		t.Setenv(engine.EnvPlugin, path)
		_, err := engine.Choose("xla-cpu")
		oneLine(t, name, err, "xla-cpu", path, c.want, "go run ./kernel setup")
	}
	pipe := filepath.Join(t.TempDir(), "plugin.so")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{pipe, filepath.Dir(pipe)} {
		t.Setenv(engine.EnvPlugin, path)
		_, err = engine.Choose("xla-cpu")
		oneLine(t, path, err, "xla-cpu", path, "is no file", "go run ./kernel setup")
	}
	t.Setenv(engine.EnvPlugin, filepath.Join(t.TempDir(), "none.so"))
	_, err = engine.Choose("xla-cpu")
	oneLine(t, "missing", err, "no plugin at", "go run ./kernel setup")
	if opened {
		t.Error("a bad file reached the loader")
	}
	if e, err := engine.Choose(""); err != nil || e.Name != "go" {
		t.Errorf("without a plugin: %+v, %v; want engine go", e, err)
	}
}

func TestWrongEngineName(t *testing.T) {
	_, err := engine.Choose("tpu")
	oneLine(t, "tpu", err, "ODSLAB_ENGINE=tpu", "xla-cuda, xla-cpu or go")
}

func TestGoEngineSaysWhy(t *testing.T) {
	e, err := engine.Choose("go")
	if err != nil || e.Loops() {
		t.Fatalf("%+v, %v", e, err)
	}
	oneLine(t, "why", &engine.Error{Msg: e.Why}, "ODSLAB_ENGINE asks")
}
