package cell

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"maps"
	"runtime"
	"slices"
	"strings"
)

// draft is a program in the making. It is rendered and checked, learns from
// what the type checker says, and is rendered again until nothing changes.
type draft struct {
	s     *Session
	n     int
	stmts []*piece

	own     map[string]*declaration // of this cell
	avail   map[string]*declaration // own ones over remembered ones
	imports map[string]importSpec   // by key, the cell's over remembered ones
	inits   []string                // functions to call before and after
	mains   []string                // the statements
	defined map[string]bool         // names that the cell's statements bring in

	auto     map[string]string     // packages imported by name
	unused   map[string]bool       // imports that turned out unused
	drop     map[string]bool       // kept variables that turned out unused
	written  map[string]bool       // kept variables that are set but not read
	hoist    map[string]types.Type // variables that functions of the cell need
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

	out  strings.Builder
	segs []segment
}

// segment is a run of a piece's own text in the output.
type segment struct {
	out, len int
	p        *piece
	off      int
}

func (s *Session) newDraft(n int) *draft {
	return &draft{s: s, n: n,
		own: map[string]*declaration{}, avail: maps.Clone(s.decls), imports: maps.Clone(s.imports), defined: map[string]bool{},
		auto: map[string]string{}, unused: map[string]bool{}, drop: map[string]bool{}, written: map[string]bool{}, hoist: map[string]types.Type{},
		needed: map[string]bool{}, session: map[string]bool{}, pieces: map[*declaration]*piece{}, srcPiece: map[*variable]*piece{},
		after: map[*piece][]string{}, before: map[*piece][]string{}}
}

func (d *draft) need(importPath string) { d.needed[importPath] = true }

