// Command odslab is a Jupyter kernel for Go with what belongs to it: set-up,
// headless runs of notebooks, JupyterLab, and checks.
//
//	go run ./kernel run notebooks/01-first-posterior.ipynb
//	go run ./kernel lab
//	go run ./kernel doctor
//
// The same program is the kernel that Jupyter starts, and, under the name go,
// what GoNB takes for the go command.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"odslab/kernel/gonb"
)

func main() {
	if filepath.Base(os.Args[0]) == "go" {
		os.Exit(gonb.Seam(os.Args[1:]))
	}
	// A write beyond `ulimit -f` is then an error with a line instead of a crash.
	signal.Ignore(syscall.SIGXFSZ)
	err := start(os.Args[1:])
	var status exitStatus
	switch {
	case err == nil:
	case errors.As(err, &status):
		os.Exit(int(status))
	default:
		fmt.Fprintln(os.Stderr, "odslab:", err)
		os.Exit(1)
	}
}

// start ends a command's context on Ctrl-C and when its terminal is closed,
// except the kernel's.
func start(args []string) error {
	ctx := context.Background()
	if len(args) == 0 || args[0] != "kernel" {
		var stop context.CancelFunc
		ends := []os.Signal{os.Interrupt, syscall.SIGTERM}
		if !signal.Ignored(syscall.SIGHUP) { // as nohup has it
			ends = append(ends, syscall.SIGHUP) // the terminal is gone
		}
		ctx, stop = signal.NotifyContext(ctx, ends...)
		defer stop()
	}
	return dispatch(ctx, args)
}

// exitStatus ends the program without another line: all has been said.
type exitStatus int

func (s exitStatus) Error() string { return fmt.Sprintf("exit status %d", int(s)) }
