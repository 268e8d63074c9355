package gonb_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"odslab/kernel/gonb"
	"odslab/kernel/gonb/gonbtest"
	"odslab/kernel/runtime/contract"
	"odslab/kernel/toolchain"
)

// linkOf is what a program of these packages can be linked from.
func linkOf(t *testing.T, cfg gonb.Config, packages ...string) toolchain.Link {
	t.Helper()
	goCommand := func(args ...string) string {
		cmd := exec.Command(cfg.Go, args...)
		cmd.Dir = cfg.Module
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("go %s: %v", args[0], err)
		}
		return string(out)
	}
	args := append([]string{"list"}, toolchain.PackageFlags(cfg.Resident)...)
	args = append(args, "-mod=mod", "-export", "-deps", "-f", "{{if .Export}}packagefile {{.ImportPath}}={{.Export}}{{end}}")
	config := filepath.Join(t.TempDir(), "importcfg")
	if err := os.WriteFile(config, []byte(goCommand(append(args, packages...)...)), 0o600); err != nil {
		t.Fatal(err)
	}
	return toolchain.Link{
		Tools: strings.TrimSpace(goCommand("env", "GOTOOLDIR")), Config: config, Key: "go",
		Since: time.Now().Add(time.Hour), // sources that were checked out just now are as good as old ones
	}
}

// The next child finds a binary that this one has linked, and no other's: the
// linker that would have to make it anew is not there.
func TestBinariesStay(t *testing.T) {
	cfg := gonbtest.Config(t)
	cfg.Cache = filepath.Join(t.TempDir(), "cells")
	cell := program("fmt os", `fmt.Println("hello"); os.Exit(3)`)
	link := linkOf(t, cfg, "fmt", "os", contract.BootPath)
	noLinker, otherGo := link, link
	noLinker.Tools = t.TempDir()
	otherGo.Key = "another go"
	for _, c := range []struct {
		name  string
		link  toolchain.Link
		kept  int
		fresh bool // it had to be built
	}{
		{"first", link, 1, true},
		{"again", noLinker, 1, false},
		{"another Go", otherGo, 2, true},
		{"no linker", toolchain.Link{Tools: noLinker.Tools, Config: link.Config, Key: "a third", Since: link.Since}, 2, true},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Second)
		child, err := gonb.Start(ctx, cfg)
		if err != nil {
			t.Fatal(err)
		}
		cell.Link = c.link
		out, s := mustRun(t, child, ctx, cell)
		if s.stdout != "hello\n" || out.Failed != "exit status 3" {
			t.Errorf("%s: %+v %+v", c.name, out, s)
		}
		bin, _ := filepath.Glob(filepath.Join(child.Binaries(), "*"))
		if len(bin) != 1 {
			t.Fatalf("%s: binaries %v", c.name, bin)
		}
		ran, err := os.Stat(bin[0])
		if err != nil {
			t.Fatal(err)
		}
		child.Close()
		cancel()
		kept, _ := filepath.Glob(filepath.Join(cfg.Cache, "*"))
		if len(kept) != c.kept {
			t.Errorf("%s: %d binaries stay, want %d", c.name, len(kept), c.kept)
		}
		shared := false
		for _, file := range kept {
			info, err := os.Stat(file)
			shared = shared || err == nil && os.SameFile(info, ran)
		}
		if shared == c.fresh {
			t.Errorf("%s: taken from the disk cache: %v", c.name, shared)
		}
	}
}

// Whether binaries are linked or come from the shelf, a child keeps only the
// last of them, and the shelf all.
func TestBinariesArePruned(t *testing.T) {
	cfg := gonbtest.Config(t)
	cfg.Cache = filepath.Join(t.TempDir(), "cells")
	link := linkOf(t, cfg, "fmt", contract.BootPath)
	const cells = gonb.Kept + 4
	for round := range 2 { // in the second no linker is there
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Second)
		child, err := gonb.Start(ctx, cfg)
		if err != nil {
			t.Fatal(err)
		}
		for i := range cells {
			cell := program("fmt", fmt.Sprintf("fmt.Println(%d)", i))
			cell.Link = link
			if out, s := mustRun(t, child, ctx, cell); !out.OK() || s.stdout != fmt.Sprintln(i) {
				t.Fatalf("round %d: %+v %+v", round, out, s)
			}
			if bin, _ := filepath.Glob(filepath.Join(child.Binaries(), "*")); len(bin) != min(i+1, gonb.Kept) {
				t.Fatalf("round %d: %d binaries after %d cells", round, len(bin), i+1)
			}
		}
		child.Close()
		cancel()
		if kept, _ := filepath.Glob(filepath.Join(cfg.Cache, "*")); len(kept) != cells {
			t.Errorf("round %d: %d of %d on the shelf", round, len(kept), cells)
		}
		link.Tools = t.TempDir()
	}
}
