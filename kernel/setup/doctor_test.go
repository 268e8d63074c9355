package setup

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"odslab/kernel/toolchain"
)

func TestDoctor(t *testing.T) {
	clone, err := toolchain.ModuleRoot()
	if err != nil {
		t.Fatal(err)
	}
	l := toolchain.Layout{Root: filepath.Join(t.TempDir(), "cache"), Clone: clone}
	t.Setenv("JUPYTER_DATA_DIR", t.TempDir())
	t.Setenv("ODSLAB_PLUGIN", "")
	t.Setenv("ODSLAB_ENGINE", "")
	doctor := func() (string, bool) {
		t.Helper()
		var out bytes.Buffer
		broken := Doctor(context.Background(), l, &out)
		return out.String(), broken
	}
	text, broken := doctor()
	if broken {
		t.Errorf("a machine before its first set-up is called broken:\n%s", text)
	}
	for _, want := range []string{"go ", "compiler ", "tools ", "plugin ", "engine ", "→ go run ./kernel setup", "→ go run ./kernel install"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}

	junk := filepath.Join(l.Root, "plugin", "pjrt_c_api_cpu_plugin.so")
	if err := os.MkdirAll(filepath.Dir(junk), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(junk, []byte("junk"), 0o644); err != nil {
		t.Fatal(err)
	}
	if text, broken := doctor(); !broken || !strings.Contains(text, "damaged") {
		t.Errorf("junk for a plugin:\n%s", text)
	}
	os.Remove(junk)

	// A kernelspec whose program is gone.
	data, err := UserData()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Install(l, data); err != nil {
		t.Fatal(err)
	}
	if text, broken := doctor(); !broken || !strings.Contains(text, "which is gone") {
		t.Errorf("a kernelspec without a kernel:\n%s", text)
	}
}
