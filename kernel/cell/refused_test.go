package cell

import (
	"archive/zip"
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// says runs a cell whose notes, output or complaint must hold some words, in one line each.
func (b *notebook) says(src string, words ...string) {
	b.t.Helper()
	o := b.run(src)
	text := o.notes + "\n" + o.out
	if o.err != nil {
		text = o.err.Error()
	}
	for _, w := range words {
		if !strings.Contains(text, w) {
			b.t.Errorf("%s\nsays %q\nwant %q", src, text, w)
		}
	}
}

// TestTypesInTwoCells: a type and its methods change as easily in two cells as in one.
func TestTypesInTwoCells(t *testing.T) {
	t.Parallel()
	b := newNotebook(t)
	b.want("type T struct{ A int }", "")
	b.want("func (t T) Twice() int { return 2 * t.A }\nfunc (t *T) Set(a int) { t.A = a }\nfunc (t T) Four() int { return 2 * t.Twice() }", "")
	b.want("x := T{3}\nx.Four()", "12")
	b.says("func (t T) Twice() string { return fmt.Sprint(2 * t.A) }", "T.Four, of cell 2, no longer fits and is dropped: ")
	b.want("y := T{4}\ny.Twice()", `"8"`)
	b.says("y.Four()", "y.Four undefined")
	b.says("type T struct{ B float64 }", "T.Twice, of cell 4, no longer fits and is dropped: t.A undefined", "T.Set, of cell 2, no longer fits")
	b.says("%stale", "T.Twice", "T.Set")
	b.want("z := T{2.5}\nz.B", "2.5")
	b.want("func (t T) Twice() float64 { return 2 * t.B }\nz.Twice()", "5")
	b.want("type G[E any] struct{ v E }", "")
	b.want("func (g G[E]) Get() E { return g.v }", "")
	b.says("type G[E any] struct{ w []E }", "G.Get, of cell 12, no longer fits and is dropped")
	b.says("%drop T.Twice", "T.Twice is dropped")
	b.says("z.Twice()", "z.Twice undefined")
}

// TestLaterFunctions: a function may call one of a later cell.
func TestLaterFunctions(t *testing.T) {
	t.Parallel()
	b := newNotebook(t)
	b.says("func early(n int) int { return late(n) + 1 }", "early waits for late, which no cell has declared yet")
	b.bad("1\nearly(2)", 1, 1, "is not used")
	b.bad("early(2)", 1, 1, "early, of cell 1, waits for late, which no cell has declared yet")
	b.want("func other() int { return 5 }\nother()", "5")
	b.want("func late(n int) int { return 10 * n }", "")
	b.want("early(2)", "21")
	b.bad("func now() int { return soon() }\nnow()", 2, 1, "now waits for soon")
	b.says("type W struct{}\nfunc (W) Go() int { return further() }\nfunc even(n int) bool { return n == 0 || odd(n-1) }", "W.Go waits for further", "even waits for odd")
	b.want("func odd(n int) bool { return n != 0 && even(n-1) }\neven(10)", "true")
	b.says("func typo() int { return othr() }", "(did you mean other?)")
	b.bad("func v() int { return undefinedVariable }", 1, 23, "undefined: undefinedVariable")
}

// TestLastLines: several values in the last line are shown.
func TestLastLines(t *testing.T) {
	t.Parallel()
	b := newNotebook(t)
	b.want("a, b := 1, \"x\"\na, b", `1, "x"`)
	b.want("a + 1,\nstrings.Repeat(b, 2), len(b)", `2, "xx", 1`)
	b.want("a, b;", "")
	b.want("f := func() int { return 3 }\nf(), a", "3, 1")
	b.bad("a, nosuch", 1, 4, "undefined: nosuch")
	b.bad("a, b\na", 1, 1, "syntax error")
	for src, want := range map[string]string{"a, b": "complete", "a,": "incomplete", "a, b\nc": "invalid", "f(a), g[1]": "complete"} {
		if got, _ := IsComplete(src); got != want {
			t.Errorf("%q is %s, want %s", src, got, want)
		}
	}
}

// TestHints: what was probably meant.
func TestHints(t *testing.T) {
	t.Parallel()
	b := newNotebook(t)
	b.bad("x = 5", 1, 1, "undefined: x (use x := 5)")
	b.bad("_ = 1\ntotal = strings.Repeat(\"a\", 3)", 2, 1, `undefined: total (use total := strings.Repeat("a", 3))`)
	b.want("length, rate := 3, 0.5\ntype cfg struct { Width, Height int }\nc := cfg{1, 2}", "")
	b.bad("lenght + 1", 1, 1, "undefined: lenght (did you mean length?)")
	b.bad("lenght2 := lenghtt", 1, 12, "undefined: lenghtt (did you mean length?)")
	b.bad("func area(width int) int { for hight := range 3 { _ = higth }; return widht }", 1, 55, "undefined: higth (did you mean hight?)")
	b.bad("func area(width int) int { return widht }", 1, 35, "undefined: widht (did you mean width?)")
	b.bad("fmt.Println(Rate)", 1, 13, "undefined: Rate (did you mean rate?)")
	b.bad("strings.ToUppr(\"a\")", 1, 9, "undefined: strings.ToUppr (did you mean strings.ToUpper?)")
	b.bad("math.Sqr(2)", 1, 6, "(did you mean math.Sqrt?)")
	b.bad("guide.DPS{Step: 5}", 1, 11, "unknown field Step in struct literal of type guide.DPS")
	b.bad("cfg{Widht: 1}", 1, 5, "(did you mean Width?)")
	b.bad("cfg{Depth: 1}", 1, 5, "it has Width, Height")
	b.bad("c.Heigth", 1, 3, "(did you mean Height?)")
	b.bad("strngs.ToUpper(\"a\")", 1, 1, "(did you mean strings?)")
	b.bad("stringz.ToUpper(\"a\")", 1, 1, "(did you mean strings?)")
	b.bad("zzz", 1, 1, "undefined: zzz")
	for _, trainer := range []string{"outsource.Sampler{}", "rtb.Sampler{}"} {
		b.bad("draw("+trainer+", odslib.Posterior{}, 10)", 1, 6, "it is a trainer: s := train(")
	}
	// A bracket that is missing is missed in its line.
	b.bad("fmt.Println(\"a\", (1 + 2)\nx := 3\ny := 4", 1, 25, "syntax error: missing ','")
	b.bad("v := []int{1, 2\nfmt.Println(v)", 1, 16, "syntax error")
	b.bad("if f(3 {\n\tfmt.Println()\n}\nx := 1", 1, 8, "syntax error")
}

// TestUnknownImports: what no module at hand has is offered by %get, whatever its path looks like.
func TestUnknownImports(t *testing.T) {
	t.Parallel()
	b := newNotebook(t)
	for _, path := range []string{"example.org/yaml.v3", "example.org/chi/v5", "example.org/go-some-thing", "example.org/1x"} {
		b.bad(fmt.Sprintf("import %q", path), 1, 8, "could not import "+path+" (no module at hand has the package "+path+"; %get")
		b.bad(fmt.Sprintf("import (\n\t\"fmt\"\n\tx %q\n)\nfmt.Println(x.Y)", path), 3, 4, "%get")
	}
	b.bad("import \"nosuch\"", 1, 8, "package nosuch is not in std")
}

// TestMethodOfAnother: a kept interface whose type has lost a method says so by name.
func TestMethodOfAnother(t *testing.T) {
	t.Parallel()
	b := newNotebook(t)
	b.want("type Animal interface{ Sound() string }\ntype Dog struct{ n int }\nfunc (d Dog) Sound() string { return \"woof\" }\nvar pet Animal = Dog{1}\nlist := []Animal{Dog{2}}\nby := map[string]Animal{\"a\": Dog{3}}", "")
	b.want("func (d Dog) Sound() int { return d.n }", "")
	for _, name := range []string{"pet", "list", "by"} {
		o := b.run("fmt.Println(" + name + ")")
		if want := name + " can't be loaded: it holds a main.Dog, which is no main.Animal any more"; o.status != 1 || !strings.HasPrefix(o.fail.Evalue, want) || strings.Contains(o.fail.Evalue, "damaged") {
			t.Errorf("%s: %+v %v", name, o.fail, o.err)
		}
	}
	b.want("func (d Dog) Sound() string { return fmt.Sprint(d.n) }\npet.Sound(), list[0].Sound(), by[\"a\"].Sound()", `"1", "2", "3"`)
}

// TestUnread: an error that nothing reads is said, in one line.
func TestUnread(t *testing.T) {
	t.Parallel()
	b := newNotebook(t)
	b.want("a, err := strconv.Atoi(\"x1\")\nb := a + 1\nb", "cell[1]:1: err is not read: strconv.Atoi: parsing \"x1\": invalid syntax\n1")
	b.want("a, err := strconv.Atoi(\"x2\")\nerr != nil", "true")
	b.want("a, err := strconv.Atoi(\"x3\")\nif err != nil { fmt.Print(\"read\") }", "read")
	b.want("_, e1 := os.Open(\"/no/such\")\n_, e1 = strconv.Atoi(\"5\")\ne1 == nil", "cell[4]:1: e1 is not read: open /no/such: no such file or directory\ntrue")
	b.want("_, e2 := strconv.Atoi(\"5\")\na", "0")
	b.want("_, e3 := strconv.Atoi(\"z\")\nfunc reads() bool { return e3 != nil }\nreads()", "true")
	b.want("n, e4 := fmt.Sscan(\"q\", &a)\nerrors.Join(e4) != nil", "true")
	b.want("e4", "expected integer")
}

// TestDirectives: what has no effect in a cell says so.
func TestDirectives(t *testing.T) {
	t.Parallel()
	b := newNotebook(t)
	b.bad("x := 1\n//go:embed f.txt\nvar s string", 2, 1, "go:embed has no effect in a cell: read the file with os.ReadFile")
	b.want("s := `\n//go:embed f.txt\n`\nlen(s)", "18")
	b.bad("import \"C\"\nC.puts(nil)", 1, 8, `a cell can't import "C"`)
}

// TestHotLoopInterrupted: a loop over plain copies gives them back.
func TestHotLoopInterrupted(t *testing.T) {
	t.Parallel()
	b := newNotebook(t)
	for i, c := range []struct{ src, then string }{
		{"n := 0\nfmt.Println(\"ready\")\nfor { n++ }", "n > 1000"},
		{"k, xs := 0, []int{1, 2}\nfmt.Println(\"ready\")\nfor {\n\tfor i := range xs {\n\t\tk += xs[i]\n\t\txs[i] = k + 1\n\t}\n}", "k != 0 && xs[0] != 1"},
		{"c, d := 0, 0\nfmt.Println(\"ready\")\nfor { c++; if c%2 == 0 { continue }; d++ }", "c > 1000 && d > 500"},
		{"s := 0.0\nfmt.Println(\"ready\")\nfor i := 0; i >= 0; i++ { if i == 1<<62 { break }; s += math.Sqrt(2); i &= 1023 }", "s > 1000"},
	} {
		o := b.interrupted(c.src)
		if !strings.Contains(strings.Join(o.fail.Traceback, "\n"), fmt.Sprintf("cell[%d]:3", b.n)) && i != 1 {
			t.Errorf("%s: where it was: %v", c.src, o.fail.Traceback)
		}
		b.want(c.then, "true")
	}
}

// interrupted runs a cell that prints ready, and interrupts it.
func (b *notebook) interrupted(src string) (o outcome) {
	b.t.Helper()
	b.n++
	p, err := b.s.Compile(b.n, src)
	if err != nil {
		b.t.Fatal(err)
	}
	main, bin := filepath.Join(b.dir, "main.go"), filepath.Join(b.dir, "ibin")
	os.WriteFile(main, p.Source, 0o644)
	if out, err := b.build(b.t.Context(), main, bin); err != nil {
		b.t.Fatalf("%s\n%s", out, p.Source)
	}
	report := filepath.Join(b.dir, "interrupted.json")
	cmd := exec.Command(bin)
	cmd.Env = append(os.Environ(), "ODSLAB_KEEP="+b.s.opt.KeepDir, "ODSLAB_ERROR="+report)
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
		b.t.Fatalf("%s: %q %v", src, line, err)
	}
	time.Sleep(300 * time.Millisecond)
	cmd.Process.Signal(syscall.SIGINT)
	kill := time.AfterFunc(20*time.Second, func() { cmd.Process.Kill() })
	cmd.Wait()
	kill.Stop()
	if data, err := os.ReadFile(report); err == nil {
		decodeJSON(b.t, data, &o.fail)
	}
	if err := b.s.Commit(p); err != nil {
		b.t.Fatal(err)
	}
	return o
}

