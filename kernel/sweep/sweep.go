package sweep

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"odslab/kernel/notebook"
)

// Config says what Run is to do.
type Config struct {
	Path    string // the notebook
	Grid    Grid
	Out     string        // the sweep's folder; "": out/NAME beside the notebook
	Index   int           // of the only point to run; negative: all of them
	Jobs    int           // how many points at once; 0: as many as this process has cores
	Threads int           // of XLA in each kernel; 0: 1. Another number gives other last digits
	Timeout time.Duration // of one cell; 0: none
	Version string        // of odslab
	Kernel  notebook.Command
	Log     io.Writer // a line a point; nil: nowhere
}

// Run runs the points that have not ended well yet. A point that fails does not
// end the others; the error has a line for each.
func Run(ctx context.Context, cfg Config) error {
	if cfg.Log == nil {
		cfg.Log = io.Discard
	}
	if cfg.Jobs <= 0 {
		cfg.Jobs = runtime.GOMAXPROCS(0)
	}
	r, err := cfg.record()
	if err != nil {
		return err
	}
	indices := []int{cfg.Index}
	if cfg.Index < 0 {
		indices = make([]int, len(r.Points))
		for i := range indices {
			indices[i] = i
		}
	}
	if cfg.Out == "" {
		cfg.Out = filepath.Join(filepath.Dir(cfg.Path), "out", strings.TrimSuffix(filepath.Base(cfg.Path), ".ipynb"))
	}
	if cfg.Out, err = filepath.Abs(cfg.Out); err != nil {
		return err
	}
	f, err := claim(cfg.Out, r)
	if err != nil {
		return err
	}
	s := &sweep{cfg: cfg, folder: f, of: len(indices)}
	queue := make(chan int)
	var workers sync.WaitGroup
	for range min(cfg.Jobs, len(indices)) {
		workers.Go(func() {
			for index := range queue {
				s.point(ctx, index)
			}
		})
	}
	for _, index := range indices {
		if ctx.Err() != nil {
			break
		}
		queue <- index
	}
	close(queue)
	workers.Wait()
	fmt.Fprintf(cfg.Log, "%d of %d points are there, %d of them from before: %s\n", s.ok+s.before, s.of, s.before, cfg.Out)
	return errors.Join(s.failures...)
}

// Check finds fault with the grid: a parameter that the notebook does not have, a
// value that is none, an index beyond it.
func (cfg Config) Check() error {
	_, err := cfg.record()
	return err
}

// record reads the notebook, and is Check.
func (cfg Config) record() (record, error) {
	nb, err := notebook.ReadFile(cfg.Path)
	if err != nil {
		return record{}, err
	}
	if err := nb.CheckKernel(); err != nil {
		return record{}, fmt.Errorf("%s %w", cfg.Path, err)
	}
	r := record{
		Notebook: filepath.Base(cfg.Path), SHA256: sourceSum(nb), Version: cfg.Version, Threads: max(cfg.Threads, 1),
		Names: cfg.Grid.Names, Points: cfg.Grid.Points,
	}
	for i, p := range r.Points {
		trial := *nb
		trial.Cells = slices.Clone(nb.Cells)
		if err := trial.SetParameters(p); err != nil {
			return r, fmt.Errorf("%s, index %d: %w", cfg.Path, i, err)
		}
	}
	if cfg.Index >= len(r.Points) {
		return r, fmt.Errorf("index %d is beyond the grid: it has %d points, 0 to %d", cfg.Index, len(r.Points), len(r.Points)-1)
	}
	return r, nil
}

// sweep is a Run under way.
type sweep struct {
	cfg    Config
	folder folder
	of     int

	mu         sync.Mutex
	ok, before int
	said       int
	failures   []error
}

// point runs one index, unless it is done.
func (s *sweep) point(ctx context.Context, index int) {
	began := time.Now()
	p := s.folder.Points[index]
	done, err := s.run(ctx, index, p)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.said++
	how := fmt.Sprintf("%.1f s", time.Since(began).Seconds())
	switch {
	case ctx.Err() != nil:
		err = errors.New("stopped; the same command runs it")
		how = "stopped"
	case err != nil:
		how = "failed after " + how
	case done:
		s.before++
		how = "done before"
	default:
		s.ok++
	}
	fmt.Fprintf(s.cfg.Log, "%*d/%d  index %d  %s  %s\n", len(strconv.Itoa(s.of)), s.said, s.of, index, s.cfg.Grid.Label(p), how)
	if err != nil {
		s.failures = append(s.failures, fmt.Errorf("index %d (%s): %w", index, s.cfg.Grid.Label(p), err))
	}
}

// run is point without its words. done says that the index was done before.
func (s *sweep) run(ctx context.Context, index int, p Point) (done bool, err error) {
	free, err := s.folder.take(index)
	if err != nil {
		return false, err
	}
	defer free()
	if o, ok := s.folder.outcome(index); ok && o.Status == "ok" {
		return true, nil
	}
	dir := s.folder.indexDir(index)
	if err := os.RemoveAll(dir); err != nil { // what a run that failed or was killed has left
		return false, err
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return false, err
	}
	beside, err := filepath.Abs(filepath.Dir(s.cfg.Path))
	if err != nil {
		return false, err
	}
	kernel := s.cfg.Kernel
	kernel.Env = append(
		append([]string{}, kernel.Env...),
		"ODSLAB_NOTEBOOK="+beside,
		"NPROC="+strconv.Itoa(s.folder.Threads), // XLA's threads, of which sums depend in their last digits
	)
	host, _ := os.Hostname()
	o := outcome{Index: index, Parameters: p, Status: "ok", Host: host}
	began := time.Now()
	err = notebook.Run(ctx, notebook.Config{
		Paths: []string{s.cfg.Path}, OutDir: dir, Dir: dir, Timeout: s.cfg.Timeout, Params: p, Kernel: kernel,
	})
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	o.Seconds = time.Since(began).Seconds()
	if err != nil {
		o.Status, o.Error = "failed", err.Error()
	}
	return false, errors.Join(err, writeJSON(filepath.Join(dir, pointFile), o))
}
