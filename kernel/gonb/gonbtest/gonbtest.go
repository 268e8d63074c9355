// Package gonbtest lets tests run a real GoNB without a set-up: it builds the
// pinned tools from the module, makes a module of cells, and uses the test
// binary itself as the seam.
//
//	func TestMain(m *testing.M) { gonbtest.Main(m) }
//	func TestX(t *testing.T)    { cfg := gonbtest.Config(t) }
package gonbtest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"odslab/kernel/gonb"
	"odslab/kernel/toolchain"
	"odslab/odslib/engine/environment"
)

// Main runs the tests, or answers GoNB when the binary runs under the name go.
func Main(m *testing.M) {
	if filepath.Base(os.Args[0]) == "go" {
		os.Exit(gonb.Seam(os.Args[1:]))
	}
	code := m.Run()
	if made.layout.Root != "" {
		os.RemoveAll(made.layout.Root)
	}
	os.Exit(code)
}

var made struct {
	once   sync.Once
	layout toolchain.Layout
	err    error
}

// Layout is a set-up of the parts that a child needs, made once for all tests
// of a package. Env points other processes to it.
func Layout(t testing.TB) toolchain.Layout {
	t.Helper()
	made.once.Do(func() { made.err = build() })
	if made.err != nil {
		t.Fatal(made.err)
	}
	return made.layout
}

// Env makes a process take this layout for the user's own.
func Env(l toolchain.Layout) []string {
	return []string{environment.Cache + "=" + l.Root, "ODSLAB_MODULE=" + l.Clone}
}

// Config is what a child of that layout needs.
func Config(t testing.TB) gonb.Config {
	t.Helper()
	l := Layout(t)
	goCmd, err := toolchain.RealGo()
	if err != nil {
		t.Fatal(err)
	}
	return gonb.Config{
		Gonb: l.Tool("gonb"), Goimports: l.Tool("goimports"), Seam: l.Seam(), Go: goCmd, Module: l.CellModule(),
	}
}

func build() error {
	goCmd, err := toolchain.RealGo()
	if err != nil {
		return err
	}
	clone, err := toolchain.ModuleRoot()
	if err != nil {
		return err
	}
	root, err := os.MkdirTemp("", "gonbtest-")
	if err != nil {
		return err
	}
	l := toolchain.Layout{Root: root, Clone: clone}
	made.layout = l
	for _, dir := range []string{l.Bin(), l.Seam(), l.CellModule()} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	for name, pkg := range map[string]string{"gonb": "github.com/janpfeifer/gonb", "goimports": "golang.org/x/tools/cmd/goimports"} {
		cmd := exec.Command(goCmd, "build", "-o", l.Tool(name), pkg)
		cmd.Dir = clone
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("build %s: %w: %s", name, err, out)
		}
	}
	exe, err := os.Executable()
	if err != nil {
		return err
	}
	if err := os.Symlink(exe, filepath.Join(l.Seam(), "go")); err != nil {
		return err
	}
	mod, err := os.ReadFile(filepath.Join(clone, "go.mod"))
	if err != nil {
		return err
	}
	text := regexp.MustCompile(`(?s)\ntool \(.*?\n\)`).ReplaceAllString(string(mod), "")
	text = strings.Replace(text, "module odslab", "module cells", 1) +
		"\nrequire odslab v0.0.0\n\nreplace odslab => " + clone + "\n"
	if err := os.WriteFile(filepath.Join(l.CellModule(), "go.mod"), []byte(text), 0o644); err != nil {
		return err
	}
	sum, err := os.ReadFile(filepath.Join(clone, "go.sum"))
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(l.CellModule(), "go.sum"), sum, 0o644)
}
