package cell

import (
	"go/ast"
	"go/token"
	"go/types"
	"regexp"
	"slices"
	"strings"
)

// A value that can't be kept is made again from source where nobody can notice:
// it can't be changed once it is made, it is made from constants and from what
// is unchanged since, and making it does nothing else. Whatever else can't be
// kept is gone after its cell.

// makers make such values.
var makers = map[string]bool{
	"regexp.MustCompilePOSIX": true, "regexp.CompilePOSIX": true, "strings.NewReplacer": true,
	"text/template.New": true, "text/template.Must": true, "html/template.New": true, "html/template.Must": true,
	"(*text/template.Template).Parse": true, "(*text/template.Template).Funcs": true, "(*text/template.Template).Option": true, "(*text/template.Template).Delims": true,
	"(*html/template.Template).Parse": true, "(*html/template.Template).Funcs": true, "(*html/template.Template).Option": true, "(*html/template.Template).Delims": true,
	"encoding/base64.NewEncoding": true, "encoding/base32.NewEncoding": true, "(encoding/base64.Encoding).WithPadding": true, "(encoding/base64.Encoding).Strict": true,
	"crypto/elliptic.P224": true, "crypto/elliptic.P256": true, "crypto/elliptic.P384": true, "crypto/elliptic.P521": true,
}

// engineMakers make what lives in the resident process, or is a view of it.
var engineMakers = regexp.MustCompile(`^github\.com/gomlx/(compute\.(Must)?New\w*|gomlx/core/graph\.(Must)?NewExec\w*|gomlx/ml/model\.(Must)?NewExec\w*|` +
	`gomlx/ml/train/optimizer\.\w+)$|^\(\*github\.com/gomlx/gomlx/(core/graph|ml/model)\.Exec\w*\)\.(Set|With|In)\w*$|^\(\*?github\.com/gomlx/gomlx/ml/train/optimizer\.\w+\)\.\w+$`)

// plainFunctions compute something from their arguments and nothing more.
var plainFunctions = regexp.MustCompile(`^(strings|strconv|path|path/filepath|math|unicode|unicode/utf8)\.[A-Z]\w*$|^fmt\.Sprint(f|ln)?$|^regexp\.QuoteMeta$|^errors\.New$`)

// changers are the methods by which a value of such a type is changed after all.
var changers = map[string][]string{
	"*text/template.Template": {"AddParseTree", "Delims", "Funcs", "New", "Option", "Parse", "ParseFS", "ParseFiles", "ParseGlob"},
	"*html/template.Template": {"AddParseTree", "Delims", "Funcs", "New", "Option", "Parse", "ParseFS", "ParseFiles", "ParseGlob"},
	"*regexp.Regexp":          {"Longest", "UnmarshalText"},
}

// steady says whether the statement q makes the variable again, and from which
// names of the notebook.
func (d *draft) steady(c *checked, def *definition, q *piece) (needs []string, ok bool) {
	st := d.statements(c)[q]
	var x ast.Expr
	switch s := st.(type) {
	case *ast.AssignStmt:
		for i, l := range s.Lhs {
			if id, isID := l.(*ast.Ident); !isID || id.Name != def.name {
				continue
			}
			if len(s.Rhs) == len(s.Lhs) {
				x = s.Rhs[i]
			} else {
				x = s.Rhs[0]
			}
		}
	case *ast.DeclStmt:
		for _, spec := range s.Decl.(*ast.GenDecl).Specs {
			v := spec.(*ast.ValueSpec)
			for i, id := range v.Names {
				if id.Name == def.name && len(v.Values) > 0 {
					x = v.Values[min(i, len(v.Values)-1)]
				}
			}
		}
	}
	if x == nil {
		return nil, false
	}
	switch y := ast.Unparen(x).(type) {
	case *ast.CallExpr, *ast.Ident:
	default:
		_ = y
		return nil, false
	}
	p := &steadiness{d: d, c: c, self: def.name}
	if !p.expr(x, true) {
		return nil, false
	}
	return distinct(p.needs), true
}

type steadiness struct {
	d     *draft
	c     *checked
	self  string
	needs []string
}

// expr says whether an expression has the same value whenever it is evaluated;
// top: it is the value of the variable.
func (p *steadiness) expr(x ast.Expr, top bool) bool {
	x = ast.Unparen(x)
	tv := p.c.info.Types[x]
	if tv.Value != nil || tv.IsNil() || tv.IsType() {
		return true
	}
	switch x := x.(type) {
	case *ast.Ident:
		switch o := p.c.info.Uses[x].(type) {
		case *types.Var:
			if x.Name == p.self || !p.d.isNotebooks(p.c, o) {
				return false
			}
			p.needs = append(p.needs, x.Name)
			return true
		case *types.Func:
			p.needs = append(p.needs, x.Name)
			return true
		}
		return false
	case *ast.SelectorExpr:
		if id, ok := x.X.(*ast.Ident); ok {
			if _, isPkg := p.c.info.Uses[id].(*types.PkgName); isPkg {
				return true
			}
		}
		return false
	case *ast.FuncLit:
		return !top && p.d.captures(p.c, x)
	case *ast.CompositeLit:
		if top {
			return false
		}
		for _, e := range x.Elts {
			if kv, ok := e.(*ast.KeyValueExpr); ok {
				if _, field := kv.Key.(*ast.Ident); !field && !p.expr(kv.Key, false) {
					return false
				}
				e = kv.Value
			}
			if !p.expr(e, false) {
				return false
			}
		}
		return true
	case *ast.UnaryExpr:
		return x.Op != token.ARROW && !top && p.expr(x.X, false)
	case *ast.BinaryExpr:
		return p.expr(x.X, false) && p.expr(x.Y, false)
	case *ast.CallExpr:
		engine := false
		if !p.c.info.Types[x.Fun].IsType() {
			f := p.callee(x.Fun)
			if f == nil {
				return false
			}
			name := f.FullName()
			engine = engineMakers.MatchString(name)
			if !makers[name] && !engine && (top || !plainFunctions.MatchString(name)) {
				return false
			}
			if s, ok := ast.Unparen(x.Fun).(*ast.SelectorExpr); ok && f.Signature().Recv() != nil && !p.expr(s.X, false) {
				return false
			}
		}
		needs := p.needs
		for _, a := range x.Args {
			if !p.expr(a, false) {
				return false
			}
		}
		if engine { // what it computes with is read when it computes
			p.needs = needs
		}
		return true
	}
	return false
}

