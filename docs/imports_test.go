package docs

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// folders is the table of architecture.md.
type folders struct {
	rows  []row
	of    map[string]*row // folder → its row
	heads map[string]bool // first parts of paths
}

// row is a line of the table.
type row struct {
	folders, names []string
	may            map[string]bool // folders of rows, and single packages
}

var code = regexp.MustCompile("`([^`]+)`")

// readFolders reads the table.
func readFolders(text string) (*folders, error) {
	_, text, _ = strings.Cut(text, "\n## Folders\n")
	text, _, _ = strings.Cut(text, "\n## ")
	f := &folders{of: map[string]*row{}, heads: map[string]bool{}}
	for line := range strings.Lines(text) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if len(cells) != 3 || !strings.Contains(cells[0], "`") {
			continue
		}
		var r row
		for _, m := range code.FindAllStringSubmatch(cells[0], -1) {
			r.folders = append(r.folders, m[1])
		}
		if names := strings.TrimSpace(cells[2]); names != "–" {
			r.names = strings.Split(names, ", ")
		}
		f.rows = append(f.rows, r)
	}
	for i := range f.rows {
		for _, folder := range f.rows[i].folders {
			if f.of[folder] != nil {
				return nil, fmt.Errorf("two rows for %s", folder)
			}
			f.of[folder] = &f.rows[i]
			head, _, _ := strings.Cut(folder, "/")
			f.heads[head] = true
		}
	}
	for i := range f.rows {
		if err := f.close(&f.rows[i]); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// holding is the row of a package: that of the nearest folder above it which has one.
func (f *folders) holding(pkg string) *row {
	for ; pkg != "."; pkg = path.Dir(pkg) {
		if r := f.of[pkg]; r != nil {
			return r
		}
	}
	return nil
}

// close finds what the packages of a row may import.
func (f *folders) close(r *row) error {
	if r.may != nil {
		return nil
	}
	r.may = map[string]bool{}
	half, _, _ := strings.Cut(r.folders[0], "/")
	for _, name := range r.names {
		if head, _, _ := strings.Cut(name, "/"); !f.heads[head] || f.of[path.Join(half, name)] != nil {
			name = path.Join(half, name)
		}
		r.may[name] = true
		next := f.of[name]
		if next == nil {
			if f.holding(name) == nil {
				return fmt.Errorf("the row of %s names %s, which has no row", r.folders[0], name)
			}
			continue // a single package
		}
		if err := f.close(next); err != nil {
			return err
		}
		for _, folder := range next.folders {
			r.may[folder] = true
		}
		for name := range next.may {
			r.may[name] = true
		}
	}
	return nil
}

// allows: may package from import package to?
func (f *folders) allows(from, to string) bool {
	r, target := f.holding(from), f.holding(to)
	if r == target {
		return true
	}
	return r.may[to] || slices.ContainsFunc(target.folders, func(folder string) bool { return r.may[folder] })
}

// imports lists the packages of the module with what each imports of it.
func imports(t *testing.T) map[string][]string {
	t.Helper()
	cmd := exec.Command("go", "list", "-e", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "odslab/...")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	packages := map[string][]string{}
	for line := range strings.Lines(string(out)) {
		var own []string
		for _, p := range strings.Fields(line) {
			if p, ok := strings.CutPrefix(p, "odslab/"); ok {
				own = append(own, p)
			}
		}
		packages[own[0]] = own[1:]
	}
	return packages
}

// Every package has a row, every row has a folder, and nobody imports what its row does not allow.
func TestImports(t *testing.T) {
	text, err := os.ReadFile("architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	f, err := readFolders(string(text))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range f.rows {
		for _, folder := range slices.Concat(r.folders, slices.Collect(maps.Keys(r.may))) {
			if info, err := os.Stat(path.Join("..", folder)); err != nil || !info.IsDir() {
				t.Errorf("the row of %s names %s, which is no folder", r.folders[0], folder)
			}
		}
	}
	packages := imports(t)
	for pkg, own := range packages {
		if f.holding(pkg) == nil {
			t.Errorf("%s has no row under Folders in architecture.md", pkg)
			continue
		}
		for _, to := range own {
			if f.holding(to) != nil && !f.allows(pkg, to) {
				t.Errorf("%s imports %s, which its row under Folders in architecture.md does not allow", pkg, to)
			}
		}
	}
	for _, wrong := range forbidden(packages) {
		t.Error(wrong)
	}
	for _, r := range f.rows {
		for _, folder := range r.folders {
			may := map[string][]string{folder: nil}
			for to := range r.may {
				may[folder] = append(may[folder], to)
			}
			for _, wrong := range forbidden(may) {
				t.Errorf("the row allows: %s", wrong)
			}
		}
	}
}

// samplers of the library, by their packages.
var samplers = []string{"odslib/guide", "odslib/smc", "odslib/mcmc", "odslib/balance", "odslib/rtb", "odslib/outsource"}

// forbidden lists the imports that no table may allow.
func forbidden(imports map[string][]string) (wrong []string) {
	for from, to := range imports {
		half, _, _ := strings.Cut(from, "/")
		for _, to := range to {
			of := func(name string) bool { return from == name || strings.HasPrefix(from, name+"/") }
			switch {
			case half == "odslib" && strings.HasPrefix(to, "kernel"), half == "odslib" && strings.HasPrefix(to, "plotting"):
				wrong = append(wrong, fmt.Sprintf("%s imports %s", from, to))
			case slices.Contains(samplers, to) && !slices.ContainsFunc(samplers, of) && !of("odslib/compare") && !of("odslib/bench"):
				wrong = append(wrong, fmt.Sprintf("%s imports the sampler %s", from, to))
			}
		}
	}
	return wrong
}

// The reading of the table must be able to refuse, or the test above proves nothing.
func TestFoldersRefuse(t *testing.T) {
	f, err := readFolders(`
## Folders
| folder | is | may import |
|---|---|---|
| ` + "`lib`" + ` | the root | engine |
| ` + "`lib/engine`, `lib/odd`" + ` | two in one | – |
| ` + "`lib/smc`" + ` | a sampler | lib, tool/env |
| ` + "`tool`" + ` | another half | lib/smc |
## Next
`)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		from, to string
		want     bool
	}{
		{"lib", "lib/engine", true},
		{"lib", "lib/engine/below", true},
		{"lib", "lib/smc", false},
		{"lib/other", "lib/engine", true},
		{"lib/other", "lib", true},
		{"lib/engine", "lib/odd", true},
		{"lib/engine", "lib", false},
		{"lib/smc", "lib/odd", true},
		{"lib/smc", "tool/env", true},
		{"lib/smc", "tool", false},
		{"tool", "lib/engine", true},
		{"tool/deep/er", "lib/smc", true},
		{"lib/engine/below", "lib/smc", false},
	} {
		if got := f.allows(c.from, c.to); got != c.want {
			t.Errorf("%s → %s: %v", c.from, c.to, got)
		}
	}
	if wrong := forbidden(map[string][]string{"odslib/measure": {"odslib/smc"}, "odslib": {"kernel/cell"}, "odslib/rtb": {"odslib/balance"}, "kernel/cell": {"odslib/guide"}}); len(wrong) != 3 {
		t.Errorf("%q", wrong)
	}
}
