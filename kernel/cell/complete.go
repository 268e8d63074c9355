package cell

import (
	"go/ast"
	"go/scanner"
	"go/token"
	"go/types"
	"regexp"
	"slices"
	"sort"
	"strings"
	"unicode"
	"unicode/utf8"
)

// marker stands where the cursor is while an unfinished cell is checked.
const marker = "ˍcursorˍ"

var keywords = []string{
	"break", "case", "chan", "const", "continue", "default", "defer", "else", "fallthrough", "for", "func", "go", "goto",
	"if", "import", "interface", "map", "package", "range", "return", "select", "struct", "switch", "type", "var",
}

// sessionNames are at hand in every cell.
var sessionNames = []string{"ctx", "draw", "interact", "seed", "train"}

// Complete lists what may stand at the cursor, which counts runes as start and
// end do: matches replace src[start:end].
func (s *Session) Complete(src string, cursor int) (matches []string, start, end int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	off := byteOffset(src, cursor)
	if m := importString.FindStringSubmatchIndex(src[:off]); m != nil && inImport(src[:off]) {
		prefix := src[m[2]:m[3]]
		s.pkgs.makeIndex()
		all := map[string]bool{}
		for path := range s.pkgs.dirs {
			all[path] = true
		}
		return filter(all, func(path string) bool { return strings.HasPrefix(path, prefix) }), utf8.RuneCountInString(src[:m[2]]), utf8.RuneCountInString(src[:off])
	}
	from := off
	for from > 0 {
		r, n := utf8.DecodeLastRuneInString(src[:from])
		if r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			break
		}
		from -= n
	}
	prefix := src[from:off]
	start, end = utf8.RuneCountInString(src[:from]), utf8.RuneCountInString(src[:off])
	if prefix == "" && (from == 0 || src[from-1] != '.') {
		return nil, start, end
	}
	if r, _ := utf8.DecodeRuneInString(prefix); unicode.IsDigit(r) {
		return nil, start, end
	}
	d, c := s.unfinished(src[:from])
	if c == nil {
		return nil, start, end
	}
	names := d.candidates(c)
	matches = filter(names, func(n string) bool { return strings.HasPrefix(n, prefix) })
	if len(matches) == 0 {
		low := strings.ToLower(prefix)
		matches = filter(names, func(n string) bool { return strings.HasPrefix(strings.ToLower(n), low) })
	}
	return matches, start, end
}

// importString is a path of an import that is being written.
var importString = regexp.MustCompile(`(?:^|\n)[ \t]*(?:import\s+\(?\s*)?(?:[\w.]+\s+)?"([\w./-]*)$`)

// inImport: the text ends inside an import declaration.
func inImport(before string) bool {
	i := strings.LastIndex(before, "import")
	return i >= 0 && importHead.MatchString(before[i:])
}

var importHead = regexp.MustCompile(`^import\s+(?:[\w.]+\s+)?(?:\((?:\s*(?:[\w.]+\s+)?"[^"]*"\s*)*\s*(?:[\w.]+\s+)?)?"[\w./-]*$`)

func filter(names map[string]bool, ok func(string) bool) (out []string) {
	for n := range names {
		if ok(n) && !strings.Contains(n, marker) && !strings.HasSuffix(n, ours) {
			out = append(out, n)
		}
	}
	sort.Strings(out)
	return out
}

func byteOffset(src string, runes int) int {
	for i := range src {
		if runes <= 0 {
			return i
		}
		runes--
	}
	return len(src)
}

// unfinished checks the text before the cursor with the marker put behind it
// and everything open closed.
func (s *Session) unfinished(before string) (*draft, *checked) {
	if s.pkgs.warm() != nil {
		return nil, nil
	}
	closers := closing(before)
	for _, tail := range []string{"", " {}", " {\n}", ":", ": return }"} {
		text := before + marker + tail + closers
		cut := splitCell(text)
		if len(cut.chunks) == 0 {
			return nil, nil
		}
		last := cut.chunks[len(cut.chunks)-1]
		if !strings.Contains(last.text, marker) {
			return nil, nil
		}
		if _, err := parsePiece(last, 0); err != nil {
			continue
		}
		return s.tolerant(cut)
	}
	return nil, nil
}

// tolerant checks what can be parsed of a cell and leaves its errors alone.
func (s *Session) tolerant(cut *split) (*draft, *checked) {
	d := s.newDraft(0)
	good := *cut
	good.chunks = slices.DeleteFunc(slices.Clone(cut.chunks), func(c chunk) bool {
		_, err := parsePiece(c, 0)
		return err != nil
	})
	if d.read(&good) != nil {
		return nil, nil
	}
	var c *checked
	for range rounds {
		d.gather()
		var err error
		if c, err = d.check(); err != nil {
			return nil, nil
		}
		if !d.mend(c) {
			break
		}
	}
	return d, c
}

