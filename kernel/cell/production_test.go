package cell

import (
	"fmt"
	"go/ast"
	"go/token"
	"maps"
	"slices"
	"strings"
	"testing"
)

// productions are the parts of Go's grammar that random cells must have had, as
// go/ast names them, with their forms where these differ.
var productions = strings.Fields(`
	ImportSpec ImportSpec/named ImportSpec/dot ImportSpec/blank
	GenDecl/import GenDecl/const GenDecl/type GenDecl/var GenDecl/group ValueSpec/typed ValueSpec/values ValueSpec/implicit
	TypeSpec TypeSpec/alias TypeSpec/generic FuncDecl FuncDecl/method FuncDecl/pointer FuncDecl/generic FuncDecl/genericmethod
	ArrayType/slice ArrayType/array ArrayType/... StructType StructType/embedded StructType/tag FuncType FuncType/results FuncType/variadic
	InterfaceType InterfaceType/method InterfaceType/union MapType ChanType/both ChanType/send ChanType/receive
	BasicLit/INT BasicLit/FLOAT BasicLit/IMAG BasicLit/CHAR BasicLit/STRING BasicLit/raw
	CompositeLit CompositeLit/keys CompositeLit/elided FuncLit ParenExpr SelectorExpr IndexExpr IndexListExpr SliceExpr SliceExpr/3
	TypeAssertExpr CallExpr CallExpr/... StarExpr KeyValueExpr
	UnaryExpr/+ UnaryExpr/- UnaryExpr/! UnaryExpr/^ UnaryExpr/& UnaryExpr/<- UnaryExpr/~
	BinaryExpr/+ BinaryExpr/- BinaryExpr/* BinaryExpr// BinaryExpr/% BinaryExpr/& BinaryExpr/| BinaryExpr/^ BinaryExpr/<< BinaryExpr/>> BinaryExpr/&^
	BinaryExpr/&& BinaryExpr/|| BinaryExpr/== BinaryExpr/!= BinaryExpr/< BinaryExpr/<= BinaryExpr/> BinaryExpr/>=
	DeclStmt/var DeclStmt/const DeclStmt/type EmptyStmt LabeledStmt ExprStmt SendStmt IncDecStmt/++ IncDecStmt/--
	AssignStmt/= AssignStmt/:= AssignStmt/+= AssignStmt/-= AssignStmt/*= AssignStmt//= AssignStmt/%= AssignStmt/&= AssignStmt/|= AssignStmt/^=
	AssignStmt/<<= AssignStmt/>>= AssignStmt/&^= AssignStmt/several GoStmt DeferStmt ReturnStmt ReturnStmt/values
	BranchStmt/break BranchStmt/continue BranchStmt/goto BranchStmt/fallthrough BranchStmt/label BlockStmt IfStmt IfStmt/init IfStmt/else IfStmt/elseif
	SwitchStmt SwitchStmt/init SwitchStmt/bare CaseClause CaseClause/default TypeSwitchStmt TypeSwitchStmt/bound TypeSwitchStmt/init
	SelectStmt CommClause/send CommClause/receive CommClause/default ForStmt/endless ForStmt/while ForStmt/three
	RangeStmt/none RangeStmt/key RangeStmt/value RangeStmt/set RangeStmt/func
	cell/magic cell/comment cell/semicolon cell/manyinline`)

// count adds the productions of a cell.
func count(src string, seen map[string]int) {
	cut := splitCell(src)
	if len(cut.magics) > 0 {
		seen["cell/magic"]++
	}
	if strings.Contains(src, "/*") {
		seen["cell/comment"]++
	}
	lines := map[int]bool{}
	for _, c := range cut.chunks {
		if c.hushed {
			seen["cell/semicolon"]++
		}
		if lines[c.line] {
			seen["cell/manyinline"]++
		}
		lines[c.line] = true
		if p, err := parsePiece(c, 1); err == nil {
			ast.Inspect(p.node(), func(n ast.Node) bool {
				if n == nil {
					return false
				}
				for _, k := range kinds(n) {
					seen[k]++
				}
				return true
			})
		}
	}
}

