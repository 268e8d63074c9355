package notebook

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"odslab/kernel/jupyter"
)

// How long a cell has to end after it was interrupted, before its kernel is
// killed. The kernel itself kills a cell that does not end in 2 s.
const interruptGrace = 6 * time.Second

// Summary is what came of running a notebook.
type Summary struct {
	Cells, Ran            int // code cells: of how many, how many were run
	Checks, Passed, Wrong int // cells tagged "check"; those not run are neither
	Time                  time.Duration
	Failure               *CellError // what ended the run, or nil
}

// CellError says which cell failed, and where.
type CellError struct {
	Path      string // of the notebook
	Cell      int    // number beside the cell, as in cell[3]
	ID        string
	Line, Col int    // in the cell; 0 if unknown
	Source    string // that line
	Message   string // what went wrong, one line
	Check     bool
}

func (e *CellError) Error() string {
	var b strings.Builder
	if e.Path != "" {
		b.WriteString(e.Path + ": ")
	}
	if e.Check {
		b.WriteString("check ")
	}
	fmt.Fprintf(&b, "cell[%d]", e.Cell)
	if e.Line > 0 {
		fmt.Fprintf(&b, ":%d", e.Line)
		if e.Col > 0 {
			fmt.Fprintf(&b, ":%d", e.Col)
		}
	}
	b.WriteString(": " + e.Message)
	if e.Source != "" {
		fmt.Fprintf(&b, "\n    %s", e.Source)
	}
	return b.String()
}

// Is makes errors.Is(err, ErrFailed) true.
func (e *CellError) Is(target error) bool { return target == ErrFailed }

// runner runs the cells of one notebook.
type runner struct {
	kernel  client
	timeout time.Duration // per cell; 0: none
	grace   time.Duration
	began   func(n, of int, c *Cell)                  // before a cell
	ended   func(n, of int, c *Cell, d time.Duration) // after it
	now     func() time.Time
}

// run executes the code cells in order and puts what they give into nb. It
// stops at the first failure, unless the cell is tagged "raises-exception".
func (r *runner) run(ctx context.Context, nb *Notebook) Summary {
	var s Summary
	var todo []*Cell
	for i := range nb.Cells {
		c := &nb.Cells[i]
		if c.Type != "code" {
			continue
		}
		c.Outputs, c.ExecutionCount = nil, 0
		delete(c.Metadata, "execution")
		if strings.TrimSpace(c.Source) == "" || c.Tagged("skip-execution") {
			continue
		}
		todo = append(todo, c)
		if c.Tagged("check") {
			s.Checks++
		}
	}
	s.Cells = len(todo)
	rec := newRecorder()
	records := make(map[*Cell]*cellRecord)
	start := r.now()
	for i, c := range todo {
		r.began(i+1, s.Cells, c)
		records[c] = rec.begin()
		t := r.now()
		failure := r.cell(ctx, c, rec, i+1)
		rec.end()
		end := r.now()
		c.Metadata["execution"] = map[string]any{
			"iopub.status.busy": t.UTC().Format("2006-01-02T15:04:05.000Z07:00"),
			"iopub.status.idle": end.UTC().Format("2006-01-02T15:04:05.000Z07:00"),
		}
		r.ended(i+1, s.Cells, c, end.Sub(t))
		s.Ran++
		if c.Tagged("check") {
			if failure == nil {
				s.Passed++
			} else {
				s.Wrong++
			}
		}
		if failure != nil {
			failure.locate(todo)
			s.Failure = failure
			rec.note(records[c], failure)
			break
		}
	}
	s.Time = r.now().Sub(start)
	for c, record := range records {
		c.Outputs = record.result()
	}
	return s
}