// closing closes the brackets that are open at the end of the text.
func closing(text string) string {
	f := token.NewFileSet().AddFile("", -1, len(text))
	var sc scanner.Scanner
	sc.Init(f, []byte(text), func(token.Position, string) {}, 0)
	var open []string
	for {
		_, tok, _ := sc.Scan()
		switch tok {
		case token.EOF:
			slices.Reverse(open)
			return strings.Join(open, "")
		case token.LPAREN:
			open = append(open, ")")
		case token.LBRACK:
			open = append(open, "]")
		case token.LBRACE:
			open = append(open, "}")
		case token.RPAREN, token.RBRACK, token.RBRACE:
			if len(open) > 0 {
				open = open[:len(open)-1]
			}
		}
	}
}

// candidates are the names that may stand where the marker is.
func (d *draft) candidates(c *checked) map[string]bool {
	names := map[string]bool{}
	var found ast.Node
	var path []ast.Node
	ast.Inspect(c.file, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok && id.Name == marker && found == nil {
			found = id
			path = pathTo(c.file, id.Pos())
		}
		return true
	})
	if found == nil {
		return names
	}
	if sel, ok := path[1].(*ast.SelectorExpr); ok && sel.Sel == found {
		d.members(c, sel.X, names)
		return names
	}
	if lit, ok := path[1].(*ast.CompositeLit); ok {
		fieldNames(c, lit, names)
	}
	for scope := innermost(c, found.Pos()); scope != nil; scope = scope.Parent() {
		for _, n := range scope.Names() {
			if o := scope.Lookup(n); scope == types.Universe || !o.Pos().IsValid() || o.Parent() == c.pkg.Scope() || o.Pos() < found.Pos() {
				names[n] = true
			}
		}
	}
	for _, x := range d.avail {
		for _, n := range x.names {
			names[n] = names[n] || !x.blank[n]
		}
	}
	for n, v := range d.s.vars {
		names[n] = !v.lost
	}
	for _, l := range [][]string{keywords, sessionNames} {
		for _, n := range l {
			names[n] = true
		}
	}
	for n := range preferred {
		names[n] = true
	}
	d.s.pkgs.makeIndex()
	for n := range d.s.pkgs.names {
		names[n] = true
	}
	for _, i := range d.imports {
		names[i.name] = true
	}
	delete(names, "main")
	return names
}

func innermost(c *checked, pos token.Pos) *types.Scope {
	if s := c.pkg.Scope().Innermost(pos); s != nil {
		return s
	}
	return c.pkg.Scope()
}

// members adds what x.… may be.
func (d *draft) members(c *checked, x ast.Expr, names map[string]bool) {
	if id, ok := x.(*ast.Ident); ok {
		if p, ok := c.info.Uses[id].(*types.PkgName); ok {
			for _, n := range p.Imported().Scope().Names() {
				if token.IsExported(n) {
					names[n] = true
				}
			}
			return
		}
	}
	tv, ok := c.info.Types[x]
	if !ok || tv.Type == nil {
		return
	}
	t := tv.Type
	methods := t
	if _, isPointer := t.Underlying().(*types.Pointer); !isPointer && !types.IsInterface(t) {
		methods = types.NewPointer(t)
	}
	for m := range types.NewMethodSet(methods).Methods() {
		if o := m.Obj(); o.Exported() || o.Pkg() == c.pkg {
			names[o.Name()] = true
		}
	}
	if !tv.IsType() {
		addFields(c, t, names, map[types.Type]bool{})
	}
}

func addFields(c *checked, t types.Type, names map[string]bool, seen map[types.Type]bool) {
	if p, ok := t.Underlying().(*types.Pointer); ok {
		t = p.Elem()
	}
	st, ok := t.Underlying().(*types.Struct)
	if !ok || seen[t] {
		return
	}
	seen[t] = true
	for f := range st.Fields() {
		if f.Exported() || f.Pkg() == c.pkg {
			names[f.Name()] = true
		}
		if f.Embedded() {
			addFields(c, f.Type(), names, seen)
		}
	}
}

func fieldNames(c *checked, lit *ast.CompositeLit, names map[string]bool) {
	if tv, ok := c.info.Types[lit]; ok && tv.Type != nil {
		if st, ok := tv.Type.Underlying().(*types.Struct); ok {
			for f := range st.Fields() {
				if f.Exported() || f.Pkg() == c.pkg {
					names[f.Name()] = true
				}
			}
		}
	}
}
