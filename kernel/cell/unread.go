package cell

import (
	"fmt"
	"go/ast"
	"go/types"

	"odslab/kernel/runtime/contract"
)

// unread finds errors that statements at the top level set and that nothing in
// the cell reads before they are set again: if they are not nil, they are said.
func (d *draft) unread(c *checked) {
	live, statements := d.s.alias(contract.LivePath), d.statements(c)
	for i, q := range d.stmts {
		a, ok := statements[q].(*ast.AssignStmt)
		if !ok || len(a.Rhs) != 1 {
			continue
		}
		if call, ok := ast.Unparen(a.Rhs[0]).(*ast.CallExpr); !ok || makesErrors(c, call) {
			continue
		}
		for _, l := range a.Lhs {
			id, ok := l.(*ast.Ident)
			if !ok || id.Name == "_" || d.hoist[id.Name] != nil || d.atTop[id.Name] {
				continue
			}
			o := c.info.ObjectOf(id)
			if o == nil || !types.Identical(o.Type(), errorType) || d.readAfter(c, i, o, statements) {
				continue
			}
			where := fmt.Sprintf("cell[%d]:%d", q.cell, q.line)
			d.after[q] = append(d.after[q], fmt.Sprintf("%s.%s(%q, %q, %s)", live, contract.CallUnread, where, id.Name, id.Name))
		}
	}
}

// readAfter: a statement behind the i-th reads the variable before one sets it.
func (d *draft) readAfter(c *checked, i int, o types.Object, statements map[*piece]ast.Stmt) bool {
	for _, q := range d.stmts[i+1:] {
		st := statements[q]
		if st == nil {
			continue
		}
		set, sets := map[*ast.Ident]bool{}, false
		if a, ok := st.(*ast.AssignStmt); ok {
			for _, l := range a.Lhs {
				if id, ok := l.(*ast.Ident); ok && c.info.ObjectOf(id) == o {
					set[id], sets = true, true
				}
			}
		}
		read := false
		ast.Inspect(st, func(n ast.Node) bool {
			if id, ok := n.(*ast.Ident); ok && !set[id] && c.info.Uses[id] == o {
				read = true
			}
			return !read
		})
		if read {
			return true
		}
		if sets {
			return false
		}
	}
	return false
}

// makesErrors: the call makes an error on purpose.
func makesErrors(c *checked, call *ast.CallExpr) bool {
	s, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr)
	if !ok {
		return false
	}
	f, ok := c.info.Uses[s.Sel].(*types.Func)
	return ok && f.Pkg() != nil && (f.Pkg().Path() == "errors" || f.FullName() == "fmt.Errorf")
}
