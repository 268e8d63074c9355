package cell

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"runtime"
	"strings"
)

// checked is a rendered draft after the type checker.
type checked struct {
	fset     *token.FileSet
	file     *ast.File
	info     *types.Info
	pkg      *types.Package
	problems []problem

	statement map[*piece]ast.Stmt
}

// check renders and type-checks.
func (d *draft) check() (*checked, error) {
	src := d.render()
	c := &checked{fset: token.NewFileSet(), info: &types.Info{
		Types: map[ast.Expr]types.TypeAndValue{}, Defs: map[*ast.Ident]types.Object{}, Uses: map[*ast.Ident]types.Object{}, Implicits: map[ast.Node]types.Object{},
	}}
	var err error
	c.file, err = parser.ParseFile(c.fset, "", src, parser.SkipObjectResolution)
	if err != nil {
		return nil, syntaxError(d.n, err)
	}
	conf := types.Config{Importer: d.s.pkgs, GoVersion: goVersion(), Sizes: types.SizesFor("gc", runtime.GOARCH), Error: func(e error) {
		te := e.(types.Error)
		c.problems = append(c.problems, problem{te, c.fset.Position(te.Pos)})
	}}
	c.pkg, _ = conf.Check(mainPath, c.fset, []*ast.File{c.file}, c.info)
	return c, nil
}

func goVersion() string {
	v := runtime.Version() // go1.26.8
	if parts := strings.SplitN(v, ".", 3); len(parts) >= 2 && strings.HasPrefix(v, "go1") {
		return parts[0] + "." + strings.TrimFunc(parts[1], func(r rune) bool { return r < '0' || r > '9' })
	}
	return ""
}

// at maps a position of the rendered program to a piece and an offset in it.
func (d *draft) at(c *checked, pos token.Pos) (*piece, int) {
	off := c.fset.File(pos).Offset(pos)
	for _, s := range d.segs {
		if off >= s.out && off < s.out+s.len {
			return s.p, s.off + off - s.out
		}
	}
	return nil, 0
}

// of is the piece that stands at a position, with what edits have put into it.
func (d *draft) of(c *checked, pos token.Pos) *piece {
	off := c.fset.File(pos).Offset(pos)
	for p, s := range d.span {
		if off >= s[0] && off < s[1] {
			return p
		}
	}
	return nil
}

// end is at for the end of a node.
func (d *draft) end(c *checked, pos token.Pos) (*piece, int) {
	p, off := d.at(c, pos-1)
	return p, off + 1
}
