package serve

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"odslab/kernel/gonb"
)

// failure is the one error message of a cell.
type failure struct {
	Name, Value string
	Trace       []string // lines below the first
}

const (
	red   = "\x1b[31m"
	plain = "\x1b[0m"
)

func (f *failure) content() map[string]any {
	first := red + f.Name + plain + ": " + f.Value
	return map[string]any{
		"ename": f.Name, "evalue": f.Value, "traceback": append([]string{first}, f.Trace...),
	}
}

// room puts in front that there is no room for temporary files, where that is
// so: what fails by it says many things.
func (f *failure) room() {
	if f.Name == "interrupted" {
		return
	}
	dir := os.TempDir()
	var s unix.Statfs_t
	const bytes, files = 256 << 10, 8
	full := unix.Statfs(dir, &s) == nil && s.Blocks > 0 && (uint64(s.Bavail)*uint64(s.Bsize) < bytes || s.Files > 0 && uint64(s.Ffree) < files)
	if full || noRoom.MatchString(f.Value) && (strings.Contains(f.Value, dir) || strings.Contains(f.Value, "/link: ")) { // which does not say where
		f.Value = fmt.Sprintf("no room for temporary files and values in %s: make some there (%s: %s)", dir, f.Name, firstLine(f.Value))
		f.Name = "disk full"
	}
}

// noRoom is how the system says it, quotas and `ulimit -f` included.
var noRoom = regexp.MustCompile("no space left on device|disk quota exceeded|file too large")

// kernelFailure is for what is not the cell's fault.
func kernelFailure(err error) *failure {
	if err == nil {
		return nil
	}
	return &failure{Name: "kernel error", Value: err.Error()}
}

// judge makes the failure of a run, or nil.
func (x *execution) judge(o *gonb.Outcome, cell gonb.Cell) *failure {
	k := x.k
	if k.renumber != nil {
		o.BuildLog, o.Crash = k.renumber.Replace(o.BuildLog), k.renumber.Replace(o.Crash)
		if o.Failure != nil {
			o.Failure.EValue = k.renumber.Replace(o.Failure.EValue)
			for i, line := range o.Failure.Traceback {
				o.Failure.Traceback[i] = k.renumber.Replace(line)
			}
		}
	}
	switch {
	case o.OK():
		return nil
	case o.Interrupted:
		return x.interruptFailure(o)
	case o.BuildLog != "":
		return k.buildFailure(o.BuildLog)
	case o.AskedInput:
		return &failure{Name: "input not allowed", Value: "the cell reads standard input, but this front end does not answer questions"}
	case o.Failure != nil:
		return k.ownFailure(x.n, o.Failure)
	case o.Crash != "":
		return k.crashFailure(o.Crash)
	case cell.Program == nil || strings.HasPrefix(cell.Raw, "%"):
		return &failure{Name: "command failed", Value: firstLine(o.Failed)}
	case strings.HasPrefix(o.Failed, "signal: killed"):
		return &failure{Name: "killed", Value: "the cell was killed from outside; perhaps the machine ran out of memory"}
	}
	return &failure{Name: "exit", Value: "the cell ended with " + firstLine(o.Failed)}
}

func firstLine(s string) string {
	s, _, _ = strings.Cut(strings.TrimSpace(s), "\n")
	return s
}

func (x *execution) interruptFailure(o *gonb.Outcome) *failure {
	f := &failure{Name: "interrupted", Value: fmt.Sprintf("the cell was interrupted after %.1f s", time.Since(x.started).Seconds())}
	if o != nil && o.Failure != nil && o.Failure.EValue != "" && o.Failure.EValue != "context canceled" {
		f.Trace = append(f.Trace, o.Failure.EValue)
	}
	if o != nil && o.Failure != nil {
		f.Trace = append(f.Trace, x.k.frames(strings.Join(o.Failure.Traceback, "\n"))...)
	}
	return f
}

// ownFailure is what the program itself has reported.
func (k *kernel) ownFailure(n int, o *gonb.Failure) *failure {
	f := &failure{Name: o.EName, Value: o.EValue, Trace: k.frames(strings.Join(o.Traceback, "\n"))}
	if f.Name == "" {
		f.Name = "Error"
	}
	if len(f.Trace) == 0 && o.Line > 0 {
		f.Trace = k.excerpt(n, o.Line, 0)
	}
	return f
}

