package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"odslab/kernel/jupyter"
)

// Config is what Run measures. The zero value of N works.
type Config struct {
	N      int       // how often each cell is timed; 0: 7
	Plugin string    // the PJRT plugin; "": no XLA cells
	Peers  []Peer    // see Odslab, GoNB and IPyKernel
	JSON   bool      // one object a line rather than a table
	Case   string    // only cells whose name contains it; the start is always timed
	Out    io.Writer // the results
	Log    io.Writer // progress; nil: none
}

// Peer is one kernel to be measured.
type Peer struct {
	Name string // odslab, gonb or ipykernel
	Argv []string
	Env  []string

	setUp   []string            // cells to run once before all others
	reset   string              // cell that forgets what earlier cells have imported and defined
	cell    func(string) string // a cell of Go in the dialect of this kernel
	python  bool                // runs Python: the print cell only
	started func() (kernel, error)
}

// Row is one line of the result.
type Row struct {
	What     string  `json:"what"`
	Impl     string  `json:"impl"`
	N        int     `json:"n"`
	MedianMS float64 `json:"median_ms"`
	MinMS    float64 `json:"min_ms"`
	RSSMB    float64 `json:"rss_mb"` // of the kernel and all its processes, afterwards
}

// kernel is what a measurement needs of jupyter.Client.
type kernel interface {
	Execute(ctx context.Context, code string, opts jupyter.ExecuteOptions) (*jupyter.Reply, error)
	Shutdown(ctx context.Context) error
	PID() int
}

var _ kernel = (*jupyter.Client)(nil)

const (
	startTimeout = 60 * time.Second
	cellTimeout  = 5 * time.Minute // the first cell of a kind may build all of XLA's bindings
)

// live is a peer whose kernel runs.
type live struct {
	Peer
	kernel kernel
}

// Run measures and prints. The rows come back too. A peer that fails is left
// out from there on, and the error says so at the end.
func Run(ctx context.Context, cfg Config) ([]Row, error) {
	if cfg.N <= 0 {
		cfg.N = 7
	}
	if cfg.Log == nil {
		cfg.Log = io.Discard
	}
	var rows []Row
	var problems []error
	report := func(rs ...Row) error {
		rows = append(rows, rs...)
		if cfg.JSON {
			return printJSON(cfg.Out, rs)
		}
		return nil
	}

	starts, kernels, err := cfg.startAll(ctx)
	problems = append(problems, err)
	defer func() {
		for _, l := range kernels {
			_ = l.kernel.Shutdown(context.WithoutCancel(ctx)) // it ends, or is killed
		}
	}()
	if err := report(starts...); err != nil {
		return rows, err
	}
	for _, w := range workloads(cfg.Plugin) {
		if !strings.Contains(w.name, cfg.Case) {
			continue
		}
		fmt.Fprintf(cfg.Log, "%s, %d times\n", w.name, cfg.N)
		var rs []Row
		rs, kernels, err = cfg.measure(ctx, w, kernels)
		problems = append(problems, err)
		if err := report(rs...); err != nil {
			return rows, err
		}
		if ctx.Err() != nil {
			problems = append(problems, ctx.Err())
			break
		}
	}
	if !cfg.JSON {
		if err := printTable(cfg.Out, rows); err != nil {
			return rows, err
		}
	}
	return rows, errors.Join(problems...)
}

// takes says whether the peer can run the workload.
func (l live) takes(w workload) bool {
	if l.python {
		return w.python != nil
	}
	return w.before == "" || l.Name == "odslab"
}

// check runs the i-th cell of a workload and looks at what it puts out: also how long it took itself, if it says so.
func (l live) check(ctx context.Context, w workload, i int) (inside time.Duration, err error) {
	code, want := w.code(l, i)
	said, err := l.run(ctx, code)
	if err == nil && !strings.Contains(said, want) {
		err = fmt.Errorf("put out %.100q, not %q", said, want)
	}
	if err != nil {
		return 0, fmt.Errorf("%s: %s: %w", l.Name, w.name, err)
	}
	if _, took, ok := strings.Cut(said, "took "); ok {
		var us int64
		fmt.Sscan(took, &us)
		inside = time.Duration(us) * time.Microsecond
	}
	return inside, nil
}