// proxy is a module proxy in a folder.
func proxy(t *testing.T, modules map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for at, text := range modules {
		path, version, _ := strings.Cut(at, "@")
		folder := filepath.Join(dir, path, "@v")
		os.MkdirAll(folder, 0o755)
		mod := "module " + path + "\n\ngo 1.24\n"
		if need, code, ok := strings.Cut(text, "|"); ok {
			mod, text = mod+"\nrequire "+need+"\n", code
		}
		list, _ := os.ReadFile(filepath.Join(folder, "list"))
		os.WriteFile(filepath.Join(folder, "list"), append(list, version+"\n"...), 0o644)
		os.WriteFile(filepath.Join(folder, version+".info"), []byte(`{"Version":"`+version+`","Time":"2026-01-02T03:04:05Z"}`), 0o644)
		os.WriteFile(filepath.Join(folder, version+".mod"), []byte(mod), 0o644)
		f, err := os.Create(filepath.Join(folder, version+".zip"))
		if err != nil {
			t.Fatal(err)
		}
		z := zip.NewWriter(f)
		for name, content := range map[string]string{"go.mod": mod, "code.go": text} {
			w, _ := z.Create(path + "@" + version + "/" + name)
			w.Write([]byte(content))
		}
		z.Close()
		f.Close()
	}
	return "file://" + dir
}

