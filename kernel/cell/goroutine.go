package cell

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"strings"

	"odslab/kernel/runtime/contract"
)

// A panic in a goroutine ends a Go program at once, with all that the cell has
// set. So every goroutine of a cell gets a guard, which ends the cell as a
// panic of its own statements does.

// starters call the function they are given in a goroutine of its own.
var starters = map[string]bool{"(*sync.WaitGroup).Go": true, "time.AfterFunc": true, "context.AfterFunc": true, "(*golang.org/x/sync/errgroup.Group).Go": true}

// guard guards what a go statement or one of the starters starts.
func (d *draft) guard(c *checked, n ast.Node) (changed bool) {
	switch x := n.(type) {
	case *ast.GoStmt:
		if f, ok := ast.Unparen(x.Call.Fun).(*ast.FuncLit); ok {
			return d.guardBody(c, f)
		}
		return d.guardCall(c, x.Call)
	case *ast.CallExpr:
		sel, ok := x.Fun.(*ast.SelectorExpr)
		if !ok {
			return false
		}
		if f, ok := c.info.Uses[sel.Sel].(*types.Func); !ok || !starters[f.FullName()] {
			return false
		}
		for _, a := range x.Args {
			if f, ok := ast.Unparen(a).(*ast.FuncLit); ok && d.guardBody(c, f) {
				changed = true
			}
		}
	}
	return changed
}

// guardBody puts the guard first in a func literal.
func (d *draft) guardBody(c *checked, f *ast.FuncLit) bool {
	p, at := d.end(c, f.Body.Lbrace+1)
	if p == nil {
		return false
	}
	n := len(p.edits)
	p.edit(at, at, " defer "+d.s.alias(contract.LivePath)+"."+contract.CallGuard+"();")
	return len(p.edits) > n
}

// guardCall makes `go f(a, b)` into
//
//	go func(fˍ func(A, B), aˍ0 A, aˍ1 B) { defer Guard(); fˍ(aˍ0, aˍ1) }(f, a, b)
//
// so that the function and its arguments are evaluated where they were. A
// builtin, which is no value, is called by its name.
func (d *draft) guardCall(c *checked, call *ast.CallExpr) bool {
	fun := c.info.Types[call.Fun]
	sig, ok := fun.Type.(*types.Signature)
	if !ok || unnameable(sig) != "" {
		return false
	}
	if len(call.Args) == 1 {
		if _, several := c.info.Types[call.Args[0]].Type.(*types.Tuple); several {
			return false
		}
	}
	p, from := d.at(c, call.Fun.Pos())
	q, open := d.at(c, call.Lparen)
	if p == nil || p != q {
		return false
	}
	callee, params, args := "f"+ours, []string{}, []string{}
	if name, ok := ast.Unparen(call.Fun).(*ast.Ident); ok && fun.IsBuiltin() {
		callee = name.Name
	} else {
		params = append(params, callee+" "+d.typeText(types.NewSignatureType(nil, nil, nil, sig.Params(), sig.Results(), sig.Variadic())))
	}
	for i := range sig.Params().Len() {
		name, typ := fmt.Sprint("a", ours, i), d.typeText(sig.Params().At(i).Type())
		arg := name
		if sig.Variadic() && i == sig.Params().Len()-1 {
			typ, arg = "..."+strings.TrimPrefix(typ, "[]"), name+"..."
		}
		params, args = append(params, name+" "+typ), append(args, arg)
	}
	guarded := fmt.Sprintf("func(%s) { defer %s.%s(); %s(%s) }(", strings.Join(params, ", "), d.s.alias(contract.LivePath), contract.CallGuard, callee, strings.Join(args, ", "))
	n := len(p.edits)
	switch {
	case fun.IsBuiltin():
		p.edit(from, open+len(token.LPAREN.String()), guarded)
	case len(call.Args) == 0:
		p.edit(from, from, guarded)
		p.edit(open, open+len(token.LPAREN.String()), "")
	default:
		p.edit(from, from, guarded)
		p.edit(open, open+len(token.LPAREN.String()), ", ")
	}
	return len(p.edits) > n
}
