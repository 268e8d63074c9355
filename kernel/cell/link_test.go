package cell

import (
	"os"
	"testing"
	"time"

	"odslab/kernel/toolchain"
)

// A program whose packages are known can be linked without the go command; one
// that needs more can not.
func TestLinkOfPrograms(t *testing.T) {
	t.Parallel()
	s := newSession(t)
	p, err := s.Compile(1, "fmt.Println(plotting.Bar{})")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(p.Link.Config); err != nil || p.Link.Tools == "" || time.Since(p.Link.Since) > 5*time.Minute {
		t.Errorf("%+v, %v", p.Link, err)
	}
	if l := s.pkgs.link([]byte("package main\nimport _ \"no/such/package\"\n"), t.TempDir()); l != (toolchain.Link{}) {
		t.Errorf("an unknown package: %+v", l)
	}
}
