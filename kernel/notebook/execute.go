package notebook

import (
	"context"
	"fmt"
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
		reply, err := r.kernel.Execute(inner, c.Source, jupyter.ExecuteOptions{OnOutput: rec.message, CellID: c.ID})
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