// callee is the declared function or method that a call calls, or nil.
func (p *steadiness) callee(x ast.Expr) *types.Func {
	switch f := ast.Unparen(x).(type) {
	case *ast.Ident:
		fn, _ := p.c.info.Uses[f].(*types.Func)
		return fn
	case *ast.SelectorExpr:
		fn, _ := p.c.info.Uses[f.Sel].(*types.Func)
		return fn
	case *ast.IndexExpr:
		return p.callee(f.X)
	case *ast.IndexListExpr:
		return p.callee(f.X)
	}
	return nil
}

// statements are the cell's own, as they were checked.
func (d *draft) statements(c *checked) map[*piece]ast.Stmt {
	if c.statement == nil {
		c.statement = map[*piece]ast.Stmt{}
		for _, st := range mainBody(c.file) {
			if q := d.of(c, st.Pos()); q != nil && c.statement[q] == nil {
				c.statement[q] = st
			}
		}
	}
	return c.statement
}

// isNotebooks: the variable will be the notebook's one of its name when the
// cell is over.
func (d *draft) isNotebooks(c *checked, v *types.Var) bool {
	if v.IsField() || v.Pkg() != c.pkg {
		return false
	}
	if v.Parent() == c.pkg.Scope() {
		return true
	}
	q, off := d.at(c, v.Pos())
	if q == nil || q == d.srcOf(v.Name()) { // loaded, and not made anew by the cell
		return (slices.ContainsFunc(d.kept, func(k *variable) bool { return k.name == v.Name() }) || q != nil) && !d.defined[v.Name()]
	}
	return slices.Contains(d.stmts, q) && slices.ContainsFunc(q.defined(), func(id *ast.Ident) bool { return q.offset(id.Pos()) == off })
}

// captures says whether all that a function literal captures are the
// notebook's variables.
func (d *draft) captures(c *checked, f *ast.FuncLit) bool {
	ok := true
	ast.Inspect(f, func(n ast.Node) bool {
		id, isID := n.(*ast.Ident)
		if !isID {
			return ok
		}
		switch o := c.info.Uses[id].(type) {
		case *types.Var:
			if !o.IsField() && (o.Pos() < f.Pos() || o.Pos() >= f.End()) && !d.isNotebooks(c, o) && o.Pkg() == c.pkg {
				ok = false
			}
		case *types.TypeName, *types.Const:
			if o.Pkg() == c.pkg && o.Parent() != c.pkg.Scope() && (o.Pos() < f.Pos() || o.Pos() >= f.End()) {
				ok = false
			}
		}
		return ok
	})
	return ok
}

// touched says whether the cell may have changed a variable in another way than
// by a statement at its top level that makes it.
func (d *draft) touched(c *checked, name string, t types.Type) (yes bool) {
	methods, tops := changers[types.TypeString(t, nil)], map[ast.Node]bool{}
	for _, st := range d.statements(c) {
		tops[st] = true
	}
	var path []ast.Node
	ast.Inspect(c.file, func(n ast.Node) bool {
		if n == nil {
			path = path[:len(path)-1]
			return true
		}
		path = append(path, n)
		id, ok := n.(*ast.Ident)
		if !ok || id.Name != name || len(path) < 2 {
			return true
		}
		v, ok := c.info.Uses[id].(*types.Var)
		if !ok || !d.isNotebooks(c, v) {
			return true
		}
		if q, _ := d.at(c, id.Pos()); q == nil { // generated
			return true
		}
		switch up := path[len(path)-2].(type) {
		case *ast.AssignStmt:
			if slices.Contains(up.Lhs, ast.Expr(id)) {
				yes = yes || !tops[up]
				return true
			}
			yes = yes || len(methods) > 0
		case *ast.IncDecStmt:
			yes = true
		case *ast.RangeStmt:
			yes = yes || up.Key == ast.Expr(id) || up.Value == ast.Expr(id) || len(methods) > 0
		case *ast.UnaryExpr:
			yes = yes || up.Op == token.AND || len(methods) > 0
		case *ast.SelectorExpr:
			yes = yes || slices.Contains(methods, up.Sel.Name)
		case *ast.ExprStmt, *ast.BinaryExpr:
		default:
			yes = yes || len(methods) > 0
		}
		return true
	})
	return yes
}

func (d *draft) srcOf(name string) *piece {
	for v, q := range d.srcPiece {
		if v.name == name && slices.Contains(d.sources, v) {
			return q
		}
	}
	return nil
}

// goneText says what became of a variable that is gone, and what to do.
func (v *variable) goneText() string {
	text := v.name + " is gone: the " + plainType(v.typ) + " of cell " + itoa(v.cell) + " was not kept, because " + v.why + "; make it in the cell that uses it, or wrap it in a func"
	if slices.Contains(sessionNames, v.name) || strings.ToLower(v.name) == v.name && slices.Contains(basePackages, v.name) {
		text += " (%drop " + v.name + " brings the usual " + v.name + " back)"
	}
	return text
}
