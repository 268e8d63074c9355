package serve

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"odslab/kernel/gonb"
)

// compile makes what GoNB is to do. Magics that are unknown fail the cell before
// anything of it has run.
func (x *execution) compile(code string, out *output) (cell gonb.Cell, commit func() error, f *failure) {
	first, _, _ := strings.Cut(strings.TrimLeft(code, " \t\r\n"), "\n")
	if strings.HasPrefix(first, "%%") {
		switch gonb.KindOf(first) {
		case gonb.WholeCell:
			return gonb.Cell{Raw: strings.TrimLeft(code, " \t\r\n")}, nil, nil
		case gonb.Unknown:
			return cell, nil, &failure{Name: "unknown magic", Value: gonb.UnknownMagic(first).Error()}
		}
	}
	k := x.k
	var p *Program
	var err error
	if prep := k.use(func(c Compiler) {
		if f, ok := c.(follower); ok {
			f.Follow(x.cell, x.aside)
		}
		p, err = c.Compile(x.n, code)
	}); prep != nil {
		return cell, nil, kernelFailure(prep)
	}
	if err != nil {
		var bad *CompileError
		if errors.As(err, &bad) {
			return cell, nil, k.compileFailure(bad.Problems)
		}
		return cell, nil, &failure{Name: "compile error", Value: err.Error()}
	}
	x.program = p
	var magics []string
	for _, line := range p.Magics {
		if word := strings.Fields(line); word[0] == "%clear" {
			out.clear(len(word) > 1 && word[1] == "wait")
			continue
		}
		magics = append(magics, line)
		if m := goGet.FindStringSubmatch(line); m != nil {
			if text := "cells get modules by %get MODULE@VERSION, not by go get: %get " + m[2]; m[1] == "*" {
				return cell, nil, &failure{Name: "no effect", Value: text}
			} else {
				out.notes([]string{text})
			}
		}
		switch gonb.KindOf(line) {
		case gonb.Unknown:
			return cell, nil, &failure{Name: "unknown magic", Value: gonb.UnknownMagic(line).Error()}
		case gonb.WholeCell:
			return gonb.Cell{Raw: code}, nil, nil
		}
	}
	if p.Resident && k.resident != nil {
		if f := k.ready(out); f != nil {
			return cell, nil, f
		}
	}
	if p.Computes && k.slow != "" {
		out.slow(k.slow)
		k.slow = ""
	}
	p.Source = k.sameProgram(x.n, p)
	out.notes(p.Notes)
	if p.Text != "" {
		out.stream("stdout", p.Text)
	}
	if strings.HasPrefix(strings.TrimSpace(code), "%who") && k.resident != nil {
		if h, ok := k.resident.holdings(); ok {
			out.stream("stdout", h.String()+"\n")
		}
	}
	commit = p.Commit
	if commit != nil && p.After != nil {
		commit = func() error {
			err := p.Commit()
			out.notes(p.After())
			return err
		}
	}
	return gonb.Cell{Magics: magics, Program: p.Source, Link: p.Link}, commit, nil
}

// goGet is a shell command that adds a module, in the folder of GoNB (*) or in that of the notebook, which may be one of
// the person's own modules.
var goGet = regexp.MustCompile(`^!(\*?)\s*go\s+get\s+(?:-\S+\s+)*(\S+)`)

// sameProgram returns the earlier source of a program that differs in the cell's
// number only, so that it need not be built again. What it says about the
// earlier cell is about this one.
func (k *kernel) sameProgram(n int, p *Program) []byte {
	if p.Key == "" || p.Source == nil || len(p.Source) > maxSource {
		return p.Source
	}
	if old, ok := k.programs[p.Key]; ok {
		k.renumber = strings.NewReplacer(fmt.Sprintf("cell[%d]", old.n), fmt.Sprintf("cell[%d]", n))
		return old.source
	}
	if len(k.programs) >= maxPrograms {
		clear(k.programs)
	}
	k.programs[p.Key] = program{n, p.Source}
	return p.Source
}

// program is the source of a cell that has run.
type program struct {
	n      int
	source []byte
}

const maxPrograms = 100
