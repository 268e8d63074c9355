// One thing: what the go command knows of packages, listed once, kept, refreshed and asked.

package cell

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/importer"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path"
	"slices"
	"sort"
	"strings"
	"sync"
	"time"

	"odslab/kernel/runtime/contract"
	"odslab/kernel/toolchain"
)

// pkg is what `go list` says of a package.
type pkg struct {
	ImportPath, Name, Dir, Export string
	Imports                       []string
	Error                         *struct{ Err string }
	DepsErrors                    []struct{ Err string }
}

// packages knows the packages of the module of cells: export data of those
// asked for so far, and names of all that a cell may mean.
type packages struct {
	opt       Options
	mu        sync.Mutex
	importing sync.Mutex
	exported  map[string]*pkg
	imp       types.Importer
	since     time.Time // when the first of them was read
	key       string    // of the listing, when the first of them was read
	restored  bool      // from the listing of an earlier kernel
	tools     string    // folder of the compiler and the linker; "" where flags of the user's ask for more than they do
	linked    int       // how many packages are in the file that link has written
	config    string    // that file
	base      sync.Once
	baseErr   error
	index     sync.Once
	names     map[string][]string // package name → import paths, the preferred first
	dirs      map[string]string
	extra     []string            // patterns of modules that the notebook has added
	vars      map[string][]global // exported variables by import path
	found     []*pkg              // what names and dirs are made of
}

const (
	xlaPath     = "odslab/odslib/engine/xla"
	computePath = "github.com/gomlx/compute"
	tensorsPath = "github.com/gomlx/gomlx/core/tensors"
	gonbuiPath  = "github.com/janpfeifer/gonb/gonbui"
)

// basePackages get their export data at once, because nearly every cell uses some.
var basePackages = []string{
	contract.LivePath, contract.BootPath, "fmt", "math", "strings", "sort", "time", "os", "errors", "bytes", "strconv", "slices", "maps",
	"sync", "context", "io", "bufio", "math/rand/v2", "encoding/json", "log", "unicode", "regexp", "path/filepath", "cmp", "math/cmplx", "math/big", "math/bits",
}

// preferred are the packages that their name alone means, before any other.
var preferred = map[string]string{
	"rand": "math/rand/v2", "odslib": "odslab/odslib", "plotting": "odslab/plotting", "constraint": "odslab/odslib/constraint",
	"graph": "github.com/gomlx/gomlx/core/graph", "tensors": "github.com/gomlx/gomlx/core/tensors",
	"model": "github.com/gomlx/gomlx/ml/model", "layers": "github.com/gomlx/gomlx/ml/layers",
	"optimizer": "github.com/gomlx/gomlx/ml/train/optimizer", "train": "github.com/gomlx/gomlx/ml/train",
	"shapes": "github.com/gomlx/compute/shapes", "dtypes": "github.com/gomlx/compute/dtypes",
	"template": "text/template", "scanner": "text/scanner", "pprof": "runtime/pprof", "json": "encoding/json",
	"stat": "gonum.org/v1/gonum/stat", "mat": "gonum.org/v1/gonum/mat", "floats": "gonum.org/v1/gonum/floats", "plot": "gonum.org/v1/plot",
}

// indexPatterns are where names are looked for, in order of preference.
var indexPatterns = []string{
	"std", "odslab/odslib/...", "odslab/plotting/...", "odslab/kernel/runtime/...", "github.com/gomlx/gomlx/...", "github.com/gomlx/compute/...",
	"gonum.org/v1/gonum/...", "gonum.org/v1/plot/...", "github.com/janpfeifer/gonb/gonbui/...", "golang.org/x/image/...",
}

func newPackages(opt Options) *packages {
	p := &packages{opt: opt, exported: map[string]*pkg{}}
	p.imp = importer.ForCompiler(token.NewFileSet(), "gc", p.open)
	return p
}

// list runs go list and decodes its packages.
func (p *packages) list(args ...string) ([]*pkg, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	env := p.opt.Env
	if env == nil {
		env = os.Environ()
	}
	args = slices.Concat([]string{"list"}, toolchain.WithTags(toolchain.PackageFlags(p.opt.Resident), env), args)
	cmd := exec.CommandContext(ctx, p.opt.Go, args...)
	cmd.Dir, cmd.Env = p.opt.ModuleDir, env
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	var list []*pkg
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		q := new(pkg)
		if err := d.Decode(q); err == io.EOF {
			break
		} else if err != nil {
			return nil, fmt.Errorf("go list: %w", err)
		}
		list = append(list, q)
	}
	if err != nil && len(list) == 0 {
		return nil, fmt.Errorf("go list: %w: %s", err, firstLine(stderr.String()))
	}
	return list, nil
}

