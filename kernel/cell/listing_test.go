package cell

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// clone is a small module in the place of the library, a module of cells beside
// it, and a go command that notes what it is asked for.
type clone struct {
	t   *testing.T
	dir string
	opt Options
}

func newClone(t *testing.T) *clone {
	t.Helper()
	real, err := exec.LookPath("go")
	if err != nil {
		t.Fatal(err)
	}
	c := &clone{t: t, dir: t.TempDir()}
	c.write("lib/go.mod", "module odslab\n\ngo 1.26\n")
	c.write("lib/kernel/runtime/live/live.go", "package live\n\nfunc Show(any) {}\n")
	c.write("lib/odslib/toy/toy.go", "package toy\n\nconst Old = 1\n")
	c.write("lib/odslib/toy/toy_tagged.go", "//go:build tagged\n\npackage toy\n\nconst Tagged = 1\n")
	c.write("cells/go.mod", "module cells\n\ngo 1.26\n\nrequire odslab v0.0.0\n\nreplace odslab => "+filepath.Join(c.dir, "lib")+"\n")
	c.write("cells/go.sum", "")
	c.write("go", "#!/bin/sh\necho \"$1\" >> '"+filepath.Join(c.dir, "asked")+"'\nexec '"+real+"' \"$@\"\n")
	os.Chmod(filepath.Join(c.dir, "go"), 0o755)
	c.opt = Options{ModuleDir: filepath.Join(c.dir, "cells"), Go: filepath.Join(c.dir, "go"), Env: append(os.Environ(), "GOFLAGS=-mod=mod")}
	return c
}

// write makes a file that is a minute old.
func (c *clone) write(name, text string) {
	c.t.Helper()
	path := filepath.Join(c.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		c.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		c.t.Fatal(err)
	}
	c.age(name, time.Minute)
}

func (c *clone) age(name string, by time.Duration) {
	c.t.Helper()
	then := time.Now().Add(-by)
	if err := os.Chtimes(filepath.Join(c.dir, name), then, then); err != nil {
		c.t.Fatal(err)
	}
}

// start is what a kernel does at its start; lists says how often go list ran.
func (c *clone) start() (p *packages, lists int) {
	c.t.Helper()
	os.Remove(filepath.Join(c.dir, "asked"))
	p = newPackages(c.opt)
	p.ahead()
	asked, err := os.ReadFile(filepath.Join(c.dir, "asked"))
	if err != nil {
		c.t.Fatal(err)
	}
	return p, strings.Count(string(asked), "list\n")
}

// has says whether the library's package has the name, as cells would see it.
func (c *clone) has(p *packages, importPath, name string) bool {
	c.t.Helper()
	pkg, err := p.Import(importPath)
	if err != nil {
		c.t.Fatal(err)
	}
	return pkg.Scope().Lookup(name) != nil
}

// TestListingIsKept: the second start runs no go list and knows the same packages.
func TestListingIsKept(t *testing.T) {
	t.Parallel()
	c := newClone(t)
	first, lists := c.start()
	if lists == 0 {
		t.Fatal("the first start listed nothing")
	}
	second, lists := c.start()
	if lists != 0 {
		t.Errorf("the second start ran go list %d times", lists)
	}
	for path, q := range first.exported {
		if q.Error != nil { // GoMLX is not to be had in this module
			continue
		}
		if r := second.exported[path]; r == nil || r.Export != q.Export || r.Name != q.Name || len(r.Imports) != len(q.Imports) {
			t.Errorf("%s: %+v, then %+v", path, q, r)
		}
	}
	for _, name := range []string{"toy", "httptest", "maps"} {
		a, _ := first.byName(name)
		if b, ok := second.byName(name); !ok || a != b {
			t.Errorf("%s means %q, then %q", name, a, b)
		}
	}
	if !c.has(second, "odslab/odslib/toy", "Old") || !c.has(second, "fmt", "Println") {
		t.Error("packages of the kept listing are empty")
	}
	if err := second.need("container/ring"); err != nil { // not in the listing
		t.Error(err)
	}
}

