package cell

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// moduleDir makes, once, a module that cells are built in: requirements and
// sums of this one, and this one by replace.
var moduleDir = sync.OnceValues(func() (string, error) {
	root, err := filepath.Abs("../..")
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp("", "cells")
	if err != nil {
		return "", err
	}
	mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		return "", err
	}
	text := strings.Replace(string(mod), "module odslab", "module cells", 1)
	if i := strings.Index(text, "\ntool ("); i >= 0 {
		text = text[:i] + "\n"
	}
	text += "\nrequire odslab v0.0.0\nreplace odslab => " + root + "\n"
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte(text), 0o644); err != nil {
		return "", err
	}
	sum, err := os.ReadFile(filepath.Join(root, "go.sum"))
	if err != nil {
		return "", err
	}
	return dir, os.WriteFile(filepath.Join(dir, "go.sum"), sum, 0o644)
})

func TestMain(m *testing.M) {
	code := m.Run()
	if dir, err := moduleDir(); err == nil {
		os.RemoveAll(dir)
	}
	os.Exit(code)
}

// notebook runs cells for real: compile, go build, run, commit.
type notebook struct {
	t   *testing.T
	s   *Session
	dir string
	n   int
	env []string
}

// sharedPackages spares each test the same lists.
var sharedPackages = sync.OnceValues(func() (*packages, error) {
	dir, err := moduleDir()
	p := newPackages(testOptions(dir))
	go p.ahead()
	return p, err
})

func testOptions(dir string) Options {
	return Options{ModuleDir: dir, Go: "go", Env: append(os.Environ(), "GOFLAGS=-mod=mod")}
}

func newSession(t testing.TB) *Session {
	t.Helper()
	p, err := sharedPackages()
	if err != nil {
		t.Fatal(err)
	}
	opt := testOptions(p.opt.ModuleDir)
	opt.KeepDir = t.TempDir()
	s := &Session{opt: opt, base: opt, pkgs: p}
	s.reset()
	return s
}

// TestNewSession: the constructor by itself, and that it clears the folder.
func TestNewSession(t *testing.T) {
	t.Parallel()
	dir, err := moduleDir()
	if err != nil {
		t.Fatal(err)
	}
	opt := testOptions(dir)
	if _, err := NewSession(opt); err == nil {
		t.Error("no folder for values is accepted")
	}
	opt.KeepDir = filepath.Join(t.TempDir(), "new")
	os.MkdirAll(opt.KeepDir, 0o755)
	left := filepath.Join(opt.KeepDir, "x.val")
	os.WriteFile(left, nil, 0o600)
	s, err := NewSession(opt)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(left); err == nil {
		t.Error("a value of an earlier session is left")
	}
	if p, err := s.Compile(1, "1 + 1"); err != nil || len(p.Source) == 0 {
		t.Errorf("first cell: %v", err)
	}
	opt.ModuleDir = t.TempDir() // no go.mod
	if s, err = NewSession(opt); err == nil {
		_, err = s.Compile(1, "fmt.Println()")
	}
	if err == nil || strings.Contains(err.Error(), "\n") {
		t.Errorf("a folder without go.mod: %v", err)
	}
}

func newNotebook(t *testing.T) *notebook {
	t.Helper()
	return &notebook{t: t, s: newSession(t), dir: t.TempDir()}
}

// outcome is what a cell did.
type outcome struct {
	out, notes string
	err        *Error
	fail       struct {
		Ename, Evalue string
		Line          int
		Traceback     []string
	}
	status int
	prog   *Program
}

func (b *notebook) run(src string) outcome {
	b.t.Helper()
	b.n++
	p, err := b.s.Compile(b.n, src)
	if err != nil {
		e, ok := err.(*Error)
		if !ok {
			b.t.Fatalf("cell %d: %v", b.n, err)
		}
		return outcome{err: e}
	}
	o := outcome{prog: p, out: p.Text, notes: strings.Join(p.Notes, "\n")}
	if p.Empty {
		return o
	}
	work := filepath.Join(b.dir, "prog")
	os.MkdirAll(work, 0o755)
	main := filepath.Join(work, "main.go")
	if err := os.WriteFile(main, p.Source, 0o644); err != nil {
		b.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	bin := filepath.Join(b.dir, "bin")
	if out, err := b.build(ctx, main, bin); err != nil {
		b.t.Fatalf("cell %d does not build:\n%s\n%s", b.n, out, p.Source)
	}
	errFile := filepath.Join(b.dir, "error.json")
	os.Remove(errFile)
	cmd := exec.CommandContext(ctx, bin)
	cmd.Dir = b.dir
	cmd.Env = append(append(os.Environ(), "ODSLAB_ERROR="+errFile, "ODSLAB_KEEP="+b.s.opt.KeepDir), b.env...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.Run()
	o.status = cmd.ProcessState.ExitCode()
	o.out += out.String()
	if data, err := os.ReadFile(errFile); err == nil {
		if err := json.Unmarshal(data, &o.fail); err != nil {
			b.t.Fatalf("%v: %s", err, data)
		}
	}
	if err := b.s.Commit(p); err != nil {
		b.t.Fatalf("cell %d: %v", b.n, err)
	}
	o.notes = strings.Join(append(p.Notes, p.After...), "\n")
	return o
}

// build compiles and links by hand, in a third of the time of go build, from
// the export data at hand. TestRandomCells and TestInterrupt use go build.
func (b *notebook) build(ctx context.Context, main, bin string) ([]byte, error) {
	var cfg strings.Builder
	b.s.pkgs.mu.Lock()
	for path, q := range b.s.pkgs.exported {
		if q.Export != "" {
			fmt.Fprintf(&cfg, "packagefile %s=%s\n", path, q.Export)
		}
	}
	b.s.pkgs.mu.Unlock()
	config := filepath.Join(b.dir, "importcfg")
	if err := os.WriteFile(config, []byte(cfg.String()), 0o644); err != nil {
		return nil, err
	}
	object := filepath.Join(b.dir, "main.a")
	compile := exec.CommandContext(ctx, "go", "tool", "compile", "-p", "main", "-importcfg", config, "-pack", "-o", object, main)
	if out, err := compile.CombinedOutput(); err != nil {
		return out, err
	}
	return exec.CommandContext(ctx, "go", "tool", "link", "-s", "-importcfg", config, "-o", bin, object).CombinedOutput()
}

// want runs a cell that must succeed and print exactly this.
func (b *notebook) want(src, out string) {
	b.t.Helper()
	o := b.run(src)
	if o.err != nil {
		b.t.Errorf("%s\n%v", src, o.err)
		return
	}
	if got := strings.TrimRight(o.out, "\n"); got != out || o.status != 0 {
		b.t.Errorf("%s\ngot  %q status %d %v\nwant %q", src, got, o.status, o.fail, out)
	}
}

// bad compiles a cell that must be rejected at a place, with a message.
func (b *notebook) bad(src string, line, col int, msg string) {
	b.t.Helper()
	b.n++
	_, err := b.s.Compile(b.n, src)
	e, ok := err.(*Error)
	if !ok {
		b.t.Errorf("%s\ncompiles, want %q (%v)", src, msg, err)
		return
	}
	if e.Line != line || e.Col != col || !strings.Contains(e.Msg, msg) {
		b.t.Errorf("%s\ngot  %v\nwant %d:%d: %s", src, e, line, col, msg)
	}
}

func decodeJSON(t *testing.T, data []byte, to any) {
	t.Helper()
	if err := json.Unmarshal(data, to); err != nil {
		t.Fatalf("%v: %s", err, data)
	}
}
