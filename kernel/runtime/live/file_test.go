package live

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strings"
	"testing"
	"time"

	"odslab/kernel/runtime/contract"
	"odslab/kernel/runtime/snapshot"
)

// TestReadKept: what is read may be changed at will, and neither changes the file nor with it.
func TestReadKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.val")
	if _, err := readKept(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	for _, size := range []int{0, 1, mapFrom - 1, mapFrom, mapFrom + 1, 3*mapFrom + 5} {
		want := bytes.Repeat([]byte("kept"), size/4+1)[:size]
		if err := os.WriteFile(path, want, 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := readKept(path)
		if err != nil || !bytes.Equal(got, want) {
			t.Fatalf("%d bytes: %v, %d came back", size, err, len(got))
		}
		for i := range got {
			got[i] = 1
		}
		if now, err := os.ReadFile(path); err != nil || !bytes.Equal(now, want) {
			t.Errorf("%d bytes: the file has changed: %v", size, err)
		}
		if err := write(path, []byte("another")); err != nil {
			t.Fatal(err)
		}
		if size > 0 && (got[0] != 1 || got[size-1] != 1) {
			t.Errorf("%d bytes: changed with the file", size)
		}
	}
}

// session is a cell's state to save from and load into, which ends with the test.
func session(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	cell.dir, cell.vars, cell.loaded = dir, nil, map[string]snapshot.Stamp{}
	t.Cleanup(func() { cell.dir, cell.vars, cell.loaded = "", nil, nil })
	return dir
}

// settle does what the kernel does when a cell has ended; it says whether x was written.
func settle(t *testing.T, dir string) (written bool) {
	t.Helper()
	save()
	err := os.Rename(filepath.Join(dir, "x.val"+contract.NewSuffix), filepath.Join(dir, "x.val"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	cell.vars, cell.loaded = nil, map[string]snapshot.Stamp{}
	return err == nil
}

func TestOnlyWhatChangedIsWritten(t *testing.T) {
	dir := session(t)
	x := make([]float64, 100_000)
	Keep("x", &x)
	if !settle(t, dir) {
		t.Fatal("a new variable was not written")
	}
	for i, change := range []func(y []float64) bool{
		func(y []float64) bool { return false },
		func(y []float64) bool { y[0]++; return true },
		func(y []float64) bool { y[len(y)-1]++; return true },
		func(y []float64) bool { y[7] = y[7] * 1; return false },
	} {
		var y []float64
		Load("x.val", "x", &y)
		want := change(y)
		if got := settle(t, dir); got != want {
			t.Errorf("change %d: written is %v", i, got)
		}
	}
	var y []float64
	Load("x.val", "x", &y)
	if y[0] != 1 || y[len(y)-1] != 1 || y[7] != 0 || len(y) != len(x) {
		t.Error("what was written is not what was set")
	}
}

// TestTornFile: a file that is cut short or damaged ends the cell with one line that says what to do.
func TestTornFile(t *testing.T) {
	dir := session(t)
	x := make([]float64, 100_000)
	Keep("x", &x)
	settle(t, dir)
	path := filepath.Join(dir, "x.val")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	turned := bytes.Clone(whole)
	turned[len(turned)/2] ^= 4
	for name, b := range map[string][]byte{"empty": nil, "a little": whole[:100], "half": whole[:len(whole)/2], "but one": whole[:len(whole)-1], "a bit": turned, "gone": nil} {
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if name == "gone" {
			os.Remove(path)
		}
		func() {
			defer func() {
				r, ok := recover().(raised)
				if !ok || !strings.Contains(r.Error(), "x can't be loaded: ") || !strings.HasSuffix(r.Error(), "; run the cell that defines it again") || strings.Contains(r.Error(), "\n") {
					t.Errorf("%s: %v", name, r)
				}
			}()
			var y []float64
			Load("x.val", "x", &y)
			t.Errorf("%s: loaded", name)
		}()
	}
}

// TestWriteKeptFails: what can't be written is said of its variable, and the list of the others is whole.
func TestWriteKeptFails(t *testing.T) {
	dir := session(t)
	if err := os.Mkdir(filepath.Join(dir, "x.val"+contract.NewSuffix), 0o700); err != nil { // in the way
		t.Fatal(err)
	}
	x, y := 1, 2
	Keep("x", &x)
	Keep("y", &y)
	save()
	list, err := os.ReadFile(savedFile(dir))
	if err != nil || !strings.Contains(string(list), `"refused":{"x":"it could not be written: `) || !strings.Contains(string(list), `"names":["y"]`) {
		t.Errorf("%s, %v", list, err)
	}
}

func collectAt() uint64 {
	s := []metrics.Sample{{Name: "/gc/gogc:percent"}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}

func TestPutOffCollection(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(100))
	debug.SetGCPercent(100)
	putOffCollection()
	if collectAt() != calmPercent {
		t.Errorf("collects at %d %%", collectAt())
	}
	runtime.GC()
	for end := time.Now().Add(5 * time.Second); collectAt() != 100; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("after the first collection it is still %d %%", collectAt())
		}
	}
	debug.SetGCPercent(50)
	putOffCollection()
	if collectAt() != 50 {
		t.Error("a percentage that was asked for is changed")
	}
}
