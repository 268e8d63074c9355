package toolchain

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/term"
)

// progress writes one line per step: what, size, time. On a terminal the line
// of the running step is drawn in place; elsewhere only finished lines appear.
type progress struct {
	w    io.Writer
	live bool

	mu      sync.Mutex
	started bool
	step    *stepLine
}

type stepLine struct {
	p     *progress
	name  string
	what  string
	since time.Time
	stop  chan struct{}
	done  sync.WaitGroup
}

func newProgress(w io.Writer) *progress {
	if w == nil {
		w = io.Discard
	}
	f, ok := w.(*os.File)
	return &progress{w: w, live: ok && term.IsTerminal(int(f.Fd()))}
}

// head is printed once, before the first line of a set-up that has work to do.
func (p *progress) head(root string, first bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.started {
		p.started = true
		note := ""
		if first {
			note = " (the first takes some minutes; it may be stopped and goes on from there)"
		}
		fmt.Fprintf(p.w, "set-up in %s%s\n", root, note)
	}
}

// note prints a line of its own.
func (p *progress) note(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clear()
	fmt.Fprintf(p.w, "  "+format+"\n", args...)
}

func (p *progress) start(name, what string) *stepLine {
	s := &stepLine{p: p, name: name, what: what, since: time.Now(), stop: make(chan struct{})}
	p.mu.Lock()
	p.step = s
	p.mu.Unlock()
	if p.live {
		s.done.Add(1)
		go s.redraw()
	}
	return s
}

// say changes what the line of a running step tells.
func (s *stepLine) say(what string) {
	s.p.mu.Lock()
	s.what = what
	s.p.mu.Unlock()
}

func (s *stepLine) redraw() {
	defer s.done.Done()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		s.p.mu.Lock()
		s.p.clear()
		s.p.draw(fmt.Sprintf("  %-8s %s … %s", s.name, s.what, seconds(time.Since(s.since))))
		s.p.mu.Unlock()
		select {
		case <-s.stop:
			return
		case <-tick.C:
		}
	}
}

// end prints the finished line. size 0 leaves the column empty.
func (s *stepLine) end(what string, size int64) {
	room := ""
	if size > 0 {
		room = sizeText(size)
	}
	s.quit(fmt.Sprintf("  %-8s %-52s %8s %8s", s.name, what, room, seconds(time.Since(s.since))))
}

// fail prints why the step was left out; an error that ends the set-up is
// printed by whoever gets it.
func (s *stepLine) fail(why string) { s.quit(fmt.Sprintf("  %-8s %s", s.name, why)) }

func (s *stepLine) drop() { s.quit("") }

func (s *stepLine) quit(line string) {
	close(s.stop)
	s.done.Wait()
	s.p.mu.Lock()
	defer s.p.mu.Unlock()
	s.p.clear()
	s.p.step = nil
	if line != "" {
		fmt.Fprintln(s.p.w, line)
	}
}

func (p *progress) clear() {
	if p.live {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}

// draw cuts a line at the terminal's edge: one that wraps could not be erased.
func (p *progress) draw(line string) {
	if f, ok := p.w.(*os.File); ok {
		width, _, err := term.GetSize(int(f.Fd()))
		if r := []rune(line); err == nil && width > 1 && len(r) >= width {
			line = string(r[:width-1])
		}
	}
	fmt.Fprint(p.w, line)
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }
