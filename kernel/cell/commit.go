package cell

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/token"
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
		if decls[key] == nil && len(x.names) > 0 && s.vars[x.names[0]] == nil {
			decls[key] = x
		}
	}
	s.decls = decls
	s.removeFiles()
	return nil
}

func (s *Session) takeSaved(p *Program, now contract.Saved, defs map[string]*definition) {
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
			v.file, v.group, v.bytes, v.dynamic = g.File, slices.Clone(g.Names), g.Bytes+g.HeldBytes, g.Dynamic
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
		if !refused {
			continue
		}
		s.vars[name] = s.bySource(p, def, why)
	}
	for name, why := range now.Refused { // loaded, and no longer what can be kept
		if defs[name] == nil && s.vars[name] != nil {
			v := *s.vars[name]
			v.lost, v.why, v.file, v.group = true, why, "", nil
			s.vars[name] = &v
		}
	}
}

// bySource keeps a variable as the statement that makes it.
func (s *Session) bySource(p *Program, def *definition, why string) *variable {
	v := &variable{name: def.name, typ: def.typ, cell: p.N, why: why, lost: def.lost || unnameableAtTop(def)}
	if old := s.vars[def.name]; !v.lost && (old != nil || def.again) && mentionsItself(def) {
		v.lost, v.why = true, why+", and its initialiser uses the "+def.name+" before it"
	}
	if !v.lost {
		v.source = def.piece.copy()
	}
	return v
}

// mentionsItself: the statement uses the name that it defines.
func mentionsItself(def *definition) (yes bool) {
	defined := def.piece.defined()
	identifiers(def.piece.stmt, func(id *ast.Ident) {
		if id.Name == def.name && !slices.Contains(defined, id) {
			yes = true
		}
	})
	if a, ok := def.piece.stmt.(*ast.AssignStmt); ok && a.Tok == token.ASSIGN {
		return false // seen to when it was found
	}
	return yes
}

// unnameableAtTop: types declared inside the cell's own statements are gone
// with it.
func unnameableAtTop(def *definition) bool {
	return strings.Contains(unnameable(def.typ), "inside a function")
}

// removeFiles deletes kept files that no variable stands in.
func (s *Session) removeFiles() {
	used := map[string]bool{}
	for _, v := range s.vars {
		used[v.file] = true
	}
	files, _ := filepath.Glob(filepath.Join(s.opt.KeepDir, "*"+contract.KeptSuffix))
	for _, f := range files {
		if !used[filepath.Base(f)] {
			os.Remove(f)
		}
	}
}
