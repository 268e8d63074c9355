package atomicfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const victim = "ATOMICFILE_VICTIM"

// TestMain is also the program that the tests kill: it writes until it is.
func TestMain(m *testing.M) {
	if path := os.Getenv(victim); path != "" {
		fmt.Println("ready")
		for i := byte(0); ; i++ {
			if err := Write(path, bytes.Repeat([]byte{i}, 4<<20), 0o644); err != nil {
				panic(err)
			}
		}
	}
	os.Exit(m.Run())
}

// Whenever the writer is killed or interrupted, the file is whole and alone.
func TestKilled(t *testing.T) {
	for i := range 12 {
		dir := t.TempDir()
		path := filepath.Join(dir, "a.bin")
		if err := Write(path, bytes.Repeat([]byte{255}, 4<<20), 0o644); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), victim+"="+path)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		_, _ = out.Read(make([]byte, 6))
		time.Sleep(time.Duration(i) * 3 * time.Millisecond)
		_ = cmd.Process.Signal([]os.Signal{syscall.SIGKILL, syscall.SIGINT, syscall.SIGHUP}[i%3])
		late := time.AfterFunc(10*time.Second, func() { _ = cmd.Process.Kill() }) // where interrupts are ignored
		_ = cmd.Wait()
		late.Stop()
		got, err := os.ReadFile(path)
		if err != nil || len(got) != 4<<20 || !bytes.Equal(got, bytes.Repeat(got[:1], 4<<20)) {
			t.Errorf("half of a file: %d bytes, %v", len(got), err)
		}
		if names := list(t, dir); len(names) > 2 || len(names) == 2 && !strings.HasPrefix(names[0], ".a.bin.new-") {
			t.Errorf("left behind: %q", names) // at most one whole file, between two system calls
		}
	}
}

