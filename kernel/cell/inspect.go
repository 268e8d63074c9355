package cell

import (
	"fmt"
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"go/types"
	"path/filepath"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// Inspect says what the name at the cursor is: its signature, then its
// documentation. Between the parentheses of a call it is about the function.
func (s *Session) Inspect(src string, cursor int) (text string, found bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	from, to := nameAt(src, byteOffset(src, cursor))
	if from == to {
		return "", false
	}
	name := src[from:to]
	alone := (from == 0 || src[from-1] != '.') && !strings.HasPrefix(src[to:], ".")
	if text, ok := atHand[name]; ok && alone && s.vars[name] == nil && declOf(s.decls, name) == nil {
		return text, true
	}
	d, c := s.inspected(src, from, to)
	if c != nil {
		for id, o := range c.info.Uses {
			if id.Name == name && d.isAt(c, id, src, from) {
				return s.describe(c, o), true
			}
		}
		for id, o := range c.info.Defs {
			if o != nil && id.Name == name && d.isAt(c, id, src, from) {
				return s.describe(c, o), true
			}
		}
	}
	if path, ok := s.pkgs.byName(name); ok && (from == 0 || src[from-1] != '.') {
		return s.describePackage(path), true
	}
	return "", false
}

// atHand says what the words of a cell are that need no package.
var atHand = map[string]string{
	"draw": "draw(sampler, posterior, n) *odslib.Result\n\nn samples of the posterior, with this cell's context, the notebook's seed and a progress bar.\n" +
		"On an interrupt or an error the samples so far are kept under the variable's\nname and the cell ends.\n",
	"train": "train(trainer, input[, odslib.Budget{Steps: n} or {Minutes: m}])\n\nWhat the trainer makes of the input within the budget (none given: the trainer's own), with this cell's\n" +
		"context, the notebook's seed and a live line. An interrupt keeps what there is so far.\n",
	"interact": "interact(func(y float64, n int, kind string, log bool) any { … }, []float64{min, max}, []int{min, max}, []string{…}, true)\n\n" +
		"Shows what the function gives, beside sliders, drop-downs and check boxes that set its parameters, in this order: a number's\n" +
		"limits, and perhaps its step and its value at the start; the words of a choice, the first at the start; true or false.\n" +
		"A change runs this cell again on a copy of what was kept before it, and nothing of that run is kept. Where a front end has no\n" +
		"widgets, the first parameter's values are shown side by side.\n",
	"seed": "seed uint64\n\nThe notebook's seed, 1 unless a cell sets it (seed = 7) or ODSLAB_SEED does. draw and train split it by method\nand variable, so the same notebook gives the same numbers.\n",
	"ctx":  "ctx context.Context\n\nThis cell's context. An interrupt cancels it; the cell then has a second to end by itself.\n",
}

// inspected checks the whole cell, or what is before the cursor where the
// whole can't be parsed.
func (s *Session) inspected(src string, from, to int) (*draft, *checked) {
	if s.pkgs.warm() != nil {
		return nil, nil
	}
	cut := splitCell(src)
	for _, c := range cut.chunks {
		at := offsetOf(src, c.line, c.col)
		if at <= from && to <= at+len(c.text) {
			if _, err := parsePiece(c, 0); err == nil {
				return s.tolerant(cut)
			}
		}
	}
	for _, tail := range []string{"", " {}", "()", ":"} {
		cut = splitCell(src[:to] + tail + closing(src[:to]))
		if n := len(cut.chunks); n > 0 {
			if _, err := parsePiece(cut.chunks[n-1], 0); err == nil {
				return s.tolerant(cut)
			}
		}
	}
	return nil, nil
}

func offsetOf(src string, line, col int) int {
	off := 0
	for range line - 1 {
		off += strings.IndexByte(src[off:], '\n') + 1
	}
	return off + col - 1
}

// isAt: the identifier of the checked program stands at the offset of the cell.
func (d *draft) isAt(c *checked, id *ast.Ident, src string, off int) bool {
	p, at := d.at(c, id.Pos())
	return p != nil && p.cell == 0 && offsetOf(src, p.line, p.col)+at == off
}

// nameAt finds the identifier around an offset, or the one that is called
// where the offset is between parentheses.
func nameAt(src string, off int) (from, to int) {
	is := func(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) }
	around := func(off int) (from, to int) {
		from, to = off, off
		for from > 0 {
			r, n := utf8.DecodeLastRuneInString(src[:from])
			if !is(r) {
				break
			}
			from -= n
		}
		for to < len(src) {
			r, n := utf8.DecodeRuneInString(src[to:])
			if !is(r) {
				break
			}
			to += n
		}
		return from, to
	}
	if from, to = around(off); from < to {
		return from, to
	}
	depth := 0
	for i := off - 1; i >= 0; i-- {
		switch src[i] {
		case ')':
			depth++
		case '(':
			if depth--; depth < 0 {
				return around(i)
			}
		case '{', '}', ';':
			return off, off
		}
	}
	return off, off
}

