//go:build cgo && !noxla

package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/go-xla/compute/xla"
	"github.com/gomlx/go-xla/pjrt"

	"odslab/kernel/resident/server"
	"odslab/odslib/engine"
)

// fourDevices is XLA on four virtual devices, which tests of distributed programs need.
func fourDevices(t *testing.T) compute.Backend {
	t.Helper()
	realBackend(t) // sets XLA's flags
	be, err := xla.NewWithOptions(engine.Plugin("xla-cpu"), pjrt.NamedValuesMap{"cpu_device_count": int64(4)})
	if err != nil {
		t.Fatal(err)
	}
	return be
}

// GoMLX's own tests of graphs, gradients, loops, random numbers and distributed programs, built with the client in place
// of XLA.
func TestGraphSuite(t *testing.T) {
	_, s, socket := serve(t, fourDevices(t), server.Options{})
	module := suiteModule(t)
	cmd := exec.CommandContext(t.Context(), "go", "test", "-mod=mod", "-tags=noxla", "-count=1", "-timeout=5m", "-v", gomlx+"/core/graph")
	cmd.Dir = module
	cmd.Env = append(os.Environ(), "GOFLAGS=", compute.ConfigEnvVar+"=resident:"+socket)
	out, err := cmd.CombinedOutput()
	passed, failed := 0, 0
	for line := range strings.Lines(string(out)) {
		switch line = strings.TrimSpace(line); {
		case strings.HasPrefix(line, "--- PASS"):
			passed++
		case strings.HasPrefix(line, "--- FAIL"):
			failed++
			t.Log(line)
		}
	}
	t.Logf("%d passed, %d failed, %+v", passed, failed, s.Stats())
	if err != nil {
		t.Errorf("%v\n%s", err, tail(out, 3000))
	}
	if passed < 500 || s.Stats().Executed < 500 {
		t.Errorf("%d tests passed, %d programs ran: the suite did not go through the socket", passed, s.Stats().Executed)
	}
}

const gomlx = "github.com/gomlx/gomlx"

// suiteModule makes a module in which GoMLX's own tests link the client: a copy of GoMLX whose test program imports it
// in place of XLA, which it would install.
func suiteModule(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	command := func(args ...string) string {
		out, err := exec.Command(args[0], args[1:]...).Output()
		if err != nil {
			t.Fatalf("%v: %v", args, err)
		}
		return strings.TrimSpace(string(out))
	}
	clone := filepath.Dir(command("go", "env", "GOMOD"))
	copied := filepath.Join(dir, "gomlx")
	if err := os.CopyFS(copied, os.DirFS(command("go", "list", "-m", "-f", "{{.Dir}}", gomlx))); err != nil {
		t.Fatal(err)
	}
	const install, xlaImport = "xla.AutoInstall()", `"github.com/gomlx/go-xla/compute/xla"`
	var err error
	for file, instead := range map[string]string{
		"core/graph/graph_test.go":     `_ "odslab/kernel/runtime/resident"`,
		"support/testutil/testutil.go": "",
	} {
		file = filepath.Join(copied, file)
		source, e := os.ReadFile(file)
		edited := strings.NewReplacer(xlaImport, instead, install, "error(nil)").Replace(string(source))
		err = errors.Join(err, e, os.Remove(file), os.WriteFile(file, []byte(edited), 0o600))
	}
	for _, file := range []string{"go.mod", "go.sum"} {
		b, e := os.ReadFile(filepath.Join(clone, file))
		err = errors.Join(err, e, os.WriteFile(filepath.Join(dir, file), b, 0o600))
	}
	if err != nil {
		t.Fatal(err)
	}
	command("go", "mod", "edit", "-module=suite", "-require=odslab@v0.0.0", "-replace=odslab="+clone, "-replace="+gomlx+"="+copied, filepath.Join(dir, "go.mod"))
	return dir
}

func tail(b []byte, n int) []byte { return b[max(0, len(b)-n):] }
