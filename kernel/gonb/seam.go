package gonb

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"odslab/kernel/toolchain"
)

// Seam answers in place of the go command, for GoNB and for the shell commands
// of cells. It returns the exit status.
//
//	go get             does nothing; with a package it is the real one
//	go build -o CELL   gets the flags that cells are built with
//
// Everything else is passed on. The kernel's own programs, and go mod init, are
// answered before it comes to this; see answers.go.
func Seam(args []string) int {
	switch {
	case len(args) >= 2 && args[0] == watchdogCommand:
		return watchdog(args[1], args[2:])
	case slices.Equal(args, []string{"get"}) || slices.Equal(args, []string{"get", "-t"}):
		return 0
	case len(args) >= 3 && args[0] == "build" && args[1] == "-o" && isCell(args[2]):
		args = append(append([]string{"build"}, toolchain.BuildFlags(false)...), args[1:]...)
	}
	return passOn(args)
}

// isCell reports whether out is where GoNB keeps the binary of its cells.
func isCell(out string) bool {
	dir := os.Getenv("GONB_TMP_DIR")
	return dir != "" && out == filepath.Join(dir, filepath.Base(dir))
}

// passOn becomes the real go command.
func passOn(args []string) int {
	goCmd, err := toolchain.RealGo()
	if err == nil {
		err = syscall.Exec(goCmd, append([]string{"go"}, args...), os.Environ())
	}
	fmt.Fprintln(os.Stderr, "go:", err)
	return 1
}
