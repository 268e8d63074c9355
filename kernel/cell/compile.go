package cell

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"go/ast"
	"go/scanner"
	"go/token"
	"go/types"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Program is a compiled cell: what to build and run, and what it will change.
type Program struct {
	N       int
	Source  []byte  // main.go
	Key     string  // equal for programs that differ in the cell's number only
	Magics  []Magic // lines for GoNB, in order
	Empty   bool    // nothing to build: the cell is committed already
	Notes   []string
	Text    string // output of the magics that the session answers itself
	draft   *draft
	defs    []*definition
	dropped []string // kept variables whose type is gone
	done    bool
}

// definition is a variable that the cell defines at its top level.
type definition struct {
	name  string
	typ   types.Type
	piece *piece
	why   string // why it can't be kept by value
	lost  bool   // nor by source
}

// rounds bounds how often a draft is checked again; each round settles at
// least one name.
const rounds = 60

// Compile turns the text of cell n into a program. The error, an *Error, says
// where the text is wrong; then only the session's own magics have had effect.
func (s *Session) Compile(n int, src string) (*Program, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	cut := splitCell(src)
	p, err := s.compile(n, src, cut)
	if err != nil && len(cut.errs) == 0 && s.pkgs.refresh() { // the library was edited since it was read
		cut.magics = slices.DeleteFunc(cut.magics, func(m Magic) bool { return isOwnMagic(m.Text) })
		return s.compile(n, src, cut)
	}
	return p, err
}

func (s *Session) compile(n int, src string, cut *split) (*Program, error) {
	p := &Program{N: n}
	if len(cut.errs) > 0 {
		return nil, syntaxError(n, cut.errs)
	}
	for _, m := range cut.magics {
		own, err := s.magic(p, m)
		if err != nil {
			return nil, errorAt(n, m.Line, m.Col, "%s", err)
		}
		if !own {
			p.Magics = append(p.Magics, m)
		}
	}
	d := s.newDraft(n)
	p.draft = d
	if err := d.read(cut); err != nil {
		if cut.incomplete {
			line, col := position(src, len(strings.TrimRight(src, " \t\n")))
			return nil, errorAt(n, line, col, "syntax error: the cell ends in the middle of a statement")
		}
		return nil, err
	}
	if err := s.pkgs.warm(); err != nil {
		return nil, errorAt(n, 1, 1, "the packages of cells can't be listed: %s", err)
	}
	p.dropped = s.retyped(d, p)
	c, err := d.settle()
	if err != nil {
		return nil, err
	}
	d.analyse(c, p)
	d.final = true
	if c, err = d.settle(); err != nil {
		return nil, err
	}
	p.Source = []byte(d.render())
	p.Key = programKey(p.Source, n)
	s.notes(d, p)
	if len(d.stmts) == 0 && len(d.inits) == 0 && len(d.mains) == 0 {
		p.Empty = true
		return p, s.commit(p)
	}
	return p, nil
}

func programKey(src []byte, n int) string {
	masked := strings.ReplaceAll(string(src), fmt.Sprintf("cell[%d]", n), "cell[]")
	masked = numberInBegin.ReplaceAllString(masked, "$1)")
	_, masked, _ = strings.Cut(masked, "\n")
	h := sha256.Sum256([]byte(masked))
	return hex.EncodeToString(h[:])
}

var numberInBegin = regexp.MustCompile(`(\.Begin\("(?:[^"\\]|\\.)*"), \d+\)`)

// read parses the chunks and sorts them into imports, declarations, statements.
func (d *draft) read(cut *split) error {
	var errs scanner.ErrorList
	for _, c := range cut.chunks {
		p, err := parsePiece(c, d.n)
		if err != nil {
			list, ok := err.(scanner.ErrorList)
			if !ok {
				return errorAt(d.n, c.line, c.col, "%s", err)
			}
			errs = append(errs, list...)
			continue
		}
		switch p.kind {
		case importPiece:
			d.readImports(p)
		case declPiece:
			d.readDecl(p)
		default:
			d.stmts = append(d.stmts, p)
			for _, id := range p.defined() {
				d.defined[id.Name] = true
			}
		}
	}
	if len(errs) > 0 {
		return syntaxError(d.n, errs)
	}
	for key, x := range d.own {
		if d.defined[key] && x.recv == "" {
			return errorAt(d.n, x.piece.line, x.piece.col, "%s is both declared and a variable in this cell", key)
		}
	}
	for name := range d.defined { // a variable takes the place of what had its name
		if x := declOf(d.avail, name); x != nil {
			d.hide(x, name)
		}
	}
	return nil
}

