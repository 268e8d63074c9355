package cell

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"
)

// reads lists the names of the notebook that the cell reads when it runs:
// variables, and functions, types and constants that other cells declare, by
// way of functions too. What the cell itself makes is not among them, nor what
// it only sets, nor what only functions mention that it does not call.
func (d *draft) reads(c *checked, p *Program) map[string]bool {
	r := &reader{d: d, c: c, declared: map[*piece]*declaration{}, uses: map[*piece][]types.Object{}, lazy: map[*piece]bool{}, seen: map[*piece]bool{}, found: map[string]bool{}}
	for x, q := range d.pieces {
		r.declared[q] = x
	}
	for _, def := range p.defs { // a func runs where it is called
		if _, literal := def.piece.valueOf(def.name).(*ast.FuncLit); literal && len(def.piece.defined()) == 1 {
			r.lazy[def.piece] = true
		}
	}
	r.index()
	for _, q := range d.stmts {
		if !r.lazy[q] {
			r.visit(q)
		}
	}
	for x, q := range d.pieces {
		if slices.Contains(d.inits, x.key) || slices.Contains(d.mains, x.key) {
			r.visit(q)
		}
	}
	if d.seeded() {
		r.variable("seed")
	}
	return r.found
}

// reader walks from piece to piece by what they use.
type reader struct {
	d        *draft
	c        *checked
	declared map[*piece]*declaration
	uses     map[*piece][]types.Object
	lazy     map[*piece]bool
	seen     map[*piece]bool
	found    map[string]bool
}

// index sorts what the checker saw used by the piece that uses it.
func (r *reader) index() {
	set := map[*ast.Ident]bool{}
	ast.Inspect(r.c.file, func(n ast.Node) bool {
		if a, ok := n.(*ast.AssignStmt); ok && a.Tok == token.ASSIGN {
			for _, l := range a.Lhs {
				if id, ok := ast.Unparen(l).(*ast.Ident); ok {
					set[id] = true
				}
			}
		}
		return true
	})
	for id, o := range r.c.info.Uses {
		if o.Pkg() != r.c.pkg || set[id] {
			continue
		}
		q, _ := r.d.at(r.c, id.Pos())
		if strings.HasSuffix(id.Name, latest) { // an edit has put it there
			q = r.d.of(r.c, id.Pos())
		}
		if q != nil {
			r.uses[q] = append(r.uses[q], o)
		}
	}
}

func (r *reader) visit(q *piece) {
	if r.seen[q] {
		return
	}
	r.seen[q] = true
	for _, o := range r.uses[q] {
		r.object(o)
	}
}

func (r *reader) object(o types.Object) {
	switch x := o.(type) {
	case *types.PkgName:
		return
	case *types.Var:
		if x.IsField() {
			return
		}
		o = x.Origin()
	case *types.Func:
		o = x.Origin()
	}
	q, _ := r.d.at(r.c, o.Pos())
	switch x := r.declared[q]; {
	case q == nil:
		name := strings.TrimSuffix(o.Name(), latest)
		r.variable(name)
		for _, own := range r.d.stmts { // functions see it: its statement is the cell's
			if r.lazy[own] && own.defined()[0].Name == name {
				r.visit(own)
			}
		}
	case x != nil:
		if parent := o.Parent(); parent == r.c.pkg.Scope() || parent == nil {
			r.declaration(x, o.Name())
		}
	case q == r.d.srcOf(o.Name()):
		r.variable(o.Name())
	default:
		r.visit(q)
	}
}

// declaration notes a name that is declared elsewhere, and what it reaches.
func (r *reader) declaration(x *declaration, name string) {
	if r.d.own[x.key] != x {
		if x.recv != "" {
			name = x.key
		}
		r.found[name] = true
	}
	r.visit(r.d.pieces[x])
	for _, m := range r.d.include { // a method may be called through an interface
		if m.recv != "" && slices.Contains(x.names, m.recv) && !r.seen[r.d.pieces[m]] {
			r.declaration(m, m.key)
		}
	}
}

// variable notes a kept variable, what makes it and what its type is made of.
func (r *reader) variable(name string) {
	v := r.d.s.vars[name]
	if v == nil || r.found[name] || !slices.Contains(r.d.kept, v) && !slices.Contains(r.d.sources, v) {
		return
	}
	r.found[name] = true
	if v.source != nil {
		r.visit(r.d.srcPiece[v])
		return
	}
	for _, id := range v.known {
		if q := r.d.literals[id]; q != nil {
			r.visit(q)
		}
	}
	for _, t := range ownTypes(v.typ) {
		if x := declOf(r.d.avail, t); x != nil && r.d.pieces[x] != nil {
			r.declaration(x, t)
		}
	}
}
