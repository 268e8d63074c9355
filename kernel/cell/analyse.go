package cell

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"

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
	statement := map[*piece]ast.Stmt{}
	for _, st := range mainBody(c.file) {
		if q := d.of(c, st.Pos()); q != nil && statement[q] == nil {
			statement[q] = st
		}
	}
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
			d.decide(def, q, t)
			if def.why == "" {
				d.after[q] = append(d.after[q], fmt.Sprintf("%s.%s(%q, &%s)", live, contract.CallKeep, id.Name, id.Name))
			} else if d.hoist[id.Name] == nil {
				d.after[q] = append(d.after[q], "_ = "+id.Name)
			}
			if id.Name == "seed" && isInteger(t) {
				d.after[q] = append(d.after[q], fmt.Sprintf("%s.%s(uint64(seed))", live, contract.CallSetSeed))
			}
		}
		d.reassigned(q, found, p)
		if st := statement[q]; st != nil {
			d.localise(c, q, st)
		}
		if x, ok := statement[q].(*ast.ExprStmt); ok {
			d.wrap(c, q, x.X, i == len(d.stmts)-1, live)
		}
	}
}

// reassigned makes an assignment to a variable that is kept by source its
// source, where that can be run by itself.
func (d *draft) reassigned(q *piece, found map[string]*definition, p *Program) {
	a, ok := q.stmt.(*ast.AssignStmt)
	if !ok || a.Tok == token.DEFINE {
		return
	}
	for i, l := range a.Lhs {
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
			def = &definition{name: id.Name, typ: v.typ, why: v.why}
		}
		if def.why == "" {
			continue
		}
		itself := a.Tok != token.ASSIGN || len(a.Lhs) != len(a.Rhs)
		if !itself {
			identifiers(a.Rhs[i], func(use *ast.Ident) { itself = itself || use.Name == id.Name })
		}
		if itself {
			p.note("%s is kept by source: %s; what this cell assigns to it is not kept", id.Name, def.why)
			continue
		}
		def.piece = q
		if found[id.Name] == nil {
			found[id.Name] = def
			p.defs = append(p.defs, def)
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

// decide says whether a variable is kept by value, by source, or not at all.
func (d *draft) decide(def *definition, q *piece, t types.Type) {
	def.typ, def.piece, def.why, def.lost = t, q, "", false
	if def.why = unnameable(t); def.why == "" {
		def.why = notData(t)
	}
	def.lost = d.costly(q)
}

// costly: what draw and train make is never made again from source.
func (d *draft) costly(q *piece) bool {
	for _, l := range d.before[q] {
		if strings.Contains(l, "."+contract.CallAt+"(") {
			return true
		}
	}
	return false
}

// notes says what the user should know about the variables of the cell.
func (s *Session) notes(d *draft, p *Program) {
	for _, def := range p.defs {
		switch {
		case def.why != "" && def.lost:
			p.note("%s is not kept for later cells: %s", def.name, def.why)
		case def.why != "":
			if _, plain := def.piece.valueOf(def.name).(*ast.FuncLit); plain {
				break // to make it again changes nothing
			}
			p.note("%s is kept by source: %s; its initialiser runs again in each cell that uses it", def.name, def.why)
		}
		if path, ok := s.pkgs.meaning(def.name); ok && !s.shadow[def.name] {
			s.shadow[def.name] = true
			p.note("%s is a variable now and hides the package %s", def.name, path)
		}
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
