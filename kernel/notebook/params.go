package notebook

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
)

// parameter is an assignment in a cell tagged "parameters".
type parameter struct {
	name       string
	cell       int // index into Notebook.Cells
	begin, end int // of its value in the cell's source
	value      ast.Expr
}

// Parameters lists the names that SetParameters accepts, in order of
// appearance.
func (nb *Notebook) Parameters() ([]string, error) {
	ps, err := nb.parameters()
	var names []string
	for _, p := range ps {
		if !slices.Contains(names, p.name) {
			names = append(names, p.name)
		}
	}
	return names, err
}

// SetParameters replaces values in the cells tagged "parameters", where the
// notebook says `k := v`, `k = v`, `var k = v` or `const k = v`. A value is a
// Go expression; where the old one is a text, quotes may be left out.
func (nb *Notebook) SetParameters(values map[string]string) error {
	if len(values) == 0 {
		return nil
	}
	ps, err := nb.parameters()
	if err != nil {
		return err
	}
	known, _ := nb.Parameters()
	for _, name := range slices.Sorted(mapKeys(values)) {
		if slices.Contains(known, name) {
			continue
		}
		if len(known) == 0 {
			return fmt.Errorf(`has no parameter %q: no cell with the tag "parameters" assigns one`, name)
		}
		return fmt.Errorf("has no parameter %q; it has %s", name, strings.Join(known, ", "))
	}
	for _, p := range slices.Backward(ps) { // so that offsets before it stay true
		text, ok := values[p.name]
		if !ok {
			continue
		}
		literal, err := goValue(p.value, text)
		if err != nil {
			return fmt.Errorf("parameter %s: %w", p.name, err)
		}
		src := nb.Cells[p.cell].Source
		nb.Cells[p.cell].Source = src[:p.begin] + literal + src[p.end:]
	}
	return nil
}

// goValue is the text as Go source to stand in place of old.
func goValue(old ast.Expr, text string) (string, error) {
	text = strings.TrimSpace(text)
	e, err := parser.ParseExpr(text)
	if err != nil || strings.ContainsAny(text, "\n;") {
		e = nil
	}
	kind := literalKind(old)
	switch {
	case kind == token.STRING && (e == nil || literalKind(e) != token.STRING):
		return strconv.Quote(text), nil
	case e == nil:
		return "", fmt.Errorf("%q is not a Go value", text)
	case kind == token.INT || kind == token.FLOAT:
		if k := literalKind(e); k == token.STRING || k == token.CHAR || isBool(e) {
			return "", fmt.Errorf("%s is not a number", text)
		}
		if _, bare := e.(*ast.Ident); bare {
			return "", fmt.Errorf("%q is not a number", text)
		}
		if kind == token.FLOAT && literalKind(e) == token.INT && !strings.ContainsAny(text, ".xXeEbBoO_") {
			return text + ".0", nil // 1 in place of 0.5 stays a float64
		}
	case isBool(old) && !isBool(e):
		return "", fmt.Errorf("%q is neither true nor false", text)
	}
	return text, nil
}

// literalKind is the kind of a literal, with or without a sign, else ILLEGAL.
func literalKind(e ast.Expr) token.Token {
	if u, ok := e.(*ast.UnaryExpr); ok && (u.Op == token.SUB || u.Op == token.ADD) {
		e = u.X
	}
	if l, ok := e.(*ast.BasicLit); ok {
		return l.Kind
	}
	return token.ILLEGAL
}

func isBool(e ast.Expr) bool {
	id, ok := e.(*ast.Ident)
	return ok && (id.Name == "true" || id.Name == "false")
}

func (nb *Notebook) parameters() ([]parameter, error) {
	var all []parameter
	for i := range nb.Cells {
		c := &nb.Cells[i]
		if c.Type != "code" || !c.Tagged("parameters") {
			continue
		}
		ps, err := assignments(c.Source)
		if err != nil {
			return nil, fmt.Errorf(`cell %q, tagged "parameters": %w`, c.ID, err)
		}
		for _, p := range ps {
			p.cell = i
			all = append(all, p)
		}
	}
	return all, nil
}

// assignments finds the assignments that stand at the top of a cell.
func assignments(src string) ([]parameter, error) {
	const open = "package p; func _() { "
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, "", open+blankMagics(src)+"\n}", parser.SkipObjectResolution)
	if err != nil {
		return nil, fmt.Errorf("more than assignments in it, or a mistake (%s)", lineOf(err.Error()))
	}
	var ps []parameter
	add := func(name ast.Expr, value ast.Expr) {
		if id, ok := name.(*ast.Ident); ok && id.Name != "_" {
			ps = append(ps, parameter{
				name: id.Name, value: value,
				begin: fset.Position(value.Pos()).Offset - len(open), end: fset.Position(value.End()).Offset - len(open),
			})
		}
	}
	for _, s := range file.Decls[0].(*ast.FuncDecl).Body.List {
		switch s := s.(type) {
		case *ast.AssignStmt:
			if (s.Tok == token.DEFINE || s.Tok == token.ASSIGN) && len(s.Lhs) == len(s.Rhs) {
				for i := range s.Lhs {
					add(s.Lhs[i], s.Rhs[i])
				}
			}
		case *ast.DeclStmt:
			g, ok := s.Decl.(*ast.GenDecl)
			if !ok {
				continue
			}
			for _, spec := range g.Specs {
				if v, ok := spec.(*ast.ValueSpec); ok && len(v.Names) == len(v.Values) {
					for i := range v.Names {
						add(v.Names[i], v.Values[i])
					}
				}
			}
		}
	}
	return ps, nil
}

// blankMagics keeps the length of the source.
func blankMagics(src string) string {
	var b strings.Builder
	for line := range strings.Lines(src) {
		if t := strings.TrimLeft(line, " \t"); strings.HasPrefix(t, "%") || strings.HasPrefix(t, "!") {
			body := strings.TrimRight(line, "\r\n")
			b.WriteString(strings.Repeat(" ", len(body)) + line[len(body):])
			continue
		}
		b.WriteString(line)
	}
	return b.String()
}

// lineOf turns the parser's "1:30: what" into "line 1: what".
func lineOf(msg string) string {
	msg, _, _ = strings.Cut(msg, " (and ")
	parts := strings.SplitN(msg, ":", 3)
	if len(parts) < 3 {
		return msg
	}
	return "line " + parts[0] + ":" + parts[2]
}