func (d *draft) readImports(p *piece) {
	for _, spec := range p.decl.(*ast.GenDecl).Specs {
		sp := spec.(*ast.ImportSpec)
		path, err := strconv.Unquote(sp.Path.Value)
		if err != nil {
			continue
		}
		i := importSpec{path: path, at: p, off: p.offset(sp.Path.Pos())}
		if sp.Name != nil {
			i.name = sp.Name.Name
		} else {
			i.name = d.s.packageName(path)
		}
		d.imports[i.key()] = i
	}
}

// packageName is the name of a package, guessed from its path where it can't
// be loaded; the type checker then says so.
func (s *Session) packageName(path string) string {
	if s.pkgs.need(path) == nil {
		if q := s.pkgs.get(path); q != nil {
			return q.Name
		}
	}
	return path[strings.LastIndexByte(path, '/')+1:]
}

func (d *draft) readDecl(p *piece) {
	if f, ok := p.decl.(*ast.FuncDecl); ok && f.Recv == nil {
		// main and init belong to their cell: they are called, not remembered.
		switch f.Name.Name {
		case "main", "init":
			name := fmt.Sprintf("%s%d_", f.Name.Name, len(d.inits)+len(d.mains)+1)
			p.edit(p.offset(f.Name.Pos()), p.offset(f.Name.End()), name)
			x := newDeclarations(p)[0]
			x.key, x.names = name, nil
			d.own[name], d.avail[name] = x, x
			d.pieces[x] = p
			if f.Name.Name == "main" {
				d.mains = append(d.mains, name)
			} else {
				d.inits = append(d.inits, name)
			}
			return
		}
	}
	for _, x := range newDeclarations(p) {
		for _, name := range x.names {
			if old := declOf(d.avail, name); old != nil && d.own[old.key] != old {
				d.hide(old, name)
			}
		}
		if old := d.own[x.key]; old != nil { // let the checker say "redeclared"
			x.key += fmt.Sprintf("#%d", len(d.own))
		}
		d.own[x.key], d.avail[x.key] = x, x
	}
}

// hide takes a name away from a remembered declaration.
func (d *draft) hide(x *declaration, name string) {
	y := *x
	y.blank = map[string]bool{name: true}
	for n := range x.blank {
		y.blank[n] = true
	}
	if len(y.blank) >= len(y.names) {
		delete(d.avail, x.key)
		if !d.own0(name) { // methods go with their type, unless it is only declared anew
			for key, m := range d.avail {
				if m.recv == name && d.own[key] == nil && d.defined[name] {
					delete(d.avail, key)
				}
			}
		}
		return
	}
	d.avail[x.key] = &y
}

func (d *draft) own0(name string) bool { return declOf(d.own, name) != nil }

// settle checks the draft until the checker has nothing more that can be
// mended, and returns the errors that are left as an *Error.
func (d *draft) settle() (*checked, error) {
	for range rounds {
		d.gather()
		c, err := d.check()
		if err != nil {
			return nil, err
		}
		changed := d.mend(c)
		if !changed {
			if err := d.errorsLeft(c); err != nil {
				return nil, err
			}
			return c, nil
		}
	}
	return nil, errorAt(d.n, 1, 1, "the cell is too tangled to be checked")
}

