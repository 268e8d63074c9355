package cell

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"

	"odslab/kernel/runtime/contract"
)

// A kept variable has an address, so the compiler leaves it in memory: an
// arithmetic loop over such variables is four times slower than over plain
// ones. Loops that call nothing get plain copies, written back behind them. If
// such a loop panics (an index, a division), its variables keep the values
// they had before it.

// localise gives the loop q copies of the variables it uses.
func (d *draft) localise(c *checked, q *piece, stmt ast.Stmt) {
	loop := stmt
	if l, ok := loop.(*ast.LabeledStmt); ok {
		loop = l.Stmt
	}
	switch loop.(type) {
	case *ast.ForStmt, *ast.RangeStmt:
	default:
		return
	}
	if d.jumps() || !callsNothing(c, loop) {
		return
	}
	var names []string
	written := map[string]bool{}
	outer := func(x ast.Expr) string {
		id, ok := ast.Unparen(x).(*ast.Ident)
		if !ok {
			return ""
		}
		v, ok := c.info.Uses[id].(*types.Var)
		if !ok || v.IsField() || v.Pos() >= loop.Pos() && v.Pos() < loop.End() || !light(v.Type()) {
			return ""
		}
		if v.Pkg() != c.pkg || id.Name == "_" {
			return ""
		}
		return id.Name
	}
	write := func(x ast.Expr) {
		if x != nil {
			written[outer(x)] = true
		}
	}
	ast.Inspect(loop, func(n ast.Node) bool {
		switch x := n.(type) {
		case *ast.Ident:
			if name := outer(x); name != "" && !slices.Contains(names, name) {
				names = append(names, name)
			}
		case *ast.AssignStmt:
			for _, l := range x.Lhs {
				write(l)
			}
		case *ast.IncDecStmt:
			write(x.X)
		case *ast.RangeStmt:
			if x.Tok == token.ASSIGN {
				write(x.Key)
				write(x.Value)
			}
		}
		return true
	})
	if len(names) == 0 {
		return
	}
	before := []string{"{"}
	var after, back []string
	for _, name := range names {
		if written[name] {
			before = append(before, fmt.Sprintf("%s%s := &%[1]s", name, ours))
			after = append(after, fmt.Sprintf("*%s%s = %[1]s", name, ours))
			back = append(back, fmt.Sprintf("*%s%s = %[1]s; ", name, ours))
		}
		before = append(before, fmt.Sprintf("%s := %s", name, name))
	}
	if len(back) > 0 { // an interrupt finds them as they are
		d.haltable(c, loop, strings.Join(back, ""))
	}
	d.before[q] = append(d.before[q], before...)
	d.after[q] = append(append(after, "}"), d.after[q]...)
}

// haltable makes a loop, and those in it, give its variables back when the cell
// is interrupted.
func (d *draft) haltable(c *checked, loop ast.Stmt, back string) {
	live := d.s.alias(contract.LivePath)
	ast.Inspect(loop, func(n ast.Node) bool {
		var body *ast.BlockStmt
		more := ""
		switch x := n.(type) {
		case *ast.ForStmt:
			body, more = x.Body, d.unrolled(c, x)
		case *ast.RangeStmt:
			body = x.Body
		}
		if body == nil {
			return true
		}
		check := fmt.Sprintf(" if %s.Stopped.Load() { %s%s.%s() };", live, back, live, contract.CallHalt)
		// At the end of the body it costs less, but a continue would leap over it.
		if continues(body) {
			if p, at := d.end(c, body.Lbrace+1); p != nil {
				p.edit(at, at, check)
			}
		} else if p, at := d.at(c, body.Rbrace); p != nil {
			p.edit(at, at, more+";"+check)
		}
		return true
	})
}

// continues: a continue stands somewhere in the body.
func continues(body *ast.BlockStmt) (yes bool) {
	ast.Inspect(body, func(n ast.Node) bool {
		b, ok := n.(*ast.BranchStmt)
		yes = yes || ok && b.Tok == token.CONTINUE
		return !yes
	})
	return yes
}

// jumps: a goto in the cell may lead into a loop.
func (d *draft) jumps() (yes bool) {
	for _, p := range d.stmts {
		ast.Inspect(p.stmt, func(n ast.Node) bool {
			b, ok := n.(*ast.BranchStmt)
			yes = yes || ok && b.Tok == token.GOTO
			return !yes
		})
	}
	return yes
}

// light values are copied at no cost.
func light(t types.Type) bool {
	switch t.Underlying().(type) {
	case *types.Basic, *types.Slice, *types.Pointer, *types.Map:
		return true
	}
	return false
}

// callsNothing: the loop only computes. Package math and builtins count as
// computing; anything by which a variable could be seen from elsewhere doesn't.
func callsNothing(c *checked, loop ast.Stmt) bool {
	ok := true
	ast.Inspect(loop, func(n ast.Node) bool {
		switch x := n.(type) {
		case *ast.FuncLit, *ast.GoStmt, *ast.DeferStmt, *ast.SendStmt, *ast.SelectStmt, *ast.ReturnStmt:
			ok = false
		case *ast.UnaryExpr:
			ok = ok && x.Op != token.AND && x.Op != token.ARROW
		case *ast.RangeStmt:
			if tv := c.info.Types[x.X]; tv.Type != nil {
				switch tv.Type.Underlying().(type) {
				case *types.Chan, *types.Signature, *types.Array:
					ok = false
				}
			}
		case *ast.SliceExpr: // of an array takes its address
			if tv := c.info.Types[x.X]; tv.Type != nil {
				if _, array := tv.Type.Underlying().(*types.Array); array {
					ok = false
				}
			}
		case *ast.CallExpr:
			ok = ok && computes(c, x)
		}
		return ok
	})
	return ok
}

func computes(c *checked, call *ast.CallExpr) bool {
	tv := c.info.Types[call.Fun]
	if tv.IsType() {
		return true
	}
	if tv.IsBuiltin() {
		id, ok := ast.Unparen(call.Fun).(*ast.Ident)
		return ok && slices.Contains([]string{"len", "cap", "min", "max", "append", "copy", "make", "real", "imag", "complex", "delete", "clear"}, id.Name)
	}
	if s, ok := call.Fun.(*ast.SelectorExpr); ok {
		if id, ok := s.X.(*ast.Ident); ok {
			if p, ok := c.info.Uses[id].(*types.PkgName); ok {
				return p.Imported().Path() == "math" || p.Imported().Path() == "math/bits" || p.Imported().Path() == "math/cmplx"
			}
		}
	}
	return false
}
