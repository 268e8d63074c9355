package docs

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var helpers = regexp.MustCompile("(?s)```go helpers\n(.*?)```")

// Every program of which-diagnostic.md runs and prints what stands below it: the failures that the page tells of are there.
func TestDiagnosticsRun(t *testing.T) {
	if testing.Short() {
		t.Skip("ten programs, floors of five pairs each")
	}
	b, err := os.ReadFile("which-diagnostic.md")
	if err != nil {
		t.Fatal(err)
	}
	shared := helpers.FindStringSubmatch(string(b))
	if shared == nil {
		t.Fatal("no lines that the programs share")
	}
	var head strings.Builder
	uses := map[string]string{
		"context": "context.Background", "fmt": "fmt.Print", "math": "math.Sqrt", "math/rand/v2": "rand.New", "os": "os.Args",
		"gonum.org/v1/gonum/stat": "stat.Mean", "odslab/odslib": "odslib.Given", "odslab/odslib/engine": "engine.FromVector",
		"odslab/odslib/measure": "measure.Floor", "odslab/odslib/priors": "priors.Gaussian",
	}
	for path := range uses {
		fmt.Fprintf(&head, "import %q\n", path)
	}
	for _, use := range uses {
		fmt.Fprintf(&head, "var _ = %s\n", use)
	}
	runPrograms(t, "which-diagnostic.md", 10, head.String()+shared[1])
}

// Every function and type of odslib/measure that judges something has its place on the page, and every link of its table an
// example to lead to.
func TestDiagnosticsComplete(t *testing.T) {
	b, err := os.ReadFile("which-diagnostic.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(b)
	forms := map[string]bool{"Distance": true, "Band": true, "Row": true, "Table": true, "TableOf": true, "Quantiles": true, "Ranking": true}
	files, err := filepath.Glob("../odslib/measure/*.go")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			var id *ast.Ident
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Recv == nil {
					id = d.Name
				}
			case *ast.GenDecl:
				if s, ok := d.Specs[0].(*ast.TypeSpec); ok {
					id = s.Name
				}
			}
			if id == nil || !id.IsExported() || forms[id.Name] {
				continue
			}
			if !strings.Contains(page, "`"+id.Name+"`") || !strings.Contains(page, "measure."+id.Name) {
				t.Errorf("measure.%s has no place in the table or in no program", id.Name)
			}
		}
	}
	links := regexp.MustCompile(`\]\(#([a-z-]+)\)`).FindAllStringSubmatch(page, -1)
	if len(links) < 13 {
		t.Errorf("%d links", len(links))
	}
	for _, m := range links {
		heading := "\n## " + strings.ReplaceAll(m[1], "-", " ") + "\n"
		if !strings.Contains(strings.ToLower(page), strings.ToLower(heading)) {
			t.Errorf("no example %q", m[1])
		}
	}
}
