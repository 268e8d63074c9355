package cell

import (
	"strings"
	"testing"
)

// FuzzSplit: whatever is typed, the splitter neither crashes nor loses text,
// and its places are inside the cell.
func FuzzSplit(f *testing.F) {
	for _, s := range []string{
		"x := 1\nx", "%who\n!ls \\\n -l\nx", "`raw\n%x`", "if a { } else { }", "for i := 0; i < 3; i++ { }; y", "/* */ // x",
		"func f[T any](a T) { }\n\ntype ( A int; B = A )", "a[", "}{", "L: goto L", "\"unfinished", "'", "%%writefile x\nfoo", "é := 'ü'\r\né", "x;;y;", "!", "%",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, src string) {
		s := splitCell(src)
		lines := strings.Split(src, "\n")
		for _, c := range s.chunks {
			if c.text == "" || c.line < 1 || c.line > len(lines) || c.col < 1 {
				t.Fatalf("chunk %+v of %q", c, src)
			}
			if !strings.Contains(strings.ReplaceAll(src, "\r\n", "\n"), c.text) {
				t.Fatalf("chunk %q is not in %q", c.text, src)
			}
			parsePiece(c, 1)
		}
		for _, m := range s.magics {
			if m.Text == "" || m.Line < 1 || m.Line > len(lines) {
				t.Fatalf("magic %+v of %q", m, src)
			}
		}
		IsComplete(src)
	})
}

// FuzzCompile: any cell gets a program or an error with a place in the cell.
func FuzzCompile(f *testing.F) {
	for _, s := range []string{
		"x := 1\nx", "type T struct{}; func (t T) M() {}; T{}.M()", "f := func() { x }", "var a, b = 1, \"c\"\nfunc g() { a++ }",
		"for i, v := range m { _ = i }", "x, err := f()", "switch x := any(1).(type) { }", "select { case v := <-c: }", "import . \"fmt\"; Println(1)",
		"const ( A = iota; B ); A + B", "k2 := 5; func h2() int { return k2 }; h2()", "go func() { os.Exit(1) }()", "draw(1); train(2); ctx; seed",
	} {
		f.Add(s)
	}
	s := newSession(f)
	s.pkgs = newPackages(s.pkgs.opt)
	if err := s.pkgs.warm(); err != nil {
		f.Fatal(err)
	}
	s.pkgs.index.Do(func() {}) // only the packages at hand: a fuzzer must not start go list
	s.pkgs.opt.Go = "/nonexistent"
	f.Fuzz(func(t *testing.T, src string) {
		if strings.Contains(src, "import") && !strings.Contains(src, "\"fmt\"") {
			return
		}
		p, err := s.Compile(1, src)
		if err == nil {
			if !p.Empty && len(p.Source) == 0 {
				t.Fatalf("no program for %q", src)
			}
			return
		}
		e, ok := err.(*Error)
		if !ok {
			t.Fatalf("%q: %v", src, err)
		}
		if e.Line < 1 || e.Line > strings.Count(src, "\n")+1 || e.Col < 1 || e.Msg == "" {
			t.Fatalf("%q: error at %d:%d: %s", src, e.Line, e.Col, e.Msg)
		}
		if strings.Contains(e.Msg, ours) || strings.Contains(e.Msg, "kernel:") {
			t.Fatalf("%q: generated names in %q", src, e.Msg)
		}
	})
}
