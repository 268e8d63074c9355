package main

import (
	"context"
	"errors"

	"odslab/kernel/serve"
	"odslab/kernel/toolchain"
)

// cmdKernel is what a kernelspec starts. Signals are the kernel's own business:
// an interrupt is for the cell at work, not for this process.
func cmdKernel(ctx context.Context, args []string) error {
	fs := flagSet("kernel")
	file := fs.String("f", "", "connection `file` from Jupyter")
	plain, _, err := parse(fs, args)
	if err != nil {
		return err
	}
	if err := none("kernel", plain); err != nil {
		return err
	}
	if *file == "" {
		return errors.New("kernel is started by Jupyter, with -f and a connection file; `odslab install` tells Jupyter of it")
	}
	l, err := toolchain.Default()
	if err != nil {
		return err
	}
	return serve.Run(ctx, *file, l, toolchain.Refresh(ctx, l))
}
