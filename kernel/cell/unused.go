package cell

import (
	"go/ast"
	"go/token"
	"slices"
)

// use makes an unused variable harmless; unused kept ones are not loaded.
func (d *draft) use(c *checked, e problem, name string) bool {
	p, off := d.at(c, e.Pos)
	if p == nil {
		if d.final || d.s.vars[name] == nil || d.drop[name] {
			return false
		}
		v := d.s.vars[name]
		if d.written[name] {
			return false
		}
		if assigned(c, e.Pos) || name == "seed" && d.seeded() {
			d.written[name] = true
			return true
		}
		for _, mate := range v.group {
			if mate != name && !d.drop[mate] && d.together(v, mate) && !d.unusedToo(c, mate) {
				d.written[name] = true // it comes along with its mate
				return true
			}
		}
		d.drop[name] = true
		return true
	}
	for v, q := range d.srcPiece {
		if p == q && v.name == name {
			if assigned(c, e.Pos) {
				d.written[name] = true
			} else {
				d.drop[name] = true
			}
			return true
		}
	}
	path := pathTo(c.file, e.Pos)
	if len(path) < 3 {
		return false
	}
	stmt, parent := path[1], path[2]
	blank := "_ = " + name
	insert := func(pos token.Pos, text string) bool {
		q, at := d.end(c, pos)
		if q != p {
			return false
		}
		p.edit(at, at, text)
		return true
	}
	if _, ok := stmt.(*ast.ValueSpec); ok && len(path) > 3 {
		if decl, ok := path[3].(*ast.DeclStmt); ok {
			return insert(decl.End(), "; "+blank)
		}
		return false
	}
	if r, ok := stmt.(*ast.RangeStmt); ok {
		return insert(r.Body.Lbrace+1, " "+blank+";")
	}
	a, ok := stmt.(*ast.AssignStmt)
	if !ok {
		return false
	}
	switch x := parent.(type) {
	case *ast.BlockStmt, *ast.CaseClause, *ast.LabeledStmt:
		return insert(a.End(), "; "+blank)
	case *ast.CommClause:
		if x.Comm == a {
			return insert(x.Colon+1, " "+blank+";")
		}
		return insert(a.End(), "; "+blank)
	case *ast.IfStmt:
		return insert(x.Body.Lbrace+1, " "+blank+";")
	case *ast.ForStmt:
		return insert(x.Body.Lbrace+1, " "+blank+";")
	case *ast.TypeSwitchStmt:
		if x.Assign == a {
			q, to := d.at(c, a.Rhs[0].Pos())
			if q != p {
				return false
			}
			p.edit(off, to, "")
			return true
		}
	}
	if len(a.Lhs) == 1 { // the init of a switch
		q, to := d.end(c, a.TokPos+2)
		if q != p {
			return false
		}
		p.edit(off, to, "_ =")
		return true
	}
	p.edit(off, off+len(name), "_")
	return true
}

// seeded: the cell uses the notebook's seed, which a variable may set.
func (d *draft) seeded() bool { return d.session["draw"] || d.session["train"] || d.session["seed"] }

// assigned: the variable declared at pos is set somewhere, if never read.
func assigned(c *checked, pos token.Pos) bool {
	for _, o := range c.info.Uses {
		if o.Pos() == pos {
			return true
		}
	}
	return false
}

func (d *draft) unusedToo(c *checked, name string) bool {
	return slices.ContainsFunc(c.problems, func(e problem) bool {
		p, _ := d.at(c, e.Pos)
		return p == nil && e.Msg == "declared and not used: "+name
	})
}

// pathTo lists the nodes around a position, the innermost first.
func pathTo(f *ast.File, pos token.Pos) (path []ast.Node) {
	ast.Inspect(f, func(n ast.Node) bool {
		if n == nil || pos < n.Pos() || pos >= n.End() {
			return false
		}
		path = append(path, n)
		return true
	})
	slices.Reverse(path)
	return path
}