// cell executes one cell. A cell that takes too long is interrupted, and the
// kernel is killed if that does not help.
func (r *runner) cell(ctx context.Context, c *Cell, rec *recorder, n int) *CellError {
	type outcome struct {
		reply *jupyter.Reply
		err   error
	}
	done := make(chan outcome, 1)
	inner, abandon := context.WithCancel(context.WithoutCancel(ctx))
	defer abandon()
	go func() {
		reply, err := r.kernel.Execute(inner, c.Source, jupyter.ExecuteOptions{OnOutput: rec.message})
		done <- outcome{reply, err}
	}()
	var late <-chan time.Time
	if r.timeout > 0 {
		t := time.NewTimer(r.timeout)
		defer t.Stop()
		late = t.C
	}
	c.ExecutionCount = n // unless the kernel counts otherwise
	failure := func(format string, a ...any) *CellError {
		return &CellError{Cell: c.ExecutionCount, ID: c.ID, Check: c.Tagged("check"), Message: fmt.Sprintf(format, a...)}
	}
	var why string
	select {
	case out := <-done:
		switch {
		case out.err != nil:
			return failure("%v", out.err)
		case out.reply.ExecutionCount > 0:
			c.ExecutionCount = out.reply.ExecutionCount
		}
		switch {
		case out.reply.Status == "ok" || c.Tagged("raises-exception"):
			return nil
		case out.reply.Status == "aborted":
			return failure("was not run by the kernel")
		}
		e := failure("%s", headline(out.reply))
		e.Line, e.Col, e.Cell = position(out.reply, c.ExecutionCount)
		return e
	case <-late:
		why = fmt.Sprintf("ran longer than %v", r.timeout)
	case <-ctx.Done():
		why = "interrupted"
	}
	_ = r.kernel.Interrupt() // if it fails, what follows is right all the same
	select {
	case out := <-done:
		if out.err == nil && out.reply.ExecutionCount > 0 {
			c.ExecutionCount = out.reply.ExecutionCount
		}
		if late != nil && ctx.Err() == nil {
			why += " and was interrupted: raise -timeout, or make the cell shorter"
		}
		return failure("%s", why)
	case <-time.After(r.grace):
		abandon()
		_ = r.kernel.Shutdown(inner) // inner has ended: this kills
		return failure("%s, did not end when interrupted, and was killed", why)
	}
}

// note puts a failure that the kernel has not told itself, such as a timeout,
// into the outputs.
func (r *recorder) note(c *cellRecord, e *CellError) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, o := range c.outputs {
		if o.Type == "error" && !strings.HasPrefix(e.Message, "ran longer") {
			return
		}
	}
	c.outputs = append(c.outputs, &recorded{Output: Output{
		Type: "error", EName: "Stopped", EValue: e.Message, Traceback: []string{fmt.Sprintf("cell[%d] %s", e.Cell, e.Message)},
	}})
}

// headline is the first line of an error.
func headline(r *jupyter.Reply) string {
	value, _, _ := strings.Cut(strings.TrimSpace(plainText(r.EValue)), "\n")
	switch {
	case value == "" && r.EName == "":
		return "failed without a message"
	case value == "":
		return r.EName
	case r.EName == "" || strings.HasPrefix(value, r.EName):
		return value
	}
	return r.EName + ": " + value
}

var cellPosition = regexp.MustCompile(`cell\[(\d+)\]:(\d+)(?::(\d+))?`)

// position finds the line of the failing cell in the reply, or of the cell
// whose function it called.
func position(r *jupyter.Reply, cell int) (line, col, in int) {
	text := plainText(r.EValue + "\n" + strings.Join(r.Traceback, "\n"))
	number := func(s string) int { n, _ := strconv.Atoi(s); return n } // digits, or nothing
	all := cellPosition.FindAllStringSubmatch(text, -1)
	for _, m := range all {
		if number(m[1]) == cell {
			return number(m[2]), number(m[3]), cell
		}
	}
	if len(all) > 0 {
		return number(all[0][2]), number(all[0][3]), number(all[0][1])
	}
	return 0, 0, cell
}

// locate finds the text of the line.
func (e *CellError) locate(cells []*Cell) {
	for _, at := range []string{fmt.Sprintf("cell[%d]:%d:%d: ", e.Cell, e.Line, e.Col), fmt.Sprintf("cell[%d]:%d: ", e.Cell, e.Line)} {
		e.Message = strings.Replace(e.Message, at, "", 1) // it is said once already
	}
	for _, c := range cells {
		if c.ExecutionCount != e.Cell || e.Line == 0 {
			continue
		}
		lines := strings.Split(c.Source, "\n")
		if e.Line <= len(lines) {
			e.Source = strings.TrimSpace(lines[e.Line-1])
		}
	}
}