// firstLine is the first line that says something: the compiler begins with the package's name.
func firstLine(s string) string {
	for line := range strings.Lines(s) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "# ") {
			return line
		}
	}
	return strings.TrimSpace(s)
}

// warm loads the base packages.
func (p *packages) warm() error {
	p.base.Do(func() {
		if !p.restore() {
			p.baseErr = p.export(basePackages...)
		}
	})
	return p.baseErr
}

// export gets export data of the packages and all they import.
func (p *packages) export(paths ...string) error {
	began := time.Now()
	list, err := p.list(append([]string{"-e", "-export", "-deps", "-json=ImportPath,Name,Dir,Export,Imports,Error,DepsErrors"}, paths...)...)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.since.IsZero() {
		p.since = began
	}
	for _, q := range list {
		if old := p.exported[q.ImportPath]; old == nil || old.Export == "" {
			p.exported[q.ImportPath] = q
		}
	}
	return nil
}

// refresh forgets the export data where a source file of the library is newer
// than it, or where Go's build cache has dropped it, and says whether that was so.
func (p *packages) refresh() bool {
	p.mu.Lock()
	since := p.since
	var dirs []string
	trimmed := false
	for path, q := range p.exported {
		trimmed = trimmed || q.trimmed()
		if strings.HasPrefix(path, "odslab/") && q.Dir != "" {
			dirs = append(dirs, q.Dir)
		}
	}
	p.mu.Unlock()
	if since.IsZero() || !trimmed && !slices.ContainsFunc(dirs, func(dir string) bool { return newer(dir, since) }) {
		return false
	}
	p.mu.Lock()
	p.exported, p.vars, p.base, p.since, p.restored, p.linked = map[string]*pkg{}, nil, sync.Once{}, time.Time{}, false, 0
	p.imp = importer.ForCompiler(token.NewFileSet(), "gc", p.open)
	p.mu.Unlock()
	return p.warm() == nil
}

func newer(dir string, than time.Time) bool {
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if info, err := e.Info(); err == nil && strings.HasSuffix(e.Name(), ".go") && info.ModTime().After(than) {
			return true
		}
	}
	return false
}

// ahead loads what cells will need before the first one asks.
func (p *packages) ahead() {
	if p.warm() != nil || p.kept() {
		return
	}
	p.makeIndex()
	var paths []string
	for path := range p.dirs {
		if strings.HasPrefix(path, "odslab/") && path != xlaPath {
			paths = append(paths, path)
		}
	}
	for _, path := range preferred {
		if strings.HasPrefix(path, "github.com/gomlx/") {
			paths = append(paths, path)
		}
	}
	sort.Strings(paths)
	if p.export(paths...) == nil {
		p.store()
	}
}

// need makes a package ready for import, or says why it can't be imported.
func (p *packages) need(importPath string) error {
	if importPath == "unsafe" {
		return nil
	}
	if importPath == "C" {
		return errors.New(`a cell can't import "C"`)
	}
	if err := p.warm(); err != nil {
		return err
	}
	if p.get(importPath) == nil {
		if err := p.export(importPath); err != nil {
			if noModule.MatchString(err.Error()) {
				return notAtHand(importPath)
			}
			return err
		}
	}
	q := p.get(importPath)
	switch {
	case q == nil:
		return fmt.Errorf("no package %s", importPath)
	case q.Error != nil || q.Export == "":
		// Forget it, so that a mended package is found.
		p.mu.Lock()
		delete(p.exported, importPath)
		p.mu.Unlock()
		if q.Error != nil {
			if noModule.MatchString(q.Error.Err) {
				return notAtHand(importPath)
			}
			return errors.New(firstLine(q.Error.Err))
		}
		if len(q.DepsErrors) > 0 {
			return fmt.Errorf("package %s does not compile: %s", importPath, firstLine(q.DepsErrors[0].Err))
		}
		return fmt.Errorf("package %s does not compile", importPath)
	}
	return nil
}

func notAtHand(importPath string) error {
	return fmt.Errorf("no module at hand has the package %s; %%get MODULE@VERSION adds one (%%get %[1]s says which version)", importPath)
}

func (p *packages) get(importPath string) *pkg {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.exported[importPath]
}

