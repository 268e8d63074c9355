package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"odslab/kernel/soak"
	"odslab/kernel/toolchain"
)

// cmdSoak abuses a kernel for a while.
func cmdSoak(ctx context.Context, args []string) error {
	fs := flagSet("soak")
	minutes := fs.Float64("minutes", 1, "for how long")
	seed := fs.Uint64("seed", 1, "of the random operations")
	plain, _, err := parse(fs, args)
	if err != nil {
		return err
	}
	if err := none("soak", plain); err != nil {
		return err
	}
	if !(*minutes > 0 && *minutes < 1e5) {
		return fmt.Errorf("soak: -minutes %v is not a time", *minutes)
	}
	l, err := toolchain.Default()
	if err != nil {
		return err
	}
	if err := toolchain.SetUp(ctx, l, toolchain.Options{Out: os.Stderr}); err != nil {
		return err
	}
	own := kernelCommand(l)
	return soak.Run(ctx, soak.Config{Argv: own.Argv, Env: own.Env, For: time.Duration(*minutes * float64(time.Minute)), Seed: *seed, Out: os.Stdout})
}
