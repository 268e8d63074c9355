package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"odslab/kernel/sweep"
	"odslab/kernel/toolchain"
	"odslab/odslib/engine/environment"
)

// sweepOptions are the flags of run that belong to -sweep.
type sweepOptions struct {
	index, jobs, threads int
	given                bool // -index
}

// prepareSweep finds fault with a sweep before minutes go into set-up, and returns
// what runs it.
func prepareSweep(ctx context.Context, paths []string, grid, out string, params parameters, timeout time.Duration, o sweepOptions) (func(toolchain.Layout) error, error) {
	switch {
	case len(paths) != 1:
		return nil, fmt.Errorf("run: -sweep takes one notebook, not %d", len(paths))
	case o.given && o.index < 0, o.jobs < 0, o.threads < 1:
		return nil, errors.New("run: -index and -jobs are 0 or more, -threads 1 or more")
	}
	g, err := sweep.ReadGrid(grid)
	if err != nil {
		return nil, err
	}
	if err := g.Set(params); err != nil {
		return nil, err
	}
	if !o.given {
		index, ok, err := environment.TaskIndex()
		if err != nil {
			return nil, err
		}
		if ok {
			o.index = index
		}
	}
	cfg := sweep.Config{
		Path: paths[0], Grid: g, Out: out, Index: o.index, Jobs: o.jobs, Threads: o.threads, Timeout: timeout,
		Version: toolchain.Version, Log: os.Stdout,
	}
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	return func(l toolchain.Layout) error {
		cfg.Kernel = kernelCommand(l)
		return sweep.Run(ctx, cfg)
	}, nil
}

// cmdCollect joins what a sweep has made.
func cmdCollect(_ context.Context, args []string) error {
	fs := flagSet("collect")
	failed := fs.Bool("failed", false, "print the indices that have not ended well, for `sbatch --array`, and join nothing")
	plain, _, err := parse(fs, args)
	if err != nil {
		return err
	}
	if len(plain) != 1 {
		return errors.New("collect: name the folder of one sweep")
	}
	if !*failed {
		return sweep.Collect(plain[0], os.Stdout)
	}
	left, err := sweep.Left(plain[0])
	if err != nil {
		return err
	}
	var list []string
	for _, index := range left {
		list = append(list, strconv.Itoa(index))
	}
	fmt.Println(strings.Join(list, ","))
	return nil
}
