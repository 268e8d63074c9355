package notebook_test

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"odslab/kernel/notebook"
	"odslab/kernel/toolchain"
)

// nbclient, jupyter console and run show the same of each cell: prints, results, pictures, notes, errors with their lines.
func TestFrontEndsAgree(t *testing.T) {
	kernel := realKernel(t)
	python := toolchain.NeedPython(t, "nbclient", "nbformat", "jupyter-console")
	dir := t.TempDir()
	var cells []notebook.Cell
	for _, src := range []string{
		`x := []float64{1, 2, 3}; fmt.Println("é", len(x)); x`,
		`fmt.Fprint(os.Stderr, "to stderr"); x[0] + 1, len(x)`,
		`image.NewGray(image.Rect(0, 0, 3, 2))`,
		`mat.NewDense(2, 2, []float64{1, 2, 3, 4})`,
		`'ü', []byte("ab")`,
		`y := x[len(x)]`,
		`z := nosuch + 1`,
		`errors.New("only a value")`,
		`os.Open("/no/such/file")`,
		`f, err := os.Open("/no/such/file")`,
		`c := make(chan int)`,
		`c <- 1`,
		`func g(n int) int { return late(n) + len(x) }`,
		`g(1)`,
		`func late(n int) int { return 10 * n }`,
		`g(2)`,
		`seed = 3`,
		`%drop x`,
		`g(3)`,
		`%nosuch`,
		`!echo shell; exit 4`,
		`os.Exit(3)`,
		`rand.Intn(3)`,
		`gonbui.DisplayHTML("<b>rich</b>"); 40 + 2`,
	} {
		cells = append(cells, code(src, "raises-exception"))
	}
	path := save(t, dir, "agree", cells...)
	if err := notebook.Run(t.Context(), notebook.Config{Paths: []string{path}, Timeout: time.Minute, Kernel: kernel}); err != nil {
		t.Log(err) // cells that must fail and don't are the script's to say
	}
	spec, err := json.Marshal(map[string]any{
		"argv": kernel.Argv, "env": map[string]string{"ODSLAB_MODULE": toolchain.ForTest(t).Clone, "ODSLAB_CACHE": toolchain.ForTest(t).Root},
		"display_name": "Go (odslab)", "language": "go", "interrupt_mode": "message",
	})
	if err != nil {
		t.Fatal(err)
	}
	share := filepath.Join(dir, "share", "kernels", "odslab")
	if err := os.MkdirAll(share, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(share, "kernel.json"), spec, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	script, err := filepath.Abs("testdata/agree.py")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(ctx, python, script, path, filepath.Join(dir, "out", "agree.ipynb"))
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "JUPYTER_PATH="+filepath.Join(dir, "share"), "JUPYTER_DATA_DIR="+filepath.Join(dir, "data"),
		"JUPYTER_CONFIG_DIR="+filepath.Join(dir, "config"), "JUPYTER_RUNTIME_DIR="+filepath.Join(dir, "run"), "IPYTHONDIR="+filepath.Join(dir, "ipython"),
		"JUPYTER_PREFER_ENV_PATH=0", "PYTHONUNBUFFERED=1", "PYTHONDONTWRITEBYTECODE=1")
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 15 * time.Second
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "all three agree on 24 cells") {
		t.Errorf("%v\n%s", err, out)
	}
}
