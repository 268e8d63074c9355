package cell

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/scanner"
	"go/token"
	"slices"
	"strings"
)

type pieceKind int

const (
	importPiece pieceKind = iota
	declPiece
	stmtPiece
)

// piece is a parsed chunk. Positions in its tree less base are offsets into text.
type piece struct {
	chunk
	cell int
	kind pieceKind
	decl ast.Decl // of imports and declarations
	stmt ast.Stmt // of statements
	list int      // of several expressions how many; else 0
	base int
	// edits turn the text into what is compiled; each program has its own.
	edits []edit
}

// edit replaces text[from:to].
type edit struct {
	from, to int
	text     string
}

const (
	declHead = "package p\n"
	stmtHead = "package p\nfunc _() {\n"
)

// parsePiece parses a chunk of cell n as a declaration where it is one, else
// as a statement.
func parsePiece(c chunk, n int) (*piece, error) {
	p := &piece{chunk: c, cell: n}
	line := fmt.Sprintf("//line cell[%d]:%d:%d\n", n, c.line, c.col)
	fset := token.NewFileSet()
	f, declErr := parser.ParseFile(fset, "", declHead+line+c.text, parser.SkipObjectResolution)
	if declErr == nil {
		p.base = len(declHead) + len(line) + fset.File(f.FileStart).Base()
		if len(f.Decls) == 1 {
			p.decl, p.kind = f.Decls[0], declPiece
			if g, ok := p.decl.(*ast.GenDecl); ok {
				switch g.Tok {
				case token.IMPORT:
					p.kind = importPiece
				case token.VAR: // its value lives in the session
					p.kind = stmtPiece
				}
			}
			if p.kind != stmtPiece {
				return p, nil
			}
		}
	}
	fset = token.NewFileSet()
	f, err := parser.ParseFile(fset, "", stmtHead+line+c.text+"\n}", parser.SkipObjectResolution)
	if err != nil {
		if declErr != nil && startsDecl(c.text) {
			err = declErr
		}
		return nil, c.inside(err)
	}
	p.kind, p.base = stmtPiece, len(stmtHead)+len(line)+fset.File(f.FileStart).Base()
	body := f.Decls[0].(*ast.FuncDecl).Body.List
	if len(f.Decls) != 1 || len(body) != 1 {
		return nil, scanner.ErrorList{{Pos: token.Position{Line: c.line, Column: c.col}, Msg: "syntax error: not one statement"}}
	}
	p.stmt = body[0]
	return p, nil
}

// parseList parses a chunk that is several expressions, as the last line of a
// cell may be: they are shown, or hushed.
func parseList(c chunk, n int) *piece {
	if strings.ContainsAny(c.text, "\n") && !strings.Contains(c.text, ",") {
		return nil
	}
	line := fmt.Sprintf("//line cell[%d]:%d:%d\n", n, c.line, c.col)
	const open = "show("
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, "", stmtHead+line+open+c.text+")\n}", parser.SkipObjectResolution)
	if err != nil || len(f.Decls) != 1 {
		return nil
	}
	body := f.Decls[0].(*ast.FuncDecl).Body.List
	if len(body) != 1 {
		return nil
	}
	st, ok := body[0].(*ast.ExprStmt)
	if !ok {
		return nil
	}
	call, ok := st.X.(*ast.CallExpr)
	if id, isID := call.Fun.(*ast.Ident); !ok || !isID || id.Name != "show" || len(call.Args) < 2 || call.Ellipsis.IsValid() {
		return nil
	}
	p := &piece{chunk: c, cell: n, kind: stmtPiece, list: len(call.Args)}
	p.base = len(stmtHead) + len(line) + len(open) + fset.File(f.FileStart).Base()
	p.stmt = &ast.ExprStmt{X: &ast.CompositeLit{Type: ast.NewIdent("_"), Elts: call.Args}}
	return p
}

// inside moves errors about what the parser puts around a chunk to its end.
func (c chunk) inside(err error) error {
	list, ok := err.(scanner.ErrorList)
	if !ok {
		return err
	}
	line, col := position(c.text, len(c.text))
	if line == 1 {
		col += c.col - 1
	}
	line += c.line - 1
	for _, e := range list {
		if e.Pos.Line > line || e.Pos.Line == line && e.Pos.Column > col {
			e.Pos.Line, e.Pos.Column = line, col
			for _, end := range []string{"found '}'", "found newline", "found 'EOF'", "found EOF"} {
				e.Msg = strings.ReplaceAll(e.Msg, end, "found the end of the statement")
			}
		}
		if e.Pos.Line < c.line {
			e.Pos.Line, e.Pos.Column = c.line, c.col
		}
	}
	return list
}

func startsDecl(text string) bool {
	for _, k := range []string{"import", "type", "const"} {
		if rest, ok := strings.CutPrefix(text, k); ok && rest != "" && !isIdentByte(rest[0]) {
			return true
		}
	}
	rest, ok := strings.CutPrefix(text, "func ")
	return ok && !strings.HasPrefix(strings.TrimSpace(rest), "(")
}

func isIdentByte(b byte) bool {
	return b == '_' || b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= 0x80
}

func (p *piece) offset(pos token.Pos) int { return int(pos) - p.base }

func (p *piece) node() ast.Node {
	if p.decl != nil && p.kind != stmtPiece {
		return p.decl
	}
	return p.stmt
}

// copy is the piece without edits, for a new program.
func (p *piece) copy() *piece {
	q := *p
	q.edits = nil
	return &q
}

func (p *piece) edit(from, to int, text string) {
	for _, e := range p.edits {
		if e.from == from && e.to == to && e.text == text {
			return
		}
	}
	p.edits = append(p.edits, edit{from, to, text})
	slices.SortStableFunc(p.edits, func(a, b edit) int { return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to)) })
}

// close is edit for text that ends what is just before it: it goes in front of
// all else at its place.
func (p *piece) close(at int, text string) {
	p.edits = append([]edit{{at, at, text}}, p.edits...)
	slices.SortStableFunc(p.edits, func(a, b edit) int { return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to)) })
}

// identifiers calls f for each identifier that may name something outside.
func identifiers(n ast.Node, f func(*ast.Ident)) {
	ast.Inspect(n, func(n ast.Node) bool {
		switch x := n.(type) {
		case *ast.SelectorExpr:
			identifiers(x.X, f)
			return false
		case *ast.Ident:
			if x.Name != "_" {
				f(x)
			}
		}
		return true
	})
}

// defined lists the names that a top-level statement brings into scope.
func (p *piece) defined() []*ast.Ident {
	var out []*ast.Ident
	add := func(e ast.Expr) {
		if id, ok := e.(*ast.Ident); ok && id.Name != "_" {
			out = append(out, id)
		}
	}
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
			for _, l := range x.Lhs {
				add(l)
			}
		}
	case *ast.DeclStmt:
		if g := x.Decl.(*ast.GenDecl); g.Tok == token.VAR {
			for _, sp := range g.Specs {
				for _, n := range sp.(*ast.ValueSpec).Names {
					add(n)
				}
			}
		}
	}
	return out
}

// expression is the expression that the piece is, or nil.
func (p *piece) expression() ast.Expr {
	if x, ok := p.stmt.(*ast.ExprStmt); ok {
		return x.X
	}
	return nil
}
