package toolchain

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// oneLine checks an error that a user reads.
func oneLine(t *testing.T, text string, wants ...string) {
	t.Helper()
	text = strings.TrimSuffix(text, "\n")
	if strings.Contains(text, "\n") || strings.Contains(text, "goroutine") {
		t.Errorf("not one line:\n%s", text)
	}
	for _, want := range wants {
		if !strings.Contains(text, want) {
			t.Errorf("want %q in %q", want, text)
		}
	}
}

func TestFileSizeLimit(t *testing.T) {
	w := newWorld(t)
	cmd := w.child("ulimit -f 100")
	var out, says bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &says
	if err := cmd.Run(); err == nil {
		t.Fatalf("a set-up within 50 kB succeeds:\n%s", &out)
	}
	oneLine(t, says.String(), "cannot grow", "ulimit -f", "ODSLAB_CACHE")
	if n := w.calls("go build"); n != 0 {
		t.Error("a build was begun that cannot end")
	}
	w.goesOn()
}

func TestFileSizeLimitOfThePlugin(t *testing.T) {
	w := newWorld(t)
	xlaWheel.memberSize = 500 << 20
	out := w.mustSetUp(Options{})
	if strings.Contains(out, "cannot grow") {
		Without(t, "this machine has a limit already")
	}
	xlaWheel = w.makeWheel("the plugin, larger")
	xlaWheel.memberSize = 500 << 20
	cmd := w.child("ulimit -f 300000") // 150 MB in dash, 300 MB in bash
	both, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, both)
	}
	if !strings.Contains(string(both), "so the pure-Go engine: the cache") || !strings.Contains(string(both), "ulimit -f") {
		t.Errorf("got:\n%s", both)
	}
	w.wantEngine("go")
}

func TestGrowthErrors(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct{ says, want string }{
		{"SIGXFSZ: file size limit exceeded\n\ngoroutine 1 [running]:\nmain.main()", "ulimit -f"},
		{"# example.com/a\nwrite /tmp/x: no space left on device", "the disk is full"},
		{"OSError: [Errno 122] Disk quota exceeded", "quota"},
		{"write: file too large", "ulimit -f"},
	} {
		t.Setenv("FAKE_GO_FAILS", c.says)
		_, err := w.setUp(context.Background(), Options{})
		if err == nil {
			t.Fatal("no error")
		}
		oneLine(t, err.Error(), c.want, "cannot grow", "ODSLAB_CACHE")
	}
	for _, cause := range []error{syscall.EFBIG, syscall.ENOSPC, syscall.EDQUOT, syscall.EROFS} {
		err := w.layout.growth(&os.PathError{Op: "write", Path: "x", Err: cause})
		if !errors.Is(err, errNoRoom) {
			t.Errorf("%v: got %v", cause, err)
		}
	}
	if other := errors.New("other"); w.layout.growth(other) != other {
		t.Error("another error is changed")
	}
}

func TestCacheThatCannotBeWritten(t *testing.T) {
	w := newWorld(t)
	// A file where the cache should be: root may write anywhere else.
	w.write(filepath.Join(filepath.Dir(w.layout.Root), "file"), "", 0o644)
	w.layout.Root = filepath.Join(filepath.Dir(w.layout.Root), "file", "cache")
	_, err := w.setUp(context.Background(), Options{})
	if err == nil {
		t.Fatal("no error")
	}
	oneLine(t, err.Error(), "cache")
}
