package toolchain

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestDamagedPluginIsFetchedAgain(t *testing.T) {
	damages := map[string]func(path string, good []byte) error{
		"junk":      func(p string, _ []byte) error { return os.WriteFile(p, []byte("not a library at all"), 0o644) },
		"truncated": func(p string, good []byte) error { return os.Truncate(p, int64(len(good)/2)) },
		"one bit":   func(p string, good []byte) error { good[3] ^= 1; return os.WriteFile(p, good, 0o644) },
		"empty":     func(p string, _ []byte) error { return os.Truncate(p, 0) },
		"gone":      func(p string, _ []byte) error { return os.Remove(p) },
	}
	for name, damage := range damages {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.mustSetUp(Options{})
			good, err := os.ReadFile(w.layout.Plugin())
			if err != nil {
				t.Fatal(err)
			}
			if err := damage(w.layout.Plugin(), good); err != nil {
				t.Fatal(err)
			}
			w.wantEngine("go") // before anything could load it
			out := w.mustSetUp(Options{})
			if name != "gone" && !strings.Contains(out, "damaged") {
				t.Errorf("it does not say so:\n%s", out)
			}
			if sum, _ := hashFile(w.layout.Plugin()); sum != xlaWheel.memberSum {
				t.Error("the plugin is not the pinned one")
			}
			w.wantEngine("xla-cpu")
		})
	}
}

func TestWheelIsCheckedBeforeItIsOpened(t *testing.T) {
	for name, content := range map[string]string{"junk": "no zip", "empty": ""} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.write(w.wheel, content, 0o644)
			out := w.mustSetUp(Options{})
			if !strings.Contains(out, "expected "+xlaWheel.sum[:12]) || !strings.Contains(out, "not opened") || !strings.Contains(out, "pure-Go engine") {
				t.Errorf("got:\n%s", out)
			}
			w.wantEngine("go")
			if left, _ := filepath.Glob(filepath.Join(w.layout.Root, "plugin", "*.whl")); len(left) > 0 {
				t.Errorf("left %v", left)
			}
			// The next run does not wait for the same network again; a set-up does.
			asked := w.calls("pip download")
			if out := w.mustSetUp(Options{}); out != "" || w.calls("pip download") != asked {
				t.Errorf("the next run tried again: %s", out)
			}
			xlaWheel = w.makeWheel("the plugin")
			w.mustSetUp(Options{Retry: true})
			w.wantEngine("xla-cpu")
		})
	}
}

func TestMemberIsCheckedToo(t *testing.T) {
	w := newWorld(t)
	xlaWheel.memberSum = strings.Repeat("0", 64)
	out := w.mustSetUp(Options{})
	if !strings.Contains(out, "expected 000000000000…: not used") {
		t.Errorf("got:\n%s", out)
	}
	if _, err := os.Stat(w.layout.ownPlugin()); err == nil {
		t.Error("the wrong plugin was put in place")
	}
}

func TestNoNetwork(t *testing.T) {
	w := newWorld(t)
	os.Remove(w.wheel)
	out := w.mustSetUp(Options{})
	if !strings.Contains(out, "no XLA, so the pure-Go engine: pip download: no such version to be had (is the network there?); go-xla's own installer: no network") {
		t.Errorf("got:\n%s", out)
	}
	if _, err := w.setUp(context.Background(), Options{Engine: "xla-cpu", Retry: true}); err == nil || strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), "cannot be had") {
		t.Errorf("XLA was asked for by name: got %v", err)
	}
}

func TestNoPython(t *testing.T) {
	w := newWorld(t)
	os.Remove(filepath.Join(w.tools, "python3"))
	if out := w.mustSetUp(Options{}); !strings.Contains(out, "no Python 3 on PATH") {
		t.Errorf("got:\n%s", out)
	}
	w.wantEngine("go")
}

func TestNoCompiler(t *testing.T) {
	w := newWorld(t)
	os.Remove(filepath.Join(w.tools, "gcc"))
	out := w.mustSetUp(Options{})
	if strings.Count(out, "no C compiler (gcc)") != 1 {
		t.Errorf("want one line about the compiler:\n%s", out)
	}
	if n := w.calls("pip"); n != 0 {
		t.Errorf("63 MB were fetched for nothing")
	}
	w.wantEngine("go")
	// The day a compiler comes, XLA comes with it.
	w.write(filepath.Join(w.tools, "gcc"), fakeGcc, 0o755)
	w.mustSetUp(Options{})
	w.wantEngine("xla-cpu")
}

func TestCompilerWithoutHeaders(t *testing.T) {
	w := newWorld(t)
	w.write(filepath.Join(w.tools, "gcc"), "#!/bin/sh\necho 'try.c:1:10: fatal error: stdlib.h: No such file' >&2\nexit 1\n", 0o755)
	if out := w.mustSetUp(Options{}); !strings.Contains(out, "does not work") || !strings.Contains(out, "headers") {
		t.Errorf("got:\n%s", out)
	}
	w.wantEngine("go")
}

