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

// character is the function that shows what is a character and not a number, or "".
func (d *draft) character(t types.Type, live string) string {
	basic := func(t types.Type) bool {
		b, ok := t.(*types.Basic)
		return ok && (b.Name() == "rune" || b.Kind() == types.UntypedRune)
	}
	switch u := t.(type) {
	case *types.Basic:
		if basic(u) {
			return live + "." + contract.CallRune
		}
	case *types.Slice:
		if basic(u.Elem()) {
			return live + "." + contract.CallRunes
		}
	}
	return ""
}

// showable is the function that makes a value of the type showable, where its
// type alone says how: pictures, and characters.
func (d *draft) showable(t types.Type, live string) string {
	if f := d.character(t, live); f != "" {
		return f
	}
	if types.TypeString(t, nil) == "*gonum.org/v1/plot.Plot" && d.s.pkgs.need(contract.PlotsPath) == nil {
		d.need(contract.PlotsPath)
		return d.s.alias(contract.PlotsPath) + ".Plot"
	}
	if d.isImage(t) && d.s.pkgs.need(contract.PicturesPath) == nil {
		d.need(contract.PicturesPath)
		return d.s.alias(contract.PicturesPath) + ".Image"
	}
	return ""
}

// isImage: the type is an image, and does not know how to show itself.
func (d *draft) isImage(t types.Type) bool {
	set := types.NewMethodSet(t)
	if set.Lookup(nil, "MIMEBundle") != nil {
		return false
	}
	bounds := set.Lookup(nil, "Bounds")
	if bounds == nil || set.Lookup(nil, "ColorModel") == nil || set.Lookup(nil, "At") == nil {
		return false
	}
	sig, ok := bounds.Type().(*types.Signature)
	return ok && sig.Results().Len() == 1 && types.TypeString(sig.Results().At(0).Type(), nil) == "image.Rectangle"
}

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
		inner := ""
		if f == contract.CallShow {
			inner = d.showable(tv.Type, live)
		}
		if inner != "" {
			q.edit(from, from, live+"."+f+"("+inner+"(")
			q.edit(to, to, "))")
			return
		}
		q.edit(from, from, live+"."+f+"(")
		q.edit(to, to, ")")
	}
	call, isCall := ast.Unparen(x).(*ast.CallExpr)
	if q.list > 1 && isCall && !q.hushed { // shown by a call around all of them
		for i, e := range own.(*ast.CompositeLit).Elts {
			if f := d.character(c.info.TypeOf(call.Args[i]), live); f != "" {
				q.edit(q.offset(e.Pos()), q.offset(e.Pos()), f+"(")
				q.close(q.offset(e.End()), ")")
			}
		}
		return
	}
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
