package toolchain

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"odslab/kernel/runtime/contract"
)

// BuildFlags are the flags that cells are built with. Warming the cache and
// building a cell must agree on them, or the warmth is lost. -s leaves out the
// symbol table, which halves the linker's work; panics keep their lines.
func BuildFlags(resident bool) []string {
	return append([]string{"-buildvcs=false", "-ldflags=-s"}, PackageFlags(resident)...)
}

// PackageFlags are those of BuildFlags by which the go command sees packages as
// cells do. XLA is in the resident process, never in a cell, whatever a cell
// imports; and where there is such a process, cells leave the pure-Go engine out
// too. What debuggers would read costs the linker time, and nobody reads it.
func PackageFlags(resident bool) []string {
	tags := "-tags=noxla"
	if resident {
		tags = "-tags=noxla,resident"
	}
	return []string{"-gcflags=all=" + strings.Join(compilerFlags, " "), tags}
}

var compilerFlags = []string{"-dwarf=false"}

// warmStep compiles all that a cell can import, so that the first cell is as
// fast as the next ones.
func (l Layout) warmStep(m *module, o Options) step {
	hash := func(resident bool) string {
		return hashOf(m.hash(), l.Clone, strings.Join(BuildFlags(resident), " "),
			sourceState(l.Clone, "odslib", "plotting", "kernel/runtime"), os.Getenv("GOCACHE"), os.Getenv("CGO_ENABLED"))
	}
	return step{
		name:  "warm",
		what:  "compiling the library for cells",
		stamp: l.stampOf("warm"),
		inputs: func() string {
			resident := l.xlaPossible(o.Engine)
			if st, ok := readStamp(l.stampOf("warm")); ok && st.Inputs == hash(true) {
				resident = true // a cache that is warm for cells with a resident process is warm for those without
			}
			return hash(resident)
		},
		soft: "cells will compile the library when they need it",
		do: func(ctx context.Context, line *stepLine) (*stepResult, error) {
			os.Remove(l.stampOf("warm"))
			return l.warm(ctx, o, line)
		},
	}
}

type listed struct {
	ImportPath, Name, Export string
	Error                    *struct{ Err string }
	DepsErrors               []struct{ Err string }
}

func (l Layout) warm(ctx context.Context, o Options, line *stepLine) (*stepResult, error) {
	packages, err := l.libraryPackages(ctx, o)
	if err != nil {
		return nil, err
	}
	work, remove, err := l.work()
	if err != nil {
		return nil, err
	}
	defer remove()
	src, out := filepath.Join(work, "warm.go"), filepath.Join(work, "warm")
	if err := os.WriteFile(src, warmProgram(packages), 0o644); err != nil {
		return nil, err
	}
	variants := []bool{false}
	if l.xlaPossible(o.Engine) {
		variants = []bool{true, false}
	}
	var size int64
	for _, resident := range variants {
		if err := l.cellGo(ctx, o, nil, append(append([]string{"build"}, BuildFlags(resident)...), "-o", out, src)...); err != nil {
			return nil, err
		}
		if info, err := os.Stat(out); err == nil {
			size = max(size, info.Size())
		}
		if err := between(ctx, "warmed"); err != nil {
			return nil, err
		}
	}
	line.say("compiling the standard library for cells")
	exports, err := l.exports(ctx, o, append([]string{"std"}, packages...))
	if err != nil {
		return nil, err
	}
	// The build cache forgets what nobody used for days: the newest package and
	// the oldest tell whether it still knows.
	what := fmt.Sprintf("%d packages compiled for cells", len(packages))
	r := &stepResult{what: what, note: what, size: size}
	for _, p := range []string{"fmt", contract.SessionPath} {
		if exports[p] != "" {
			r.outputs = append(r.outputs, exports[p])
		}
	}
	return r, nil
}

// cellGo runs the go command in the module of cells.
func (l Layout) cellGo(ctx context.Context, o Options, out io.Writer, args ...string) error {
	c, err := goCommand(l.CellModule(), args...)
	if err != nil {
		return err
	}
	c.Out = out
	if o.Offline {
		c.Env = append(c.Env, "GOPROXY=off", "GOTOOLCHAIN=local")
	}
	err = run(ctx, c)
	if err != nil && o.Offline && strings.Contains(err.Error(), "GOPROXY=off") {
		return fmt.Errorf("modules of the library are %w", errOffline)
	}
	return err
}

// libraryPackages are the packages of the library that a cell may import.
func (l Layout) libraryPackages(ctx context.Context, o Options) ([]string, error) {
	var found []string
	for _, pattern := range []string{"odslab/odslib/...", "odslab/plotting/...", "odslab/kernel/runtime/..."} {
		list, err := l.list(ctx, o, "-e", pattern)
		if err != nil {
			return nil, err
		}
		for _, p := range list {
			if p.Error == nil && p.Name != "" && p.Name != "main" && !strings.Contains(p.ImportPath, "/internal/") && !strings.HasSuffix(p.ImportPath, "/internal") {
				found = append(found, p.ImportPath)
			}
		}
	}
	// What cells link without naming the library.
	return append(found, "github.com/gomlx/gomlx/core/graph", "github.com/janpfeifer/gonb/gonbui"), nil
}

// exports makes the export data that the type checker of cells reads.
func (l Layout) exports(ctx context.Context, o Options, patterns []string) (map[string]string, error) {
	list, err := l.list(ctx, o, append([]string{"-e", "-export", "-deps"}, patterns...)...)
	if err != nil {
		return nil, err
	}
	files := make(map[string]string, len(list))
	for _, p := range list {
		files[p.ImportPath] = p.Export
	}
	return files, nil
}

func (l Layout) list(ctx context.Context, o Options, args ...string) ([]listed, error) {
	var out bytes.Buffer
	args = slices.Concat([]string{"list"}, PackageFlags(l.xlaPossible(o.Engine)), []string{"-json=ImportPath,Name,Export,Error,DepsErrors"}, args)
	if err := l.cellGo(ctx, o, &out, args...); err != nil {
		return nil, err
	}
	var list []listed
	for dec := json.NewDecoder(&out); ; {
		var p listed
		err := dec.Decode(&p)
		if errors.Is(err, io.EOF) {
			return list, nil
		}
		if err != nil {
			return nil, fmt.Errorf("go list: %w", err)
		}
		list = append(list, p)
	}
}

// warmProgram is a cell that uses every package.
func warmProgram(packages []string) []byte {
	var b bytes.Buffer
	b.WriteString("package main\n\nimport (\n")
	for _, p := range packages {
		fmt.Fprintf(&b, "\t_ %q\n", p)
	}
	b.WriteString(")\n\nfunc main() {}\n")
	return b.Bytes()
}
