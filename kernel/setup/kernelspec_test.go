package setup

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"odslab/kernel/toolchain"
)

func testLayout(t *testing.T) toolchain.Layout {
	t.Helper()
	return toolchain.Layout{Root: filepath.Join(t.TempDir(), "cache"), Clone: t.TempDir()}
}

func TestInstallAndUninstall(t *testing.T) {
	l, data := testLayout(t), filepath.Join(t.TempDir(), "share", "jupyter")
	dir, err := Install(l, data)
	if err != nil {
		t.Fatal(err)
	}
	if want := filepath.Join(data, "kernels", "odslab"); dir != want {
		t.Errorf("installed into %s, want %s", dir, want)
	}
	// Again, after the clone has moved.
	l.Clone = t.TempDir()
	if _, err := Install(l, data); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "kernel.json"))
	if err != nil {
		t.Fatal(err)
	}
	var spec map[string]any
	if err := json.Unmarshal(text, &spec); err != nil {
		t.Fatal(err)
	}
	if spec["display_name"] != "Go (odslab)" || spec["language"] != "go" || spec["interrupt_mode"] != "message" {
		t.Errorf("got %s", text)
	}
	argv, _ := spec["argv"].([]any)
	if len(argv) != 7 || argv[3] != l.Tool("odslab") || argv[4] != "kernel" || argv[5] != "-f" || argv[6] != "{connection_file}" {
		t.Fatalf("argv %v", argv)
	}
	// Before the tool is there, and after it has gone, Jupyter has a line to show.
	out, err := exec.Command(argv[0].(string), argv[1].(string), argv[2].(string), argv[3].(string)).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "is gone: run 'go run ./kernel install'") {
		t.Errorf("%v: %s", err, out)
	}
	if env, _ := spec["env"].(map[string]any); env["ODSLAB_MODULE"] != l.Clone {
		t.Errorf("env %v does not name the clone", env)
	}
	if left, _ := filepath.Glob(filepath.Join(data, "kernels", "*")); !slices.Equal(left, []string{dir}) {
		t.Errorf("beside it lie %v", left)
	}
	if _, err := Uninstall(data); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("it is still there")
	}
	if _, err := Uninstall(data); !errors.Is(err, ErrNotInstalled) {
		t.Errorf("the second time: %v", err)
	}
}

// The extension for widgets comes and goes with the kernel; one of the user's own stays.
func TestWidgets(t *testing.T) {
	python := toolchain.NeedPython(t, WidgetPackages...)
	l, data := testLayout(t), t.TempDir()
	page := filepath.Join(data, "labextensions", "@jupyter-widgets", "jupyterlab-manager", "package.json")
	for range 2 {
		if _, err := Install(l, data); err != nil {
			t.Fatal(err)
		}
		if err := InstallWidgets(python, data); err != nil {
			t.Fatal(err)
		}
	}
	if text, err := os.ReadFile(page); err != nil || !strings.Contains(string(text), "@jupyter-widgets/jupyterlab-manager") {
		t.Fatalf("%s: %v", text, err)
	}
	if _, err := Uninstall(data); err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(filepath.Join(data, "labextensions*")); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
	if err := os.MkdirAll(filepath.Dir(page), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(page, []byte("theirs"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Install(l, data); err != nil {
		t.Fatal(err)
	}
	if err := InstallWidgets(python, data); err != nil {
		t.Fatal(err)
	}
	if _, err := Uninstall(data); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(page); err != nil || string(text) != "theirs" {
		t.Errorf("theirs has become %q: %v", text, err)
	}
}

func TestAnotherKernelIsLeftAlone(t *testing.T) {
	l, data := testLayout(t), t.TempDir()
	dir := filepath.Join(data, "kernels", "odslab")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	const theirs = `{"argv": ["theirs"], "display_name": "Theirs"}`
	if err := os.WriteFile(filepath.Join(dir, "kernel.json"), []byte(theirs), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Install(l, data); err == nil {
		t.Error("a kernel of somebody else was replaced")
	}
	if _, err := Uninstall(data); err == nil {
		t.Error("a kernel of somebody else was removed")
	}
	if text, err := os.ReadFile(filepath.Join(dir, "kernel.json")); err != nil || string(text) != theirs {
		t.Errorf("it has changed: %s %v", text, err)
	}
}

func TestUserData(t *testing.T) {
	t.Setenv("HOME", "/home/x")
	t.Setenv("JUPYTER_DATA_DIR", "")
	t.Setenv("XDG_DATA_HOME", "")
	for _, c := range []struct{ name, value, want string }{
		{"HOME", "/home/y", "/home/y/.local/share/jupyter"},
		{"XDG_DATA_HOME", "/data", "/data/jupyter"},
		{"JUPYTER_DATA_DIR", "/jupyter", "/jupyter"},
	} {
		t.Setenv(c.name, c.value)
		if got, err := UserData(); err != nil || got != c.want {
			t.Errorf("%s=%s: %q, %v; want %q", c.name, c.value, got, err, c.want)
		}
	}
}
