package toolchain

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"time"
)

// TB is what the helpers for tests need of a *testing.T.
type TB interface {
	Helper()
	Logf(format string, args ...any)
	Fatalf(format string, args ...any)
	Skipf(format string, args ...any)
}

// ForTest makes sure that the user's cache is set up and returns its layout.
// The first test that asks waits for the set-up; the others find it ready.
func ForTest(t TB) Layout {
	t.Helper()
	l, err := Default()
	if err != nil {
		t.Fatalf("%v", err)
	}
	ctx, cancel := untilDeadline(t)
	defer cancel()
	if err := SetUp(ctx, l, Options{Out: logger{t}}); err != nil {
		t.Fatalf("%v", err)
	}
	return l
}

// untilDeadline ends a little before the test would be killed: a set-up that
// is stopped says so and goes on in the next test.
func untilDeadline(t TB) (context.Context, context.CancelFunc) {
	if d, ok := t.(interface{ Deadline() (time.Time, bool) }); ok {
		if end, ok := d.Deadline(); ok {
			return context.WithDeadline(context.Background(), end.Add(-20*time.Second))
		}
	}
	return context.WithCancel(context.Background())
}

// NeedXLA ends a test that cannot do without XLA: see Without.
func NeedXLA(t TB) Layout {
	t.Helper()
	l := ForTest(t)
	if engine, why := l.Engine(); !strings.HasPrefix(engine, "xla") {
		Without(t, "needs XLA: "+why)
	}
	return l
}

// NeedPython returns the interpreter of the private environment with these
// packages, or ends the test: see Without and EnsurePython.
func NeedPython(t TB, packages ...string) string {
	t.Helper()
	ctx, cancel := untilDeadline(t)
	defer cancel()
	python, err := EnsurePython(ctx, func(s string) { t.Logf("%s", s) }, packages...)
	if err != nil {
		Without(t, err.Error())
	}
	return python
}

// NeedChromium returns a Chromium for browser tests, or ends the test: see Without.
func NeedChromium(t TB) string {
	t.Helper()
	path, err := chromium()
	if err != nil {
		Without(t, err.Error())
	}
	return path
}

func chromium() (string, error) {
	var err error
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "chrome"} {
		var path string
		if path, err = exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", err
}

// Without ends a test that lacks something a machine may not have. It skips,
// and fails where CI=true, since there everything must be had.
func Without(t TB, why string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("CI must not skip this: %s", why)
	}
	t.Skipf("%s", why)
}

type logger struct{ t TB }

func (l logger) Write(p []byte) (int, error) {
	l.t.Logf("%s", strings.TrimRight(string(p), "\n"))
	return len(p), nil
}
