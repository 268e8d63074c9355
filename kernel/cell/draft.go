package cell

import (
	"go/ast"
	"go/types"
	"maps"
	"slices"
	"strings"
)

// draft is a program in the making. It is rendered and checked, learns from
// what the type checker says, and is rendered again until nothing changes.
type draft struct {
	s        *Session
	n        int
	stmts    []*piece
	computes bool // links the array library
	resident bool // links the client of the resident process

	own     map[string]*declaration // of this cell
	avail   map[string]*declaration // own ones over remembered ones
	imports map[string]importSpec   // by key, the cell's over remembered ones
	inits   []string                // functions to call before and after
	mains   []string                // the statements
	defined map[string]bool         // names that the cell's statements bring in

	auto     map[string]string     // packages imported by name
	unused   map[string]bool       // imports that turned out unused, by kind and key
	importAt []importLine          // of the last rendering
	drop     map[string]bool       // kept variables that turned out unused
	written  map[string]bool       // kept variables that are set but not read
	hoist    map[string]types.Type // variables that functions of the cell need
	renewed  map[string]bool       // kept variables that the cell makes anew and functions see
	needed   map[string]bool       // import paths that generated code names
	session  map[string]bool       // draw, train, ctx, seed: mentioned
	kept     []*variable           // to load
	sources  []*variable           // to make again, in order
	include  []*declaration        // in order
	pieces   map[*declaration]*piece
	srcPiece map[*variable]*piece
	atTop    map[string]bool // kept variables at package level

	after  map[*piece][]string // generated lines around a statement
	before map[*piece][]string
	final  bool

	waits     map[*declaration]map[string]bool // own functions that call what is not there
	misfits   []*declaration                   // methods that no longer fit
	keeps     bool                             // there are variables to keep
	loose     map[string]bool                  // variables made again from source that the cell may change
	functions map[string]string                // functions that are used as values: name → text
	literals  map[string]*piece                // literals that kept values hold
	fresh     map[string]*piece                // literals of the cell that values may hold

	predeclared map[string]bool // names of kept variables that are Go's own in this cell

	out  strings.Builder
	segs []segment
	span map[*piece][2]int // where a piece stands in the output, edits and all
}

// importLine is where an import stands in the output.
type importLine struct {
	from, to int
	key      string
}

// segment is a run of a piece's own text in the output.
type segment struct {
	out, len int
	p        *piece
	off      int
}

func (s *Session) newDraft(n int) *draft {
	return &draft{
		s: s, n: n,
		own: map[string]*declaration{}, avail: maps.Clone(s.decls), imports: maps.Clone(s.imports), defined: map[string]bool{},
		auto: map[string]string{}, unused: map[string]bool{}, drop: map[string]bool{}, written: map[string]bool{}, hoist: map[string]types.Type{}, renewed: map[string]bool{},
		needed: map[string]bool{}, session: map[string]bool{}, pieces: map[*declaration]*piece{}, srcPiece: map[*variable]*piece{},
		after: map[*piece][]string{}, before: map[*piece][]string{}, predeclared: map[string]bool{}, loose: map[string]bool{}, functions: map[string]string{}, fresh: map[string]*piece{}, waits: map[*declaration]map[string]bool{},
	}
}

func (d *draft) need(importPath string) { d.needed[importPath] = true }

// gather finds the declarations and kept variables that the cell reaches by
// name. It may find too many; the type checker says which are used.
func (d *draft) gather() {
	seen := map[string]bool{}
	before := d.literals
	d.literals = map[string]*piece{}
	var decls []*declaration
	var vars []*variable
	inDecl := map[string]bool{}
	var visit func(name string)
	var visitDecl func(x *declaration)
	visitDecl = func(x *declaration) {
		if slices.Contains(decls, x) || d.waits[x] != nil {
			return
		}
		decls = append(decls, x)
		for id := range x.idents {
			if types.Universe.Lookup(id) != nil && declOf(d.avail, id) == nil {
				continue // a variable named len or string is not theirs
			}
			inDecl[id] = true
			visit(id)
		}
		for _, name := range x.names {
			for _, key := range slices.Sorted(maps.Keys(d.avail)) {
				if m := d.avail[key]; m.recv == name {
					visitDecl(m)
				}
			}
		}
	}
	visit = func(name string) {
		if seen[name] {
			return
		}
		seen[name] = true
		if x := declOf(d.avail, name); x != nil {
			visitDecl(x)
			return
		}
		v := d.s.vars[name]
		if v == nil || v.lost || d.drop[name] || d.predeclared[name] {
			return
		}
		if v.source != nil {
			identifiers(v.source.stmt, func(id *ast.Ident) { visit(id.Name) })
			vars = append(vars, v)
			return
		}
		vars = append(vars, v)
		for _, t := range ownTypes(v.typ) {
			visit(t)
		}
		for _, n := range v.dynamic {
			for _, t := range dynamicMains(n) {
				visit(t)
			}
		}
		for _, name := range v.known {
			if p := d.s.literals[name]; p != nil {
				if d.literals[name] = before[name]; d.literals[name] == nil {
					d.literals[name] = p.copy()
				}
				identifiers(p.stmt, func(id *ast.Ident) { visit(id.Name) })
			} else if own, _, ok := strings.Cut(name, "#"); ok {
				visit(own)
			}
		}
		for i, mate := range v.group {
			if d.together(v, mate) {
				delete(d.drop, mate)
				visit(mate)
				continue
			}
			for _, t := range ownTypes(v.mates[i]) {
				visit(t)
			}
		}
	}
	for _, key := range slices.Sorted(maps.Keys(d.own)) {
		visitDecl(d.own[key])
	}
	anew := map[string]bool{} // what an earlier statement has defined is not the kept one
	for _, p := range d.stmts {
		defined := p.defined()
		identifiers(p.stmt, func(id *ast.Ident) {
			if !anew[id.Name] && !slices.Contains(defined, id) {
				visit(id.Name)
			}
		})
		for _, id := range defined {
			anew[id.Name] = true
		}
	}
	if d.seeded() {
		visit("seed")
	}
	for _, t := range d.hoist {
		for _, name := range ownTypes(t) {
			visit(name)
		}
	}
	d.kept, d.sources, d.include = nil, nil, nil
	for _, v := range vars {
		if v.source != nil {
			d.sources = append(d.sources, v)
			if d.srcPiece[v] == nil {
				d.srcPiece[v] = d.sourcePiece(v)
			}
		} else {
			d.kept = append(d.kept, v)
		}
	}
	slices.SortFunc(d.kept, func(a, b *variable) int { return strings.Compare(a.name, b.name) })
	d.sortSources()
	for _, x := range decls {
		if d.pieces[x] == nil {
			p := x.piece.copy()
			for name := range x.blank {
				identifiers(x.piece.decl, func(id *ast.Ident) {
					if id.Name == name {
						p.edit(p.offset(id.Pos()), p.offset(id.End()), "_")
					}
				})
			}
			d.pieces[x] = p
		}
	}
	slices.SortStableFunc(decls, func(a, b *declaration) int {
		if a.piece.cell != b.piece.cell {
			return a.piece.cell - b.piece.cell
		}
		return (a.piece.line-b.piece.line)*10000 + a.piece.col - b.piece.col
	})
	d.include = decls
	d.atTop = map[string]bool{}
	for _, v := range vars {
		if inDecl[v.name] && !d.renewed[v.name] {
			d.atTop[v.name] = true
		}
	}
}
