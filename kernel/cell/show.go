package cell

import (
	"go/ast"
	"go/token"
	"go/types"
	"strings"

	"odslab/kernel/runtime/contract"
)

// silent are calls whose results nobody wants to see.
func silent(c *checked, call *ast.CallExpr) bool {
	var id *ast.Ident
	switch f := ast.Unparen(call.Fun).(type) {
	case *ast.Ident:
		id = f
	case *ast.SelectorExpr:
		id = f.Sel
	default:
		return false
	}
	f, ok := c.info.Uses[id].(*types.Func)
	if !ok || f.Pkg() == nil {
		return false
	}
	switch {
	case f.Pkg().Path() == "fmt" && (strings.HasPrefix(f.Name(), "Print") || strings.HasPrefix(f.Name(), "Fprint")):
		return true
	case f.Signature().Recv() != nil:
		switch f.Name() {
		case "Write", "WriteString", "WriteByte", "WriteRune", "WriteTo", "Read", "Close", "Flush":
			return true
		}
	}
	return false
}

var errorType = types.Universe.Lookup("error").Type()

// wrap shows the last expression and raises errors that a call drops.
func (d *draft) wrap(c *checked, q *piece, x ast.Expr, last bool, live string) {
	tv, ok := c.info.Types[x]
	if !ok {
		return
	}
	own := q.expression()
	if own == nil {
		return
	}
	from, to := q.offset(own.Pos()), q.offset(own.End())
	around := func(f string) {
		q.edit(from, from, live+"."+f+"(")
		q.edit(to, to, ")")
	}
	call, isCall := ast.Unparen(x).(*ast.CallExpr)
	if tv.IsType() || tv.IsVoid() || isCall && isPanic(c, call) {
		return
	}
	show := last && !q.hushed
	if !isCall {
		u, receives := ast.Unparen(x).(*ast.UnaryExpr)
		switch {
		case show:
			around(contract.CallShow)
		case last && !(receives && u.Op == token.ARROW):
			q.edit(from, from, "_ = ")
		}
		return
	}
	if silent(c, call) {
		if endsInError(tv.Type) {
			around(contract.CallRaise)
		}
		return
	}
	tuple, isTuple := tv.Type.(*types.Tuple)
	switch {
	case types.Identical(tv.Type, errorType):
		around(contract.CallRaise)
	case isTuple && endsInError(tuple) && tuple.Len() == 2 && show:
		around(contract.CallShowResult)
	case isTuple && show && endsInError(tuple):
		around(contract.CallShowResults)
	case isTuple && show:
		around(contract.CallShowAll)
	case isTuple && endsInError(tuple):
		around(contract.CallRaise)
	case show:
		around(contract.CallShow)
	case isBuiltinValue(c, call):
		q.edit(from, from, "_ = ")
	}
}

func endsInError(t types.Type) bool {
	if u, ok := t.(*types.Tuple); ok {
		return u.Len() > 0 && types.Identical(u.At(u.Len()-1).Type(), errorType)
	}
	return types.Identical(t, errorType)
}

func isPanic(c *checked, call *ast.CallExpr) bool {
	id, ok := ast.Unparen(call.Fun).(*ast.Ident)
	if !ok {
		return false
	}
	b, ok := c.info.Uses[id].(*types.Builtin)
	return ok && (b.Name() == "panic" || b.Name() == "recover" || b.Name() == "copy")
}

// isBuiltinValue: a conversion or a builtin like len, which can't stand alone.
func isBuiltinValue(c *checked, call *ast.CallExpr) bool {
	if tv, ok := c.info.Types[call.Fun]; ok && (tv.IsType() || tv.IsBuiltin()) {
		return true
	}
	return false
}
