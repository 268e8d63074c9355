package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"runtime"

	"odslab/kernel/setup"
	"odslab/kernel/toolchain"
	"odslab/odslib/engine/environment"
)

// cmdSetup is set-up alone.
func cmdSetup(ctx context.Context, args []string) error {
	fs := flagSet("setup")
	engine := fs.String("engine", "", "xla-cpu, xla-cuda or go; default: the best that works")
	offline := fs.Bool("offline", false, "use no network; say what is missing")
	data := fs.Bool("data", false, "fetch the full data sets too")
	lab := fs.Bool("lab", false, "make the Python environment of JupyterLab too")
	plain, _, err := parse(fs, args)
	if err != nil {
		return err
	}
	if err := none("setup", plain); err != nil {
		return err
	}
	l, err := toolchain.Default()
	if err != nil {
		return err
	}
	o := toolchain.Options{Engine: *engine, Offline: *offline, Data: *data, Retry: true, Out: os.Stderr}
	if err := toolchain.SetUp(ctx, l, o); err != nil {
		return err
	}
	if *lab {
		say := func(line string) { fmt.Fprintln(os.Stderr, " ", line) }
		if _, err := toolchain.EnsurePython(ctx, say, setup.LabPackages...); err != nil {
			return err
		}
	}
	name, why := l.EngineFor(cmp.Or(*engine, os.Getenv(environment.Engine)))
	fmt.Printf("ready in %s; engine %s (%s)\n", l.Root, name, why)
	return nil
}

// cmdVersion prints what is pinned.
func cmdVersion(ctx context.Context, args []string) error {
	fs := flagSet("version")
	plain, _, err := parse(fs, args)
	if err != nil {
		return err
	}
	if err := none("version", plain); err != nil {
		return err
	}
	l, err := toolchain.Default()
	if err != nil {
		return err
	}
	pins, err := toolchain.Pins(l)
	if err != nil {
		return err
	}
	fmt.Printf("%-28s %s\n", "odslab", toolchain.Version)
	fmt.Printf("%-28s %s %s/%s\n", "go", runtime.Version(), runtime.GOOS, runtime.GOARCH)
	for _, p := range pins {
		fmt.Printf("%-28s %s\n", p.Name, p.Version)
	}
	return nil
}
