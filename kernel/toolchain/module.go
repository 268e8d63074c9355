package toolchain

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/modfile"
)

// module is the clone's go.mod and go.sum.
type module struct {
	file *modfile.File
	mod  []byte
	sum  []byte
}

func readModule(clone string) (*module, error) {
	path := filepath.Join(clone, "go.mod")
	mod, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	sum, err := os.ReadFile(filepath.Join(clone, "go.sum"))
	if err != nil {
		return nil, err
	}
	file, err := modfile.Parse(path, mod, nil)
	if err != nil {
		return nil, fmt.Errorf("%s cannot be read: %w", path, err)
	}
	return &module{file, mod, sum}, nil
}

// hash covers what the versions of all dependencies are.
func (m *module) hash() string { return hashOf(string(m.mod), string(m.sum)) }

// version is the pinned version of a required module.
func (m *module) version(path string) string {
	for _, r := range m.file.Require {
		if r.Mod.Path == path {
			return r.Mod.Version
		}
	}
	return "?"
}

// cellMod is the go.mod of cells: the same pins, with odslab itself taken from
// the clone.
func (m *module) cellMod(clone string) ([]byte, error) {
	f := new(modfile.File)
	if err := f.AddModuleStmt("cells"); err != nil {
		return nil, err
	}
	if m.file.Go != nil {
		if err := f.AddGoStmt(m.file.Go.Version); err != nil {
			return nil, err
		}
	}
	if m.file.Toolchain != nil {
		if err := f.AddToolchainStmt(m.file.Toolchain.Name); err != nil {
			return nil, err
		}
	}
	reqs := []*modfile.Require{{Mod: m.file.Module.Mod}}
	reqs[0].Mod.Version = "v0.0.0"
	for _, r := range m.file.Require {
		reqs = append(reqs, &modfile.Require{Mod: r.Mod, Indirect: r.Indirect})
	}
	f.SetRequireSeparateIndirect(reqs)
	if err := f.AddReplace("odslab", "", clone, ""); err != nil {
		return nil, err
	}
	for _, r := range m.file.Replace {
		target := r.New.Path
		if r.New.Version == "" && !filepath.IsAbs(target) {
			target = filepath.Join(clone, target)
		}
		if err := f.AddReplace(r.Old.Path, r.Old.Version, target, r.New.Version); err != nil {
			return nil, err
		}
	}
	f.Cleanup()
	return f.Format()
}

// cellsStep writes the go.mod and go.sum that cells are built with.
func (l Layout) cellsStep(m *module) step {
	return step{
		name:   "cells",
		what:   "go.mod of cells",
		stamp:  l.stampOf("cells"),
		inputs: fixed(hashOf(m.hash(), l.Clone)),
		do: func(ctx context.Context, _ *stepLine) (*stepResult, error) {
			text, err := m.cellMod(l.Clone)
			if err != nil {
				return nil, err
			}
			modPath, sumPath := filepath.Join(l.CellModule(), "go.mod"), filepath.Join(l.CellModule(), "go.sum")
			if err := writeFile(filepath.Join(l.home(), "clone"), []byte(l.Clone+"\n")); err != nil {
				return nil, err
			}
			if err := writeFile(sumPath, m.sum); err != nil {
				return nil, err
			}
			if err := between(ctx, "go.mod"); err != nil {
				return nil, err
			}
			if err := writeFile(modPath, text); err != nil {
				return nil, err
			}
			n := strings.Count(string(text), "\n")
			return &stepResult{what: fmt.Sprintf("go.mod of cells, %d lines", n), outputs: []string{modPath, sumPath}}, nil
		},
	}
}
