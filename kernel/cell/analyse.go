package cell

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"slices"

	"odslab/kernel/runtime/contract"
)

// exits are the calls that would end the process behind the cell's back.
var exits = map[string]string{"os.Exit": contract.CallExit, "log.Fatal": contract.CallFatal, "log.Fatalf": contract.CallFatalf, "log.Fatalln": contract.CallFatalln}

// replaceExits puts the cell's own ways to end in place of os.Exit and
// log.Fatal, and guards goroutines, so that values set before are kept.
func (d *draft) replaceExits(c *checked) (changed bool) {
	live := d.s.alias(contract.LivePath)
	ast.Inspect(c.file, func(n ast.Node) bool {
		switch x := n.(type) {
		case *ast.SelectorExpr:
			id, ok := x.X.(*ast.Ident)
			if !ok {
				return true
			}
			o, ok := c.info.Uses[id].(*types.PkgName)
			if !ok {
				return true
			}
			by := exits[o.Imported().Path()+"."+x.Sel.Name]
			if by == "" {
				return true
			}
			if p, from := d.at(c, x.Pos()); p != nil {
				_, to := d.end(c, x.End())
				p.edit(from, to, live+"."+by)
				changed = true
			}
		case *ast.GoStmt, *ast.CallExpr:
			if d.guard(c, n) {
				changed = true
			}
		}
		return true
	})
	return changed
}

// analyse decides what becomes of the cell's variables and of its last
// expression, and adds the calls that do it.
func (d *draft) analyse(c *checked, p *Program) {
	live := d.s.alias(contract.LivePath)
	statement := d.statements(c)
	found := map[string]*definition{}
	for i, q := range d.stmts {
		for _, id := range q.defined() {
			t := d.hoist[id.Name]
			if t == nil {
				t = d.definedAt(c, q, id)
			}
			if t == nil {
				continue
			}
			def := found[id.Name]
			if def == nil {
				def = &definition{name: id.Name}
				found[id.Name] = def
				p.defs = append(p.defs, def)
			} else {
				def.again = true
			}
			d.decide(c, def, q, t)
			if def.why == "" {
				d.after[q] = append(d.after[q], fmt.Sprintf("%s.%s(%q, &%s)", live, contract.CallKeep, id.Name, id.Name))
			} else if d.hoist[id.Name] == nil {
				d.after[q] = append(d.after[q], "_ = "+id.Name)
			}
			if d.renewed[id.Name] {
				d.after[q] = append(d.after[q], id.Name+latest+" = &"+id.Name)
			}
			if id.Name == "seed" && isInteger(t) {
				d.after[q] = append(d.after[q], fmt.Sprintf("%s.%s(uint64(seed))", live, contract.CallSetSeed))
			}
		}
		d.reassigned(c, q, found, p)
		if st := statement[q]; st != nil {
			d.localise(c, q, st)
		}
		if x, ok := statement[q].(*ast.ExprStmt); ok {
			d.wrap(c, q, x.X, i == len(d.stmts)-1, live)
		}
	}
	for _, def := range p.defs {
		if def.steady && d.touched(c, def.name, def.typ) {
			def.steady = false
		}
	}
	for _, v := range d.sources {
		if found[v.name] == nil && d.touched(c, v.name, v.typ) {
			d.loose[v.name] = true
			p.defs = append(p.defs, &definition{name: v.name, typ: v.typ, piece: v.source})
		}
	}
	for _, what := range d.outside(c) {
		p.note("what %s changes belongs to its package, and is gone after this cell", what)
	}
	d.unread(c)
	d.interactions(c)
	d.waitNotes(c, p)
	if d.keeps = len(p.defs)+len(d.kept) > 0; d.keeps {
		d.nameFunctions(c)
		d.nameLiterals(c)
	}
}

// reassigned makes a top-level assignment to a variable that is made again from
// source its source, where that can be.
func (d *draft) reassigned(c *checked, q *piece, found map[string]*definition, p *Program) {
	a, ok := q.stmt.(*ast.AssignStmt)
	if !ok || a.Tok == token.DEFINE {
		return
	}
	for _, l := range a.Lhs {
		id, ok := l.(*ast.Ident)
		if !ok {
			continue
		}
		def := found[id.Name]
		if def == nil {
			v := d.s.vars[id.Name]
			if v == nil || v.source == nil || !slices.Contains(d.sources, v) {
				continue
			}
			def = &definition{name: id.Name, typ: v.typ, again: true}
			found[id.Name] = def
			p.defs = append(p.defs, def)
			d.loose[id.Name] = true
		}
		if def.why == "" {
			d.decide(c, def, q, def.typ)
		}
	}
}

// mainBody is the block of the cell's own statements.
func mainBody(f *ast.File) []ast.Stmt {
	for _, decl := range f.Decls {
		if fn, ok := decl.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "main" {
			for i := len(fn.Body.List) - 1; i >= 0; i-- {
				if b, ok := fn.Body.List[i].(*ast.BlockStmt); ok {
					return b.List
				}
			}
		}
	}
	return nil
}

func (d *draft) definedAt(c *checked, q *piece, id *ast.Ident) types.Type {
	for node, o := range c.info.Defs {
		if o == nil || node.Name != id.Name {
			continue
		}
		if p, off := d.at(c, node.Pos()); p == q && off == q.offset(id.Pos()) {
			return o.Type()
		}
	}
	// Not new here: := that assigns to a variable of an earlier statement.
	for node, o := range c.info.Uses {
		if p, off := d.at(c, node.Pos()); p == q && off == q.offset(id.Pos()) {
			return o.Type()
		}
	}
	return nil
}

// decide says whether a program can hold the variable at all, and whether its
// statement could make it again.
func (d *draft) decide(c *checked, def *definition, q *piece, t types.Type) {
	def.typ, def.piece, def.why = t, q, unnameable(t)
	def.needs, def.steady = d.steady(c, def, q)
}

// notes says what the user should know about the variables of the cell.
func (s *Session) notes(d *draft, p *Program) {
	for _, def := range p.defs {
		if path, ok := s.pkgs.meaning(def.name); ok && !s.shadow[def.name] {
			s.shadow[def.name] = true
			p.note("%s is a variable now and hides the package %s", def.name, path)
		}
	}
	for _, x := range d.misfits {
		p.note("%s, of cell %d, no longer fits and is dropped: %s", x.key, x.piece.cell, x.misfit)
	}
	for _, name := range s.broken(d, p) {
		p.note("%s", name)
	}
}

func (p *Program) note(format string, args ...any) {
	p.Notes = append(p.Notes, fmt.Sprintf(format, args...))
}

// meaning is byName for names that people use for packages, without waiting
// for the full list.
func (p *packages) meaning(name string) (string, bool) {
	if path, ok := preferred[name]; ok && len(name) > 4 {
		return path, true
	}
	return name, slices.Contains(basePackages, name)
}
