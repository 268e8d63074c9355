package atomicfile_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
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

// fullDisk names the file that a child process is to write where no file may grow.
const fullDisk = "ODSLAB_TEST_FULL_DISK"

// Everything that people keep is written by this package: where the disk is
// full the old file stays, alone, and links under names near by are not followed.
func TestOldOrNew(t *testing.T) {
	res := odslib.NewResult(odslib.Posterior{}, "test", struct{}{}, 1)
	res.Samples = odslib.Array{Shape: []int{3, 2}, Data: make([]float32, 6)}
	figure := plotting.Lines(plotting.Line("a", nil, []float64{1, 2, 3}))
	tensor := []safetensors.Tensor{{Name: "w", DType: safetensors.F32, Shape: []int{2}, Data: []float32{1, 2}}}
	writers := map[string]func(path string) error{
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
	}
	if path := os.Getenv(fullDisk); path != "" {
		limit := syscall.Rlimit{Cur: 10, Max: 10}
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
			t.Fatal(err)
		}
		if err := writers[filepath.Base(path)](path); err != nil {
			fmt.Println("refused:", err)
		}
		return
	}
	for name, write := range writers {
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
		// A process of its own: the test binary itself may be writing a log for go test's cache.
		child := exec.Command(os.Args[0], "-test.run=^TestOldOrNew$", "-test.v")
		child.Env = append(os.Environ(), fullDisk+"="+path)
		said, ended := child.CombinedOutput()
		refused := ended == nil && bytes.Contains(said, []byte("refused:"))
		now, err := os.ReadFile(path)
		entries, _ := os.ReadDir(dir)
		if !refused || err != nil || !bytes.Equal(now, old) || len(entries) != len(before) {
			t.Errorf("%s: with a full disk: %s (%v); %d bytes of %d, %v; %d files of %d", name, said, ended, len(now), len(old), err, len(entries), len(before))
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
