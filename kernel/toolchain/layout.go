package toolchain

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"odslab/odslib/engine/environment"
)

// Layout says where everything lies that set-up makes. Root is shared by all
// clones of the repository (plugin, Python, data sets); what depends on the
// source is kept once per clone, so that two clones never fight over it.
type Layout struct {
	Root  string // the cache folder: $ODSLAB_CACHE, else odslab in the user's cache folder
	Clone string // the module root that the tools and cells belong to
}

// Default is the layout of this user and this clone.
func Default() (Layout, error) {
	root, err := cacheRoot()
	if err != nil {
		return Layout{}, err
	}
	clone, err := moduleRoot()
	if err != nil {
		return Layout{}, err
	}
	return Layout{Root: root, Clone: clone}, nil
}

// ModuleRoot finds the clone: $ODSLAB_MODULE, else the clone that this binary
// was installed for, else the nearest folder upward with a go.mod of module
// odslab.
func ModuleRoot() (string, error) {
	return moduleRoot()
}

// Bin holds gonb, goimports and odslab.
func (l Layout) Bin() string { return filepath.Join(l.home(), "bin") }

// Tool is the path of one program in Bin.
func (l Layout) Tool(name string) string { return filepath.Join(l.Bin(), name) }

// Seam is the folder in front of PATH whose go answers GoNB.
func (l Layout) Seam() string { return filepath.Join(l.home(), "seam") }

// CellModule holds the go.mod and go.sum that cells are built with.
func (l Layout) CellModule() string { return filepath.Join(l.home(), "module") }

// Cells holds binaries of cells, for kernels to come.
func (l Layout) Cells() string { return filepath.Join(l.home(), "cells") }

// Programs holds what XLA has compiled, for processes to come.
func (l Layout) Programs() string { return filepath.Join(l.Root, "programs") }

// Plugin is the PJRT plugin: $ODSLAB_PLUGIN, else the one that set-up fetches.
func (l Layout) Plugin() string {
	if p := os.Getenv(environment.Plugin); p != "" {
		return p
	}
	return l.ownPlugin()
}

// Python is the interpreter of the private environment; see EnsurePython.
func (l Layout) Python() string { return filepath.Join(l.venv(), "bin", "python") }

// Data holds the full data sets.
func (l Layout) Data() string { return filepath.Join(l.Root, "data") }

// Kernels holds the private Jupyter data folder of the lab command.
func (l Layout) Kernels() string { return filepath.Join(l.home(), "jupyter") }

func (l Layout) ownPlugin() string {
	return filepath.Join(l.Root, "plugin", "pjrt_c_api_cpu_plugin.so")
}

func (l Layout) venv() string { return filepath.Join(l.Root, "python") }

func (l Layout) lockFile() string { return filepath.Join(l.Root, "setup.lock") }

// home is the folder of this clone. A clone that moves gets a new one.
func (l Layout) home() string {
	sum := sha256.Sum256([]byte(l.Clone))
	return filepath.Join(l.Root, "clones", hex.EncodeToString(sum[:6]))
}

// RealGo is the go command that builds cells: $ODSLAB_GO, else the first go on
// PATH that is not our seam.
func RealGo() (string, error) {
	// A kernelspec may outlive the Go that it was installed with.
	if p := os.Getenv("ODSLAB_GO"); p != "" {
		if found, err := exec.LookPath(p); err == nil {
			return found, nil
		}
	}
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		if dir == "" || isSeam(dir) {
			continue
		}
		if found, err := exec.LookPath(filepath.Join(dir, "go")); err == nil {
			return filepath.Abs(found)
		}
	}
	return "", errors.New("no go command on PATH: install Go 1.26 from https://go.dev/dl and put its bin folder on PATH")
}

// isSeam reports whether a folder of PATH is the seam of any clone.
func isSeam(dir string) bool {
	return filepath.Base(dir) == "seam" && filepath.Base(filepath.Dir(filepath.Dir(dir))) == "clones"
}

func cacheRoot() (string, error) {
	if dir := os.Getenv(environment.Cache); dir != "" {
		return filepath.Abs(dir)
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no cache folder (%w): set ODSLAB_CACHE to a folder that can be written", err)
	}
	return filepath.Join(dir, "odslab"), nil
}

func moduleRoot() (string, error) {
	if dir := os.Getenv("ODSLAB_MODULE"); dir != "" {
		if !isModuleRoot(dir) {
			return "", fmt.Errorf("ODSLAB_MODULE=%s holds no go.mod of module odslab", dir)
		}
		return filepath.Abs(dir)
	}
	if dir := installedFor(); dir != "" {
		if !isModuleRoot(dir) {
			return "", fmt.Errorf("the clone %s that this odslab was installed for is gone: run `go run ./kernel install` in the clone you use now", dir)
		}
		return dir, nil
	}
	wd, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for dir := wd; ; dir = filepath.Dir(dir) {
		if isModuleRoot(dir) {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("%s is not inside a clone of odslab: change into the clone, or set ODSLAB_MODULE to it", wd)
		}
	}
}

// installedFor reads which clone the running binary belongs to, when it lies
// in the cache: Jupyter starts it from any folder.
func installedFor() string {
	exe, err := os.Executable()
	if err != nil {
		return ""
	}
	if real, err := filepath.EvalSymlinks(exe); err == nil {
		exe = real
	}
	home := filepath.Dir(filepath.Dir(exe))
	if filepath.Base(filepath.Dir(home)) != "clones" {
		return ""
	}
	data, err := os.ReadFile(filepath.Join(home, "clone"))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(data))
}

func isModuleRoot(dir string) bool {
	data, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(data)) {
		if f := strings.Fields(line); len(f) == 2 && f[0] == "module" {
			return f[1] == "odslab"
		}
	}
	return false
}
