package live

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"odslab/kernel/runtime/contract"
)

// raised is the panic by which an error that a statement dropped ends the cell.
type raised struct{ err error }

func (r raised) Error() string { return r.err.Error() }

// problem is how a cell failed.
type problem struct {
	name, text string
	status     int
	frames     []frame
}

// frame is one line of a cell on the stack.
type frame struct {
	cell, line int
	in         string
}

func problemOf(r any) *problem {
	p := &problem{name: "panic", status: 1}
	switch x := r.(type) {
	case nil:
		return nil
	case raised:
		p.name, p.text = "error", x.Error()
	case runtime.Error:
		p.text = x.Error()
		if !strings.HasPrefix(p.text, "runtime error") {
			p.text = "runtime error: " + p.text
		}
	case error:
		p.text = x.Error()
	case fmt.Stringer:
		p.text = x.String()
	case string:
		p.text = x
	default:
		p.text = fmt.Sprintf("%v (%T)", x, x)
	}
	p.frames = frames(3)
	return p
}

// frames lists the lines of cells on the stack, innermost first.
func frames(skip int) []frame {
	pc := make([]uintptr, 256)
	fs := runtime.CallersFrames(pc[:runtime.Callers(skip, pc)])
	var out []frame
	for {
		f, more := fs.Next()
		if n, ok := cellNumber(f.File); ok {
			in := strings.TrimPrefix(f.Function, "main.")
			if in == "main" || strings.HasPrefix(in, "main.func") {
				in = ""
			}
			out = append(out, frame{n, f.Line, in})
		}
		if !more {
			return out
		}
	}
}

func cellNumber(file string) (n int, ok bool) {
	base := filepath.Base(file)
	if !strings.HasPrefix(base, "cell[") || !strings.HasSuffix(base, "]") {
		return 0, false
	}
	n, err := strconv.Atoi(base[5 : len(base)-1])
	return n, err == nil
}

// line is the innermost line of the running cell, or 0.
func (p *problem) line() int {
	for _, f := range p.frames {
		if f.cell == cell.number {
			return f.line
		}
	}
	return 0
}

func (p *problem) traceback() []string {
	lines := []string{p.name + ": " + p.text}
	last := ""
	for _, f := range p.frames {
		s := fmt.Sprintf("    cell[%d]:%d", f.cell, f.line)
		if f.in != "" {
			s += " in " + f.in
		}
		if s != last {
			lines = append(lines, s)
		}
		last = s
	}
	return lines
}

// report hands the problem to the kernel as a contract.Failure, or prints it where there is none.
func (p *problem) report() {
	path := os.Getenv(contract.EnvError)
	if path == "" {
		fmt.Fprintln(os.Stderr, strings.Join(p.traceback(), "\n"))
		return
	}
	var j object
	j.open()
	j.key("ename").text(p.name)
	j.key("evalue").text(p.text)
	j.key("line").raw(strconv.Itoa(p.line()))
	j.key("traceback").texts(p.traceback())
	j.close('}')
	if err := write(path, append(j.b, '\n')); err != nil {
		fmt.Fprintln(os.Stderr, strings.Join(p.traceback(), "\n"))
	}
}

// Unread says on standard error that nothing in the cell reads an error.
func Unread(where, name string, err error) {
	if err != nil {
		text, _, _ := strings.Cut(err.Error(), "\n")
		fmt.Fprintf(os.Stderr, "%s: %s is not read: %s\n", where, name, text)
	}
}

// Raise ends the cell where the last of a call's dropped results is an error.
func Raise(results ...any) {
	if len(results) > 0 {
		if err, ok := results[len(results)-1].(error); ok && err != nil {
			panic(raised{err})
		}
	}
}
