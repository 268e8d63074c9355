package live

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"slices"
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
	if err := save(); err != nil {
		t.Fatal(err)
	}
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

// TestWriteKeptFails: what can't be written is told, and nothing of the save is left: what was kept before stands.
func TestWriteKeptFails(t *testing.T) {
	dir := session(t)
	x, z := 1, 1
	Keep("x", &x)
	settle(t, dir)
	before := files(t, dir)
	if err := os.Mkdir(filepath.Join(dir, "z.val"+contract.NewSuffix), 0o700); err != nil { // in the way
		t.Fatal(err)
	}
	x = 2 // written before z
	Keep("x", &x)
	Keep("z", &z)
	if err := save(); err == nil {
		t.Error("no error")
	}
	if after := files(t, dir); !maps.Equal(before, after) {
		t.Errorf("%q, then %q", before, after)
	}
}

// files is what the files of kept values hold.
func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	m := map[string]string{}
	paths, _ := filepath.Glob(filepath.Join(dir, "*"+contract.KeptSuffix+"*"))
	for _, path := range paths {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		m[filepath.Base(path)] = string(b)
	}
	return m
}

// decode reads JSON that this package writes by hand as what the contract says it is, with no field more.
func decode(t *testing.T, path string, to any) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	d := json.NewDecoder(f)
	d.DisallowUnknownFields()
	if err := d.Decode(to); err != nil {
		t.Fatal(err)
	}
}

func readSaved(t *testing.T, dir string) (list contract.Saved) {
	t.Helper()
	decode(t, savedFile(dir), &list)
	return list
}

// TestSaved: the list of a save is what the contract says, each field filled.
func TestSaved(t *testing.T) {
	dir := session(t)
	cell.number = 7
	defer func(held func([]byte) ([]string, int64), shared func([]byte) []string) {
		Held, Shared, cell.number = held, shared, 0
	}(Held, Shared)
	Held = func([]byte) ([]string, int64) { return []string{"A-1"}, 12 }
	Shared = func([]byte) []string { return []string{"sum"} }
	x, at, any := make([]float32, 100_000), time.Now(), any(point{1, 2})
	y := x[5:]
	Register[point]()
	Keep("x", &x)
	Keep("y", &y)
	Keep("at", &at)
	Keep("any", &any)
	if err := save(); err != nil {
		t.Fatal(err)
	}
	list := readSaved(t, dir)
	if list.Number != 7 || len(list.Groups) != 3 || len(list.Refused) != 0 {
		t.Fatalf("%+v", list)
	}
	for _, g := range list.Groups {
		n := len(g.Names)
		if g.File != FileName(g.Names) || g.Bytes <= 0 || len(g.Types) != n || len(g.Sums) != n || len(g.Pointed) != n || g.Same {
			t.Errorf("%+v", g)
		}
		switch g.Names[0] {
		case "any":
			if len(g.Dynamic) != 1 {
				t.Errorf("dynamic types %v", g.Dynamic)
			}
		case "at":
			if !slices.Equal(g.Held, []string{"A-1"}) || g.HeldBytes != 12 {
				t.Errorf("held %v, %d bytes", g.Held, g.HeldBytes)
			}
		case "x":
			if n != 2 || len(g.Shared) == 0 {
				t.Errorf("%v, shared %v", g.Names, g.Shared)
			}
		}
	}
}

// TestFailureFile: so is what a cell says of its failure.
func TestFailureFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "failure")
	t.Setenv(contract.EnvError, path)
	cell.number = 3
	defer func() { cell.number = 0 }()
	(&problem{name: "error", text: "no \"fit\"", frames: []frame{{3, 2, "f"}, {1, 9, ""}}}).report()
	var f contract.Failure
	decode(t, path, &f)
	if f.EName != "error" || f.EValue != `no "fit"` || f.Line != 2 || len(f.Traceback) != 3 {
		t.Errorf("%+v", f)
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
