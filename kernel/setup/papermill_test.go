package setup

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"odslab/kernel/toolchain"
)

// papermill sets parameters of Go notebooks: numbers and texts keep their type, an
// unknown one is an error of its cell.
func TestPapermill(t *testing.T) {
	if testing.Short() {
		t.Skip("two kernels")
	}
	python := toolchain.NeedPython(t, "papermill", "ipykernel")
	l, data := toolchain.ForTest(t), t.TempDir()
	if _, err := Install(l, data); err != nil {
		t.Fatal(err)
	}
	in, out := filepath.Join(t.TempDir(), "in.ipynb"), filepath.Join(t.TempDir(), "out.ipynb")
	const text = `{"nbformat": 4, "nbformat_minor": 5, "metadata": {"kernelspec": {"name": "odslab", "display_name": "Go (odslab)", "language": "go"}, "language_info": {"name": "go"}},
"cells": [
 {"cell_type": "code", "id": "a", "metadata": {"tags": ["parameters"]}, "execution_count": null, "outputs": [], "source": "n, x := 1, .5\nlabel, quick, y := \"\", false, []float64{1}"},
 {"cell_type": "code", "id": "b", "metadata": {}, "execution_count": null, "outputs": [], "source": "fmt.Printf(\"%d %T %v %q %v %v\", n, x, x, label, quick, y)"}
]}`
	if err := os.WriteFile(in, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	papermill := func(args ...string) (string, error) {
		cmd := exec.CommandContext(t.Context(), python, append([]string{"-m", "papermill", in, out, "--no-progress-bar"}, args...)...)
		cmd.Env = append(os.Environ(), "JUPYTER_PATH="+data, "JUPYTER_RUNTIME_DIR="+t.TempDir())
		said, err := cmd.CombinedOutput()
		return string(said), err
	}
	if said, err := papermill("-p", "n", "7", "-p", "x", "2", "-r", "label", "a \"b\"\n∂", "-p", "quick", "True", "-y", "y: [1, 2.5]"); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	made, err := os.ReadFile(out)
	if err != nil || !strings.Contains(string(made), `7 float64 2 \"a \\\"b\\\"\\n∂\" true [1 2.5]`) {
		t.Errorf("%v\n%s", err, made)
	}
	if said, err := papermill("-p", "missing", "1"); err == nil || !strings.Contains(said, "missing") {
		t.Errorf("an unknown parameter: %v\n%s", err, said)
	}
}