// TestListingIsMadeAnew: whatever a listing depends on, a change of it is seen by the next start.
func TestListingIsMadeAnew(t *testing.T) {
	t.Parallel()
	const toy = "odslab/odslib/toy"
	file := func(c *clone) string { return filepath.Join(c.opt.ModuleDir, listingFile) }
	for name, change := range map[string]struct {
		do   func(c *clone)
		seen func(c *clone, p *packages) bool
	}{
		"a source of the library": {
			func(c *clone) { c.write("lib/odslib/toy/toy.go", "package toy\n\nconst New = 1\n") },
			func(c *clone, p *packages) bool { return c.has(p, toy, "New") && !c.has(p, toy, "Old") },
		},
		"a source set back in time": { // as git and cp -p can
			func(c *clone) {
				c.write("lib/odslib/toy/toy.go", "package toy\n\nconst New = 1\n")
				c.age("lib/odslib/toy/toy.go", 24*time.Hour)
			},
			func(c *clone, p *packages) bool { return c.has(p, toy, "New") },
		},
		"a new file": {
			func(c *clone) { c.write("lib/odslib/toy/more.go", "package toy\n\nconst New = 1\n") },
			func(c *clone, p *packages) bool { return c.has(p, toy, "New") },
		},
		"a file that is gone": {
			func(c *clone) {
				c.write("lib/odslib/toy/more.go", "package toy\n\nconst New = 1\n")
				c.start()
				os.Remove(filepath.Join(c.dir, "lib/odslib/toy/more.go"))
			},
			func(c *clone, p *packages) bool { return !c.has(p, toy, "New") },
		},
		"a new package": {
			func(c *clone) { c.write("lib/odslib/fresh/fresh.go", "package fresh\n\nconst New = 1\n") },
			func(c *clone, p *packages) bool {
				path, _ := p.byName("fresh")
				return path == "odslab/odslib/fresh" && c.has(p, path, "New")
			},
		},
		"the go command's flags": {
			func(c *clone) { c.opt.Env = append(c.opt.Env, "GOFLAGS=-mod=mod -tags=tagged") },
			func(c *clone, p *packages) bool { return c.has(p, toy, "Tagged") },
		},
		"go.mod": {
			func(c *clone) {
				c.write("other/go.mod", "module odslab\n\ngo 1.26\n")
				c.write("other/kernel/runtime/live/live.go", "package live\n")
				c.write("other/odslib/toy/toy.go", "package toy\n\nconst New = 1\n")
				c.write("cells/go.mod", "module cells\n\ngo 1.26\n\nrequire odslab v0.0.0\n\nreplace odslab => "+filepath.Join(c.dir, "other")+"\n")
			},
			func(c *clone, p *packages) bool { return c.has(p, toy, "New") },
		},
		"a listing cut short": {
			func(c *clone) {
				info, err := os.Stat(file(c))
				if err != nil {
					c.t.Fatal(err)
				}
				os.Truncate(file(c), info.Size()/2)
			},
			func(c *clone, p *packages) bool { return c.has(p, toy, "Old") },
		},
		"export data that the build cache has dropped": {
			func(c *clone) {
				p, _ := c.start()
				if err := os.Remove(p.get(toy).Export); err != nil {
					c.t.Fatal(err)
				}
			},
			func(c *clone, p *packages) bool { return c.has(p, toy, "Old") },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newClone(t)
			c.start()
			if _, err := os.Stat(file(c)); err != nil {
				t.Fatal(err)
			}
			change.do(c)
			p, lists := c.start()
			if lists == 0 {
				t.Error("the next start has listed nothing")
			}
			if !change.seen(c, p) {
				t.Error("the next start has not seen the change")
			}
			if _, lists = c.start(); lists != 0 {
				t.Errorf("the start after that ran go list %d times", lists)
			}
		})
	}
}

// TestListingOfFreshSources: sources as young as the listing may change once more unseen, so it is not kept; nor is the
// listing of a library that does not compile taken for one of a library that does.
func TestListingOfFreshSources(t *testing.T) {
	t.Parallel()
	c := newClone(t)
	c.age("lib/odslib/toy/toy.go", 0)
	c.start()
	if _, lists := c.start(); lists == 0 {
		t.Error("a listing of sources that were just written is kept")
	}
	c.write("lib/odslib/toy/toy.go", "package toy\n\nconst Old = undefined\n")
	c.start()
	p, _ := c.start()
	if err := p.need("odslab/odslib/toy"); err == nil || !strings.Contains(err.Error(), "undefined") {
		t.Errorf("a package that does not compile: %v", err)
	}
	c.write("lib/odslib/toy/toy.go", "package toy\n\nconst Mended = 1\n")
	if err := p.need("odslab/odslib/toy"); err != nil || !c.has(p, "odslab/odslib/toy", "Mended") {
		t.Errorf("a mended package: %v", err)
	}
}

// TestTrimmedWhileRunning: export data that goes while a kernel runs is made again for the cell that misses it.
func TestTrimmedWhileRunning(t *testing.T) {
	t.Parallel()
	c := newClone(t)
	c.start()
	p, _ := c.start()
	if err := os.Remove(p.get("odslab/odslib/toy").Export); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Import("odslab/odslib/toy"); err == nil {
		t.Fatal("imported without export data")
	}
	if !p.refresh() || !c.has(p, "odslab/odslib/toy", "Old") {
		t.Error("not made again")
	}
}
