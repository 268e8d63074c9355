package cell

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/types"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"odslab/kernel/runtime/contract"
)

// Commit makes what the program declared and saved part of the notebook. It is
// called when the program has run, also when it failed; variables that it did
// not come to set stay as they were.
func (s *Session) Commit(p *Program) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.commit(p)
}

func (s *Session) commit(p *Program) error {
	if p.done {
		return nil
	}
	p.done = true
	defer s.follow(p)
	defer func() { p.After = append(p.After, s.age()...) }()
	d := p.draft
	for key, i := range d.imports {
		i.at = nil
		s.imports[key] = i
	}
	decls := map[string]*declaration{}
	for _, x := range d.avail {
		if len(d.inits)+len(d.mains) > 0 && (slices.Contains(d.inits, x.key) || slices.Contains(d.mains, x.key)) {
			continue
		}
		decls[x.key] = x
		for _, name := range x.names {
			if d.own[x.key] == x {
				delete(s.vars, name)
			}
		}
	}
	for _, name := range p.dropped {
		delete(s.vars, name)
	}
	for _, x := range d.misfits {
		s.following.unfit(x, p.N)
	}
	if p.Empty {
		s.decls = decls
		s.removeFiles()
		return nil
	}
	data, err := os.ReadFile(filepath.Join(s.opt.KeepDir, contract.SavedFile))
	var now contract.Saved
	if err == nil {
		err = json.Unmarshal(data, &now)
	}
	os.Remove(filepath.Join(s.opt.KeepDir, contract.SavedFile))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("what cell %d kept can't be read: %w", p.N, err)
	}
	ran := err == nil // else it was killed before its end: nothing new is kept
	if err := s.settle(p.N, now); err != nil {
		return err
	}
	defs := map[string]*definition{}
	for _, def := range p.defs {
		defs[def.name] = def
	}
	if ran {
		s.takeSaved(p, now, defs)
	}
	for name := range defs {
		if s.vars[name] == nil {
			s.unmade[name] = p.N
		}
	}
	// A declaration whose name a variable took only goes if the variable came to be.
	for key, x := range s.decls {
		if decls[key] == nil && len(x.names) > 0 && s.vars[x.names[0]] == nil && x.recv == "" {
			decls[key] = x
		}
	}
	s.decls = decls
	s.removeFiles()
	return nil
}

func (s *Session) takeSaved(p *Program, now contract.Saved, defs map[string]*definition) {
	maps.Copy(s.literals, p.draft.fresh)
	for _, g := range now.Groups {
		for i, name := range g.Names {
			v := &variable{name: name, cell: p.N}
			if old := s.vars[name]; old != nil && defs[name] == nil {
				*v = *old
			}
			if def := defs[name]; def != nil {
				v.typ, v.source, v.why, v.lost = def.typ, nil, "", false
			}
			if v.typ == nil { // kept for Partial under a name that is not defined
				continue
			}
			v.print = layout(v.typ)
			v.file, v.group, v.bytes, v.dynamic, v.known = g.File, slices.Clone(g.Names), g.Bytes+g.HeldBytes, g.Dynamic, g.Known
			v.mates = make([]types.Type, len(g.Names))
			for j, mate := range g.Names {
				if def := defs[mate]; def != nil {
					v.mates[j] = def.typ
				} else if old := s.vars[mate]; old != nil {
					v.mates[j] = old.typ
				}
			}
			v.held, v.shared = g.Held, g.Shared
			v.pointed = i < len(g.Pointed) && g.Pointed[i]
			switch old := s.vars[name]; {
			case i < len(g.Sums):
				v.sum = g.Sums[i]
			case g.Same && old != nil:
				v.sum = old.sum
				v.shared = distinct(slices.Concat(v.shared, old.shared))
			default:
				v.sum = 0
			}
			if v.sum == 0 {
				s.following.sumless++
				v.sum = s.following.sumless
			}
			s.vars[name] = v
		}
	}
	for _, name := range slices.Sorted(maps.Keys(defs)) {
		def := defs[name]
		why, refused := now.Refused[name]
		if def.why != "" {
			why, refused = def.why, true
		}
		if refused {
			s.vars[name] = bySource(p, def, why)
		}
	}
	marks := s.marks()
	for name, def := range defs {
		if v := s.vars[name]; v != nil && v.source != nil {
			for _, from := range def.needs {
				v.from[from] = marks[from]
			}
		}
	}
	for name, why := range now.Refused { // loaded, and no longer what can be kept
		if defs[name] == nil && s.vars[name] != nil {
			v := *s.vars[name]
			v.lost, v.why, v.file, v.group = true, why, "", nil
			s.vars[name] = &v
		}
	}
	s.tellGone(p, now, defs)
	for _, line := range now.Running {
		if !s.running[line] {
			s.running[line] = true
			p.After = append(p.After, "the goroutine at "+line+" has ended with its cell")
		}
	}
}

