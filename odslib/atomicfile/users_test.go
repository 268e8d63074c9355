package atomicfile_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"odslab/kernel/jupyter"
	"odslab/kernel/notebook"
	"odslab/odslib"
	"odslab/odslib/checkpoint"
	"odslab/odslib/npz"
	"odslab/odslib/safetensors"
	"odslab/plotting"
)

// Everything that people keep is written by this package: where the disk is
// full the old file stays, alone, and links under names near by are not followed.
func TestOldOrNew(t *testing.T) {
	res := odslib.NewResult(odslib.Posterior{}, "test", struct{}{}, 1)
	res.Samples = odslib.Array{Shape: []int{3, 2}, Data: make([]float32, 6)}
	figure := plotting.Lines(plotting.Line("a", nil, []float64{1, 2, 3}))
	tensor := []safetensors.Tensor{{Name: "w", DType: safetensors.F32, Shape: []int{2}, Data: []float32{1, 2}}}
	for name, write := range map[string]func(path string) error{
		"result.json": res.WriteJSON,
		"result.npz":  func(path string) error { return npz.Write(path, res) },
		"run.safetensors": func(path string) error {
			return checkpoint.Write(strings.TrimSuffix(path, ".safetensors"), map[string]int{"steps": 1}, tensor)
		},
		"run.json": func(path string) error {
			return checkpoint.Write(strings.TrimSuffix(path, ".json"), map[string]int{"steps": 1}, tensor)
		},
		"a.ipynb":     (&notebook.Notebook{Cells: []notebook.Cell{{Type: "code", Source: "x"}}}).WriteFile,
		"kernel.json": jupyter.Connection{Transport: "tcp", Key: "k"}.Write,
		"figure.svg":  func(path string) error { return figure.Save(path) },
		"figure.pdf":  func(path string) error { return figure.Save(path) },
		"figure.png":  func(path string) error { return figure.Save(path) },
	} {
		dir := t.TempDir()
		path := filepath.Join(dir, name)
		if err := write(path); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		old, err := os.ReadFile(path)
		if err != nil || len(old) == 0 {
			t.Errorf("%s: %d bytes, %v", name, len(old), err)
		}
		before, _ := filepath.Glob(filepath.Join(dir, "*"))
		var unlimited syscall.Rlimit
		if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &unlimited); err != nil {
			t.Fatal(err)
		}
		full := unlimited
		full.Cur = 10
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &full); err != nil {
			t.Fatal(err)
		}
		failed := write(path)
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &unlimited); err != nil {
			t.Fatal(err)
		}
		now, err := os.ReadFile(path)
		entries, _ := os.ReadDir(dir)
		if failed == nil || err != nil || !bytes.Equal(now, old) || len(entries) != len(before) {
			t.Errorf("%s: with a full disk: %v; %d bytes of %d, %v; %d files of %d", name, failed, len(now), len(old), err, len(entries), len(before))
		}

		victim := filepath.Join(t.TempDir(), "victim")
		if err := os.WriteFile(victim, []byte("precious"), 0o600); err != nil {
			t.Fatal(err)
		}
		os.Remove(path)
		for _, link := range []string{name, name + ".tmp", name + ".new", "." + name, name + "~"} {
			if err := os.Symlink(victim, filepath.Join(dir, link)); err != nil {
				t.Fatal(err)
			}
		}
		if err := write(path); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if got, _ := os.ReadFile(victim); string(got) != "precious" {
			t.Errorf("%s: wrote through a link", name)
		}
	}
}
