package diskcache

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestCache(t *testing.T) {
	dir := t.TempDir()
	s := &Cache{Dir: filepath.Join(dir, "cache"), Max: 25}
	if s.Take("a", filepath.Join(dir, "out")) || s.Read("a") != nil {
		t.Error("an empty cache has something")
	}
	made := filepath.Join(dir, "made")
	if err := os.WriteFile(made, []byte("ten bytes."), 0o700); err != nil {
		t.Fatal(err)
	}
	s.Put("a", made)
	os.Remove(made) // as a kernel does that goes on
	s.Write("b", []byte("b's bytes."))
	s.Wait()
	for name, want := range map[string]string{"a": "ten bytes.", "b": "b's bytes."} {
		out := filepath.Join(dir, "out-"+name)
		if !s.Take(name, out) {
			t.Fatalf("%s is not there", name)
		}
		if got, err := os.ReadFile(out); string(got) != want || err != nil {
			t.Errorf("%s holds %q, %v", name, got, err)
		}
		if info, err := os.Stat(out); err != nil || info.Mode()&0o100 == 0 || info.Mode()&0o077 != 0 {
			t.Errorf("%s can't be run, or others can read it: %v %v", name, info.Mode(), err)
		}
	}
	// a was used last, b goes; so does what a killed process has left, but not what one writes just now.
	old := time.Now().Add(-2 * time.Hour)
	os.Chtimes(s.find("b"), old, old)
	for _, name := range []string{".dead", ".alive"} {
		os.WriteFile(filepath.Join(s.Dir, name), nil, 0o600)
	}
	os.Chtimes(filepath.Join(s.Dir, ".dead"), old, old)
	if string(s.Read("a")) != "ten bytes." {
		t.Error("a can't be read")
	}
	s.Write("c", []byte("c's bytes."))
	s.Wait()
	var names []string
	entries, _ := os.ReadDir(s.Dir)
	for _, e := range entries {
		name, _, _ := strings.Cut(strings.TrimPrefix(e.Name(), "."), ".")
		names = append(names, name)
	}
	if got := strings.Join(names, " "); got != "alive a c" {
		t.Errorf("left: %s", got)
	}
	if s.Drop("c"); s.Read("c") != nil {
		t.Error("c is still there")
	}
}

// What can't be written is not kept, and nobody is bothered.
func TestCacheCannotWrite(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	os.WriteFile(file, nil, 0o600)
	for _, s := range []*Cache{{}, {Dir: file, Max: 100}, {Dir: filepath.Join(t.TempDir(), "small"), Max: 1}} {
		s.Write("x", []byte("xx"))
		s.Put("y", file+"/none")
		s.Wait()
		if s.Read("x") != nil || s.Take("y", file+"-y") {
			t.Errorf("%s keeps", s.Dir)
		}
	}
}

// Folders on different devices: a copy instead of a link.
func TestCopy(t *testing.T) {
	dir := t.TempDir()
	from, to := filepath.Join(dir, "from"), filepath.Join(dir, "to")
	os.WriteFile(from, []byte("x"), 0o600)
	if err := copyTo(from, to); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(to); string(got) != "x" {
		t.Errorf("%q", got)
	}
	if copyTo(filepath.Join(dir, "none"), to) == nil || copyTo(from, filepath.Join(dir, "no", "folder")) == nil {
		t.Error("no error")
	}
}

// What is broken or exchanged on disk is not taken, and makes room for what is whole.
func TestSpoiled(t *testing.T) {
	dir := t.TempDir()
	s := &Cache{Dir: filepath.Join(dir, "cache"), Max: 1 << 20}
	whole := []byte("a program that is whole")
	for i, spoil := range []func(path string) error{
		func(path string) error { return os.Truncate(path, 5) },
		func(path string) error { return os.Truncate(path, 0) },
		func(path string) error { return os.WriteFile(path, []byte("a program that is Whole"), 0o700) },
		func(path string) error { os.Remove(path); return os.Mkdir(path, 0o700) },
		func(path string) error { os.Remove(path); return os.Symlink("/bin/true", path) },
	} {
		s.Write("p", whole)
		s.Wait()
		if got := s.Read("p"); string(got) != string(whole) {
			t.Fatalf("%d: %q", i, got)
		}
		if err := spoil(s.find("p")); err != nil {
			t.Fatal(err)
		}
		to := filepath.Join(dir, "out")
		if s.Take("p", to) {
			t.Errorf("%d: taken", i)
		}
		if _, err := os.Lstat(to); err == nil {
			t.Errorf("%d: something is there", i)
		}
		if s.Read("p") != nil {
			t.Errorf("%d: read", i)
		}
	}
	s.Write("p", whole)
	s.Wait()
	if got := s.Read("p"); string(got) != string(whole) {
		t.Errorf("not healed: %q", got)
	}
}
