package cell

import (
	"go/ast"
	"slices"
	"strings"
)

// sortSources puts initialisers behind those whose variables they mention.
func (d *draft) sortSources() {
	var out []*variable
	var place func(v *variable, open map[string]bool)
	place = func(v *variable, open map[string]bool) {
		if slices.Contains(out, v) || open[v.name] {
			return
		}
		open[v.name] = true
		identifiers(v.source.stmt, func(id *ast.Ident) {
			for _, w := range d.sources {
				if w.name == id.Name {
					place(w, open)
				}
			}
		})
		out = append(out, v)
	}
	slices.SortFunc(d.sources, func(a, b *variable) int { return strings.Compare(a.name, b.name) })
	for _, v := range d.sources {
		place(v, map[string]bool{})
	}
	d.sources = out
}

// sourcePiece is a variable's initialiser without what else the statement
// made: of n values for n names only its own, of a call's results the others
// go to blanks.
func (d *draft) sourcePiece(v *variable) *piece {
	p := v.source.copy()
	stmt := p.stmt
	for {
		l, ok := stmt.(*ast.LabeledStmt)
		if !ok {
			break
		}
		stmt = l.Stmt
	}
	only := func(head string, x ast.Expr) *piece {
		from, to := p.offset(x.Pos()), p.offset(x.End())
		line, col := p.place(from)
		q, err := parsePiece(chunk{text: head + p.text[from:to], line: line, col: max(1, col-len(head))}, p.cell)
		if err != nil {
			return p
		}
		return q
	}
	switch x := stmt.(type) {
	case *ast.AssignStmt:
		for i, l := range x.Lhs {
			if id, ok := l.(*ast.Ident); ok && id.Name == v.name && len(x.Lhs) == len(x.Rhs) {
				return only(v.name+" := ", x.Rhs[i])
			}
		}
	case *ast.DeclStmt:
		for _, spec := range x.Decl.(*ast.GenDecl).Specs {
			sp := spec.(*ast.ValueSpec)
			for i, id := range sp.Names {
				if id.Name != v.name {
					continue
				}
				head := "var " + v.name
				if sp.Type != nil {
					head += " " + p.text[p.offset(sp.Type.Pos()):p.offset(sp.Type.End())]
				}
				switch {
				case len(sp.Values) == len(sp.Names):
					return only(head+" = ", sp.Values[i])
				case len(sp.Values) == 0:
					line, col := p.place(p.offset(id.Pos()))
					if q, err := parsePiece(chunk{text: head, line: line, col: max(1, col-4)}, p.cell); err == nil {
						return q
					}
				}
			}
		}
	}
	for _, id := range p.defined() {
		if id.Name != v.name {
			p.edit(p.offset(id.Pos()), p.offset(id.End()), "_")
		}
	}
	return p
}

// valueOf is the expression that a statement defines a variable with, where it
// has one of its own.
func (p *piece) valueOf(name string) ast.Expr {
	match := func(names []string, values []ast.Expr) ast.Expr {
		if i := slices.Index(names, name); i >= 0 && len(names) == len(values) {
			return ast.Unparen(values[i])
		}
		return nil
	}
	switch x := p.stmt.(type) {
	case *ast.AssignStmt:
		names := make([]string, len(x.Lhs))
		for i, l := range x.Lhs {
			if id, ok := l.(*ast.Ident); ok {
				names[i] = id.Name
			}
		}
		return match(names, x.Rhs)
	case *ast.DeclStmt:
		for _, spec := range x.Decl.(*ast.GenDecl).Specs {
			if v, ok := spec.(*ast.ValueSpec); ok {
				names := make([]string, len(v.Names))
				for i, id := range v.Names {
					names[i] = id.Name
				}
				if e := match(names, v.Values); e != nil {
					return e
				}
			}
		}
	}
	return nil
}
