package gonb

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"syscall"

	"odslab/kernel/toolchain"
)

// Seam answers in place of the go command, for GoNB and for the shell commands
// of cells. It returns the exit status.
//
//	go mod init NAME   writes a complete go.mod, so that nothing is resolved
//	go get             does nothing; with a package it is the real one
//	go build -o CELL   builds the kernel's program, when there is one
//
// Everything else is passed on.
func Seam(args []string) int {
	switch {
	case len(args) >= 2 && args[0] == watchdogCommand:
		return watchdog(args[1], args[2:])
	case len(args) >= 2 && args[0] == "mod" && args[1] == "init" && inGonbDir():
		return modInit(args[2:])
	case slices.Equal(args, []string{"get"}) || slices.Equal(args, []string{"get", "-t"}):
		return 0
	case len(args) >= 3 && args[0] == "build" && args[1] == "-o" && isCell(args[2]):
		if next := os.Getenv(envNext); next != "" {
			if _, err := os.Stat(next); err == nil {
				return buildNext(next, args[2], args[3:])
			}
		}
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

// kept is how many binaries stay for cells that are run again unchanged.
const kept = 8

// buildNext builds the kernel's program to out, or takes the binary of an
// earlier run of the same program. What the compiler says goes into a file
// beside the program.
func buildNext(next, out string, flags []string) int {
	dir := filepath.Dir(next)
	fail := func(said []byte) int {
		os.WriteFile(filepath.Join(dir, buildLog), said, 0o600)
		os.Stderr.Write(said)
		return 1
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil || len(files) == 0 {
		return fail([]byte("no program to build\n"))
	}
	flags = append(slices.Clone(toolchain.BuildFlags), flags...)
	key, err := fingerprint(files, flags)
	if err != nil {
		return fail([]byte(err.Error() + "\n"))
	}
	bin := filepath.Join(dir, "bin", key)
	if _, err := os.Stat(bin); err != nil {
		goCmd, err := toolchain.RealGo()
		if err != nil {
			return fail([]byte(err.Error() + "\n"))
		}
		tmp := bin + ".tmp"
		cmd := exec.Command(goCmd, append(append([]string{"build", "-o", tmp}, flags...), files...)...)
		cmd.Dir = os.Getenv(envModule)
		if said, err := cmd.CombinedOutput(); err != nil {
			if len(said) == 0 {
				said = []byte("go build: " + err.Error() + "\n")
			}
			return fail(said)
		}
		if err := os.Rename(tmp, bin); err != nil {
			return fail([]byte(err.Error() + "\n"))
		}
		prune(filepath.Join(dir, "bin"))
	}
	os.Remove(out)
	if err := os.Link(bin, out); err != nil {
		return fail([]byte(err.Error() + "\n"))
	}
	return 0
}

// fingerprint covers all that the binary depends on: the program, the flags, the
// module of cells and the sources of the clone, by their sizes and times.
func fingerprint(files, flags []string) (string, error) {
	h := sha256.New()
	fmt.Fprintln(h, flags, os.Getenv("CGO_ENABLED"), os.Getenv("GOFLAGS"))
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			return "", err
		}
		fmt.Fprintln(h, filepath.Base(f), len(data))
		h.Write(data)
	}
	mod, err := os.ReadFile(filepath.Join(os.Getenv(envModule), "go.mod"))
	if err != nil {
		return "", err
	}
	h.Write(mod)
	for _, clone := range replaced(mod) {
		for _, part := range []string{"odslib", "plotting", "kernel/gonb/boot"} {
			err := filepath.WalkDir(filepath.Join(clone, part), func(path string, d fs.DirEntry, err error) error {
				if err != nil || d.IsDir() || strings.HasSuffix(path, "_test.go") {
					return nil
				}
				info, err := d.Info()
				if err == nil {
					fmt.Fprintln(h, path, info.Size(), info.ModTime().UnixNano())
				}
				return nil
			})
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return "", err
			}
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:16]), nil
}

// replaced lists the folders that a go.mod puts in place of modules.
func replaced(mod []byte) (dirs []string) {
	for line := range bytes.Lines(mod) {
		_, to, ok := strings.Cut(string(line), "=>")
		if to = strings.Trim(strings.TrimSpace(to), `"`); ok && filepath.IsAbs(to) {
			dirs = append(dirs, to)
		}
	}
	return dirs
}

// prune removes all but the binaries made last.
func prune(dir string) {
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) <= kept {
		return
	}
	age := func(i int) int64 {
		info, err := entries[i].Info()
		if err != nil {
			return 0
		}
		return info.ModTime().UnixNano()
	}
	sort.Slice(entries, func(i, j int) bool { return age(i) > age(j) })
	for _, e := range entries[kept:] {
		os.Remove(filepath.Join(dir, e.Name()))
	}
}
