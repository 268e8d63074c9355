package session

import (
	"fmt"
	"html"
	"math"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"odslab/kernel/runtime/live"
	"odslab/odslib"
)

// bar draws one progress line in place: nothing for work of less than half a second, at most five updates a second, and
// one grey line when it is over. All work of a cell shares one line, so that a loop of draws does not fill the page.
type bar struct {
	over        func()
	mu          sync.Mutex
	start, last time.Time
	used        bool
	limit       time.Duration // of a budget in minutes, or 0
	now         odslib.Progress
	history     []float64 // of the loss, for the sparkline
}

// line is the cell's progress line; a process is a cell.
var line = struct {
	id    string
	shown atomic.Bool
}{id: fmt.Sprintf("odslab-progress-%d-%d", os.Getpid(), time.Now().UnixNano())}

func newBar() *bar { return &bar{start: time.Now(), over: live.Working()} }

func (b *bar) observe(p odslib.Progress) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.now = p
	if !math.IsNaN(p.Loss) {
		b.history = append(b.history, p.Loss)
	}
	if time.Since(b.start) < 500*time.Millisecond || time.Since(b.last) < 200*time.Millisecond {
		return
	}
	b.last = time.Now()
	b.show(false)
}

// done leaves one grey line, or nothing where nothing was shown.
func (b *bar) done() {
	b.over()
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.used {
		b.show(true)
	}
}

func (b *bar) show(over bool) {
	p, took := b.now, time.Since(b.start)
	share, steps := 0.0, fmt.Sprintf("%d steps", p.Step)
	if p.Steps > 0 {
		share, steps = float64(p.Step)/float64(p.Steps), fmt.Sprintf("%d of %d", p.Step, p.Steps)
	}
	if b.limit > 0 { // whichever ends first
		share = math.Max(share, float64(took)/float64(b.limit))
	}
	facts := []string{steps, took.Round(100 * time.Millisecond).String()}
	if b.limit > 0 {
		facts[1] += " of " + b.limit.Round(time.Second).String()
	}
	if !over && share > 0 && share <= 1 {
		facts = append(facts, fmt.Sprintf("%s left", time.Duration(float64(took)*(1-share)/share).Round(time.Second)))
	}
	if !math.IsNaN(p.Loss) {
		facts = append(facts, fmt.Sprintf("loss %.4g", p.Loss))
	}
	if !math.IsNaN(p.LogZ) {
		facts = append(facts, fmt.Sprintf("log Z %.3f", p.LogZ))
	}
	if p.ESS > 0 {
		facts = append(facts, fmt.Sprintf("ESS %.0f %%", 100*p.ESS))
	}
	text := p.What + " · " + strings.Join(facts, " · ")
	page := `<div style="font:12px sans-serif;color:#777">` + html.EscapeString(text) + ` ` + sparkline(b.history) + `</div>`
	if !over {
		page = fmt.Sprintf(`<div style="font:12px sans-serif;color:#777"><div style="background:#ddd;height:6px;width:320px;border-radius:3px">`+
			`<div style="background:#0072b2;height:6px;width:%.0fpx;border-radius:3px"></div></div>%s %s</div>`,
			320*math.Min(1, share), html.EscapeString(text), sparkline(b.history))
	}
	bundle := live.Bundle{"text/html": page, "text/plain": text}
	b.used = true
	if line.shown.Swap(true) {
		live.Update(bundle, line.id)
	} else {
		live.Display(bundle, line.id)
	}
}

// sparkline is the history as eight levels of block characters, at most 32 of them.
func sparkline(v []float64) string {
	if len(v) < 4 {
		return ""
	}
	n := min(32, len(v))
	mean := make([]float64, n)
	lo, hi := math.Inf(1), math.Inf(-1)
	for i := range mean {
		from, to := i*len(v)/n, (i+1)*len(v)/n
		for _, x := range v[from:to] {
			mean[i] += math.Log(math.Max(x, 1e-12)) / float64(to-from)
		}
		lo, hi = math.Min(lo, mean[i]), math.Max(hi, mean[i])
	}
	out := make([]rune, n)
	for i, x := range mean {
		level := 0
		if hi > lo {
			level = int(7.99 * (x - lo) / (hi - lo))
		}
		out[i] = []rune("▁▂▃▄▅▆▇█")[level]
	}
	return string(out)
}
