package contract

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// functions lists what a package in a sibling folder exports.
func functions(t *testing.T, name string) map[string]bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", name, "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatal(name, err)
	}
	out := map[string]bool{}
	for _, file := range files {
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			if d, ok := d.(*ast.FuncDecl); ok && d.Recv == nil && !strings.HasSuffix(file, "_test.go") {
				out[d.Name.Name] = true
			}
		}
	}
	return out
}

// Every function that programs are to call is there, and every package.
func TestCalls(t *testing.T) {
	live, session, interact := functions(t, "live"), functions(t, "session"), functions(t, "interact")
	f, err := parser.ParseFile(token.NewFileSet(), "program.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	calls, paths := 0, 0
	ast.Inspect(f, func(n ast.Node) bool {
		s, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		value, err := strconv.Unquote(s.Values[0].(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(s.Names[0].Name, "Call") {
			if calls++; !live[value] && !session[value] && !interact[value] {
				t.Errorf("%s: neither live, session nor interact has a function %s", s.Names[0], value)
			}
			return true
		}
		if paths++; len(functions(t, filepath.Base(value))) == 0 && value != BootPath {
			t.Errorf("%s exports nothing", value)
		}
		return true
	})
	if calls < 20 || paths < 6 {
		t.Errorf("%d functions, %d packages", calls, paths)
	}
}
