package cell

import (
	"go/ast"
	"go/token"
	"go/types"
	"strings"
)

// The look at the flag hides behind arithmetic; a loop that only counts has none, and takes up to twice as long by it. So a loop
// that does next to nothing looks at every fourth time round: its body stands there four times. It is plain assignments that can't
// panic, so that no line is lost.

// unrolled is what stands behind the loop's body: three times the way to the next time round and the body again. It is "" where
// the look is not felt, or the body could not be written twice.
func (d *draft) unrolled(c *checked, x *ast.ForStmt) string {
	p, from := d.at(c, x.Body.Lbrace)
	q, to := d.at(c, x.Body.Rbrace)
	if p == nil || p != q {
		return ""
	}
	for _, e := range p.edits {
		if e.from <= to && e.to >= from {
			return ""
		}
	}
	w := idle{c: c}
	body := w.block(x.Body)
	next := ""
	if x.Post != nil {
		next = w.stmt(x.Post) + "; "
	}
	if x.Cond != nil {
		next += "if !(" + w.expr(x.Cond) + ") { break }; "
	}
	if w.busy || w.n > 4 {
		return ""
	}
	return strings.Repeat("; "+next+body, 3)
}

// idle writes statements on one line and counts them. busy: there is one that may panic, or takes so long that it should not be
// written twice.
type idle struct {
	c    *checked
	n    int
	busy bool
}

func (w *idle) block(b *ast.BlockStmt) string {
	text := "{ "
	for _, s := range b.List {
		text += w.stmt(s) + "; "
	}
	return text + "}"
}

func (w *idle) stmt(s ast.Stmt) string {
	w.n++
	switch s := s.(type) {
	case *ast.IncDecStmt:
		return w.name(s.X) + s.Tok.String()
	case *ast.AssignStmt:
		var left, right []string
		for _, x := range s.Lhs {
			left = append(left, w.name(x))
		}
		for _, x := range s.Rhs {
			right = append(right, w.expr(x))
		}
		switch s.Tok {
		case token.DEFINE, token.SHL_ASSIGN, token.SHR_ASSIGN, token.REM_ASSIGN:
			w.busy = true
		case token.QUO_ASSIGN:
			w.busy = w.busy || !w.is(s.Lhs[0], types.IsFloat)
		}
		return strings.Join(left, ", ") + " " + s.Tok.String() + " " + strings.Join(right, ", ")
	case *ast.IfStmt:
		if s.Init != nil {
			break
		}
		text := "if " + w.expr(s.Cond) + " " + w.block(s.Body)
		switch e := s.Else.(type) {
		case nil:
			return text
		case *ast.BlockStmt:
			return text + " else " + w.block(e)
		default:
			return text + " else " + w.stmt(e)
		}
	case *ast.BranchStmt:
		w.busy = w.busy || s.Tok != token.BREAK || s.Label != nil
		return "break"
	}
	w.busy = true
	return ""
}

// name is a variable to which something is assigned.
func (w *idle) name(x ast.Expr) string {
	id, ok := x.(*ast.Ident)
	if !ok || id.Name == "_" {
		w.busy = true
		return ""
	}
	return w.expr(x)
}

func (w *idle) expr(x ast.Expr) string {
	w.check(x)
	return types.ExprString(x)
}

func (w *idle) check(x ast.Expr) {
	if !w.is(x, types.IsNumeric|types.IsBoolean) {
		w.busy = true
		return
	}
	if w.c.info.Types[x].Value != nil {
		return
	}
	switch x := x.(type) {
	case *ast.Ident:
	case *ast.ParenExpr:
		w.check(x.X)
	case *ast.UnaryExpr:
		w.check(x.X)
	case *ast.BinaryExpr:
		switch x.Op {
		case token.SHL, token.SHR, token.REM:
			w.busy = true
		case token.QUO:
			w.busy = w.busy || !w.is(x, types.IsFloat)
		}
		w.check(x.X)
		w.check(x.Y)
	case *ast.CallExpr:
		if !w.c.info.Types[x.Fun].IsType() || len(x.Args) != 1 {
			w.busy = true
			return
		}
		w.check(x.Args[0])
	default:
		w.busy = true
	}
}

// is says whether the type of an expression is a basic one of a kind.
func (w *idle) is(x ast.Expr, kind types.BasicInfo) bool {
	t := w.c.info.TypeOf(x)
	if t == nil {
		return false
	}
	b, ok := t.Underlying().(*types.Basic)
	return ok && b.Info()&kind != 0
}
