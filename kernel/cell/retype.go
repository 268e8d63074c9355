package cell

import (
	"fmt"
	"go/types"
	"maps"
	"slices"
	"strings"
)

// retyped finds the kept variables whose own type this cell lays out anew.
// They are dropped, with a note; those laid out as before live on.
func (s *Session) retyped(d *draft, p *Program) (dropped []string) {
	changed := map[string]bool{}
	for _, x := range d.own {
		for _, name := range x.names {
			if old := declOf(s.decls, name); old != nil && old.piece.text != x.piece.text {
				changed[name] = true
			}
		}
	}
	if len(changed) == 0 {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(s.vars)) {
		v := s.vars[name]
		if v.source != nil || v.lost || v.typ == nil || !slices.ContainsFunc(ownTypes(v.typ), func(t string) bool { return changed[t] }) {
			continue
		}
		if now, ok := d.typeNow(v); ok && layout(now) == v.print {
			continue
		}
		dropped = append(dropped, name)
		d.drop[name] = true
		p.note("%s, of cell %d, is dropped: its type %s has changed", name, v.cell, plainType(v.typ))
	}
	return dropped
}

const now = ours + "now" + ours

// typeNow checks what a kept variable's type is with this cell's declarations.
func (d *draft) typeNow(v *variable) (types.Type, bool) {
	e := d.s.newDraft(d.n)
	e.avail, e.imports = d.avail, d.imports
	e.own = map[string]*declaration{}
	holder := "var " + v.name + now + " "
	q, err := parsePiece(chunk{text: holder + e.typeText(v.typ), line: 1, col: 1}, 0)
	if err != nil {
		return nil, false
	}
	e.stmts = []*piece{q}
	c, err := e.settle()
	if err != nil {
		return nil, false
	}
	t := e.typeOf(c, v.name+now)
	return t, t != nil
}

// broken names the remembered functions that no longer compile after this
// cell, because a variable or declaration they use has another type now.
func (s *Session) broken(d *draft, p *Program) (notes []string) {
	changed := map[string]string{}
	for _, def := range p.defs {
		old := s.vars[def.name]
		if declOf(s.decls, def.name) != nil || old != nil && old.typ != nil && plainType(old.typ) != plainType(def.typ) {
			if unnameable(def.typ) == "" {
				changed[def.name] = plainType(def.typ)
			}
		}
	}
	for _, x := range d.own {
		for _, name := range x.names {
			old := declOf(s.decls, name)
			if old != nil && old.piece.text != x.piece.text || s.vars[name] != nil {
				changed[name] = ""
			}
		}
	}
	for _, name := range p.dropped {
		changed[name] = ""
	}
	if len(changed) == 0 {
		return nil
	}
	for _, key := range slices.Sorted(maps.Keys(d.avail)) {
		x := d.avail[key]
		if d.own[key] == x {
			continue
		}
		name := ""
		for n := range changed {
			if x.idents[n] && (name == "" || n < name) {
				name = n
			}
		}
		if name == "" {
			continue
		}
		if msg := d.stillCompiles(x, p); msg != "" {
			what := name + " has changed"
			if changed[name] != "" {
				what = name + " is " + changed[name] + " now"
			}
			notes = append(notes, fmt.Sprintf("%s, of cell %d, no longer compiles, because %s: %s", x.key, x.piece.cell, what, msg))
		}
	}
	return notes
}

// stillCompiles checks one remembered declaration against the notebook as it
// will be after this cell.
func (d *draft) stillCompiles(x *declaration, p *Program) string {
	e := d.s.newDraft(d.n)
	e.avail, e.imports, e.auto = d.avail, d.imports, map[string]string{}
	e.own = map[string]*declaration{x.key: x}
	for _, def := range p.defs {
		if unnameable(def.typ) == "" {
			e.hoist[def.name] = def.typ
		}
	}
	for _, name := range p.dropped {
		e.drop[name] = true
	}
	_, err := e.settle()
	if err == nil {
		return ""
	}
	msg := err.Error()
	if e, ok := err.(*Error); ok {
		msg = e.Msg
	}
	if _, after, ok := strings.Cut(msg, "no longer compiles: "); ok {
		msg = strings.TrimSuffix(after, "; define it again")
	}
	return msg
}
