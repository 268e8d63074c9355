package notebook

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"text/tabwriter"
	"time"
)

// progress shows each cell on a terminal, with a clock while it runs; elsewhere
// it says nothing.
type progress struct {
	w      io.Writer
	live   bool
	mu     sync.Mutex
	count  string // of the cell that runs: "3/20"; "" between cells
	code   string // its first line
	start  time.Time
	ticker *time.Ticker
	done   chan struct{}
}

func newProgress(w io.Writer) *progress {
	p := &progress{w: w, live: isTerminal(w), done: make(chan struct{})}
	if !p.live {
		return p
	}
	p.ticker = time.NewTicker(time.Second)
	go func() {
		for {
			select {
			case <-p.ticker.C:
				p.mu.Lock()
				if p.count != "" {
					p.draw(time.Since(p.start))
				}
				p.mu.Unlock()
			case <-p.done:
				return
			}
		}
	}()
	return p
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok || os.Getenv("TERM") == "dumb" {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && info.Name() != os.DevNull
}

func (p *progress) notebook(path string) {
	if p.live {
		fmt.Fprintln(p.w, path)
	}
}

func (p *progress) began(n, of int, c *Cell) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.count, p.code, p.start = fmt.Sprintf("%d/%d", n, of), firstLine(c.Source), time.Now()
	p.draw(0)
}

func (p *progress) ended(_, _ int, _ *Cell, d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.draw(d)
	p.count = ""
	if p.live {
		fmt.Fprintln(p.w)
	}
}

func (p *progress) draw(d time.Duration) {
	if p.live {
		fmt.Fprintf(p.w, "\r\x1b[K%7s %11s  %s", p.count, seconds(d), p.code)
	}
}

func (p *progress) close() {
	if p.ticker != nil {
		p.ticker.Stop()
	}
	close(p.done)
}

// firstLine is the first line of a cell that says something, short enough for
// one line of a terminal.
func firstLine(src string) string {
	for line := range strings.Lines(src) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "//") {
			continue
		}
		line = strings.ReplaceAll(line, "\t", " ")
		if r := []rune(line); len(r) > 54 {
			line = string(r[:53]) + "…"
		}
		return plainText(line)
	}
	return ""
}

// table prints one line for each notebook.
func table(w io.Writer, jobs []*job) {
	t := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	fmt.Fprintln(t, "notebook\tcells\ttime\tchecks\tpage")
	for _, j := range jobs {
		s := j.summary
		page := j.page
		if s.Ran == 0 && j.err != nil {
			page = "not made"
		}
		fmt.Fprintf(t, "%s\t%d/%d\t%s\t%s\t%s\n", j.path, s.Ran, s.Cells, seconds(s.Time), checks(s), page)
	}
	t.Flush()
}

func checks(s Summary) string {
	if s.Checks == 0 {
		return "none"
	}
	parts := []string{fmt.Sprintf("%d ok", s.Passed)}
	if s.Wrong > 0 {
		parts = append(parts, fmt.Sprintf("%d failed", s.Wrong))
	}
	if left := s.Checks - s.Passed - s.Wrong; left > 0 {
		parts = append(parts, fmt.Sprintf("%d not run", left))
	}
	return strings.Join(parts, ", ")
}