// mend changes the draft by what the checker has found; true if it did.
func (d *draft) mend(c *checked) (changed bool) {
	var later []problem
	for _, e := range c.problems {
		switch {
		case strings.HasPrefix(e.Msg, "undefined: "):
			name := strings.TrimPrefix(e.Msg, "undefined: ")
			if d.define(c, e, name) {
				changed = true
			}
		case strings.HasPrefix(e.Msg, "declared and not used: "):
			if d.use(c, e, strings.TrimPrefix(e.Msg, "declared and not used: ")) {
				changed = true
			}
		case strings.Contains(e.Msg, "imported and not used") || strings.Contains(e.Msg, "imported as"):
			if d.unimport(e) {
				changed = true
			}
		default:
			later = append(later, e)
		}
	}
	if changed {
		return true
	}
	return d.hoistShared(c) || d.dropUnused(c) || len(later) == 0 && d.replaceExits(c)
}

// define finds what an undefined name means.
func (d *draft) define(c *checked, e problem, name string) bool {
	p, off := d.at(c, e.Pos)
	if p == nil {
		return false
	}
	if d.defined[name] && p.kind == declPiece { // a function needs a variable of the cell
		return d.hoistName(c, name)
	}
	if selectorBase(c.file, e.Pos) {
		if path, ok := d.s.pkgs.byName(name); ok && d.auto[name] == "" && d.s.pkgs.need(path) == nil {
			d.auto[name] = path
			return true
		}
	}
	live := d.s.alias(livePath)
	text := map[string]string{"ctx": live + ".Context()", "seed": live + ".Seed()",
		"draw": d.s.alias(sessionPath) + ".Draw", "train": d.s.alias(sessionPath) + ".Train"}[name]
	if text == "" {
		return false
	}
	d.session[name] = true
	p.edit(off, off+len(name), text)
	if name == "draw" || name == "train" {
		d.before[p] = []string{fmt.Sprintf("%s.At(%q)", live, p.target())}
		d.need(sessionPath)
	}
	return true
}

// target is the variable that a statement defines or assigns, or "".
func (p *piece) target() string {
	if ids := p.defined(); len(ids) > 0 {
		return ids[0].Name
	}
	if a, ok := p.stmt.(*ast.AssignStmt); ok {
		if id, ok := a.Lhs[0].(*ast.Ident); ok && id.Name != "_" {
			return id.Name
		}
	}
	return ""
}

// selectorBase: the identifier at pos is the x of x.y.
func selectorBase(f *ast.File, pos token.Pos) (is bool) {
	ast.Inspect(f, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			if id, ok := s.X.(*ast.Ident); ok && id.Pos() == pos {
				is = true
			}
		}
		return !is
	})
	return is
}

func (d *draft) unimport(e problem) (changed bool) {
	msg := e.Msg
	for name, path := range d.auto {
		if !d.unused[name] && mentionsImport(msg, name, path) {
			d.unused[name], changed = true, true
		}
	}
	for key, i := range d.imports {
		if !d.unused[key] && mentionsImport(msg, i.name, i.path) {
			d.unused[key], changed = true, true
		}
	}
	for path := range d.needed {
		if mentionsImport(msg, d.s.alias(path), path) && path != livePath {
			delete(d.needed, path)
			changed = true
		}
	}
	return changed
}

func mentionsImport(msg, name, path string) bool {
	rest, ok := strings.CutPrefix(msg, strconv.Quote(path)+" imported ")
	if !ok {
		return false
	}
	as, ok := strings.CutPrefix(rest, "as ")
	if !ok {
		return true
	}
	as, _, _ = strings.Cut(as, " ")
	return as == name || name == "."
}

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

// hoistShared makes variables of the cell package variables where functions
// see a kept one of the same name.
func (d *draft) hoistShared(c *checked) (changed bool) {
	for id, o := range c.info.Uses {
		if v, ok := o.(*types.Var); !ok || v.Parent() != c.pkg.Scope() || !d.defined[id.Name] || d.hoist[id.Name] != nil {
			continue
		}
		if p, _ := d.at(c, id.Pos()); p != nil && p.kind == declPiece && d.hoistName(c, id.Name) {
			return true
		}
	}
	return false
}

