package notebook

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Config says what Run is to do.
type Config struct {
	Paths   []string          // the notebooks, run in this order, each in a kernel of its own
	HTMLDir string            // where pages go; "": OutDir
	OutDir  string            // where executed notebooks go; "": HTMLDir, or "out" beside each notebook
	Dir     string            // where kernels work; "": the folder of each notebook
	Timeout time.Duration     // of one cell; 0: none
	Params  map[string]string // override assignments in cells tagged "parameters"
	Kernel  Command
	Out     io.Writer // progress and the table; nil: nowhere

	connect func(ctx context.Context, dir string) (client, error) // in tests
}

// ErrFailed is what errors.Is finds in Run's error when a cell or a check has
// failed; errors.As finds the *CellError.
var ErrFailed = errors.New("failed")

// job is one notebook of a run.
type job struct {
	path, executed, page string
	nb                   *Notebook
	summary              Summary
	err                  error
}

// Run executes notebooks and writes, for each, the executed .ipynb and its
// page, also when a cell has failed. Nothing is started unless all of them can
// be read and take the parameters. The error has a line for each failure.
func Run(ctx context.Context, cfg Config) error {
	if cfg.Out == nil {
		cfg.Out = io.Discard
	}
	if cfg.connect == nil {
		cfg.connect = cfg.Kernel.start
	}
	jobs, err := cfg.prepare()
	if err != nil {
		return err
	}
	progress := newProgress(cfg.Out)
	var failures []error
	for _, j := range jobs {
		j.run(ctx, &cfg, progress)
		if j.err != nil {
			failures = append(failures, j.err)
		}
		if ctx.Err() != nil {
			break
		}
	}
	progress.close()
	table(cfg.Out, jobs)
	return errors.Join(failures...)
}

// prepare reads everything before anything is run.
func (cfg *Config) prepare() ([]*job, error) {
	if len(cfg.Paths) == 0 {
		return nil, errors.New("no notebook given: name one or more .ipynb files")
	}
	var jobs []*job
	var problems []error
	taken := map[string]bool{}
	accepted := map[string]bool{}
	for _, path := range cfg.Paths {
		nb, err := ReadFile(path)
		if err == nil {
			if err = nb.CheckKernel(); err != nil {
				err = fmt.Errorf("%s %w", path, err)
			}
		}
		if err != nil {
			problems = append(problems, err)
			continue
		}
		j := &job{path: path, nb: nb}
		j.executed, j.page = cfg.targets(path, taken)
		if sameFile(j.executed, path) {
			problems = append(problems, fmt.Errorf("%s: -out %s would replace the notebook itself: choose another folder", path, filepath.Dir(j.executed)))
			continue
		}
		known, err := nb.Parameters()
		if err != nil && len(cfg.Params) > 0 {
			problems = append(problems, fmt.Errorf("%s: %w", path, err))
			continue
		}
		here := map[string]string{}
		for _, name := range known {
			if v, ok := cfg.Params[name]; ok {
				here[name], accepted[name] = v, true
			}
		}
		if len(cfg.Paths) == 1 {
			here = cfg.Params
		}
		if err := nb.SetParameters(here); err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", path, err))
			continue
		}
		jobs = append(jobs, j)
	}
	if len(problems) == 0 && len(cfg.Paths) > 1 {
		for name := range cfg.Params {
			if !accepted[name] {
				problems = append(problems, fmt.Errorf("none of the notebooks has a parameter %q", name))
			}
		}
	}
	return jobs, errors.Join(problems...)
}

// targets names the files that a notebook's run makes.
func (cfg *Config) targets(path string, taken map[string]bool) (executed, page string) {
	out, pages := cfg.OutDir, cfg.HTMLDir
	if out == "" {
		out = pages
	}
	if out == "" {
		out = filepath.Join(filepath.Dir(path), "out")
	}
	if pages == "" {
		pages = out
	}
	name := strings.TrimSuffix(filepath.Base(path), ".ipynb")
	for base, n := name, 2; taken[filepath.Join(out, name)]; n++ {
		name = base + "-" + strconv.Itoa(n)
	}
	taken[filepath.Join(out, name)] = true
	return filepath.Join(out, name+".ipynb"), filepath.Join(pages, name+".html")
}

func sameFile(a, b string) bool {
	x, err1 := os.Stat(a)
	y, err2 := os.Stat(b)
	return err1 == nil && err2 == nil && os.SameFile(x, y)
}

func (j *job) run(ctx context.Context, cfg *Config, p *progress) {
	p.notebook(j.path)
	kernel, err := cfg.connect(ctx, cmp.Or(cfg.Dir, filepath.Dir(j.path)))
	if err != nil {
		j.err = fmt.Errorf("%s: %w", j.path, err)
		return
	}
	r := &runner{kernel: kernel, timeout: cfg.Timeout, grace: interruptGrace, began: p.began, ended: p.ended, now: time.Now}
	j.summary = r.run(ctx, j.nb)
	_ = kernel.Shutdown(context.WithoutCancel(ctx)) // it ends, or is killed
	if f := j.summary.Failure; f != nil {
		f.Path = j.path
		j.err = f
	}
	if err := j.write(); err != nil {
		j.err = errors.Join(j.err, err)
	}
}

// write keeps what there is, also after a failure.
func (j *job) write() error {
	if err := j.nb.WriteFile(j.executed); err != nil {
		return unwritten(j.executed, err)
	}
	note := fmt.Sprintf("%s: %d cells, %s.", filepath.Base(j.path), j.summary.Ran, seconds(j.summary.Time))
	if f := j.summary.Failure; f != nil {
		note = fmt.Sprintf("%s: stopped at cell %d of %d.", filepath.Base(j.path), j.summary.Ran, j.summary.Cells)
	}
	page := HTML(j.nb, PageOptions{Title: strings.TrimSuffix(filepath.Base(j.path), ".ipynb"), Dir: filepath.Dir(j.path), Note: note})
	if err := replaceFile(j.page, page); err != nil {
		return unwritten(j.page, err)
	}
	return nil
}

// unwritten leaves out the name of the temporary file.
func unwritten(path string, err error) error {
	var pe *os.PathError
	if errors.As(err, &pe) {
		err = pe.Err
	}
	return fmt.Errorf("%s cannot be written: %w", path, err)
}
