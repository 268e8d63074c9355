package gonb

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"odslab/kernel/jupyter"
)

// run is one cell on its way through GoNB.
type run struct {
	child  *Child
	events Events
	out    *Outcome

	order  *sequence
	stderr crash
	held   string // GoNB's own line about how a process ended, perhaps

	setsEnv bool // GoNB does %env now

	heard  atomic.Int64 // when the cell last printed, in nanoseconds since 1970
	asking atomic.Bool  // a question of the cell's own is with the front end

	mu          sync.Mutex
	interrupted time.Time
	again       chan struct{} // a second interrupt
	asked       bool
	stdin       net.Conn // the standard input of the cell's program
	over        chan struct{}
	ended       bool
}

// send runs code in GoNB.
func (r *run) send(ctx context.Context, code string) error {
	c := r.child
	os.Remove(c.path(failureFile))
	os.Remove(c.path(graceFile))
	r.held, r.stderr = "", crash{}
	r.mu.Lock()
	r.order = newSequence(r.stream, r.display)
	r.mu.Unlock()
	opts := jupyter.ExecuteOptions{OnOutput: r.output}
	if r.events.Input != nil {
		opts.OnInput = r.input
	}
	reply, err := c.client.Execute(ctx, code, opts)
	if err != nil {
		// Its sockets close a moment before it has ended; a GoNB that has lost
		// them and does not end is of no use either.
		select {
		case <-c.done:
		case <-time.After(time.Second):
			syscall.Kill(c.PID(), syscall.SIGKILL)
			<-c.done
		}
		return fmt.Errorf("%w: %v", errGone, err)
	}
	c.prints.drain()
	r.read(reply)
	return nil
}

// output takes one iopub message of GoNB.
func (r *run) output(m *jupyter.Message) {
	switch m.Header.Type {
	case "stream":
		var s struct{ Name, Text string }
		if m.Decode(&s) != nil {
			return
		}
		r.release()
		if s.Name == "stderr" && exitLine.MatchString(s.Text) {
			r.held = s.Text
			return
		}
		r.print(s.Name, s.Text)
	case "display_data", "update_display_data":
		r.order.show(m.Header.Type == "update_display_data", m.Content)
	}
}

// print takes a piece of what the cell prints.
func (r *run) print(name, text string) {
	r.heard.Store(time.Now().UnixNano())
	r.mu.Lock()
	order := r.order
	r.mu.Unlock()
	if order != nil {
		order.print(name, text)
	}
}

// exitLine is what GoNB writes to stderr, in a message of its own, about a
// process that ended badly.
var exitLine = regexp.MustCompile(`^(\^C\n)?(exit status \d+|signal: [a-z ]+( \(core dumped\))?)\n$`)

// release passes on what was taken for GoNB's last line but was not the last.
func (r *run) release() {
	if r.held != "" {
		r.order.print("stderr", r.held)
		r.held = ""
	}
}

// stream passes on a print, in its order, unless it is part of a crash.
func (r *run) stream(name, text string) {
	if name == "stderr" {
		text = r.stderr.filter(text)
	} else if r.setsEnv {
		r.child.noteEnv(text)
	}
	r.pass(name, text)
}

func (r *run) display(update bool, content json.RawMessage) {
	if r.events.Display != nil {
		r.events.Display(update, content)
	}
}

func (r *run) pass(name, text string) {
	if text != "" && r.events.Stream != nil {
		r.events.Stream(name, text)
	}
}

// read makes the outcome of GoNB's reply and the files left beside it.
func (r *run) read(reply *jupyter.Reply) {
	c, out := r.child, r.out
	r.order.end()
	if b, err := os.ReadFile(c.path(failureFile)); err == nil {
		f := &Failure{}
		if json.Unmarshal(b, f) == nil {
			out.Failure = f
		}
	}
	if reply.Status == "error" {
		out.Failed = reply.EValue
	} else if r.held != "" { // a shell command; GoNB calls that success
		out.Failed = strings.TrimSpace(strings.TrimPrefix(r.held, "^C\n"))
	}
	if out.Failed != "" && out.Failed != "exit status 0" && r.stderr.started {
		out.Crash = r.stderr.text()
	} else if r.stderr.started { // it only looked like a panic
		r.pass("stderr", r.stderr.text())
	}
	r.settle()
}

// settle notes in the outcome what other goroutines have done to the run.
func (r *run) settle() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.out.Interrupted, r.out.AskedInput = !r.interrupted.IsZero(), r.asked
}

func (r *run) finish() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ended = true
	if !r.interrupted.IsZero() {
		r.sweep()
	}
	if r.over != nil {
		close(r.over)
		r.over = nil
	}
}
