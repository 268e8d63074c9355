package toolchain

import (
	"fmt"
	"strings"
	"testing"
)

func TestTags(t *testing.T) {
	for _, c := range []struct{ flags, env, want string }{
		{"[-ldflags=-s -tags=a]", "", "[-ldflags=-s -tags=a]"},
		{"[-tags=a -race -tags b]", "GOFLAGS=-mod=mod -tags=c,d", "[-race -tags=a,b,c,d]"},
		{"[-v]", "GOFLAGS=--tags=c", "[-v -tags=c]"},
		{"[-v]", "GOFLAGS=", "[-v]"},
		{"[-v]", "GOTAGS=-tags=c", "[-v]"},
	} {
		flags := strings.Fields(strings.Trim(c.flags, "[]"))
		if got := fmt.Sprint(WithTags(flags, []string{c.env})); got != c.want {
			t.Errorf("%s, %s: %s, want %s", c.flags, c.env, got, c.want)
		}
	}
}
