package cell

import (
	"bytes"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"odslab/kernel/runtime/contract"
	"odslab/kernel/toolchain"
)

// started is before the packages are listed, which sessions do once for all.
var started = time.Now()

// A program whose packages are known can be linked without the go command; one
// that needs more can not.
func TestLinkOfPrograms(t *testing.T) {
	t.Parallel()
	s := newSession(t)
	p, err := s.Compile(1, "fmt.Println(plotting.Bar{})")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(p.Link.Config); err != nil || p.Link.Tools == "" || p.Link.Since.Before(started) {
		t.Errorf("%+v, %v", p.Link, err)
	}
	if l := s.pkgs.link([]byte("package main\nimport _ \"no/such/package\"\n"), t.TempDir()); l != (toolchain.Link{}) {
		t.Errorf("an unknown package: %+v", l)
	}
}

// The same cells make the same programs in the next kernel, so that binaries can
// be used again.
func TestSameInTheNextKernel(t *testing.T) {
	t.Parallel()
	one, two := newNotebook(t), newNotebook(t)
	for _, b := range []*notebook{one, two} {
		b.want("type p struct{ X float64 }\nz, a, b := 1, 2, p{3}", "")
	}
	const src = "c := []any{b, z}\nfunc f() float64 { return b.X }\na += int(f())\na"
	p, err := one.s.Compile(2, src)
	q, err2 := two.s.Compile(2, src)
	if err != nil || err2 != nil {
		t.Fatal(err, err2)
	}
	if !bytes.Equal(p.Source, q.Source) {
		t.Errorf("%s\n\nbecame\n\n%s", p.Source, q.Source)
	}
}

// What every cell of a kind links stays small: the linker reads all of it for each cell.
func TestCellsLinkLittle(t *testing.T) {
	t.Parallel()
	for path, not := range map[string][]string{
		contract.LivePath:   {"net", "regexp", "encoding/gob", "text/template", "go/types", "github.com/gomlx/compute"},
		contract.DevicePath: {"net", "debug/elf", "text/template", "go/types", "github.com/gomlx/compute/gobackend"},
	} {
		out, err := exec.Command("go", "list", "-tags=noxla,resident", "-deps", path).Output()
		if err != nil {
			t.Fatal(err)
		}
		deps := strings.Fields(string(out))
		for _, p := range not {
			if slices.Contains(deps, p) {
				t.Errorf("%s links %s", path, p)
			}
		}
		if !slices.Contains(deps, contract.LivePath) {
			t.Errorf("%s: %q", path, deps)
		}
	}
}