// measure puts a workload to all kernels in turns: a cell that was not there
// before, then the same again.
func (cfg *Config) measure(ctx context.Context, w workload, kernels []live) ([]Row, []live, error) {
	changed := map[string][]time.Duration{}
	again := map[string][]time.Duration{}
	within := map[string][]time.Duration{} // a changed cell, by its own clock
	failed := map[string]error{}
	time1 := func(l live, i int, into map[string][]time.Duration) {
		if failed[l.Name] != nil || !l.takes(w) || ctx.Err() != nil {
			return
		}
		t := time.Now()
		inside, err := l.check(ctx, w, i)
		d := time.Since(t)
		if err != nil {
			failed[l.Name] = err
			return
		}
		if into != nil {
			into[l.Name] = append(into[l.Name], d)
		}
		if inside > 0 && into != nil {
			within[l.Name] = append(within[l.Name], inside)
		}
	}
	for _, l := range kernels {
		if l.reset != "" {
			for _, code := range append([]string{l.reset}, l.setUp...) { // GoNB forgets its go.mod too
				if _, err := l.run(ctx, code); err != nil {
					failed[l.Name] = fmt.Errorf("%s: %s: %w", l.Name, w.name, err)
				}
			}
		}
		if w.before != "" && l.takes(w) {
			first := w.before
			if l.python {
				first = "data = [0.0] * (1 << 20)"
			}
			if _, err := l.run(ctx, first); err != nil {
				failed[l.Name] = fmt.Errorf("%s: %s: %w", l.Name, w.name, err)
			}
		}
	}
	for _, l := range kernels { // not timed: the first builds what all others reuse
		time1(l, 1000, nil)
	}
	for i := range cfg.N {
		for k := range kernels { // the first to run changes, too
			l := kernels[(i+k)%len(kernels)]
			time1(l, i, changed)
			time1(l, i, again)
		}
	}
	var rows []Row
	for _, l := range kernels {
		if n := len(changed[l.Name]); n > 0 && failed[l.Name] == nil {
			rows = append(rows, row(w.name+", changed", l.Name, changed[l.Name], l.kernel.PID()))
			rows = append(rows, row(w.name+", unchanged", l.Name, again[l.Name], l.kernel.PID()))
			if len(within[l.Name]) > 0 {
				rows = append(rows, row(w.name+", inside the cell", l.Name, within[l.Name], l.kernel.PID()))
			}
		}
	}
	slices.SortStableFunc(rows, func(a, b Row) int { return strings.Compare(a.What, b.What) })
	var problems []error
	for _, l := range kernels {
		problems = append(problems, failed[l.Name])
	}
	return rows, kernels, errors.Join(problems...)
}

// run executes a cell and returns what it printed and showed.
func (l live) run(ctx context.Context, code string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, cellTimeout)
	defer cancel()
	var said strings.Builder
	reply, err := l.kernel.Execute(ctx, code, jupyter.ExecuteOptions{OnOutput: func(m *jupyter.Message) {
		var c struct {
			Text string         `json:"text"`
			Data map[string]any `json:"data"`
		}
		if m.Decode(&c) == nil {
			said.WriteString(c.Text)
			if s, ok := c.Data["text/plain"].(string); ok {
				said.WriteString(s)
			}
		}
	}})
	if err != nil {
		return "", err
	}
	if reply.Status != "ok" {
		line, _, _ := strings.Cut(reply.EValue, "\n")
		return "", fmt.Errorf("the cell failed: %s %s %.300s", reply.EName, line, said.String())
	}
	return said.String(), nil
}

func row(what, impl string, ds []time.Duration, pid int) Row {
	ds = slices.Sorted(slices.Values(ds))
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	median := ms(ds[len(ds)/2])
	if len(ds)%2 == 0 {
		median = (ms(ds[len(ds)/2-1]) + median) / 2
	}
	tenth := func(x float64) float64 { return math.Round(10*x) / 10 }
	return Row{What: what, Impl: impl, N: len(ds), MedianMS: tenth(median), MinMS: tenth(ms(ds[0])), RSSMB: tenth(treeMB(pid))}
}
