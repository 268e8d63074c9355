package toolchain

import (
	"context"
	"os"
	"path/filepath"
)

const residentPackage = "odslab/kernel/resident"

// Resident is the program that holds XLA for the cells of a kernel; see
// package odslab/kernel/resident.
func (l Layout) Resident() string { return filepath.Join(l.home(), "resident") }

// residentStep builds that program, the only one that links XLA and needs a C
// compiler.
func (l Layout) residentStep(m *module, o Options) step {
	return step{
		name:  "resident",
		what:  "building the resident process, with XLA",
		stamp: l.stampOf("resident"),
		inputs: func() string {
			if !l.xlaPossible(o.Engine) {
				if st, ok := readStamp(l.stampOf("resident")); ok {
					return st.Inputs // it stays, for the day that XLA is wanted
				}
				return hashOf("no XLA")
			}
			return hashOf(m.hash(), l.Clone, sourceState(l.Clone, "kernel/resident", "kernel/runtime", "odslib/engine"))
		},
		soft: "no resident process, so the pure-Go engine",
		do: func(ctx context.Context, _ *stepLine) (*stepResult, error) {
			if !l.xlaPossible(o.Engine) {
				return &stepResult{what: "no resident process: there is no XLA", note: "not needed without XLA"}, nil
			}
			if err := l.buildProgram(ctx, o, residentPackage, l.Resident()); err != nil {
				return nil, err
			}
			out, err := outputOf(l.Resident())
			if err != nil {
				return nil, err
			}
			return &stepResult{what: "the resident process", outputs: []string{out.Path}, size: out.Size}, nil
		},
	}
}

// buildProgram builds a command of the clone and puts it in its place at once.
func (l Layout) buildProgram(ctx context.Context, o Options, pkg, to string) error {
	work, remove, err := l.work()
	if err != nil {
		return err
	}
	defer remove()
	tmp := filepath.Join(work, filepath.Base(to))
	c, err := goCommand(l.Clone, "build", "-buildvcs=false", "-ldflags=-s -w", "-o", tmp, pkg)
	if err != nil {
		return err
	}
	if o.Offline {
		c.Env = append(c.Env, "GOPROXY=off", "GOTOOLCHAIN=local")
	}
	if err := run(ctx, c); err != nil {
		return err
	}
	return place(tmp, to)
}

// place puts a finished file where it belongs.
func place(tmp, to string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	return os.Rename(tmp, to)
}
