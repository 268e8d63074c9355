package docs

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
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
	programs, shared := shown.FindAllStringSubmatch(string(b), -1), helpers.FindStringSubmatch(string(b))
	if all := strings.Count(string(b), "```go\n"); len(programs) != all || all < 10 || shared == nil {
		t.Fatalf("%d of %d programs have an output", len(programs), all)
	}
	var src strings.Builder
	src.WriteString("package main\n")
	uses := map[string]string{
		"context": "context.Background", "fmt": "fmt.Print", "math": "math.Sqrt", "math/rand/v2": "rand.New", "os": "os.Args",
		"gonum.org/v1/gonum/stat": "stat.Mean", "odslab/odslib": "odslib.Given", "odslab/odslib/engine": "engine.FromVector",
		"odslab/odslib/measure": "measure.Floor", "odslab/odslib/priors": "priors.Gaussian",
	}
	for path := range uses {
		fmt.Fprintf(&src, "import %q\n", path)
	}
	for _, use := range uses {
		fmt.Fprintf(&src, "var _ = %s\n", use)
	}
	src.WriteString("func check(err error) {\n\tif err != nil {\n\t\tpanic(err)\n\t}\n}\n" + shared[1])
	src.WriteString("func main() {\n\tmap[string]func(){\n")
	for i := range programs {
		fmt.Fprintf(&src, "\t\t\"%d\": program%d,\n", i, i)
	}
	src.WriteString("\t}[os.Args[1]]()\n}\n")
	for i, p := range programs {
		fmt.Fprintf(&src, "\nfunc program%d() {\n//line main.go:1\n%s}\n", i, p[1])
	}
	dir := t.TempDir()
	file, binary := filepath.Join(dir, "diagnostics.go"), filepath.Join(dir, "diagnostics")
	if err := os.WriteFile(file, []byte(src.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("go", "build", "-o", binary, file).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for i, p := range programs {
		out, err := exec.Command(binary, fmt.Sprint(i)).CombinedOutput()
		if err != nil {
			t.Errorf("program %d: %v\n%s", i+1, err, out)
		} else if trim(string(out)) != trim(p[2]) {
			t.Errorf("program %d prints\n%s\nand not\n%s", i+1, out, p[2])
		}
	}
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
