package engine

import (
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"

	"odslab/odslib/engine/record"
)

// Error is what graph code could not do, in one line, with the line of the user's program it came from.
type Error struct {
	Where string // file:line of the first frame outside the library, "" if there is none
	Msg   string
	Cause error // what it was before it became one line; may be nil
}

func (e *Error) Error() string {
	if e.Where == "" {
		return e.Msg
	}
	return e.Where + ": " + e.Msg
}

func (e *Error) Unwrap() error { return e.Cause }

// Fail stops the building of a graph with an error that [Try] hands to the caller.
func Fail(format string, args ...any) { panic(&Error{Msg: fmt.Sprintf(format, args...)}) }

// Try runs code that builds or runs graphs and returns its panic as an [Error] of one line. A panic that is no error
// (an index out of range in our own code, say) is a broken invariant and goes on.
func Try(f func()) (err error) {
	defer func() {
		r := recover()
		if r == nil {
			return
		}
		cause, ok := r.(error)
		if !ok {
			panic(r)
		}
		if _, bug := cause.(runtime.Error); bug {
			panic(r)
		}
		err = located(cause)
	}()
	f()
	return nil
}

// located is the cause in one line, with the user's line on the stack of the panic that is being recovered.
func located(cause error) *Error {
	if e := (*Error)(nil); errors.As(cause, &e) && e.Where != "" {
		return e
	}
	return &Error{Where: userFrame(), Msg: firstLine(cause)}
}

// Library packages whose frames are not the user's.
var libraryFrames = []string{"runtime.", "github.com/gomlx/", "odslab/odslib/", "odslab/kernel/", "odslab/plotting.", "reflect.", "github.com/pkg/errors", "main.draw", "main.train"}

func userFrame() string {
	pcs := make([]uintptr, 128)
	return UserLine(pcs[:runtime.Callers(3, pcs)])
}

// UserLine is the innermost line of a stack that belongs to the user's program ("main.go:12"), or "". The stack is one of
// runtime.Callers.
func UserLine(pcs []uintptr) string {
	frames := runtime.CallersFrames(pcs)
	for {
		f, more := frames.Next()
		if users(f) {
			return line(f)
		}
		if !more {
			return ""
		}
	}
}

// users reports whether a frame is of the user's program.
func users(f runtime.Frame) bool {
	if f.Function == "" || strings.HasPrefix(f.Function, "testing.") {
		return false
	}
	for _, p := range libraryFrames {
		if strings.HasPrefix(f.Function, p) && !strings.HasSuffix(f.File, "_test.go") {
			return false
		}
	}
	return true
}

func line(f runtime.Frame) string { return fmt.Sprintf("%s:%d", filepath.Base(f.File), f.Line) }

// Locate is what a [record.Player] does of that name.
func Locate(err *record.OpError, stack []uintptr) error {
	where := UserLine(stack)
	if where == "" {
		return err
	}
	return &Error{Where: where, Msg: firstLine(err), Cause: err}
}

var (
	prefixes = regexp.MustCompile(`^((graph|model)\.\w+\([^)]*\): |(compilation )?failed (to|for|during) [^:]*("[^"]*"[^:]*)?: |graphFn for "[^"]*" panicked: |backend "?\w+"?: )+`)
	captured = regexp.MustCompile(`^cannot add operation (\w+) to function .*operands are not part of the function`)
)

// firstLine keeps the innermost message: the array library wraps it in "while building …" prefixes and stacks.
func firstLine(err error) string {
	msg := err.Error()
	for line := range strings.Lines(msg) {
		if line = strings.TrimSpace(line); line != "" {
			msg = line
			break
		}
	}
	msg = prefixes.ReplaceAllString(msg, "")
	return captured.ReplaceAllString(msg, "the step uses a node from outside the loop (an operand of $1): pass it through the state or the parameters")
}

// oneLine makes an error of the array library readable.
func oneLine(err error) error {
	if err == nil {
		return nil
	}
	if e := (*Error)(nil); errors.As(err, &e) {
		return e
	}
	return &Error{Where: userFrame(), Msg: firstLine(err)}
}