func list(t *testing.T, dir string) (names []string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestFailedWriteKeepsTheOld(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a")
	if err := Write(path, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	boom := errors.New("boom")
	if err := Create(path, 0o600, func(w io.Writer) error { _, _ = w.Write([]byte("new")); return boom }); !errors.Is(err, boom) {
		t.Error(err)
	}
	if got, _ := os.ReadFile(path); string(got) != "old" || len(list(t, dir)) != 1 {
		t.Errorf("%q, %q", got, list(t, dir))
	}
}

// Where files need a name, the failed ones go, and the forgotten ones with the next.
func TestNamed(t *testing.T) {
	dir := t.TempDir()
	stale, fresh := filepath.Join(dir, ".a.new-x"), filepath.Join(dir, ".a.new-y")
	for _, name := range []string{stale, fresh} {
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chtimes(stale, time.Now(), time.Now().Add(-2*time.Hour)); err != nil {
		t.Fatal(err)
	}
	sweep(dir, "a")
	f, err := named(dir, "a", 0o644)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if names := list(t, dir); len(names) != 2 || names[0] == ".a.new-x" || names[1] == ".a.new-x" {
		t.Error(names)
	}
}

// Nothing is written through a link, whatever name it was laid under.
func TestLinks(t *testing.T) {
	dir := t.TempDir()
	target := filepath.Join(dir, "target")
	if err := os.WriteFile(target, []byte("precious"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"x.json", "x.json.tmp", "x.json.new", ".x.json.new-", "dangling"} {
		to := target
		if name == "dangling" {
			to = filepath.Join(dir, "nowhere")
		}
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"x.json", "dangling"} {
		if err := Write(filepath.Join(dir, name), []byte("new"), 0o644); err != nil {
			t.Fatal(err)
		}
		if info, err := os.Lstat(filepath.Join(dir, name)); err != nil || !info.Mode().IsRegular() {
			t.Errorf("%s: %v %v", name, info, err)
		}
	}
	if got, _ := os.ReadFile(target); string(got) != "precious" {
		t.Errorf("the target of a link is %q", got)
	}
	if _, err := os.Stat(filepath.Join(dir, "nowhere")); err == nil {
		t.Error("a dangling link was followed")
	}
}

func TestModes(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct{ umask, old, ask, want os.FileMode }{{0, 0, 0o644, 0o644}, {0o077, 0, 0o644, 0o600}, {0, 0o600, 0o644, 0o600}, {0o077, 0o664, 0o644, 0o664}, {0, 0, 0o600, 0o600}} {
		path := filepath.Join(dir, fmt.Sprint(c))
		if c.old != 0 {
			if err := os.WriteFile(path, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(path, c.old); err != nil {
				t.Fatal(err)
			}
		}
		before := syscall.Umask(int(c.umask))
		err := Write(path, []byte("x"), c.ask)
		syscall.Umask(before)
		if info, e := os.Stat(path); err != nil || e != nil || info.Mode().Perm() != c.want {
			t.Errorf("%+v: %v %v", c, err, info.Mode())
		}
	}
}

func TestOddPlaces(t *testing.T) {
	if err := Write("/dev/null", []byte("x"), 0o644); err != nil {
		t.Error(err)
	}
	if info, err := os.Lstat("/dev/null"); err != nil || info.Mode().IsRegular() {
		t.Fatal("/dev/null is a file now")
	}
	if err := Write(t.TempDir(), []byte("x"), 0o644); err == nil || !strings.Contains(err.Error(), "folder") {
		t.Error(err)
	}
	if err := Write(filepath.Join(t.TempDir(), "a", "b"), nil, 0o644); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	t.Chdir(t.TempDir())
	long := strings.Repeat("é", 127)
	for _, name := range []string{"plain", long} {
		if err := Write(name, []byte("x"), 0o644); err != nil {
			t.Error(err)
		}
	}
	if len(list(t, ".")) != 2 {
		t.Error(list(t, "."))
	}
}

// Many writers at once: whoever is last, the file is one of theirs, whole and alone.
func TestManyWriters(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a")
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for range 20 {
				if err := Write(path, bytes.Repeat([]byte{byte(i)}, 1000*(i+1)), 0o644); err != nil {
					t.Error(err)
				}
				if got, err := os.ReadFile(path); err != nil || len(got) == 0 || !bytes.Equal(got, bytes.Repeat(got[:1], 1000*(int(got[0])+1))) {
					t.Errorf("%d bytes, %v", len(got), err)
				}
			}
		})
	}
	wg.Wait()
	if names := list(t, dir); len(names) != 1 {
		t.Error(names)
	}
}

// What can't be written says so and leaves nothing: a folder that is not to be
// written, a name that is too long, a path through a file, a folder that goes meanwhile.
func TestCannotBeWritten(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	gone := filepath.Join(dir, "gone")
	if err := os.Mkdir(gone, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, write := range map[string]func() error{
		"too long":       func() error { return Write(filepath.Join(dir, strings.Repeat("x", 300)), nil, 0o600) },
		"through a file": func() error { return Write(filepath.Join(file, "x"), nil, 0o600) },
		"no name":        func() error { return Write(dir+"/", nil, 0o600) },
		"the system's":   func() error { return Write("/proc/x", nil, 0o600) },
		"gone meanwhile": func() error {
			return Create(filepath.Join(gone, "x"), 0o600, func(io.Writer) error { return os.Remove(gone) })
		},
	} {
		if err := write(); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if names := list(t, dir); len(names) != 1 {
		t.Error(names)
	}
}

// A full disk leaves the old file and nothing else.
func TestFullDisk(t *testing.T) {
	if os.Getenv("ATOMICFILE_LIMIT") == "" {
		cmd := exec.Command("bash", "-c", `ulimit -f 100; exec "$0" -test.run TestFullDisk`, os.Args[0])
		cmd.Env = append(os.Environ(), "ATOMICFILE_LIMIT=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "a")
	if err := Write(path, []byte("old"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := Write(path, make([]byte, 1<<20), 0o644); err == nil {
		t.Error("a megabyte was written beyond the limit")
	}
	if got, _ := os.ReadFile(path); string(got) != "old" || len(list(t, dir)) != 1 {
		t.Errorf("%q, %q", got, list(t, dir))
	}
}