func (s *Session) describe(c *checked, o types.Object) string {
	qual := func(p *types.Package) string {
		if p == c.pkg {
			return ""
		}
		return p.Name()
	}
	if p, ok := o.(*types.PkgName); ok {
		return s.describePackage(p.Imported().Path())
	}
	text := types.ObjectString(o, qual)
	if o.Pkg() == c.pkg {
		if v := s.vars[o.Name()]; v != nil && o.Parent() != nil {
			how := "kept " + v.how() + ", " + bytesText(v.bytes)
			if v.source != nil {
				how = "kept by source: " + v.why
			}
			text += fmt.Sprintf("\n\nVariable of cell %d, %s.", v.cell, how)
		}
		if x := declOf(s.decls, o.Name()); x != nil && o.Parent() == c.pkg.Scope() {
			text += fmt.Sprintf("\n\nCell %d:\n%s", x.piece.cell, x.piece.text)
		}
		return text
	}
	if o.Pkg() == nil {
		if o.Parent() == types.Universe || o.Parent() == nil {
			text += s.documentation("builtin", o)
		}
		return text
	}
	return text + s.documentation(o.Pkg().Path(), o)
}

func (s *Session) describePackage(path string) string {
	text := fmt.Sprintf("package %s", path)
	if d := s.docs(path); d != nil && d.Doc != "" {
		text += "\n\n" + strings.TrimSpace(d.Doc)
	}
	return text
}

// documentation is the doc comment of an object of a package, after a blank line.
func (s *Session) documentation(path string, o types.Object) string {
	d := s.docs(path)
	if d == nil {
		return ""
	}
	text := ""
	function := func(list []*doc.Func, name string) {
		for _, f := range list {
			if f.Name == name {
				text = f.Doc
			}
		}
	}
	values := func(list []*doc.Value) {
		for _, v := range list {
			for _, n := range v.Names {
				if n == o.Name() {
					text = v.Doc
				}
			}
		}
	}
	recv := ""
	if f, ok := o.(*types.Func); ok && f.Signature().Recv() != nil {
		t := f.Signature().Recv().Type()
		if p, ok := t.(*types.Pointer); ok {
			t = p.Elem()
		}
		if n, ok := t.(*types.Named); ok {
			recv = n.Obj().Name()
		}
	}
	function(d.Funcs, o.Name())
	values(d.Vars)
	values(d.Consts)
	for _, t := range d.Types {
		switch {
		case recv == t.Name:
			text = ""
			function(t.Methods, o.Name())
		case recv != "":
			continue
		case t.Name == o.Name():
			text = t.Doc
		default:
			function(t.Funcs, o.Name())
			values(t.Vars)
			values(t.Consts)
		}
	}
	if text = strings.TrimSpace(text); text == "" {
		return ""
	}
	return "\n\n" + text
}

var docCache sync.Map

// docs reads the documentation of a package from its source.
func (s *Session) docs(path string) *doc.Package {
	if v, ok := docCache.Load(path); ok {
		return v.(*doc.Package)
	}
	dir := ""
	if q := s.pkgs.get(path); q != nil {
		dir = q.Dir
	} else if path == "builtin" {
		if q := s.pkgs.get("fmt"); q != nil {
			dir = filepath.Join(filepath.Dir(q.Dir), "builtin")
		}
	} else {
		s.pkgs.makeIndex()
		dir = s.pkgs.dirs[path]
	}
	if dir == "" {
		return nil
	}
	files, _ := filepath.Glob(filepath.Join(dir, "*.go"))
	fset := token.NewFileSet()
	var parsed []*ast.File
	name := ""
	for _, f := range files {
		if strings.HasSuffix(f, "_test.go") {
			continue
		}
		if a, err := parser.ParseFile(fset, f, nil, parser.ParseComments); err == nil && (name == "" || a.Name.Name == name) && a.Name.Name != "main" {
			name = a.Name.Name
			parsed = append(parsed, a)
		}
	}
	d, err := doc.NewFromFiles(fset, parsed, path, doc.AllDecls)
	if err != nil {
		return nil
	}
	docCache.Store(path, d)
	return d
}