// dropUnused forgets package variables that nothing uses after all.
func (d *draft) dropUnused(c *checked) (changed bool) {
	used := map[string]bool{}
	for id, o := range c.info.Uses {
		if v, ok := o.(*types.Var); ok && v.Parent() == c.pkg.Scope() {
			p, _ := d.at(c, id.Pos())
			own := d.s.vars[id.Name] != nil && p == d.srcPiece[d.s.vars[id.Name]]
			if p != nil && !own {
				used[id.Name] = true
			}
		}
	}
	if d.final {
		return false
	}
	unused := func(name string) bool {
		return d.atTop[name] && !used[name] && d.hoist[name] == nil && name != "seed"
	}
	for _, v := range append(slices.Clone(d.kept), d.sources...) {
		if !unused(v.name) || d.drop[v.name] {
			continue
		}
		if slices.ContainsFunc(v.group, func(m string) bool { return m != v.name && !d.drop[m] && !unused(m) }) {
			continue
		}
		d.drop[v.name], changed = true, true
	}
	return changed
}

// errorsLeft turns what the checker still objects to into an *Error.
func (d *draft) errorsLeft(c *checked) error {
	var all []Error
	var rest []problem
	for _, e := range c.problems {
		if !d.final && d.isShown(c, e) {
			continue
		}
		rest = append(rest, e)
	}
	for _, e := range rest {
		msg := d.userNames(e.Msg)
		if name, ok := strings.CutPrefix(msg, "undefined: "); ok {
			if v := d.s.vars[name]; v != nil && v.lost {
				msg += fmt.Sprintf(": the one of cell %d was not kept, because %s", v.cell, v.why)
			}
		}
		n, ok := cellOf(e.at.Filename)
		if ok && n == d.n {
			all = append(all, Error{Cell: n, Line: e.at.Line, Col: e.at.Column, Msg: msg})
			continue
		}
		line, col := 1, 1
		if p, _ := d.at(c, e.Pos); p != nil {
			line, col, msg = d.blame(p, n, e.at.Line, msg)
		}
		all = append(all, Error{Cell: d.n, Line: line, Col: col, Msg: msg})
	}
	slices.SortStableFunc(all, func(a, b Error) int { return (a.Line-b.Line)*10000 + a.Col - b.Col })
	all = slices.CompactFunc(all, func(a, b Error) bool { return a.Line == b.Line && a.Col == b.Col })
	if len(all) == 0 {
		return nil
	}
	return newError(d.n, all)
}

// userNames puts the names that the user wrote back into a message.
func (d *draft) userNames(msg string) string {
	live, session := d.s.alias(livePath), d.s.alias(sessionPath)
	return strings.NewReplacer(mainPath+".", "", live+".Context()", "ctx", live+".Seed()", "seed",
		session+".Draw", "draw", session+".Train", "train", live+".", "", session+".", "", "\n\t", ", ").Replace(msg)
}

// blame says at the cell's own text that something remembered is broken.
func (d *draft) blame(p *piece, cell, line int, msg string) (int, int, string) {
	name := ""
	for x, q := range d.pieces {
		if q == p {
			name = strings.Split(x.key, "#")[0]
		}
	}
	for v, q := range d.srcPiece {
		if q == p {
			name = v.name
		}
	}
	text := fmt.Sprintf("%s, of cell %d line %d, no longer compiles: %s; define it again", name, cell, line, msg)
	for _, s := range d.stmts {
		at := -1
		identifiers(s.stmt, func(id *ast.Ident) {
			if at < 0 && id.Name == name {
				at = s.offset(id.Pos())
			}
		})
		if at >= 0 {
			l, c := s.place(at)
			return l, c, text
		}
	}
	return 1, 1, text
}

// isShown: "is not used" about the last expression, which will be shown.
func (d *draft) isShown(c *checked, e problem) bool {
	if !strings.HasSuffix(e.Msg, "is not used") && !strings.Contains(e.Msg, "is not used") {
		return false
	}
	p, _ := d.at(c, e.Pos)
	return p != nil && len(d.stmts) > 0 && p == d.stmts[len(d.stmts)-1] && p.expression() != nil
}