// TestGet: modules come by a line of the notebook, and what is pinned does not move.
func TestGet(t *testing.T) {
	t.Parallel()
	b := newNotebook(t)
	at := proxy(t, map[string]string{
		"example.com/lo@v1.2.3":      "package lo\n\nfunc Twice(n int) int { return 2 * n }\n",
		"example.com/lo@v1.3.0":      "package lo\n\nfunc Twice(n int) int { return 20 * n }\n",
		"example.com/deep@v0.1.0":    "example.com/lo v1.2.3|package deep\n\nimport \"example.com/lo\"\n\nfunc Four(n int) int { return lo.Twice(lo.Twice(n)) }\n",
		"example.com/new@v0.1.0":     "gonum.org/v1/gonum v0.99.0|package newer\n\nimport _ \"gonum.org/v1/gonum\"\n",
		"example.com/c@v0.1.0":       "package c\n\n// int one() { return 1; }\nimport \"C\"\n\nfunc One() int { return int(C.one()) }\n",
		"gonum.org/v1/gonum@v0.99.0": "package gonum\n",
	})
	have, err := exec.Command("go", "env", "GOMODCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	at += ",file://" + filepath.Join(strings.TrimSpace(string(have)), "cache", "download")
	b.s.opt.Env = append(b.s.opt.Env, "GOPROXY="+at, "GONOSUMDB=*", "GOMODCACHE="+t.TempDir(), "GOFLAGS=-modcacherw", "GONOPROXY=none", "GOPRIVATE=")
	b.s.base.Env = b.s.opt.Env
	b.s.pkgs = newPackages(b.s.opt)
	b.bad("import \"example.com/lo\"\nlo.Twice(4)", 1, 8, "no module at hand has the package example.com/lo; %get MODULE@VERSION adds one")
	b.bad("%get example.com/lo", 1, 1, "say which version: %get example.com/lo@v1.3.0 is the latest")
	b.bad("%get example.com/lo/sub/pkg", 1, 1, "say which version: %get example.com/lo@v1.3.0 is the latest")
	b.want("%get example.com/lo@v1.2.3\nimport \"example.com/lo\"\nlo.Twice(4)", "example.com/lo v1.2.3 is at hand from now on; keep this line in the notebook.\n8")
	b.want("kept := lo.Twice(1)\n%get example.com/lo@v1.2.3", "example.com/lo v1.2.3 is at hand.")
	b.want("%get example.com/deep@v0.1.0\nimport \"example.com/deep\"\ndeep.Four(kept)", "example.com/deep v0.1.0 is at hand from now on; keep this line in the notebook.\n8")
	b.bad("%get example.com/new@v0.1.0", 1, 1, "example.com/new@v0.1.0 needs gonum.org/v1/gonum v0.99.0, and v0.17.0 is pinned")
	b.bad("%get gonum.org/v1/gonum@v0.99.0", 1, 1, "gonum.org/v1/gonum is pinned at v0.17.0, and v0.99.0 is wanted")
	b.bad("%get example.com/c@v0.1.0", 1, 1, "example.com/c uses cgo (package example.com/c), which cells are built without")
	b.bad("%get example.com/none@v1.0.0", 1, 1, "example.com/none can't be fetched: ")
	b.bad("%get", 1, 1, "say what to get: %get module@version")
	b.s.opt.Env = append(b.s.opt.Env, "GOPROXY=off")
	b.bad("%get example.com/off@v1.0.0", 1, 1, "there is no network here, or the module proxy does not answer")
	b.want("%reset", "Variables, declarations and imports are gone.")
	b.s.opt.Env = append(b.s.opt.Env, "GOPROXY="+at)
	b.bad("import \"example.com/lo\"\nlo.Twice(4)", 1, 8, "no module at hand")
}