func (p *packages) open(importPath string) (io.ReadCloser, error) {
	q := p.get(importPath)
	if q == nil || q.Export == "" {
		return nil, fmt.Errorf("no export data of %s", importPath)
	}
	return os.Open(q.Export)
}

// Import implements types.Importer.
func (p *packages) Import(importPath string) (*types.Package, error) {
	if err := p.need(importPath); err != nil {
		return nil, err
	}
	p.importing.Lock() // the importer keeps a map of its own
	defer p.importing.Unlock()
	return p.imp.Import(importPath)
}

// byName finds the import path that a package name means.
func (p *packages) byName(name string) (string, bool) {
	if path, ok := preferred[name]; ok {
		return path, true
	}
	if slices.Contains(basePackages, name) {
		return name, true
	}
	p.makeIndex()
	if l := p.names[name]; len(l) > 0 {
		return l[0], true
	}
	return "", false
}

// makeIndex lists all packages by name, once.
func (p *packages) makeIndex() {
	p.index.Do(func() {
		list, _ := p.list(append([]string{"-e", "-find", "-json=ImportPath,Name,Dir"}, slices.Concat(indexPatterns, p.extra)...)...)
		p.name(slices.DeleteFunc(list, func(q *pkg) bool {
			return q.Name == "" || q.Name == "main" || hiddenPath(q.ImportPath)
		}))
	})
}

// name makes the index of packages by name.
func (p *packages) name(found []*pkg) {
	names, dirs, rank := map[string][]string{}, map[string]string{}, map[string]int{}
	for _, q := range found {
		names[q.Name] = append(names[q.Name], q.ImportPath)
		dirs[q.ImportPath] = q.Dir
		rank[q.ImportPath] = pathRank(q.ImportPath)
	}
	for _, l := range names {
		sort.Slice(l, func(i, j int) bool {
			if a, b := rank[l[i]], rank[l[j]]; a != b {
				return a < b
			}
			return l[i] < l[j]
		})
	}
	p.names, p.dirs, p.found = names, dirs, found
}

func hiddenPath(p string) bool {
	return strings.HasPrefix(p, "vendor/") || strings.Contains("/"+p+"/", "/internal/") || strings.Contains(p, "/testdata/")
}

// pathRank puts the standard library first, then the library of this module,
// and within each short paths first.
func pathRank(p string) int {
	first, _, _ := strings.Cut(p, "/")
	class := 2
	switch {
	case !strings.Contains(first, ".") && first != "odslab":
		class = 0
	case first == "odslab":
		class = 1
	}
	return class*1000 + strings.Count(p, "/")*100 + len(path.Base(p))
}

// closure lists all packages that a program with these imports links.
func (p *packages) closure(from []string) (paths []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	seen := map[string]bool{}
	var walk func(string)
	walk = func(at string) {
		if q := p.exported[at]; q != nil && !seen[at] {
			seen[at] = true
			paths = append(paths, at)
			for _, i := range q.Imports {
				walk(i)
			}
		}
	}
	for _, f := range from {
		walk(f)
	}
	slices.Sort(paths)
	return paths
}

// lookup is what a package exports under a name, or nil.
func (p *packages) lookup(importPath, name string) types.Object {
	q, err := p.Import(importPath)
	if err != nil {
		return nil
	}
	return q.Scope().Lookup(name)
}

// globals lists the exported variables of a package that hold pointers, in
// interfaces too.
func (p *packages) globals(importPath string) []global {
	p.mu.Lock()
	list, ok := p.vars[importPath]
	p.mu.Unlock()
	if ok {
		return list
	}
	if q, err := p.Import(importPath); err == nil {
		for _, name := range q.Scope().Names() {
			if v, ok := q.Scope().Lookup(name).(*types.Var); ok && v.Exported() {
				switch v.Type().Underlying().(type) {
				case *types.Pointer:
					list = append(list, global{name, true})
				case *types.Interface:
					list = append(list, global{name, false})
				}
			}
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.vars == nil {
		p.vars = map[string][]global{}
	}
	p.vars[importPath] = list
	return list
}

// reaches: does a program with these imports contain the package?
func (p *packages) reaches(from []string, to string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	seen := map[string]bool{}
	var walk func(string) bool
	walk = func(at string) bool {
		if at == to {
			return true
		}
		if seen[at] || p.exported[at] == nil {
			return false
		}
		seen[at] = true
		return slices.ContainsFunc(p.exported[at].Imports, walk)
	}
	return slices.ContainsFunc(from, walk)
}
