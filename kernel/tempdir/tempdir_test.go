package tempdir

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const ownerEnv = "TEMPDIR_OWNER"

// TestMain is also a process with a folder, which the tests kill.
func TestMain(m *testing.M) {
	if base := os.Getenv(ownerEnv); base != "" {
		d, err := Make(base, "mark of "+filepath.Base(base))
		if err != nil {
			panic(err)
		}
		fmt.Println(d.Path)
		time.Sleep(time.Minute)
		d.Remove()
	}
	os.Exit(m.Run())
}

func owner(t *testing.T, base string) (path string, kill func()) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), ownerEnv+"="+base)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	kill = sync.OnceFunc(func() { cmd.Process.Kill(); cmd.Wait() })
	t.Cleanup(kill)
	if _, err := fmt.Fscanln(out, &path); err != nil {
		t.Fatal(err)
	}
	return path, kill
}

func TestSweep(t *testing.T) {
	base := t.TempDir()
	living, _ := owner(t, base)
	dead, kill := owner(t, base)
	kill()
	own, err := Make(base, "mine")
	if err != nil {
		t.Fatal(err)
	}
	defer own.Remove()
	var others []string // that Sweep must not touch
	for _, name := range []string{"odslab-of-old", "other-x", "odslab-link"} {
		path := filepath.Join(base, name)
		others = append(others, path)
		if name == "odslab-link" {
			err = os.Symlink(base, path)
		} else {
			err = os.Mkdir(path, 0o700)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dead, "value"), []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var ended []string
	var wg sync.WaitGroup
	for range 8 { // at once
		wg.Go(func() {
			Sweep(func(mark string) { mu.Lock(); ended = append(ended, mark); mu.Unlock() }, base)
		})
	}
	wg.Wait()
	if _, err := os.Stat(dead); err == nil {
		t.Error("the folder of a dead process is there")
	}
	for _, path := range append(others, living, own.Path) {
		if _, err := os.Lstat(path); err != nil {
			t.Error(err)
		}
	}
	slices.Sort(ended)
	if ended = slices.Compact(ended); len(ended) != 1 || !strings.HasPrefix(ended[0], "mark of ") {
		t.Errorf("ended %q", ended)
	}
	if info, _ := os.Stat(own.Path); info.Mode().Perm() != 0o700 {
		t.Error(info.Mode())
	}
}

// Folders that are made while others sweep stay.
func TestMakeUnderSweep(t *testing.T) {
	base := t.TempDir()
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				Sweep(nil, base)
			}
		}
	})
	for range 300 {
		d, err := Make(base, "m")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(filepath.Join(d.Path, ownerFile)); err != nil {
			t.Error(err)
		}
		d.Remove()
	}
	close(stop)
	wg.Wait()
}

// What others have laid there ends nobody and stays: links, pipes, files of
// another user, a folder without an owner's file.
func TestLaidByOthers(t *testing.T) {
	base := t.TempDir()
	at := func(name string) string {
		dir := filepath.Join(base, prefix+name)
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		return filepath.Join(dir, ownerFile)
	}
	elsewhere := filepath.Join(t.TempDir(), "mark")
	if err := os.WriteFile(elsewhere, []byte("mark"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(elsewhere, at("link")); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(at("pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(at("folder"), 0o700); err != nil {
		t.Fatal(err)
	}
	at("none")
	left := 4
	if os.Getuid() == 0 { // only root can make files of others
		file := at("another")
		if err := os.WriteFile(file, []byte("mark"), 0o666); err != nil {
			t.Fatal(err)
		}
		if err := os.Chown(file, 65534, 65534); err != nil {
			t.Fatal(err)
		}
		left++
	}
	Sweep(func(mark string) { t.Errorf("ends %q", mark) }, base)
	if names, _ := filepath.Glob(filepath.Join(base, "*")); len(names) != left {
		t.Errorf("left: %q", names)
	}
}

// A folder whose maker was killed before it owned it goes; one that is being made stays, and so does what somebody has filled.
func TestAbandoned(t *testing.T) {
	base := t.TempDir()
	empty, begun, filled := filepath.Join(base, prefix+"1"), filepath.Join(base, prefix+"2"), filepath.Join(base, prefix+"3")
	for _, dir := range []string{empty, begun, filled} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for _, file := range []string{filepath.Join(begun, ownerFile+".new"), filepath.Join(filled, "letter")} {
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	making, err := hold(base, syscall.LOCK_SH)
	Sweep(nil, base)
	if left, _ := filepath.Glob(filepath.Join(base, "*")); err != nil || len(left) != 3 {
		t.Errorf("while one is made: %q", left)
	}
	making()
	Sweep(nil, base)
	if left, _ := filepath.Glob(filepath.Join(base, "*")); len(left) != 1 || left[0] != filled {
		t.Errorf("left: %q", left)
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 50 {
				d, err := Make(base, "")
				if err != nil {
					t.Error(err)
					return
				}
				Sweep(nil, base)
				if _, err := os.Stat(filepath.Join(d.Path, ownerFile)); err != nil {
					t.Error("a living folder was swept:", err)
				}
				d.Remove()
			}
		})
	}
	all.Wait()
}
