package toolchain

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// pythonPins are the versions that EnsurePython installs when a package is
// asked for by name alone.
var pythonPins = map[string]string{
	"jupyterlab":          "4.6.6",
	"nbclient":            "0.11.0",
	"nbconvert":           "7.17.2",
	"nbformat":            "5.11.1",
	"ipykernel":           "7.4.0",
	"jupyter-client":      "8.10.0",
	"jupyter-console":     "6.6.3",
	"jupyter-kernel-test": "0.7.0",
	"jupyterlab-widgets":  "3.0.17",
	"papermill":           "2.7.0",
	"playwright":          "1.65.2",
}

// EnsurePython makes a private Python environment with these packages and
// returns its interpreter. Packages are names (jupyterlab, nbclient, nbconvert,
// nbformat, ipykernel, jupyter-client, jupyter-console, jupyter-kernel-test, jupyterlab-widgets,
// papermill, playwright), which are pinned, or name==version. The environment grows with what is asked for.
// say, which may be nil, is told what takes long.
func EnsurePython(ctx context.Context, say func(string), packages ...string) (python string, err error) {
	l, err := Default()
	if err != nil {
		return "", err
	}
	return l.ensurePython(ctx, say, packages)
}

func (l Layout) ensurePython(ctx context.Context, say func(string), packages []string) (string, error) {
	if say == nil {
		say = func(string) {}
	}
	want, err := pinned(packages)
	if err != nil {
		return "", err
	}
	if l.pythonHas(want) {
		_ = l.announce() // an environment of an earlier version; it may belong to somebody else
		return l.Python(), nil
	}
	unlock, err := l.lock(ctx, func() { say("another set-up is at work: waiting for it") })
	if err != nil {
		return "", stopped(err)
	}
	defer unlock()
	if l.pythonHas(want) {
		return l.Python(), nil
	}
	if err := l.growPython(ctx, say, want); err != nil {
		if ctx.Err() != nil {
			return "", stopped(ctx.Err())
		}
		return "", fmt.Errorf("python environment: %w", l.growth(err))
	}
	return l.Python(), nil
}

// pinned turns names into name==version, sorted.
func pinned(packages []string) ([]string, error) {
	var list []string
	for _, p := range packages {
		p = strings.ReplaceAll(strings.ToLower(p), "_", "-")
		if !strings.Contains(p, "==") {
			v, ok := pythonPins[p]
			if !ok {
				return nil, fmt.Errorf("python environment: no pinned version of %q: ask for name==version", p)
			}
			p += "==" + v
		}
		list = append(list, p)
	}
	slices.Sort(list)
	return slices.Compact(list), nil
}

func (l Layout) pythonStamp() string { return filepath.Join(l.venv(), "odslab.json") }

// pythonHas reports whether the finished environment holds all of these. The
// stamp's note lists what was installed.
func (l Layout) pythonHas(want []string) bool {
	st, ok := readStamp(l.pythonStamp())
	if !ok || !st.current("") {
		return false
	}
	have := strings.Fields(st.Note)
	for _, p := range want {
		if !slices.Contains(have, p) {
			return false
		}
	}
	return true
}

// growPython makes the environment, or adds to it. The stamp is away while pip
// works: an environment without one was left in the middle and is made anew.
func (l Layout) growPython(ctx context.Context, say func(string), want []string) error {
	_, undo := ours()
	defer undo()
	st, ok := readStamp(l.pythonStamp())
	have := strings.Fields(st.Note)
	if !ok || !st.current("") {
		have = nil
		say("making a private Python environment")
		base, err := lookPython(ctx)
		if err != nil {
			return err
		}
		os.Remove(l.pythonStamp())
		if err := run(ctx, command{Args: []string{base, "-m", "venv", "--clear", l.venv()}}); err != nil {
			if ctx.Err() == nil && l.growth(err) == err {
				return fmt.Errorf("%s -m venv: %s; on Debian `apt install python3-venv`", base, lineOf(err))
			}
			return err
		}
	}
	if err := between(ctx, "venv"); err != nil {
		return err
	}
	for _, p := range want {
		name, _, _ := strings.Cut(p, "==")
		have = slices.DeleteFunc(have, func(h string) bool { return strings.HasPrefix(h, name+"==") })
	}
	have = append(have, want...)
	slices.Sort(have)
	if len(want) > 0 {
		say("installing " + strings.Join(want, ", "))
		os.Remove(l.pythonStamp())
		args := []string{
			l.Python(), "-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check",
			"--only-binary=:all:", "--retries", "2", "--timeout", "20",
		}
		// All of them, so that pip sees what must fit together.
		if err := run(ctx, command{Args: append(args, have...)}); err != nil {
			return err
		}
	}
	if err := l.announce(); err != nil {
		return err
	}
	config := filepath.Join(l.venv(), "pyvenv.cfg")
	return writeStamp(l.pythonStamp(), "", &stepResult{note: strings.Join(have, " "), outputs: []string{config}})
}
