package gonb

import (
	"strings"
	"testing"
)

func TestCrashFilter(t *testing.T) {
	for _, test := range []struct{ pieces, shown, kept string }{
		{"a\nb\n", "a\nb\n", ""},
		{"a\n|panic: x\n|goroutine 1", "a\n", "panic: x\ngoroutine 1"},
		{"a\npanic: x\nrest", "a\n", "panic: x\nrest"},
		{"no |panic: in a line\n", "no panic: in a line\n", ""},
		{"fatal error: all goroutines are asleep\n", "", "fatal error: all goroutines are asleep\n"},
	} {
		var c crash
		shown := ""
		for p := range strings.SplitSeq(test.pieces, "|") {
			shown += c.filter(p)
		}
		if shown != test.shown || c.text() != test.kept {
			t.Errorf("%q: shown %q, kept %q", test.pieces, shown, c.text())
		}
	}
	var c crash
	c.filter("panic: long\n")
	for range 100 {
		c.filter(strings.Repeat("x", 10_000))
	}
	if n := len(c.text()); n != maxCrash {
		t.Errorf("%d bytes kept", n)
	}
}

func TestKindOf(t *testing.T) {
	for line, want := range map[string]Kind{
		"!ls": Line, "  !ls": Line, "%env A=b": Line, "% env A=b": Line, "%%": ForCell, "%args x": ForCell,
		"%%writefile f": WholeCell, "%%bash": WholeCell, "%test": WholeCell, "%nosuch": Unknown, "%%nosuch": Unknown, "%%env": Unknown,
	} {
		if got := KindOf(line); got != want {
			t.Errorf("%q: kind %d, want %d", line, got, want)
		}
	}
}
