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
)

// Main runs the tests, or answers GoNB when the binary runs under the name go.
func Main(m *testing.M) {
	if filepath.Base(os.Args[0]) == "go" {
		os.Exit(gonb.Seam(os.Args[1:]))
	}
	code := m.Run()
	if made.dir != "" {
		os.RemoveAll(made.dir)
	}
	os.Exit(code)
}

var made struct {
	once   sync.Once
	dir    string
	config gonb.Config
	err    error
}

// Config builds what a child needs, once for all tests of a package.
func Config(t testing.TB) gonb.Config {
	t.Helper()
	made.once.Do(func() { made.config, made.err = build() })
	if made.err != nil {
		t.Fatal(made.err)
	}
	return made.config
}

func build() (cfg gonb.Config, err error) {
	goCmd, err := toolchain.RealGo()
	if err != nil {
		return cfg, err
	}
	root, err := toolchain.ModuleRoot()
	if err != nil {
		return cfg, err
	}
	dir, err := os.MkdirTemp("", "gonbtest-")
	if err != nil {
		return cfg, err
	}
	made.dir = dir
	for _, sub := range []string{"seam", "module"} {
		if err := os.Mkdir(filepath.Join(dir, sub), 0o755); err != nil {
			return cfg, err
		}
	}
	for name, pkg := range map[string]string{"gonb": "github.com/janpfeifer/gonb", "goimports": "golang.org/x/tools/cmd/goimports"} {
		cmd := exec.Command(goCmd, "build", "-o", filepath.Join(dir, "bin", name), pkg)
		cmd.Dir = root
		if out, err := cmd.CombinedOutput(); err != nil {
			return cfg, fmt.Errorf("build %s: %w: %s", name, err, out)
		}
	}
	exe, err := os.Executable()
	if err != nil {
		return cfg, err
	}
	if err := os.Symlink(exe, filepath.Join(dir, "seam", "go")); err != nil {
		return cfg, err
	}
	mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		return cfg, err
	}
	text := regexp.MustCompile(`(?s)\ntool \(.*?\n\)`).ReplaceAllString(string(mod), "")
	text = strings.Replace(text, "module odslab", "module cells", 1) +
		"\nrequire odslab v0.0.0\n\nreplace odslab => " + root + "\n"
	if err := os.WriteFile(filepath.Join(dir, "module", "go.mod"), []byte(text), 0o644); err != nil {
		return cfg, err
	}
	sum, err := os.ReadFile(filepath.Join(root, "go.sum"))
	if err != nil {
		return cfg, err
	}
	return gonb.Config{
		Gonb: filepath.Join(dir, "bin", "gonb"), Path: []string{filepath.Join(dir, "bin")},
		Seam: filepath.Join(dir, "seam"), Go: goCmd, Module: filepath.Join(dir, "module"),
	}, os.WriteFile(filepath.Join(dir, "module", "go.sum"), sum, 0o644)
}
