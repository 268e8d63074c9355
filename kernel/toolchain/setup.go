package toolchain

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"odslab/odslib/engine/environment"
)

// Options of a set-up. The zero value makes what running a notebook needs.
type Options struct {
	Engine  string    // "", xla-cpu, xla-cuda or go; "" takes $ODSLAB_ENGINE, else the best that works
	Offline bool      // use no network: say what is missing
	Data    bool      // the full data sets too
	Retry   bool      // try again now what has failed lately and can be done without
	Out     io.Writer // progress lines; nil: none
}

// step is one part of a set-up.
type step struct {
	name   string
	what   string
	stamp  string                                                // path of the stamp
	inputs func() string                                         // hash of what it is made from
	do     func(context.Context, *stepLine) (*stepResult, error) // makes it; called under the lock
	soft   string                                                // not "": what it means when the step fails, and no error
}

type stepResult struct {
	what    string   // for the progress line
	note    string   // for doctor
	sum     string   // sha256 of the first output, where it was checked
	outputs []string // files whose change makes the step stale
	size    int64
}

// retryAfter is how long a failed step that can be done without rests.
const retryAfter = time.Hour

// SetUp makes what is missing. When nothing is, it says nothing and takes a
// few milliseconds. The error is one line.
func SetUp(ctx context.Context, l Layout, o Options) error {
	if o.Engine == "" {
		o.Engine = os.Getenv(environment.Engine)
	}
	if err := checkEngine(o.Engine); err != nil {
		return err
	}
	steps, err := l.steps(o)
	if err != nil {
		return err
	}
	p := newProgress(o.Out)
	if l.ready(steps, o) {
		return nil
	}
	unlock, err := l.lock(ctx, func() { p.note("another set-up is at work: waiting for it") })
	if err != nil {
		return stopped(err)
	}
	defer unlock()
	lax, undo := ours()
	defer undo()
	if lax {
		l.reclaim(ctx)
	}
	if err := l.room(toolRoom); err != nil {
		return err
	}
	l.sweep()
	_, err = os.Stat(l.stampOf("warm"))
	first := err != nil
	for _, s := range steps {
		if l.ready([]step{s}, o) {
			continue
		}
		p.head(l.Root, first)
		line := p.start(s.name, s.what)
		done, err := s.do(ctx, line)
		if err == nil {
			err = writeStamp(s.stamp, s.inputs(), done)
		}
		if err == nil {
			line.end(done.what, done.size)
			continue
		}
		if ctx.Err() != nil {
			line.drop()
			return stopped(ctx.Err())
		}
		err = l.growth(err)
		if s.soft == "" {
			line.drop()
			return fmt.Errorf("set-up, %s: %w", s.name, err)
		}
		line.fail(fmt.Sprintf("%s: %v", s.soft, err))
		// The stamp may not fit either; then the step is tried again next time.
		if !errors.Is(err, errOffline) {
			writeFailure(s.stamp, s.inputs(), err)
		}
	}
	if o.Engine == "xla-cpu" || o.Engine == "xla-cuda" {
		if got, why := l.EngineFor(o.Engine); got != o.Engine {
			return fmt.Errorf("set-up: engine %s was asked for and cannot be had: %s", o.Engine, why)
		}
	}
	return nil
}

// Refresh is what a kernel does when it starts: it brings the go.mod of cells up
// to date with the clone, which takes milliseconds, and leaves all that takes
// longer to SetUp.
func Refresh(ctx context.Context, l Layout) error {
	for _, tool := range []string{"gonb", "goimports"} {
		if _, err := os.Stat(l.Tool(tool)); err != nil {
			return fmt.Errorf("%s is not built yet: run `go run ./kernel setup` in %s", tool, l.Clone)
		}
	}
	mod, err := readModule(l.Clone)
	if err != nil {
		return err
	}
	s := l.cellsStep(mod)
	if l.ready([]step{s}, Options{}) {
		return nil
	}
	// Without the lock: a set-up at work may hold it for minutes, and would write the same.
	done, err := s.do(ctx, nil)
	if err == nil {
		err = writeStamp(s.stamp, s.inputs(), done)
	}
	return l.growth(err)
}

// ready reports whether no step has anything to do.
func (l Layout) ready(steps []step, o Options) bool {
	for _, s := range steps {
		st, ok := readStamp(s.stamp)
		if !ok {
			return false
		}
		inputs := s.inputs()
		if st.current(inputs) {
			st.refresh(s.stamp)
			continue
		}
		resting := s.soft != "" && st.Failed != "" && st.Inputs == inputs && !o.Retry && (!st.NoC || noCompiler()) &&
			time.Since(time.Unix(st.At, 0)) < retryAfter
		if !resting {
			return false
		}
	}
	return true
}

func (l Layout) steps(o Options) ([]step, error) {
	mod, err := readModule(l.Clone)
	if err != nil {
		return nil, err
	}
	list := []step{l.toolsStep(mod, o), l.cellsStep(mod)}
	if s, ok := l.binaryStep(mod, o); ok {
		list = append(list, s)
	}
	if s, ok := l.pluginStep(o); ok {
		list = append(list, s)
	}
	list = append(list, l.residentStep(mod, o), l.warmStep(mod, o))
	if o.Data {
		list = append(list, l.dataStep(o))
	}
	return list, nil
}

// errOffline marks what is missing because no network may be used.
var errOffline = errors.New("missing, and -offline forbids to fetch it")

// stoppedError is a set-up that was interrupted.
type stoppedError struct{ err error }

func (e stoppedError) Error() string { return "set-up was stopped; the same command goes on from here" }
func (e stoppedError) Unwrap() error { return e.err }

// stopped marks the end of a context; other errors pass through.
func stopped(err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return stoppedError{err}
	}
	return err
}

// stampOf is where the stamp of a step of this clone lies.
func (l Layout) stampOf(name string) string {
	return filepath.Join(l.home(), "stamps", name+".json")
}

// work makes a folder for unfinished things, on the disk of the cache so that
// they can be renamed into place. The next set-up sweeps what a killed one left.
func (l Layout) work() (dir string, remove func(), err error) {
	base := filepath.Join(l.Root, "work")
	if err := os.MkdirAll(base, 0o755); err != nil {
		return "", nil, err
	}
	dir, err = os.MkdirTemp(base, "step-")
	return dir, func() { os.RemoveAll(dir) }, err
}

// sweep removes unfinished work. Only the holder of the lock may call it.
func (l Layout) sweep() { os.RemoveAll(filepath.Join(l.Root, "work")) }

// faultKey carries a func(string) error in the context of a test, which then
// stops a step between any two of its parts.
type faultKey struct{}

// between is called between the parts of a step.
func between(ctx context.Context, part string) error {
	if f, ok := ctx.Value(faultKey{}).(func(string) error); ok {
		if err := f(part); err != nil {
			return err
		}
	}
	return ctx.Err()
}
