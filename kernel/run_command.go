package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"odslab/kernel/notebook"
	"odslab/kernel/toolchain"
	"odslab/odslib/engine/environment"
)

// cmdRun runs notebooks headlessly through the real kernel.
func cmdRun(ctx context.Context, args []string) error {
	fs := flagSet("run")
	html := fs.String("html", "", "`folder` for the pages (default: that of -out)")
	out := fs.String("out", "", "`folder` for the executed notebooks (default: that of -html, else out/ beside each notebook)")
	timeout := fs.Duration("timeout", 0, "the longest that one cell may take, such as 90s; 0: any time")
	params := parameters{}
	fs.Var(params, "param", "`name=value` for the cell tagged parameters; may be repeated")
	grid := fs.String("sweep", "", "`file` with the values of parameters, in YAML: the notebook is run at each point, or at that of this task of an array")
	var o sweepOptions
	fs.IntVar(&o.index, "index", -1, "with -sweep, the only point to run (default: $SLURM_ARRAY_TASK_ID, $JOB_COMPLETION_INDEX, else all)")
	fs.IntVar(&o.jobs, "jobs", 0, "with -sweep, how many points at once (default: one a core)")
	fs.IntVar(&o.threads, "threads", 1, "with -sweep, XLA's threads for each point")
	paths, _, err := parse(fs, args)
	if err != nil {
		return err
	}
	if *timeout < 0 {
		return fmt.Errorf("run: -timeout %v is negative", *timeout)
	}
	if err := readable(paths); err != nil {
		return err
	}
	sweeping := func(toolchain.Layout) error { return nil }
	fs.Visit(func(f *flag.Flag) {
		o.given = o.given || f.Name == "index"
		if slices.Contains([]string{"index", "jobs", "threads"}, f.Name) && *grid == "" {
			err = fmt.Errorf("run: -%s goes with -sweep", f.Name)
		}
	})
	if err != nil {
		return err
	}
	if *grid != "" {
		if *html != "" {
			return errors.New("run: with -sweep each page lies in the folder of its index: -out names the folder of all")
		}
		if sweeping, err = prepareSweep(ctx, paths, *grid, *out, params, *timeout, o); err != nil {
			return err
		}
	}
	l, err := toolchain.Default()
	if err != nil {
		return err
	}
	if err := toolchain.SetUp(ctx, l, toolchain.Options{Out: os.Stderr}); err != nil {
		return err
	}
	name, why := l.Engine()
	if name == "go" {
		why += "; pure Go, slower"
	}
	fmt.Fprintf(os.Stderr, "engine %s (%s)\n", name, why)
	start := time.Now()
	if *grid != "" {
		return sweeping(l)
	}
	err = notebook.Run(ctx, notebook.Config{
		Paths: paths, HTMLDir: *html, OutDir: *out, Timeout: *timeout, Params: params,
		Kernel: kernelCommand(l), Out: os.Stdout,
	})
	if ctx.Err() != nil {
		return fmt.Errorf("run stopped after %v; what had run is written", time.Since(start).Round(time.Second))
	}
	return err
}

// kernelCommand starts the kernel as Jupyter would.
func kernelCommand(l toolchain.Layout) notebook.Command {
	return notebook.Command{
		Argv: []string{l.Tool("odslab"), "kernel", "-f", "{connection_file}"},
		Env:  []string{"ODSLAB_MODULE=" + l.Clone, environment.Cache + "=" + l.Root},
	}
}

// readable finds fault with the notebooks before minutes go into set-up.
func readable(paths []string) error {
	if len(paths) == 0 {
		return errors.New("run: name one or more notebooks, such as notebooks/01-first-posterior.ipynb")
	}
	var problems []error
	for _, path := range paths {
		nb, err := notebook.ReadFile(path)
		if err == nil {
			if err = nb.CheckKernel(); err != nil {
				err = fmt.Errorf("%s %w", path, err)
			}
		}
		problems = append(problems, err)
	}
	return errors.Join(problems...)
}

// parameters collects -param flags.
type parameters map[string]string

func (p parameters) String() string { return "" }

func (p parameters) Set(text string) error {
	name, value, ok := strings.Cut(text, "=")
	if !ok || strings.TrimSpace(name) == "" {
		return errors.New("want name=value")
	}
	p[strings.TrimSpace(name)] = value
	return nil
}
