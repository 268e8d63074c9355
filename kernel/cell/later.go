package cell

import (
	"fmt"
	"go/ast"
	"go/token"
	"maps"
	"slices"
	"strings"
)

// A function may call one that a later cell declares. Until then it waits: it is
// remembered, and not part of any program.

// wait takes a function of the cell out of the program that calls what no cell
// has declared yet.
func (d *draft) wait(c *checked, e problem, name string) bool {
	p, _ := d.at(c, e.Pos)
	if p == nil || p.kind != declPiece || d.final {
		return false
	}
	if _, ok := p.decl.(*ast.FuncDecl); !ok || d.s.vars[name] != nil {
		return false
	}
	path := pathTo(c.file, e.Pos)
	if len(path) < 2 {
		return false
	}
	if call, ok := path[1].(*ast.CallExpr); !ok || ast.Unparen(call.Fun) != path[0] {
		return false
	}
	for key, x := range d.own {
		if d.pieces[x] != p || slices.Contains(d.inits, key) || slices.Contains(d.mains, key) {
			continue
		}
		if d.waits[x] == nil {
			d.waits[x] = map[string]bool{}
		}
		d.waits[x][name] = true
		return true
	}
	return false
}

// waitNotes says which functions of the cell wait for what.
func (d *draft) waitNotes(c *checked, p *Program) {
	for _, x := range slices.SortedFunc(maps.Keys(d.waits), func(a, b *declaration) int { return strings.Compare(a.key, b.key) }) {
		names := slices.Sorted(maps.Keys(d.waits[x]))
		x.waits = names
		hint := ""
		if len(names) == 1 {
			hint = meant(names[0], maps.Keys(d.visibleNames(c, token.NoPos)), "")
		}
		p.note("%s waits for %s%s, which no cell has declared yet", x.key, strings.Join(names, ", "), hint)
	}
}

// waiting says what a name waits for that the program can't have, or "".
func (d *draft) waiting(name string) string {
	for x, names := range d.waits {
		if slices.Contains(x.names, name) || x.key == name {
			return fmt.Sprintf("%s waits for %s, which no cell has declared yet", name, strings.Join(slices.Sorted(maps.Keys(names)), ", "))
		}
	}
	return ""
}

// unfit drops remembered methods that no longer fit what the cell declares.
func (d *draft) unfit(c *checked, e problem) bool {
	p, _ := d.at(c, e.Pos)
	if p == nil || len(d.own) == 0 || d.final {
		return false
	}
	for key, x := range d.avail {
		if x.recv == "" || d.pieces[x] != p || d.own[key] == x {
			continue
		}
		delete(d.avail, key)
		x.misfit = d.userNames(e.Msg)
		d.misfits = append(d.misfits, x)
		return true
	}
	return false
}

// lateIn says of a remembered function that it still waits.
func (d *draft) lateIn(c *checked, e problem, name string) string {
	p, _ := d.at(c, e.Pos)
	for x, q := range d.pieces {
		if q == p && p != nil && slices.Contains(x.waits, name) {
			return fmt.Sprintf("%s, of cell %d, waits for %s, which no cell has declared yet", x.key, p.cell, name)
		}
	}
	return ""
}