// kinds names the productions that a node is.
func kinds(n ast.Node) (out []string) {
	name := strings.TrimPrefix(fmt.Sprintf("%T", n), "*ast.")
	is := func(form string, yes bool) {
		if yes {
			out = append(out, name+"/"+form)
		}
	}
	plain := func() { out = append(out, name) }
	switch x := n.(type) {
	case *ast.ImportSpec:
		plain()
		if x.Name != nil {
			is("dot", x.Name.Name == ".")
			is("blank", x.Name.Name == "_")
			is("named", x.Name.Name != "." && x.Name.Name != "_")
		}
	case *ast.GenDecl:
		is(x.Tok.String(), true)
		is("group", x.Lparen.IsValid())
	case *ast.ValueSpec:
		is("typed", x.Type != nil)
		is("values", len(x.Values) > 0)
		is("implicit", x.Type == nil && len(x.Values) == 0)
	case *ast.TypeSpec:
		plain()
		is("alias", x.Assign.IsValid())
		is("generic", x.TypeParams != nil)
	case *ast.FuncDecl:
		plain()
		is("generic", x.Type.TypeParams != nil)
		if x.Recv != nil {
			is("method", true)
			t := x.Recv.List[0].Type
			star, pointer := t.(*ast.StarExpr)
			is("pointer", pointer)
			if pointer {
				t = star.X
			}
			_, one := t.(*ast.IndexExpr)
			_, more := t.(*ast.IndexListExpr)
			is("genericmethod", one || more)
		}
	case *ast.ArrayType:
		_, dots := x.Len.(*ast.Ellipsis)
		is("slice", x.Len == nil)
		is("...", dots)
		is("array", x.Len != nil && !dots)
	case *ast.StructType:
		plain()
		for _, f := range x.Fields.List {
			is("embedded", len(f.Names) == 0)
			is("tag", f.Tag != nil)
		}
	case *ast.FuncType:
		plain()
		is("results", x.Results != nil)
		for _, f := range x.Params.List {
			_, dots := f.Type.(*ast.Ellipsis)
			is("variadic", dots)
		}
	case *ast.InterfaceType:
		plain()
		for _, f := range x.Methods.List {
			_, union := f.Type.(*ast.BinaryExpr)
			is("union", union)
			is("method", len(f.Names) > 0)
		}
	case *ast.ChanType:
		is(map[ast.ChanDir]string{ast.SEND: "send", ast.RECV: "receive", ast.SEND | ast.RECV: "both"}[x.Dir], true)
	case *ast.BasicLit:
		is(x.Kind.String(), true)
		is("raw", x.Value[0] == '`')
	case *ast.CompositeLit:
		plain()
		is("elided", x.Type == nil)
		if len(x.Elts) > 0 {
			_, keys := x.Elts[0].(*ast.KeyValueExpr)
			is("keys", keys)
		}
	case *ast.SliceExpr:
		plain()
		is("3", x.Slice3)
	case *ast.CallExpr:
		plain()
		is("...", x.Ellipsis.IsValid())
	case *ast.UnaryExpr:
		is(x.Op.String(), true)
	case *ast.BinaryExpr:
		is(x.Op.String(), true)
	case *ast.DeclStmt:
		is(x.Decl.(*ast.GenDecl).Tok.String(), true)
	case *ast.IncDecStmt:
		is(x.Tok.String(), true)
	case *ast.AssignStmt:
		is(x.Tok.String(), true)
		is("several", len(x.Lhs) > 1)
	case *ast.ReturnStmt:
		plain()
		is("values", len(x.Results) > 0)
	case *ast.BranchStmt:
		is(x.Tok.String(), true)
		is("label", x.Label != nil)
	case *ast.IfStmt:
		plain()
		_, elseif := x.Else.(*ast.IfStmt)
		is("init", x.Init != nil)
		is("else", x.Else != nil)
		is("elseif", elseif)
	case *ast.SwitchStmt:
		plain()
		is("init", x.Init != nil)
		is("bare", x.Tag == nil)
	case *ast.CaseClause:
		plain()
		is("default", x.List == nil)
	case *ast.TypeSwitchStmt:
		plain()
		_, bound := x.Assign.(*ast.AssignStmt)
		is("bound", bound)
		is("init", x.Init != nil)
	case *ast.CommClause:
		_, send := x.Comm.(*ast.SendStmt)
		is("send", send)
		is("default", x.Comm == nil)
		is("receive", x.Comm != nil && !send)
	case *ast.ForStmt:
		is("three", x.Post != nil)
		is("while", x.Post == nil && x.Cond != nil)
		is("endless", x.Cond == nil)
	case *ast.RangeStmt:
		_, call := x.X.(*ast.CallExpr)
		is("none", x.Key == nil)
		is("key", x.Key != nil && x.Value == nil)
		is("value", x.Value != nil)
		is("set", x.Tok == token.ASSIGN)
		is("func", call)
	case *ast.Ident, *ast.FieldList, *ast.Field, *ast.Ellipsis:
	default:
		plain()
	}
	return out
}

// table prints how often each production stood in a cell that compiled.
func table(seen map[string]int) string {
	var b strings.Builder
	for i, k := range slices.Sorted(maps.Keys(seen)) {
		fmt.Fprintf(&b, "%-26s%6d", k, seen[k])
		if i%3 == 2 {
			b.WriteByte('\n')
		} else {
			b.WriteString("   ")
		}
	}
	return b.String()
}

// covered fails for each production that fewer than least cells had.
func covered(t *testing.T, seen map[string]int, least int) {
	t.Helper()
	for _, k := range productions {
		if seen[k] < least {
			t.Errorf("production %s stood in %d cells that compiled, want %d", k, seen[k], least)
		}
	}
	t.Logf("productions of Go's grammar in cells that compiled:\n%s", table(seen))
}

func TestKinds(t *testing.T) {
	seen := map[string]int{}
	count("x, y := 1, `a`; x++\n/* c */ for i, v := range f(x...) { _ = i &^ v }\nfunc (l *L[A, B]) M(a ...int) (int, error) { return 1, nil }", seen)
	for _, k := range strings.Fields("AssignStmt/:= AssignStmt/several BasicLit/raw cell/semicolon cell/manyinline cell/comment IncDecStmt/++ RangeStmt/value RangeStmt/func CallExpr/... BinaryExpr/&^ FuncDecl/pointer FuncDecl/genericmethod IndexListExpr FuncType/variadic ReturnStmt/values") {
		if seen[k] == 0 {
			t.Errorf("%s is not seen in %v", k, seen)
		}
	}
	if seen["BranchStmt/goto"]+seen["GenDecl/const"]+seen["CompositeLit"] > 0 {
		t.Errorf("%v", seen)
	}
}
