package engine

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
)

// Exported is a program that another framework exported as StableHLO, compiled for the process's engine. Its arrays are float32.
type Exported interface {
	// Run gives as many outputs as the program has.
	Run(in ...Array) ([]Array, error)
}

// OpenExported compiles a program by a PJRT plugin; package odslab/odslib/engine/xla sets it when it is linked in.
var OpenExported func(plugin string, program []byte) (Exported, error)

// LoadExported compiles a StableHLO program for the engine, on a client of its own.
func (e *Engine) LoadExported(program []byte) (p Exported, err error) {
	if OpenExported == nil || e.Name == "go" {
		return nil, fmt.Errorf("an exported program needs XLA in this process, which runs on engine %s; in a notebook run it in another process (priors.ExternalGenerator)", e.Name)
	}
	defer func() {
		if r := recover(); r != nil {
			p, err = nil, fmt.Errorf("plugin %s: %v", filepath.Base(Plugin(e.Name)), r)
		}
	}()
	p, err = OpenExported(Plugin(e.Name), program)
	if err != nil {
		return nil, fmt.Errorf("XLA does not take the exported program: %s", firstLine(err))
	}
	return oneLined{p}, nil
}

// oneLined has errors of one line.
type oneLined struct{ Exported }

func (p oneLined) Run(in ...Array) ([]Array, error) {
	out, err := p.Exported.Run(in...)
	if err != nil {
		err = errors.New(strings.Join(strings.Fields(err.Error()), " "))
	}
	return out, err
}
