package serve

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"odslab/kernel/gonb/gonbtest"
	"odslab/kernel/toolchain"
)

// jupyterEnv is an environment in which Jupyter finds this kernel, by the name
// that it is installed under, and nothing of the user's own.
func jupyterEnv(t *testing.T) []string {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	env := map[string]string{}
	for _, kv := range gonbtest.Env(gonbtest.Layout(t)) {
		k, v, _ := strings.Cut(kv, "=")
		env[k] = v
	}
	spec, err := json.Marshal(map[string]any{
		"argv": []string{exe, "kernel", "-f", "{connection_file}"}, "env": env,
		"display_name": "Go (odslab)", "language": "go", "interrupt_mode": "message",
	})
	if err != nil {
		t.Fatal(err)
	}
	kernels := filepath.Join(dir, "share", "kernels", "odslab")
	if err := os.MkdirAll(kernels, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(kernels, "kernel.json"), spec, 0o644); err != nil {
		t.Fatal(err)
	}
	return append(
		os.Environ(),
		"JUPYTER_PATH="+filepath.Join(dir, "share"), "JUPYTER_DATA_DIR="+filepath.Join(dir, "data"),
		"JUPYTER_CONFIG_DIR="+filepath.Join(dir, "config"), "JUPYTER_RUNTIME_DIR="+filepath.Join(dir, "run"),
		"IPYTHONDIR="+filepath.Join(dir, "ipython"), "JUPYTER_PREFER_ENV_PATH=0", "PYTHONUNBUFFERED=1", "PYTHONDONTWRITEBYTECODE=1",
	)
}

// python runs a script of testdata and returns what it prints. A script that
// hangs fails the test.
func python(t *testing.T, interpreter, script string, limit time.Duration, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	path, err := filepath.Abs(filepath.Join("testdata", script))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(ctx, interpreter, append([]string{path}, args...)...)
	cmd.Dir, cmd.Env = t.TempDir(), jupyterEnv(t)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) } // it ends its kernels
	cmd.WaitDelay = 15 * time.Second
	out, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		t.Fatalf("%s did not end in %v:\n%s", script, limit, out)
	}
	if err != nil {
		t.Fatalf("%s: %v\n%s", script, err, out)
	}
	return string(out)
}

// The official suite of Jupyter passes whole: nothing fails, nothing is skipped.
func TestConformance(t *testing.T) {
	out := python(t, toolchain.NeedPython(t, "jupyter-kernel-test"), "conformance.py", 3*time.Minute, "-v")
	if n := strings.Count(out, "... ok"); n != 13 || strings.Contains(out, "skipped") {
		t.Errorf("%d tests passed:\n%s", n, out)
	}
}

// nbclient, which runs notebooks for nbconvert and papermill, runs ours.
func TestNbclient(t *testing.T) {
	out := python(t, toolchain.NeedPython(t, "nbclient", "nbformat"), "nbclient_run.py", 3*time.Minute)
	if !strings.Contains(out, "all outputs as expected") {
		t.Error(out)
	}
}

// JupyterLab in a real browser shows the kernel ready, runs a notebook, and
// shows each kind of output. The picture is kept where $ODSLAB_SCREENSHOT says.
func TestJupyterLab(t *testing.T) {
	chromium := toolchain.NeedChromium(t)
	shot := os.Getenv("ODSLAB_SCREENSHOT")
	if shot == "" {
		shot = filepath.Join(t.TempDir(), "lab.png")
	}
	out := python(t, toolchain.NeedPython(t, "jupyterlab", "playwright", "nbformat"), "lab_browser.py", 5*time.Minute, chromium, shot)
	t.Log(out)
	if info, err := os.Stat(shot); err != nil || info.Size() < 10_000 {
		t.Errorf("no picture: %v", err)
	}
}

// JupyterLab shows help where it is asked for, last expressions as pictures and tables, and failed cells with their lines.
func TestJupyterLabHelp(t *testing.T) {
	chromium := toolchain.NeedChromium(t)
	shot := os.Getenv("ODSLAB_SCREENSHOT_HELP")
	if shot == "" {
		shot = filepath.Join(t.TempDir(), "help.png")
	}
	out := python(t, toolchain.NeedPython(t, "jupyterlab", "playwright", "nbformat"), "lab_help.py", 5*time.Minute, chromium, shot)
	if !strings.Contains(out, "help, pictures and errors as expected") {
		t.Error(out)
	}
}

// jupyter console works line by line.
func TestConsole(t *testing.T) {
	t.Parallel()
	out := python(t, toolchain.NeedPython(t, "jupyter-console"), "console.py", 3*time.Minute)
	if strings.Count(out, ": as expected") != 2 {
		t.Error(out)
	}
}

// nbconvert's page shows the values of a slider side by side, and the picture of
// what can be brushed elsewhere.
func TestNbconvert(t *testing.T) {
	page := filepath.Join(t.TempDir(), "page.html")
	if shots := os.Getenv("ODSLAB_SCREENSHOTS"); shots != "" {
		page = filepath.Join(shots, "nbconvert.html")
	}
	out := python(t, toolchain.NeedPython(t, "nbclient", "nbconvert", "nbformat"), "nbconvert_run.py", 3*time.Minute, page)
	if !strings.Contains(out, "strip and still on the page") {
		t.Error(out)
	}
}

// JupyterLab shows real widgets for interact, and a change of one another
// picture; a brush in one panel of a pair plot shows in all. Pictures are kept in
// $ODSLAB_SCREENSHOTS.
func TestJupyterLabInteract(t *testing.T) {
	chromium := toolchain.NeedChromium(t)
	shots := os.Getenv("ODSLAB_SCREENSHOTS")
	if shots == "" {
		shots = t.TempDir()
	}
	interpreter := toolchain.NeedPython(t, "jupyterlab", "jupyterlab-widgets", "playwright", "nbformat")
	for _, theme := range []string{"light", "dark"} {
		t.Log(python(t, interpreter, "lab_interact.py", 4*time.Minute, chromium, shots, theme))
	}
}
