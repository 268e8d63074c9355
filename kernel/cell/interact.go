package cell

import (
	"fmt"
	"go/ast"
	"go/types"

	"odslab/kernel/runtime/contract"
)

// interactions tells each call of interact what its function's parameters are
// called, and how to show a result whose type alone says how.
func (d *draft) interactions(c *checked) {
	if !d.session["interact"] {
		return
	}
	live := d.s.alias(contract.LivePath)
	ast.Inspect(c.file, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok || len(call.Args) == 0 {
			return true
		}
		sel, ok := call.Fun.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		word := c.info.Uses[sel.Sel]
		if word == nil || word.Pkg() == nil || word.Pkg().Path() != contract.InteractPath || word.Name() != contract.CallInteract {
			return true
		}
		f, ok := c.info.Types[call.Args[0]].Type.(*types.Signature)
		if !ok {
			f, ok = c.info.Types[call.Args[0]].Type.Underlying().(*types.Signature)
		}
		p, at := d.at(c, call.Lparen)
		if p == nil || !ok {
			return true
		}
		with := "nil"
		if r := f.Results(); r.Len() > 0 {
			if show := d.showable(r.At(0).Type(), live); show != "" {
				with = fmt.Sprintf("func(v any) any { return %s(v.(%s)) }", show, d.typeText(r.At(0).Type()))
			}
		}
		for v := range f.Params().Variables() {
			with += fmt.Sprintf(", %q", v.Name())
		}
		p.edit(at+1, at+1, d.s.alias(contract.InteractPath)+"."+contract.CallNamed+"("+with+"), ")
		return true
	})
}
