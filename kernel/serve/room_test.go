package serve

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// noRoomSaid checks that a cell has told, in its one error and in one line,
// that temporary files have no room.
func noRoomSaid(t *testing.T, dir string, s *shown) {
	t.Helper()
	if s.EName != "disk full" || !strings.HasPrefix(s.EValue, "no room for temporary files and values in "+dir+": make some there") || strings.Contains(s.EValue, "\n") || s.types[len(s.types)-1] != "error" {
		t.Errorf("%v", s)
	}
}

// A cell of a kernel whose processes can write nothing more says so, and leaves
// the values of before; with room again all goes on.
func TestNothingCanBeWritten(t *testing.T) {
	dir := t.TempDir()
	tag := "ODSLAB_TEST_TAG=room" + fmt.Sprint(os.Getpid())
	f := launch(t, tag, "TMPDIR="+dir)
	f.run("x, y := []int{1}, make([]byte, 10)")
	limit := func(n uint64) {
		for _, p := range family(tag, 0) {
			pid, _, _ := strings.Cut(p, " ")
			id, _ := strconv.Atoi(pid)
			_ = unix.Prlimit(id, unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: n, Max: unix.RLIM_INFINITY}, nil)
		}
	}
	for n, cells := range map[uint64][]string{
		0:       {"x[0] = 2", "1 + x[0]", "!echo a > " + dir + "/a; echo b >&2; false"},
		1 << 20: {"x[0] = 2; y = make([]byte, 4<<20)", "func f() int { return 1 }\ny = make([]byte, 4<<20)\nf()"},
	} {
		limit(n)
		for _, code := range cells {
			if s := f.run(code); !strings.HasPrefix(code, "!") {
				noRoomSaid(t, dir, s)
			} else if s.Status != "error" {
				t.Errorf("%s: %v", code, s)
			}
		}
		limit(unix.RLIM_INFINITY)
		if got := f.value("x[0] + len(y)"); got != "11" {
			t.Errorf("limit %d: the values of before: %s", n, got)
		}
	}
}

// The same on a small disk, which is full from the beginning, has no file left,
// or fills up meanwhile.
func TestFullDisk(t *testing.T) {
	mount := func(options string) string {
		dir := t.TempDir()
		if out, err := exec.Command("mount", "-t", "tmpfs", "-o", options, "tmpfs", dir).CombinedOutput(); err != nil {
			t.Skipf("a small file system cannot be mounted here: %s", out) // in most containers, so CI too
		}
		t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
		return dir
	}
	fill := func(dir string) {
		if err := os.WriteFile(filepath.Join(dir, "fill"), make([]byte, 100<<20), 0o600); err == nil {
			t.Fatal("it does not fill up")
		}
	}
	full := mount("size=16m")
	fill(full)
	for _, dir := range []string{full, mount("size=64m,nr_inodes=3"), mount("size=64m,nr_inodes=30")} {
		f := launch(t, "TMPDIR="+dir)
		for range 2 {
			noRoomSaid(t, dir, f.run("x := 1"))
		}
		f.Shutdown(f.ctx)
	}
	dir := mount("size=24m")
	f := launch(t, "TMPDIR="+dir)
	f.run("x := []int{1}")
	f.run("x[0]")
	fill(dir)
	for _, code := range []string{"x[0]", "x[0] = 2", "fmt.Println(len(x))", "gonbui.DisplayHTML(\"<b>x</b>\")"} {
		noRoomSaid(t, dir, f.run(code))
	}
	os.Remove(filepath.Join(dir, "fill"))
	if got := f.value("x[0]"); got != "1" {
		t.Errorf("the value of before: %s", got)
	}
	if s := f.run("y := make([]byte, 64<<20); for i := range y { y[i] = 1 }"); s.EName != "not kept" && s.EName != "disk full" {
		t.Errorf("%v", s)
	}
	if got := f.value("x[0] + 1"); got != "2" {
		t.Errorf("the value of before: %s", got)
	}
}

// What keeps every cell from running is told in each, not by the kernel's death.
func TestUnable(t *testing.T) {
	f := startFor(t, time.Minute, nil, func(c *config) { c.unable = errors.New("gonb is not built yet: run setup") })
	for _, code := range []string{"1+1", "%who", "%rerun"} {
		if s := f.run(code); s.EName != "kernel error" || s.EValue != "gonb is not built yet: run setup" {
			t.Errorf("%s: %v", code, s)
		}
	}
}

// A folder for temporary files that is not there is told in the cell too.
func TestNoFolder(t *testing.T) {
	f := launch(t, "TMPDIR="+filepath.Join(t.TempDir(), "none"))
	for _, code := range []string{"1+1", "%%script sh\necho", "%who"} {
		if s := f.run(code); s.Status != "error" || !strings.Contains(s.EValue, "no such file or directory") || strings.Contains(s.EValue, "\n") {
			t.Errorf("%s: %v", code, s)
		}
	}
}
