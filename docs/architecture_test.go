// Package docs holds the documents; its test keeps the programs in them true.
package docs

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"regexp"
	"sort"
	"strings"
	"testing"
)

var block = regexp.MustCompile("(?s)```go (declares|program)( \\w+)?\n(.*?)```")

// The programs of the families to come must type-check against the interfaces as they are today: what is declared for
// each stands in for the package that will hold it.
func TestProgramsTypeCheck(t *testing.T) {
	text, err := os.ReadFile("architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	exports := exportData(t)
	declared := map[string]string{}
	programs := 0
	for _, m := range block.FindAllStringSubmatch(string(text), -1) {
		kind, pkg, code := m[1], strings.TrimSpace(m[2]), m[3]
		if kind == "declares" {
			declared[pkg] = code
			continue
		}
		programs++
		if err := check(exports, declared, code); err != nil {
			t.Errorf("program %d: %v\n%s", programs, err, code)
		}
		declared = map[string]string{}
	}
	if programs != 1 {
		t.Errorf("%d programs, want 1: control", programs)
	}
}

// A program that does not fit the interfaces must be refused, or the test above proves nothing.
func TestCheckRefuses(t *testing.T) {
	exports := exportData(t)
	for _, code := range []string{
		`draw(42, exact.T6().Post, 10)`,
		`plotting.Pair(missing)`,
		`_ = smc.NoSuchSampler{}`,
	} {
		if err := check(exports, nil, code); err == nil {
			t.Errorf("type-checked: %s", code)
		}
	}
}

func exportData(t *testing.T) map[string]string {
	t.Helper()
	cmd := exec.Command("go", "list", "-export", "-deps", "-json=ImportPath,Export",
		"odslab/odslib/compare", "odslab/odslib/exact", "odslab/odslib/guide", "odslab/odslib/smc", "odslab/odslib/measure", "odslab/odslib/outsource", "odslab/plotting")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	exports := map[string]string{}
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p struct{ ImportPath, Export string }
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return exports
		} else if err != nil {
			t.Fatal(err)
		}
		exports[p.ImportPath] = p.Export
	}
}

func check(exports map[string]string, declared map[string]string, code string) error {
	fset := token.NewFileSet()
	imp := importer.ForCompiler(fset, "gc", func(path string) (io.ReadCloser, error) {
		if exports[path] == "" {
			return nil, fmt.Errorf("no package %s", path)
		}
		return os.Open(exports[path])
	})
	lib := map[string]*types.Package{}
	load := func(name string) error {
		path := "odslab/odslib/" + name
		switch name {
		case "odslib":
			path = "odslab/odslib"
		case "plotting":
			path = "odslab/plotting"
		}
		p, err := imp.Import(path)
		if err != nil {
			p = types.NewPackage(path, name)
			p.MarkComplete()
		}
		lib[name] = p
		return nil
	}
	use := func(name string) string { return lib[name].Path() }
	resolver := importerFunc(func(path string) (*types.Package, error) {
		for _, p := range lib {
			if p.Path() == path {
				return p, nil
			}
		}
		return imp.Import(path)
	})
	file := func(pkg, imports, body string) (*types.Package, error) {
		f, err := parser.ParseFile(fset, pkg+".go", "package "+pkg+"\n"+imports+body, 0)
		if err != nil {
			return nil, err
		}
		var first error
		conf := types.Config{Importer: resolver, Error: func(err error) {
			if te := err.(types.Error); first == nil && !te.Soft {
				first = err
			}
		}}
		p, _ := conf.Check("odslab/odslib/"+pkg, fset, []*ast.File{f}, nil)
		return p, first
	}
	names := []string{"odslib", "priors", "constraint", "twist", "exact", "guide", "smc", "measure", "rtb", "outsource", "compare", "plotting"}
	for _, n := range names {
		if err := load(n); err != nil {
			return err
		}
	}
	for name, src := range declared {
		imports := `import ("context"; "odslab/odslib"); var _ context.Context; var _ odslib.Sampler` + "\n"
		if lib[name].Scope().Len() > 0 { // what the package has already is at hand, as it will be
			imports = fmt.Sprintf("import . %q\n", use(name)) + imports
		}
		p, err := file(name, imports, strings.Replace(src, "package "+name, "", 1))
		if err != nil {
			return fmt.Errorf("declarations of %s: %w", name, err)
		}
		for _, n := range p.Scope().Names() {
			if ast.IsExported(n) {
				lib[name].Scope().Insert(p.Scope().Lookup(n))
			}
		}
	}
	var imports strings.Builder
	sort.Strings(names)
	for _, n := range names {
		if strings.Contains(code, n+".") || n == "odslib" {
			fmt.Fprintf(&imports, "import %q\n", use(n))
		}
	}
	_, err := file("main", imports.String(), `
func draw(s odslib.Sampler, post odslib.Posterior, n int) *odslib.Result { return nil }
func train[In, Out any](t odslib.Trainer[In, Out], in In, budget ...odslib.Budget) (out Out) { return }
func show(...any) {}
func main() {
`+showLast(code)+"\n}\n")
	return err
}

// showLast uses the values of bare expressions, as a notebook does.
func showLast(code string) string {
	lines := strings.Split(strings.TrimSpace(code), "\n")
	for i, l := range lines {
		if strings.HasPrefix(l, "plotting.") || strings.HasPrefix(l, "measure.") || strings.HasPrefix(l, "draw(") {
			lines[i] = "show(" + l + ")"
		}
	}
	return strings.Join(lines, "\n")
}

type importerFunc func(path string) (*types.Package, error)

func (f importerFunc) Import(path string) (*types.Package, error) { return f(path) }