// gather finds the declarations and kept variables that the cell reaches by
// name. It may find too many; the type checker says which are used.
func (d *draft) gather() {
	seen := map[string]bool{}
	var decls []*declaration
	var vars []*variable
	inDecl := map[string]bool{}
	var visit func(name string)
	var visitDecl func(x *declaration)
	visitDecl = func(x *declaration) {
		if slices.Contains(decls, x) {
			return
		}
		decls = append(decls, x)
		for id := range x.idents {
			inDecl[id] = true
			visit(id)
		}
		for _, name := range x.names {
			for _, key := range sortedKeys(d.avail) {
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
		if v == nil || v.lost || d.drop[name] {
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
	for _, key := range sortedKeys(d.own) {
		visitDecl(d.own[key])
	}
	for _, p := range d.stmts {
		identifiers(p.stmt, func(id *ast.Ident) { visit(id.Name) })
	}
	if d.session["draw"] || d.session["train"] || d.session["seed"] {
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
		if inDecl[v.name] {
			d.atTop[v.name] = true
		}
	}
}

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

func (d *draft) writef(format string, args ...any) { fmt.Fprintf(&d.out, format, args...) }

// place writes a piece under its line directive, edits applied. After an edit
// a directive in a comment puts the column right again.
func (d *draft) place(p *piece) {
	d.writef("\n//line cell[%d]:%d:%d\n", p.cell, p.line, p.col)
	at := 0
	run := func(to int) {
		if to > at {
			d.segs = append(d.segs, segment{d.out.Len(), to - at, p, at})
			d.out.WriteString(p.text[at:to])
			at = to
		}
	}
	for i, e := range p.edits {
		if e.from < at {
			continue
		}
		run(e.from)
		d.out.WriteString(e.text)
		at = e.to
		if i+1 < len(p.edits) && p.edits[i+1].from == at {
			continue
		}
		if at < len(p.text) && p.text[at] != '\n' {
			line, col := p.place(at)
			d.writef("/*line cell[%d]:%d:%d*/", p.cell, line, col)
		}
	}
	run(len(p.text))
	d.out.WriteString("\n")
}

// generated ends the text of a piece: what follows is the kernel's.
func (d *draft) generated() { d.writef("\n//line kernel:1\n") }

// render writes the whole program. The final one loads, keeps and shows; the
// ones before it only say enough for the type checker.
func (d *draft) render() string {
	d.out.Reset()
	d.segs = nil
	body := d.body() // first, for the imports it needs
	segs := d.segs
	d.out.Reset()
	d.segs = nil
	d.writef("// Program of notebook cell %d.\npackage main\n\n", d.n)
	d.need(livePath)
	if d.session["draw"] || d.session["train"] {
		d.need(sessionPath)
	}
	for _, path := range sortedKeys(d.needed) {
		d.writef("import %s %q\n", d.s.alias(path), path)
	}
	for _, name := range sortedKeys(d.auto) {
		if !d.unused[name] {
			d.writef("import %s %q\n", name, d.auto[name])
		}
	}
	for _, key := range sortedKeys(d.imports) {
		if i := d.imports[key]; !d.unused[key] {
			if i.at != nil && i.at.cell == d.n {
				line, col := i.at.place(i.off)
				d.writef("import %s /*line cell[%d]:%d:%d*/%q\n//line kernel:1\n", i.name, d.n, line, col, i.path)
			} else {
				d.writef("import %s %q\n", i.name, i.path)
			}
		}
	}
	if d.final {
		for _, path := range d.extraImports() {
			d.writef("import _ %q\n", path)
		}
	}
	shift := d.out.Len()
	for i := range segs {
		segs[i].out += shift
	}
	d.segs = segs
	d.out.WriteString(body)
	return d.out.String()
}

// extraImports are those that the rest of the program makes necessary.
func (d *draft) extraImports() (out []string) {
	var paths []string
	for p := range d.needed {
		paths = append(paths, p)
	}
	for name, p := range d.auto {
		if !d.unused[name] {
			paths = append(paths, p)
		}
	}
	for key, i := range d.imports {
		if !d.unused[key] {
			paths = append(paths, i.path)
		}
	}
	if d.s.pkgs.reaches(paths, gonbuiPath) {
		out = append(out, richPath)
	}
	if !slices.Contains(paths, xlaPath) && d.s.pkgs.reaches(paths, enginePath) && d.s.opt.XLA() {
		out = append(out, xlaPath)
	}
	return out
}

func (d *draft) body() string {
	live := d.s.alias(livePath)
	d.writef("\n")
	for _, name := range sortedKeys(d.hoist) {
		d.writef("var %s %s\n", name, d.typeText(d.hoist[name]))
	}
	for _, v := range append(slices.Clone(d.kept), d.sources...) {
		if _, hoisted := d.hoist[v.name]; d.atTop[v.name] && !hoisted {
			d.writef("var %s %s\n", v.name, d.typeText(v.typ))
		}
	}
	for _, x := range d.include {
		d.place(d.pieces[x])
	}
	d.generated()
	d.writef("func main() {\n\t%s.Begin(%q, %d)\n\tdefer %s.End()\n", live, d.s.opt.KeepDir, d.n, live)
	d.loads(live)
	for _, v := range d.sources {
		p := d.srcPiece[v]
		if d.atTop[v.name] {
			d.assign(p, map[string]bool{v.name: true})
		}
		d.place(p)
		d.generated()
		if !d.atTop[v.name] && (d.final || d.written[v.name]) {
			d.writef("\t_ = %s\n", v.name)
		}
	}
	for _, f := range d.inits {
		d.writef("\t%s()\n", f)
	}
	d.writef("\t{\n")
	for _, p := range d.stmts {
		for _, l := range d.before[p] {
			d.writef("\t%s\n", l)
		}
		d.place(p)
		d.generated()
		if !d.final {
			for _, id := range p.defined() {
				if d.hoist[id.Name] == nil {
					d.writef("\t_ = %s\n", id.Name)
				}
			}
			continue
		}
		for _, l := range d.after[p] {
			d.writef("\t%s\n", l)
		}
	}
	for _, f := range d.mains {
		d.writef("\t%s()\n", f)
	}
	d.writef("\t}\n}\n")
	return d.out.String()
}

// loads declares the kept variables and reads them, group by group.
func (d *draft) loads(live string) {
	if d.final {
		names := map[string]bool{}
		for _, v := range d.kept {
			for _, n := range v.dynamic {
				names[n] = true
			}
		}
		for _, n := range sortedKeys(names) {
			d.writef("\t%s.Register[%s]()\n", live, d.dynamicText(n))
		}
		for _, x := range d.include {
			if g, ok := x.piece.decl.(*ast.GenDecl); ok && g.Tok == token.TYPE && !isGeneric(g) && !isConstraint(g) {
				for _, n := range x.names {
					if !x.blank[n] {
						d.writef("\t%s.Register[%s]()\n", live, n)
					}
				}
			}
		}
	}
	done := map[string]bool{}
	for _, v := range d.kept {
		name := d.local(v)
		if name != v.name || !d.atTop[v.name] {
			d.writef("\tvar %s %s\n", name, d.typeText(v.typ))
		}
		if name != v.name || d.written[v.name] {
			d.writef("\t_ = %s\n", name)
		}
	}
	if !d.final {
		return
	}
	for _, v := range d.kept {
		if done[v.file] {
			continue
		}
		done[v.file] = true
		args := ""
		for i, mate := range v.group {
			switch {
			case !d.together(v, mate): // it has moved to another file since
				d.writef("\tvar %s_was_ %s\n", mate, d.typeText(v.mates[i]))
				args += fmt.Sprintf(", %q, %s.Unkept(&%s_was_)", mate, live, mate)
			case d.local(d.s.vars[mate]) != mate:
				args += fmt.Sprintf(", %q, %s.Unkept(&%s_was_)", mate, live, mate)
			default:
				args += fmt.Sprintf(", %q, &%s", mate, mate)
			}
		}
		d.writef("\t%s.Load(%q%s)\n", live, v.file, args)
		if v.name == "seed" && isInteger(v.typ) && d.local(v) == v.name {
			d.writef("\t%s.SetSeed(uint64(seed))\n", live)
		}
	}
}

// together: the mate still stands in the file of v.
func (d *draft) together(v *variable, mate string) bool {
	w := d.s.vars[mate]
	return w != nil && w.file == v.file
}

// local is the name by which a kept variable is loaded: its own, unless the
// cell makes a package variable of that name with another type.
func (d *draft) local(v *variable) string {
	if t, ok := d.hoist[v.name]; ok && !types.Identical(t, v.typ) && d.typeText(t) != d.typeText(v.typ) {
		return v.name + "_was_"
	}
	return v.name
}

func isGeneric(g *ast.GenDecl) bool {
	for _, s := range g.Specs {
		if t, ok := s.(*ast.TypeSpec); ok && t.TypeParams != nil {
			return true
		}
	}
	return false
}

// isConstraint: an interface that may only bound type parameters.
func isConstraint(g *ast.GenDecl) bool {
	for _, s := range g.Specs {
		if t, ok := s.(*ast.TypeSpec); ok {
			if _, ok := t.Type.(*ast.InterfaceType); ok {
				return true
			}
		}
	}
	return false
}

func isInteger(t types.Type) bool {
	b, ok := t.Underlying().(*types.Basic)
	return ok && b.Info()&types.IsInteger != 0
}

// checked is a rendered draft after the type checker.
type checked struct {
	fset     *token.FileSet
	file     *ast.File
	info     *types.Info
	pkg      *types.Package
	problems []problem
}

// check renders and type-checks.
func (d *draft) check() (*checked, error) {
	src := d.render()
	c := &checked{fset: token.NewFileSet(), info: &types.Info{
		Types: map[ast.Expr]types.TypeAndValue{}, Defs: map[*ast.Ident]types.Object{}, Uses: map[*ast.Ident]types.Object{}, Implicits: map[ast.Node]types.Object{},
	}}
	var err error
	c.file, err = parser.ParseFile(c.fset, "", src, parser.SkipObjectResolution)
	if err != nil {
		return nil, syntaxError(d.n, err)
	}
	conf := types.Config{Importer: d.s.pkgs, GoVersion: goVersion(), Sizes: types.SizesFor("gc", runtime.GOARCH), Error: func(e error) {
		te := e.(types.Error)
		c.problems = append(c.problems, problem{te, c.fset.Position(te.Pos)})
	}}
	c.pkg, _ = conf.Check(mainPath, c.fset, []*ast.File{c.file}, c.info)
	return c, nil
}

func goVersion() string {
	v := runtime.Version() // go1.26.8
	if parts := strings.SplitN(v, ".", 3); len(parts) >= 2 && strings.HasPrefix(v, "go1") {
		return parts[0] + "." + strings.TrimFunc(parts[1], func(r rune) bool { return r < '0' || r > '9' })
	}
	return ""
}

// at maps a position of the rendered program to a piece and an offset in it.
func (d *draft) at(c *checked, pos token.Pos) (*piece, int) {
	off := c.fset.File(pos).Offset(pos)
	for _, s := range d.segs {
		if off >= s.out && off < s.out+s.len {
			return s.p, s.off + off - s.out
		}
	}
	return nil, 0
}

// end is at for the end of a node.
func (d *draft) end(c *checked, pos token.Pos) (*piece, int) {
	p, off := d.at(c, pos-1)
	return p, off + 1
}
