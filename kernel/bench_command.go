package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"odslab/kernel/bench"
	"odslab/kernel/toolchain"
)

// cmdBench measures the kernel against stock GoNB and ipykernel.
func cmdBench(ctx context.Context, args []string) error {
	fs := flagSet("bench")
	asJSON := fs.Bool("json", false, "one object a line instead of a table")
	n := fs.Int("n", 0, "how `often` each cell is timed; 0: 7 times")
	only := fs.String("case", "", "only cells whose name contains the `text`; the start is always timed")
	traced := fs.Bool("trace", false, "where the time of a changed cell goes, beside the bare toolchain; no other kernels")
	python := fs.String("python", "", "an `interpreter` with ipykernel (default: a private one)")
	plain, _, err := parse(fs, args)
	if err != nil {
		return err
	}
	if err := none("bench", plain); err != nil {
		return err
	}
	if *n < 0 {
		return fmt.Errorf("bench: -n %d is negative", *n)
	}
	l, err := toolchain.Default()
	if err != nil {
		return err
	}
	if err := toolchain.SetUp(ctx, l, toolchain.Options{Out: os.Stderr}); err != nil {
		return err
	}
	say := func(line string) { fmt.Fprintln(os.Stderr, " ", line) }
	own := kernelCommand(l)
	cfg := bench.Config{N: *n, JSON: *asJSON, Case: *only, Out: os.Stdout, Log: os.Stderr, Peers: []bench.Peer{
		bench.Odslab(own.Argv, own.Env),
		bench.GoNB(l.Tool("gonb"), l.Bin(), os.Getenv("PATH"), l.CellModule()),
	}}
	if *traced {
		return bench.Trace(ctx, cfg.Peers[0], *n, l.CellModule(), os.Stdout)
	}
	if *python == "" {
		if *python, err = toolchain.EnsurePython(ctx, say, "ipykernel"); err != nil {
			say("without ipykernel: " + err.Error())
		}
	}
	if *python != "" {
		cfg.Peers = append(cfg.Peers, bench.IPyKernel(*python))
	}
	if engine, why := l.Engine(); strings.HasPrefix(engine, "xla") {
		cfg.Plugin = l.Plugin()
	} else {
		say("without XLA cells: " + why)
	}
	_, err = bench.Run(ctx, cfg)
	return err
}
