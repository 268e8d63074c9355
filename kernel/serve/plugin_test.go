package serve

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"odslab/kernel/toolchain"
	"odslab/odslib/engine/environment"
)

// A plugin that is not the one that set-up has checked is never loaded: the
// first cell that computes says so, and what it runs on instead, once.
func TestExchangedPlugin(t *testing.T) {
	toolchain.NeedXLA(t)
	l, err := toolchain.Default()
	if err != nil {
		t.Fatal(err)
	}
	good, err := os.ReadFile(l.Plugin())
	if err != nil {
		t.Fatal(err)
	}
	mine := filepath.Join(t.TempDir(), "plugin_cpu.so")
	if err := os.WriteFile(mine, good, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv(environment.Plugin, mine)
	t.Setenv(environment.Engine, "")
	if err := toolchain.SetUp(t.Context(), l, toolchain.Options{Out: os.Stderr}); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(mine)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, says string
		spoil      func() error
	}{
		{"as it was", "", func() error { return nil }},
		{"one byte, same size and time", "not the one that set-up has checked", func() error {
			other := append([]byte(nil), good...)
			other[len(other)/2] ^= 1
			if err := os.WriteFile(mine, other, 0o755); err != nil {
				return err
			}
			return os.Chtimes(mine, info.ModTime(), info.ModTime())
		}},
		{"truncated", "has changed since it was checked", func() error { return os.Truncate(mine, info.Size()/2) }},
		{"junk", "has changed since it was checked", func() error { return os.WriteFile(mine, []byte("junk"), 0o755) }},
	} {
		if err := c.spoil(); err != nil {
			t.Fatal(err)
		}
		f, _ := launched(t, 4*time.Minute)
		if s := f.run("1+1"); strings.Contains(s.stderr, "pure Go") {
			t.Errorf("%s: a cell that does not compute says %q", c.name, s.stderr)
		}
		s := f.run(doubled + "([]float32{1, 2, 3}).Value()")
		if got := s.last("execute_result"); got == nil || !strings.Contains(fmt.Sprint(got), "6") {
			t.Errorf("%s: %v", c.name, s)
		}
		if c.says == "" && strings.Contains(s.stderr, "pure Go") || !strings.Contains(s.stderr, c.says) || c.says != "" && !strings.Contains(s.stderr, "compute in pure Go") {
			t.Errorf("%s: the cell says %q, want %q", c.name, s.stderr, c.says)
		}
		if s = f.run(doubled + "([]float32{4})"); strings.Contains(s.stderr, "pure Go") {
			t.Errorf("%s: the second one says it again", c.name)
		}
		if want := map[string]string{"as it was": "xla-cpu", "junk": "go"}[c.name]; want != "" {
			if got := f.value("draw(guide.Plain{Steps: 2}, odslib.Given(priors.Gaussian([]float64{0}, 1), nil), 4).Engine"); strings.Trim(got, `"`) != want {
				t.Errorf("%s: a Result says it was made by %s", c.name, got)
			}
		}
		f.Shutdown(f.ctx)
	}
}