// crashFailure reads the Go runtime's report: the panic's own text, and which
// lines of cells it came through.
func (k *kernel) crashFailure(report string) *failure {
	if i := strings.Index(report, "fatal error: "); i > 0 && strings.HasPrefix(report, "runtime: ") {
		report = report[i:]
	}
	head, rest, _ := strings.Cut(report, "\n")
	f := &failure{Name: "panic", Value: strings.TrimPrefix(head, "panic: ")}
	if v, ok := strings.CutPrefix(head, "fatal error: "); ok {
		f.Name, f.Value = "fatal error", strings.TrimPrefix(v, "runtime: ")
		switch {
		case f.Value == "stack overflow":
			f.Value += ": a function calls itself without end"
		case strings.HasPrefix(f.Value, "out of memory"), strings.HasPrefix(f.Value, "cannot allocate memory"):
			f.Value = "out of memory"
		}
	}
	f.Value = strings.TrimSuffix(f.Value, " [recovered]")
	// A panic value of several lines goes on until the goroutines begin.
	if body, _, ok := strings.Cut(rest, "\n\ngoroutine "); ok && f.Name == "panic" && !strings.Contains(body, "goroutine ") {
		if body = strings.TrimSpace(body); body != "" && !strings.HasPrefix(body, "[signal ") {
			f.Value += "\n" + body
		}
	}
	f.Trace = k.frames(rest)
	return f
}

// place is where a compiler or the runtime points to in a cell.
var place = regexp.MustCompile(`(?:[^\s:()]*/)?cell\[(\d+)\]:(\d+)(?::(\d+))?`)

// frames lists the lines of cells that a stack trace names, innermost first.
func (k *kernel) frames(trace string) (lines []string) {
	seen := map[string]bool{}
	for _, m := range place.FindAllStringSubmatch(trace, -1) {
		n, _ := strconv.Atoi(m[1])
		line, _ := strconv.Atoi(m[2])
		if key := m[1] + ":" + m[2]; !seen[key] && len(seen) < 10 {
			seen[key] = true
			lines = append(lines, k.excerpt(n, line, 0)...)
		}
	}
	return lines
}

// excerpt shows one line of a cell, with a mark under the column if it is known.
func (k *kernel) excerpt(n, line, col int) []string {
	where := fmt.Sprintf("cell[%d]:%d", n, line)
	k.mu.Lock()
	lines := strings.Split(k.sources[n], "\n")
	k.mu.Unlock()
	if line < 1 || line > len(lines) {
		return []string{where}
	}
	text := strings.TrimRight(lines[line-1], "\r")
	show := []string{where + "    " + strings.ReplaceAll(text, "\t", "    ")}
	if col >= 1 && col <= len(text)+1 {
		before := strings.ReplaceAll(text[:col-1], "\t", "    ")
		show = append(show, strings.Repeat(" ", len(where)+4+len([]rune(before)))+red+"^"+plain)
	}
	return show
}

// buildFailure reads what go build said.
func (k *kernel) buildFailure(log string) *failure {
	var problems []Problem
	for text := range strings.Lines(log) {
		text = strings.TrimRight(text, "\n")
		switch m := place.FindStringSubmatchIndex(text); {
		case m != nil && m[0] <= 2: // "./" may be in front
			p := Problem{Msg: strings.TrimPrefix(text[m[1]:], ": ")}
			p.Cell, _ = strconv.Atoi(text[m[2]:m[3]])
			p.Line, _ = strconv.Atoi(text[m[4]:m[5]])
			if m[6] >= 0 {
				p.Col, _ = strconv.Atoi(text[m[6]:m[7]])
			}
			problems = append(problems, p)
		case strings.HasPrefix(text, "#"), strings.TrimSpace(text) == "":
		case strings.HasPrefix(text, "\t") && len(problems) > 0:
			problems[len(problems)-1].Msg += "\n" + text
		default:
			problems = append(problems, Problem{Msg: text})
		}
	}
	return k.compileFailure(problems)
}

// compileFailure shows each complaint with the line of the cell.
func (k *kernel) compileFailure(problems []Problem) *failure {
	f := &failure{Name: "compile error"}
	for i, p := range problems {
		if i == 0 {
			f.Value = p.String()
		} else {
			f.Trace = append(f.Trace, p.String())
		}
		if p.Line > 0 {
			f.Trace = append(f.Trace, k.excerpt(p.Cell, p.Line, p.Col)...)
		}
	}
	if len(problems) == 0 {
		f.Value = "the cell does not compile"
	}
	return f
}

// String is the line that compilers write.
func (p Problem) String() string {
	switch {
	case p.Line == 0:
		return p.Msg
	case p.Col == 0:
		return fmt.Sprintf("cell[%d]:%d: %s", p.Cell, p.Line, p.Msg)
	}
	return fmt.Sprintf("cell[%d]:%d:%d: %s", p.Cell, p.Line, p.Col, p.Msg)
}
