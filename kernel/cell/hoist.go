package cell

import (
	"go/ast"
	"go/token"
	"go/types"
	"maps"
	"slices"
	"strings"
)

// hoistName makes a variable of the cell a package variable.
func (d *draft) hoistName(c *checked, name string) bool {
	if d.hoist[name] != nil {
		return false
	}
	t := d.typeOf(c, name)
	if t == nil || unnameable(t) != "" {
		return false
	}
	d.hoist[name] = t
	for _, p := range d.stmts {
		if names := p.defined(); slices.ContainsFunc(names, func(id *ast.Ident) bool { return id.Name == name }) {
			all := map[string]bool{}
			for _, id := range names { // := can't be split, so its other names come along
				all[id.Name] = true
				if u := d.typeOf(c, id.Name); u != nil && d.hoist[id.Name] == nil {
					d.hoist[id.Name] = u
				}
			}
			d.assign(p, all)
		}
	}
	// Other statements that define a name which came along.
	for _, p := range d.stmts {
		if names := p.defined(); slices.ContainsFunc(names, func(id *ast.Ident) bool { return d.hoist[id.Name] != nil }) {
			all := map[string]bool{}
			for _, id := range names {
				all[id.Name] = true
				if u := d.typeOf(c, id.Name); u != nil && d.hoist[id.Name] == nil {
					d.hoist[id.Name] = u
				}
			}
			d.assign(p, all)
		}
	}
	return true
}

// typeOf is the type of a variable that the cell's statements define.
func (d *draft) typeOf(c *checked, name string) types.Type {
	var t types.Type
	for id, o := range c.info.Defs {
		v, ok := o.(*types.Var)
		if !ok || id.Name != name {
			continue
		}
		if p, off := d.at(c, id.Pos()); p != nil && p.kind == stmtPiece && slices.Contains(d.stmts, p) {
			for _, def := range p.defined() {
				if p.offset(def.Pos()) == off && v.Type() != types.Typ[types.Invalid] {
					t = v.Type()
				}
			}
		}
	}
	return t
}

// assign edits a defining statement into assignments to variables that exist.
func (d *draft) assign(p *piece, names map[string]bool) {
	stmt := p.stmt
	for {
		l, ok := stmt.(*ast.LabeledStmt)
		if !ok {
			break
		}
		stmt = l.Stmt
	}
	switch x := stmt.(type) {
	case *ast.AssignStmt:
		if x.Tok == token.DEFINE {
			at := p.offset(x.TokPos)
			if strings.HasPrefix(p.text[at:], "=") { // seed = 7
				p.edits = slices.DeleteFunc(p.edits, func(e edit) bool { return e.from == at && e.text == ":=" })
				break
			}
			p.edit(at, at+2, " =")
		}
	case *ast.DeclStmt:
		g := x.Decl.(*ast.GenDecl)
		p.edit(p.offset(g.Pos()), p.offset(g.Specs[0].Pos()), strings.Repeat("\n", strings.Count(p.text[p.offset(g.Pos()):p.offset(g.Specs[0].Pos())], "\n")))
		if g.Rparen.IsValid() {
			p.edit(p.offset(g.Rparen), p.offset(g.Rparen)+1, "")
		}
		for _, spec := range g.Specs {
			v := spec.(*ast.ValueSpec)
			last := v.Names[len(v.Names)-1]
			if len(v.Values) > 0 {
				if v.Type != nil {
					p.edit(p.offset(last.End()), p.offset(v.Type.End()), "")
				}
				continue
			}
			typ := p.text[p.offset(v.Type.Pos()):p.offset(v.Type.End())]
			zero := make([]string, len(v.Names))
			for i := range zero {
				zero[i] = "*new(" + typ + ")"
			}
			p.edit(p.offset(last.End()), p.offset(v.Type.End()), " = "+strings.Join(zero, ", "))
		}
	}
}

// hoistShared lets functions, those that kept values hold included, see the variables of the cell
// where there is a kept one of the same name.
func (d *draft) hoistShared(c *checked) (changed bool) {
	for id, o := range c.info.Uses {
		v, ok := o.(*types.Var)
		if !ok || !d.defined[id.Name] || d.hoist[id.Name] != nil {
			continue
		}
		p, off := d.at(c, id.Pos())
		if p == nil {
			continue
		}
		function := p.kind == declPiece && v.Parent() == c.pkg.Scope()
		q, _ := d.at(c, v.Pos())
		held := q != p && slices.Contains(slices.Collect(maps.Values(d.literals)), p) // no variable of the literal's own
		switch {
		case !function && !held:
		case d.renews(c, id.Name):
			p.follow(off, id.Name)
			changed = true
		case d.hoistName(c, id.Name):
			return true
		}
	}
	return changed
}

// latest ends the name of a pointer by which functions, and literals that kept values hold, find a variable that the cell
// makes anew: before its statement the loaded one, to which other variables may point, and behind it the new one.
const latest = ours + "latest"

// renews says whether the cell makes a kept variable anew, of the same type.
func (d *draft) renews(c *checked, name string) bool {
	if d.renewed[name] {
		return true
	}
	v, t := d.s.vars[name], d.typeOf(c, name)
	if v == nil || t == nil || !slices.Contains(d.kept, v) || !types.Identical(t, v.typ) && d.typeText(t) != d.typeText(v.typ) {
		return false
	}
	d.renewed[name] = true
	return true
}

// follow makes a use of a variable one of that which has its name by now.
func (p *piece) follow(at int, name string) { p.edit(at, at+len(name), "(*"+name+latest+")") }
