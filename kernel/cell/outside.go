package cell

import (
	"go/ast"
	"go/types"
	"regexp"
	"slices"
	"strings"
)

// What a cell changes in a package (http.DefaultClient.Timeout = …,
// log.SetPrefix) is gone with its process. Where it is seen it is named.

// setters are functions and methods that change what belongs to their package.
var setters = regexp.MustCompile(`^(Set|Register|Handle|Publish|Add\w*Type$)`)

// carried are packages whose changes are no surprise: carried on, or of a cell.
var carried = []string{"os", mainPath}

// outside lists what the cell's own text changes in packages.
func (d *draft) outside(c *checked) []string {
	var found []string
	add := func(n ast.Node, pkg *types.Package) {
		q, from := d.at(c, n.Pos())
		r, to := d.end(c, n.End())
		if q == nil || q != r || q.cell != d.n || slices.Contains(carried, pkg.Path()) || strings.HasPrefix(pkg.Path(), "odslab/") {
			return
		}
		text := q.text[from:to]
		if i := strings.IndexByte(text, '('); i > 0 {
			text = text[:i]
		}
		if !slices.Contains(found, text) {
			found = append(found, text)
		}
	}
	// root is the package whose variable an expression leads to, or nil.
	var root func(x ast.Expr) *types.Package
	root = func(x ast.Expr) *types.Package {
		switch x := ast.Unparen(x).(type) {
		case *ast.SelectorExpr:
			if id, ok := x.X.(*ast.Ident); ok {
				if p, ok := c.info.Uses[id].(*types.PkgName); ok {
					if _, isVar := c.info.Uses[x.Sel].(*types.Var); isVar {
						return p.Imported()
					}
					return nil
				}
			}
			return root(x.X)
		case *ast.IndexExpr:
			return root(x.X)
		case *ast.StarExpr:
			return root(x.X)
		}
		return nil
	}
	ast.Inspect(c.file, func(n ast.Node) bool {
		switch x := n.(type) {
		case *ast.AssignStmt:
			for _, l := range x.Lhs {
				if p := root(l); p != nil {
					add(l, p)
				}
			}
		case *ast.IncDecStmt:
			if p := root(x.X); p != nil {
				add(x.X, p)
			}
		case *ast.ExprStmt:
			call, ok := x.X.(*ast.CallExpr)
			if !ok {
				break
			}
			s, ok := call.Fun.(*ast.SelectorExpr)
			if !ok {
				break
			}
			f, ok := c.info.Uses[s.Sel].(*types.Func)
			if !ok || f.Pkg() == nil || !setters.MatchString(f.Name()) {
				break
			}
			if f.Signature().Recv() == nil || root(s.X) != nil {
				add(call.Fun, f.Pkg())
			}
		}
		return true
	})
	return found
}
