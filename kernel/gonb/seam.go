package gonb

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"odslab/kernel/toolchain"
)

// Seam answers in place of the go command, for GoNB and for the shell commands
// of cells. It returns the exit status.
//
//	go mod init NAME   writes a complete go.mod, so that nothing is resolved
//	go get             does nothing; with a package it is the real one
//	go build -o CELL   gets the flags that cells are built with
//
// Everything else is passed on. The kernel's own programs are built before GoNB
// asks for them; see answers.go.
func Seam(args []string) int {
	switch {
	case len(args) >= 2 && args[0] == watchdogCommand:
		return watchdog(args[1], args[2:])
	case len(args) >= 2 && args[0] == "mod" && args[1] == "init" && inGonbDir():
		return modInit(args[2:])
	case slices.Equal(args, []string{"get"}) || slices.Equal(args, []string{"get", "-t"}):
		return 0
	case len(args) >= 3 && args[0] == "build" && args[1] == "-o" && isCell(args[2]):
		args = append(append([]string{"build"}, toolchain.BuildFlags...), args[1:]...)
	}
	return passOn(args)
}

func inGonbDir() bool {
	wd, err := os.Getwd()
	return err == nil && filepath.Base(wd) == filepath.Base(os.Getenv("GONB_TMP_DIR"))
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

// modInit gives GoNB's own programs the module of cells under GoNB's name.
func modInit(args []string) int {
	module := os.Getenv(envModule)
	mod, err := os.ReadFile(filepath.Join(module, "go.mod"))
	if err != nil || len(args) != 1 {
		return passOn(append([]string{"mod", "init"}, args...))
	}
	lines := strings.SplitAfter(string(mod), "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, "module ") {
			lines[i] = "module " + args[0] + "\n"
			break
		}
	}
	err = os.WriteFile("go.mod", []byte(strings.Join(lines, "")), 0o644)
	if sum, sumErr := os.ReadFile(filepath.Join(module, "go.sum")); err == nil && sumErr == nil {
		err = os.WriteFile("go.sum", sum, 0o644)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "go: mod init:", err)
		return 1
	}
	return 0
}
