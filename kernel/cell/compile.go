package cell

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"go/ast"
	"go/scanner"
	"go/token"
	"go/types"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"odslab/kernel/runtime/contract"
	"odslab/kernel/toolchain"
)

// Program is a compiled cell: what to build and run, and what it will change.
type Program struct {
	N      int
	Source []byte  // main.go
	Key    string  // equal for programs that differ in the cell's number only
	Magics []Magic // lines for GoNB, in order
	Empty  bool    // nothing to build: the cell is committed already
	Notes  []string
	After  []string // notes that only the run could tell, once it is committed
	Text   string   // output of the magics that the session answers itself
	Link   toolchain.Link
	// Computes: the program links the array library.
	Computes bool
	// Resident: the program computes in the kernel's resident process.
	Resident bool
	draft    *draft
	origin   Origin
	text     string          // of the cell
	reads    map[string]bool // names of the notebook
	defs     []*definition
	dropped  []string // kept variables whose type is gone
	done     bool
}

// Loaded lists the kept files that the program reads, and the arrays of the resident process that stand for them or are
// shared with them.
func (p *Program) Loaded() (files, held, shared []string) {
	for _, v := range p.draft.kept {
		files, held, shared = append(files, v.file), append(held, v.held...), append(shared, v.shared...)
	}
	return distinct(files), distinct(held), distinct(shared)
}

// definition is a variable that the cell defines at its top level.
type definition struct {
	name  string
	typ   types.Type
	piece *piece
	why   string // why no program can hold it
	again bool   // an earlier statement of the cell has defined it too
	// steady: the statement makes it again, from what is named, and nobody can notice.
	steady bool
	needs  []string
}

// Compile turns the text of cell n into a program. The error, an *Error, says
// where the text is wrong; then only the session's own magics have had effect.
func (s *Session) Compile(n int, src string) (*Program, error) {
	return s.CompileCell(Origin{}, n, src)
}

// CompileCell is Compile for a front end that tells its cells apart.
func (s *Session) CompileCell(from Origin, n int, src string) (*Program, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.following.touched = nil
	p, err := s.compileTwice(from, n, src)
	if err != nil {
		s.following.edited(from, n, src)
	}
	return p, err
}

func (s *Session) compileTwice(from Origin, n int, src string) (*Program, error) {
	cut := splitCell(src)
	p, err := s.compile(from, n, src, cut)
	if err != nil && len(cut.errs) == 0 && s.pkgs.refresh() { // the library was edited since it was read
		cut.magics = slices.DeleteFunc(cut.magics, func(m Magic) bool { return isOwnMagic(m.Text) })
		return s.compile(from, n, src, cut)
	}
	return p, err
}

func (s *Session) compile(from Origin, n int, src string, cut *split) (*Program, error) {
	p := &Program{N: n, origin: from, text: src}
	if line := directive(src, "//go:embed"); line > 0 {
		return nil, errorAt(n, line, 1, "go:embed has no effect in a cell: read the file with os.ReadFile")
	}
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
		var bad *Error
		last := 0
		if n := len(cut.chunks); n > 0 {
			last = cut.chunks[n-1].line + strings.Count(cut.chunks[n-1].text, "\n")
		}
		if errors.As(err, &bad) && bad.Line < last { // a bracket that is not closed where it was meant to be
			return nil, err
		}
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
	p.reads = d.reads(c, p)
	d.final = true
	for path := range d.needed {
		delete(d.unused, "needed "+path)
	}
	if _, err = d.settle(); err != nil {
		if e, ok := err.(*Error); ok {
			e.generated = true
		}
		return nil, err
	}
	p.Source = []byte(d.render())
	p.Link, p.Computes, p.Resident = s.pkgs.link(p.Source, s.opt.KeepDir), d.computes, d.resident
	if len(s.got) > 0 {
		p.Link.Module = s.opt.ModuleDir
	}
	p.Key = programKey(p.Source, n)
	s.notes(d, p)
	if len(d.stmts) == 0 && len(d.inits) == 0 && len(d.mains) == 0 {
		p.Empty = true
		err := s.commit(p)
		p.Notes = append(p.Notes, p.After...)
		return p, err
	}
	return p, nil
}

func programKey(src []byte, n int) string {
	masked := strings.ReplaceAll(string(src), fmt.Sprintf("line cell[%d]:", n), "line cell[]:")
	masked = numberInBegin.ReplaceAllString(masked, "$1)")
	_, masked, _ = strings.Cut(masked, "\n")
	h := sha256.Sum256([]byte(masked))
	return hex.EncodeToString(h[:])
}

var numberInBegin = regexp.MustCompile(`(func main\(\) \{\n\t\S+\.Begin\()\d+\)`)

// read parses the chunks and sorts them into imports, declarations, statements.
func (d *draft) read(cut *split) error {
	var errs scanner.ErrorList
	for i, c := range cut.chunks {
		p, err := parsePiece(c, d.n)
		if err != nil && i == len(cut.chunks)-1 && !cut.incomplete {
			if q := parseList(c, d.n); q != nil {
				live := d.s.alias(contract.LivePath)
				if c.hushed {
					q.edit(0, 0, strings.Repeat("_, ", q.list-1)+"_ = ")
				} else {
					q.edit(0, 0, live+"."+contract.CallShowAll+"(")
					q.edit(len(q.text), len(q.text), ")")
				}
				p, err = q, nil
			}
		}
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
			if i, ok := d.imports["C"]; ok {
				line, col := p.place(i.off)
				return errorAt(d.n, line, col, `a cell can't import "C": put what needs C into a package of a module, or call a program`)
			}
		case declPiece:
			d.readDecl(p)
		default:
			d.stmts = append(d.stmts, p)
			d.makesSeed(p)
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

// makesSeed takes seed = 7 for seed := 7 where there is no such variable yet.
func (d *draft) makesSeed(p *piece) {
	a, ok := p.stmt.(*ast.AssignStmt)
	if !ok || a.Tok != token.ASSIGN || len(a.Lhs) != 1 || d.defined["seed"] || d.s.vars["seed"] != nil || declOf(d.avail, "seed") != nil {
		return
	}
	if id, ok := a.Lhs[0].(*ast.Ident); ok && id.Name == "seed" {
		a.Tok = token.DEFINE
		at := p.offset(a.TokPos)
		p.edit(at, at+1, ":=")
	}
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
			name := fmt.Sprintf("%s%d%s", f.Name.Name, len(d.inits)+len(d.mains)+1, ours)
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
