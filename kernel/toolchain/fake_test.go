package toolchain

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// world is a machine with a cache of its own and programs that stand for go,
// gcc and python, so that a whole set-up takes milliseconds. Each of them
// notes its call in a log.
type world struct {
	t      *testing.T
	layout Layout
	tools  string // the only folder on PATH
	log    string
	wheel  string // what the fake pip delivers
}

const fakeGo = `#!/bin/sh
echo "go $*" >> "$FAKE_LOG"
if [ -n "$FAKE_GO_FAILS" ]; then printf '%s\n' "$FAKE_GO_FAILS" >&2; exit 2; fi
case "$1" in
env) printf '%s\n' "$FAKE_GOCACHE" "";;
build)
	shift
	while [ "$1" != -o ]; do shift; done
	out=$2; shift 2
	case "$out" in
	*/) for p in "$@"; do echo "built $p" > "$out${p##*/}"; done;;
	*) echo "built $*" > "$out";;
	esac;;
list)
	case "$*" in
	*odslib*) echo '{"ImportPath":"odslab/kernel/runtime/session","Name":"session"}'; echo '{"ImportPath":"odslab/odslib/engine/xla","Name":"xla"}';;
	esac;;
run) echo "no network" >&2; exit 1;;
esac
`

const fakePython = `#!/bin/sh
echo "python $*" >> "$FAKE_LOG"
case "$*" in
*"pip download"*)
	while [ "$1" != --dest ]; do shift; done
	if [ ! -f "$FAKE_WHEEL" ]; then echo "ERROR: Could not find a version that satisfies the requirement" >&2; exit 1; fi
	/bin/cp "$FAKE_WHEEL" "$2/fake.whl";;
*"-m venv"*)
	for last; do :; done
	/bin/mkdir -p "$last/bin"
	/bin/cp "$0" "$last/bin/python"
	echo "home" > "$last/pyvenv.cfg";;
esac
`

const fakeGcc = `#!/bin/sh
echo "gcc" >> "$FAKE_LOG"
`

func newWorld(t *testing.T) *world {
	t.Helper()
	dir := t.TempDir()
	w := &world{t: t, tools: filepath.Join(dir, "bin"), log: filepath.Join(dir, "log"), wheel: filepath.Join(dir, "fake.whl")}
	w.layout = Layout{Root: filepath.Join(dir, "cache"), Clone: filepath.Join(dir, "clone")}
	w.write(filepath.Join(w.layout.Clone, "go.mod"), "module odslab\n\ngo 1.26.0\n\nrequire example.com/a v1.2.3\n", 0o644)
	w.write(filepath.Join(w.layout.Clone, "go.sum"), "", 0o644)
	w.write(filepath.Join(w.tools, "go"), fakeGo, 0o755)
	w.write(filepath.Join(w.tools, "gcc"), fakeGcc, 0o755)
	w.write(filepath.Join(w.tools, "python3"), fakePython, 0o755)
	for k, v := range map[string]string{
		"PATH": w.tools, "FAKE_LOG": w.log, "FAKE_WHEEL": w.wheel, "ODSLAB_CACHE": w.layout.Root, "ODSLAB_MODULE": w.layout.Clone,
		"ODSLAB_GO": "", "ODSLAB_PLUGIN": "", "ODSLAB_ENGINE": "", "CC": "", "CGO_ENABLED": "", "FAKE_GO_FAILS": "",
	} {
		t.Setenv(k, v)
	}
	real := xlaWheel
	t.Cleanup(func() { xlaWheel = real })
	xlaWheel = w.makeWheel("the plugin")
	return w
}

// makeWheel writes a wheel and returns its pin.
func (w *world) makeWheel(content string) wheel {
	w.t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, text := range map[string]string{"pkg/plugin.so": content, "x.dist-info/licenses/LICENSE": "free"} {
		f, err := z.Create(name)
		if err != nil {
			w.t.Fatal(err)
		}
		f.Write([]byte(text))
	}
	if err := z.Close(); err != nil {
		w.t.Fatal(err)
	}
	w.write(w.wheel, b.String(), 0o644)
	member := filepath.Join(w.t.TempDir(), "member")
	w.write(member, content, 0o644)
	pin := wheel{name: "fake", version: "1", file: "fake.whl", size: int64(b.Len()), member: "pkg/plugin.so", memberSize: int64(len(content)), goos: "linux", goarch: xlaWheel.goarch}
	pin.sum, _ = hashFile(w.wheel)
	pin.memberSum, _ = hashFile(member)
	return pin
}

func (w *world) write(path, text string, mode os.FileMode) {
	w.t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		w.t.Fatal(err)
	}
}

// setUp runs a set-up and returns what it printed.
func (w *world) setUp(ctx context.Context, o Options) (string, error) {
	var out bytes.Buffer
	o.Out = &out
	err := SetUp(ctx, w.layout, o)
	return out.String(), err
}

func (w *world) mustSetUp(o Options) string {
	w.t.Helper()
	out, err := w.setUp(context.Background(), o)
	if err != nil {
		w.t.Fatalf("set-up: %v\n%s", err, out)
	}
	return out
}

// calls counts the logged calls that contain a text.
func (w *world) calls(text string) int {
	data, _ := os.ReadFile(w.log)
	n := 0
	for line := range strings.Lines(string(data)) {
		if strings.Contains(line, text) {
			n++
		}
	}
	return n
}

func (w *world) wantEngine(want string) {
	w.t.Helper()
	if got, why := w.layout.Engine(); got != want {
		w.t.Errorf("engine %s (%s), want %s", got, why, want)
	}
}

// TestMain lets tests run set-ups in processes of their own.
func TestMain(m *testing.M) {
	if os.Getenv("TOOLCHAIN_TEST_CHILD") == "" {
		os.Exit(m.Run())
	}
	signal.Ignore(syscall.SIGXFSZ)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if part := os.Getenv("TOOLCHAIN_TEST_KILL"); part != "" {
		ctx = context.WithValue(ctx, faultKey{}, func(p string) error {
			if p == part {
				syscall.Kill(os.Getpid(), syscall.SIGKILL)
			}
			return nil
		})
	}
	fmt.Sscan(os.Getenv("TOOLCHAIN_TEST_WHEEL"), &xlaWheel.sum, &xlaWheel.memberSum, &xlaWheel.size, &xlaWheel.memberSize)
	xlaWheel.file, xlaWheel.member = "fake.whl", "pkg/plugin.so"
	l, err := Default()
	if err == nil {
		err = SetUp(ctx, l, Options{Out: os.Stdout})
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// child is a set-up in a process of its own; before is shell text to run first.
func (w *world) child(before string, env ...string) *exec.Cmd {
	w.t.Helper()
	exe, err := os.Executable()
	if err != nil {
		w.t.Fatal(err)
	}
	cmd := exec.Command("/bin/sh", "-c", before+"\nexec \"$0\"", exe)
	cmd.Env = append(os.Environ(), "TOOLCHAIN_TEST_CHILD=1",
		fmt.Sprintf("TOOLCHAIN_TEST_WHEEL=%s %s %d %d", xlaWheel.sum, xlaWheel.memberSum, xlaWheel.size, xlaWheel.memberSize))
	cmd.Env = append(cmd.Env, env...)
	return cmd
}

// builds counts the calls of go build and go list in a log.
func (w *world) builds(log string) int {
	return strings.Count(log, "go build") + strings.Count(log, "go list") + strings.Count(log, "pip download")
}

func (w *world) umask(mask int) {
	old := syscall.Umask(mask)
	w.t.Cleanup(func() { syscall.Umask(old) })
}