// tellGone notes what this cell has lost, one line for each reason.
func (s *Session) tellGone(p *Program, now contract.Saved, defs map[string]*definition) {
	names := map[string][]string{}
	var order []string
	for _, name := range slices.Sorted(maps.Keys(s.vars)) {
		v := s.vars[name]
		_, refused := now.Refused[name]
		if !v.lost || !refused && (defs[name] == nil || defs[name].why == "") {
			continue
		}
		if names[v.why] == nil {
			order = append(order, v.why)
		}
		names[v.why] = append(names[v.why], name)
	}
	for _, why := range order {
		is := " is"
		if len(names[why]) > 1 {
			is = " are"
		}
		p.After = append(p.After, strings.Join(names[why], ", ")+is+" gone after this cell: "+why)
	}
}

// bySource keeps a variable as the statement that makes it, where nobody can
// notice that it runs again. Else the variable is gone.
func bySource(p *Program, def *definition, why string) *variable {
	v := &variable{name: def.name, typ: def.typ, cell: p.N, why: why, lost: !def.steady}
	if v.lost {
		return v
	}
	v.source, v.from = def.piece.copy(), map[string]string{}
	return v
}

// outdated says which of the things that a variable is made from has changed,
// or "".
func (s *Session) outdated(v *variable, marks map[string]string) string {
	for _, name := range slices.Sorted(maps.Keys(v.from)) {
		if marks[name] != v.from[name] {
			return name
		}
	}
	return ""
}

// age makes variables gone that source would make otherwise than they were.
func (s *Session) age() (notes []string) {
	lose := func(v *variable, why string) {
		w := *v
		w.lost, w.source, w.file, w.group, w.why = true, nil, "", nil, why
		s.vars[v.name] = &w
		notes = append(notes, v.name+" is gone: "+why)
	}
	for again := true; again; {
		again = false
		marks := s.marks()
		for _, name := range slices.Sorted(maps.Keys(s.vars)) {
			v := s.vars[name]
			if v.lost {
				continue
			}
			if from := s.outdated(v, marks); v.source != nil && from != "" {
				lose(v, "it was made from "+from+", which has changed since")
				again = true
				continue
			}
			for _, f := range v.known {
				own, sum, ok := strings.Cut(f, "#")
				if x := declOf(s.decls, own); ok && (x == nil || textSum(x.piece.text) != sum) {
					lose(v, "it holds the function "+own+", which has changed since")
					again = true
					break
				}
			}
		}
	}
	return notes
}

// removeFiles deletes kept files that no variable stands in.
func (s *Session) removeFiles() {
	used := map[string]bool{}
	for _, v := range s.vars {
		used[v.file] = true
		for _, name := range v.known {
			used[name] = true
		}
	}
	maps.DeleteFunc(s.literals, func(id string, _ *piece) bool { return !used[id] })
	files, _ := filepath.Glob(filepath.Join(s.opt.KeepDir, "*"+contract.KeptSuffix))
	for _, f := range files {
		if !used[filepath.Base(f)] {
			os.Remove(f)
		}
	}
}
