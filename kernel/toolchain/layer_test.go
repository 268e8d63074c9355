package toolchain

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// coarse gives all files the times that an image layer or a backup leaves them.
func coarse(t *testing.T, to func(time.Time) time.Time, dirs ...string) {
	t.Helper()
	for _, dir := range dirs {
		if err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.Type()&fs.ModeSymlink != 0 {
				return err
			}
			info, err := d.Info()
			if err != nil {
				return err
			}
			when := to(info.ModTime())
			return os.Chtimes(path, when, when)
		}); err != nil {
			t.Fatal(err)
		}
	}
}

// What was built is there after its times have changed, and after the compiler
// has gone; what has other content is not.
func TestContentCounts(t *testing.T) {
	for name, to := range map[string]func(time.Time) time.Time{
		"whole seconds": func(at time.Time) time.Time { return at.Truncate(time.Second) },
		"two seconds":   func(at time.Time) time.Time { return at.Truncate(2 * time.Second) },
		"the epoch":     func(time.Time) time.Time { return time.Unix(0, 0) },
		"now":           func(time.Time) time.Time { return time.Now() },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.mustSetUp(Options{})
			before, err := os.ReadFile(w.log)
			if err != nil {
				t.Fatal(err)
			}
			coarse(t, to, w.layout.Root, w.layout.Clone)
			w.wantEngine("xla-cpu")
			if out := w.mustSetUp(Options{}); out != "" {
				t.Errorf("set-up says %q", out)
			}
			w.wantEngine("xla-cpu")
			if err := os.Remove(filepath.Join(w.tools, "gcc")); err != nil {
				t.Fatal(err)
			}
			w.wantEngine("xla-cpu")
			if out := w.mustSetUp(Options{}); out != "" {
				t.Errorf("without a compiler set-up says %q", out)
			}
			w.wantEngine("xla-cpu")
			for _, f := range Inspect(t.Context(), w.layout) {
				if f.State == Broken || f.State == Missing && (f.Name == "plugin" || f.Name == "resident" || f.Name == "warm" || f.Name == "tools") {
					t.Errorf("doctor: %+v", f)
				}
			}
			if after, _ := os.ReadFile(w.log); w.builds(string(after)) != w.builds(string(before)) {
				t.Errorf("something was built again:\n%s", after[len(before):])
			}
			// The same size and another content.
			data, err := os.ReadFile(w.layout.Resident())
			if err != nil {
				t.Fatal(err)
			}
			data[0] ^= 1
			if err := os.WriteFile(w.layout.Resident(), data, 0o755); err != nil {
				t.Fatal(err)
			}
			w.wantEngine("go")
		})
	}
}

// A cache that was copied to another place is there, the old one gone or not,
// and what counts is what lies in the new one.
func TestCopiedCache(t *testing.T) {
	for _, command := range [][]string{{"/bin/cp", "-a"}, {"/bin/cp", "-R"}, {"/bin/mv"}} {
		t.Run(strings.Join(command, " "), func(t *testing.T) {
			w := newWorld(t)
			w.mustSetUp(Options{})
			before, err := os.ReadFile(w.log)
			if err != nil {
				t.Fatal(err)
			}
			old := w.layout
			w.layout.Root = filepath.Join(t.TempDir(), "copied")
			if out, err := exec.Command(command[0], append(command[1:], old.Root, w.layout.Root)...).CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			for range 2 {
				w.wantEngine("xla-cpu")
				if out := w.mustSetUp(Options{}); out != "" {
					t.Errorf("set-up says %q", out)
				}
				for _, f := range Inspect(t.Context(), w.layout) {
					if f.State == Broken || strings.Contains(f.Found, old.Root) {
						t.Errorf("doctor: %+v", f)
					}
				}
				os.RemoveAll(old.Root)
			}
			if after, _ := os.ReadFile(w.log); w.builds(string(after)) != w.builds(string(before)) {
				t.Errorf("something was built again:\n%s", after[len(before):])
			}
			if err := os.Truncate(w.layout.Resident(), 1); err != nil {
				t.Fatal(err)
			}
			w.wantEngine("go")
		})
	}
}

// Set-up under umask 0 leaves nothing that others may write, what `go run` has made before it included.
func TestUmaskOfNobody(t *testing.T) {
	w := newWorld(t)
	w.umask(0)
	home := t.TempDir()
	t.Setenv("HOME", home)
	cache := filepath.Join(home, ".cache")
	t.Setenv("FAKE_GOCACHE", filepath.Join(cache, "go-build"))
	w.layout.Root = filepath.Join(cache, "odslab")
	t.Setenv("ODSLAB_CACHE", w.layout.Root)
	if err := os.MkdirAll(filepath.Join(cache, "go-build", "00"), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(cache, "go-build", "00", "object"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	elsewhere := filepath.Join(t.TempDir(), "elsewhere")
	if err := os.WriteFile(elsewhere, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(elsewhere, filepath.Join(cache, "go-build", "link")); err != nil {
		t.Fatal(err)
	}
	w.mustSetUp(Options{})
	if info, err := os.Stat(elsewhere); err != nil || info.Mode().Perm() != 0o666 {
		t.Errorf("what a link leads to: %v, %v", info, err)
	}
	looked := 0
	if err := filepath.WalkDir(cache, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if looked++; d.Type()&fs.ModeSymlink == 0 && info.Mode().Perm()&0o022 != 0 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if looked < 15 {
		t.Errorf("only %d files and folders", looked)
	}
}
