package toolchain

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
)

func TestPythonGrowsWithWhatIsAsked(t *testing.T) {
	w := newWorld(t)
	ensure := func(packages ...string) {
		t.Helper()
		python, err := EnsurePython(context.Background(), nil, packages...)
		if err != nil || python != w.layout.Python() {
			t.Fatalf("got %q, %v", python, err)
		}
	}
	ensure("nbclient")
	ensure("nbclient")
	if n := w.calls("pip install"); n != 1 {
		t.Errorf("pip ran %d times for one package", n)
	}
	ensure("ipykernel", "nbclient")
	if w.calls("-m venv") != 1 || w.calls("pip install") != 2 {
		t.Error("the environment was made anew to add a package")
	}
	if w.calls("ipykernel==7.4.0 nbclient==0.11.0") != 1 {
		t.Error("pip did not see all packages together")
	}
	if _, err := EnsurePython(context.Background(), nil, "left-pad"); err == nil {
		t.Error("a package without a pin is installed")
	}
}

func TestPythonStoppedInTheMiddle(t *testing.T) {
	w := newWorld(t)
	ctx, cancel := context.WithCancel(context.Background())
	ctx = context.WithValue(ctx, faultKey{}, func(part string) error { cancel(); return nil })
	if _, err := EnsurePython(ctx, nil, "nbclient"); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	if _, err := EnsurePython(context.Background(), nil, "nbclient"); err != nil {
		t.Fatal(err)
	}
	if n := w.calls("-m venv"); n != 2 {
		t.Errorf("half an environment was kept (%d)", n)
	}
}

func TestPythonFailures(t *testing.T) {
	w := newWorld(t)
	w.write(w.tools+"/python3", "#!/bin/sh\ncase \"$*\" in *venv*) echo 'ensurepip is not available' >&2; exit 1;; esac\n", 0o755)
	_, err := EnsurePython(context.Background(), nil, "nbclient")
	if err == nil {
		t.Fatal("no error")
	}
	oneLine(t, err.Error(), "ensurepip is not available", "python3-venv")
	os.Remove(w.tools + "/python3")
	if _, err = EnsurePython(context.Background(), nil, "nbclient"); err == nil || !strings.Contains(err.Error(), "no Python 3") {
		t.Errorf("got %v", err)
	}
}

func TestRealPython(t *testing.T) {
	python := NeedPython(t, "nbclient", "ipykernel")
	out, err := exec.Command(python, "-c", "import nbclient, sys; print(nbclient.__version__, sys.prefix != sys.base_prefix)").CombinedOutput()
	if err != nil || strings.TrimSpace(string(out)) != pythonPins["nbclient"]+" True" {
		t.Errorf("%v: %s", err, out)
	}
}