func TestEngineGoLeavesThePluginOut(t *testing.T) {
	w := newWorld(t)
	t.Setenv("ODSLAB_ENGINE", "go")
	if out := w.mustSetUp(Options{}); strings.Contains(out, "plugin") {
		t.Errorf("got:\n%s", out)
	}
	w.wantEngine("go")
	// Then XLA, then not: what was built with XLA stays.
	t.Setenv("ODSLAB_ENGINE", "")
	if out := w.mustSetUp(Options{}); !strings.Contains(out, "plugin") || !strings.Contains(out, "resident") {
		t.Errorf("got:\n%s", out)
	}
	t.Setenv("ODSLAB_ENGINE", "go")
	if out := w.mustSetUp(Options{}); out != "" {
		t.Errorf("got:\n%s", out)
	}
}

func TestGivenPlugin(t *testing.T) {
	w := newWorld(t)
	junk := filepath.Join(t.TempDir(), "junk.so")
	w.write(junk, "junk", 0o644)
	for _, c := range []struct{ path, want string }{
		{junk, "is not a shared library"},
		{junk + ".none", "is not there"},
		{"relative.so", "must be an absolute path"},
		{filepath.Dir(junk), "is not a file"},
	} {
		t.Setenv("ODSLAB_PLUGIN", c.path)
		out := w.mustSetUp(Options{})
		if !strings.Contains(out, c.want) {
			t.Errorf("%s: want %q in\n%s", c.path, c.want, out)
		}
		w.wantEngine("go")
	}
	if n := w.calls("pip"); n != 0 {
		t.Error("a given plugin was fetched")
	}
}

// library builds a shared library that defines a symbol.
func library(t *testing.T, symbol string) string {
	t.Helper()
	gcc, err := exec.LookPath("gcc")
	if err != nil {
		Without(t, "needs gcc")
	}
	dir := t.TempDir()
	src, lib := filepath.Join(dir, "p.c"), filepath.Join(dir, "p.so")
	if err := os.WriteFile(src, []byte("int "+symbol+"(void) { return 0; }\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(gcc, "-shared", "-fPIC", "-o", lib, src).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return lib
}

func TestCheckPlugin(t *testing.T) {
	good := library(t, "GetPjrtApi")
	if err := CheckPlugin(good); err != nil {
		t.Errorf("a plugin is refused: %v", err)
	}
	if err := CheckPlugin(library(t, "Another")); err == nil || !strings.Contains(err.Error(), "GetPjrtApi") {
		t.Errorf("another library: %v", err)
	}
	text, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	for n := 0; n < len(text); n += max(1, len(text)/97) {
		cut := filepath.Join(t.TempDir(), "cut.so")
		if err := os.WriteFile(cut, text[:n], 0o644); err != nil {
			t.Fatal(err)
		}
		// What the loader maps ends before the section headers, which it does not read.
		if err := CheckPlugin(cut); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%d of %d bytes: %v", n, len(text), err)
		}
	}
}

func TestRealPlugin(t *testing.T) {
	l := NeedXLA(t)
	if err := CheckPlugin(l.Plugin()); err != nil {
		t.Error(err)
	}
}

func TestDamagedPluginOfTheInstaller(t *testing.T) {
	lib := library(t, "GetPjrtApi")
	w := newWorld(t)
	os.Remove(w.wheel)
	run := strings.Replace(fakeGo, `run) echo "no network" >&2; exit 1;;`, `run) /bin/cp "$FAKE_LIB" "$3/pjrt_c_api_cpu_v1_plugin.so"; /bin/ln -s pjrt_c_api_cpu_v1_plugin.so "$3/pjrt_c_api_cpu_plugin.so";;`, 1)
	w.write(filepath.Join(w.tools, "go"), run, 0o755)
	t.Setenv("FAKE_LIB", lib)
	out := w.mustSetUp(Options{})
	if !strings.Contains(out, "go-xla's own installer") {
		t.Fatalf("got:\n%s", out)
	}
	w.wantEngine("xla-cpu")
	for _, f := range Inspect(context.Background(), w.layout) {
		if f.Name == "plugin" && (f.State != OK || !strings.Contains(f.Found, "go-xla's own installer")) {
			t.Errorf("doctor says %+v", f)
		}
	}
	// Nobody published its sum, but ours was taken on arrival.
	f, err := os.OpenFile(w.layout.Plugin(), os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	f.WriteString("x")
	f.Close()
	w.wantEngine("go")
	if out := w.mustSetUp(Options{}); !strings.Contains(out, "damaged") {
		t.Errorf("got:\n%s", out)
	}
	w.wantEngine("xla-cpu")
}
