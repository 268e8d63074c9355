// Package notebooks holds the notebooks; its tests run them as people do.
package notebooks

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"odslab/kernel/notebook"
	"odslab/kernel/setup"
	"odslab/kernel/toolchain"
)

var all = []string{"00-gallery.ipynb", "01-first-posterior.ipynb", "02-noise-and-denoising.ipynb", "03-guidance.ipynb", "04-particles.ipynb", "05-relative-trajectory-balance.ipynb", "06-outsourced-sampling.ipynb", "07-images.ipynb", "08-language.ipynb", "12-is-it-right.ipynb"}

// copied puts the notebooks into a folder of their own, with what Jupyter needs to find the kernel and nothing else.
func copied(t *testing.T) (dir string, env []string) {
	t.Helper()
	l := toolchain.NeedXLA(t)
	dir = t.TempDir()
	data := filepath.Join(dir, "jupyter")
	if _, err := setup.Install(l, data); err != nil {
		t.Fatal(err)
	}
	for _, name := range all {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir, append(os.Environ(), "JUPYTER_PATH="+data, "JUPYTER_DATA_DIR="+data, "JUPYTER_CONFIG_DIR="+filepath.Join(dir, "config"),
		"JUPYTER_RUNTIME_DIR="+filepath.Join(dir, "run"), "IPYTHONDIR="+filepath.Join(dir, "ipython"), "PYTHONUNBUFFERED=1", "PYTHONDONTWRITEBYTECODE=1")
}

func python(t *testing.T, script string, limit time.Duration, notebooks, packages []string, args ...string) string {
	t.Helper()
	interpreter := toolchain.NeedPython(t, packages...)
	dir, env := copied(t)
	script, err := filepath.Abs(filepath.Join("testdata", script))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, interpreter, append(append([]string{script}, args...), notebooks...)...)
	cmd.Dir, cmd.Env = dir, env
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) } // it ends its kernels
	cmd.WaitDelay = 15 * time.Second
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", filepath.Base(script), err, out)
	}
	for _, figure := range []string{"01-dps.pdf", "01-half-digits.pdf", "02-cost.pdf"} {
		if info, err := os.Stat(filepath.Join(dir, "figures", figure)); err != nil || info.Size() < 1000 {
			t.Errorf("figure %s was not saved: %v", figure, err)
		}
	}
	return string(out)
}

// nbclient runs all notebooks, checks included, and each leaves at least five figures.
func TestNbclient(t *testing.T) {
	t.Log(python(t, "nbclient_run.py", 15*time.Minute, all, []string{"nbclient", "nbformat"}))
}

// JupyterLab in a real browser runs the first notebooks, and the one whose figures are text, and shows them. Pictures are kept in $ODSLAB_SCREENSHOTS.
func TestJupyterLab(t *testing.T) {
	shots := os.Getenv("ODSLAB_SCREENSHOTS")
	if shots == "" {
		shots = t.TempDir()
	}
	t.Log(python(t, "lab_run.py", 15*time.Minute, append(all[:3:3], "08-language.ipynb"), []string{"jupyterlab", "playwright", "nbformat"}, toolchain.NeedChromium(t), shots))
}

// The notebooks are kept without outputs and in the normal form, so that their differences read well.
func TestKeptInNormalForm(t *testing.T) {
	for _, name := range all {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		nb, err := notebook.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		nb = notebook.Normalise(nb)
		var b bytes.Buffer
		if err := nb.Write(&b); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(bytes.TrimSpace(b.Bytes()), bytes.TrimSpace(text)) {
			if os.Getenv("ODSLAB_NORMALISE") == "" {
				t.Errorf("%s is not in the normal form; ODSLAB_NORMALISE=1 go test ./notebooks -run NormalForm writes it", name)
			} else if err := os.WriteFile(name, b.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		for _, c := range nb.Cells {
			if lines := strings.Count(strings.TrimSpace(c.Source), "\n") + 1; c.Type == "code" && lines > 15 {
				t.Errorf("%s: a cell of %d lines begins %.40q", name, lines, c.Source)
			}
		}
	}
}
