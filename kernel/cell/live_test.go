package cell

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"odslab/kernel/runtime/contract"
)

// TestNotMadeAgain counts how often source runs: what is kept is made once.
func TestNotMadeAgain(t *testing.T) {
	t.Parallel()
	b := newNotebook(t)
	log := filepath.Join(b.dir, "log")
	b.want("func count(what string) string {\n\tf, _ := os.OpenFile(\""+log+"\", os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)\n\tdefer f.Close()\n\tf.WriteString(what)\n\treturn what\n}", "")
	b.want("a := count(\"a\")", "")
	o := b.run("c, f := count(\"c\"), func() string { return a }\n_ = f")
	if o.notes != "" {
		t.Errorf("notes: %q", o.notes)
	}
	b.want("a + c", `"ac"`)
	b.want("1", "1")
	b.want("f() + c", `"ac"`)
	b.want("for f := range 2 { fmt.Print(f) }", "01") // another f
	if data, _ := os.ReadFile(log); string(data) != "ac" {
		t.Errorf("ran %q, want ac", data)
	}
	b.want("f = func() string { return \"other \" + a }", "")
	b.want("f()", `"other a"`)
	b.want("f = wrap(f)\nfunc wrap(f func() string) func() string { return f }", "")
	b.want("f()", `"other a"`)
	b.want("g, h1 := 1, 2\nh1 + g", "3")
	b.want("type H struct{ f func() int }\nh := []any{H{func() int { return 7 }}}", "")
	b.want("h[0].(H).f()", "7")
}

func TestSharedMemory(t *testing.T) {
	t.Parallel()
	b := newNotebook(t)
	b.want("a := []int{1, 2, 3}\nb := a[1:]\np := &a[2]\nlone := 1", "")
	b.want("b[0] = 20\n*p = 30\na", "[]int{1, 20, 30}")
	b.want("b", "[]int{20, 30}")
	b.want("a := \"new\"", "")
	b.want("*p += b[0]\nb", "[]int{20, 50}")
	b.want("a", `"new"`)
	b.want("m := map[string]*int{\"k\": p}", "")
	b.want("*m[\"k\"] = 1\nb", "[]int{20, 1}")
}

func TestRetyping(t *testing.T) {
	t.Parallel()
	b := newNotebook(t)
	b.want("type P struct{ A int }\nx := 3", "")
	b.want("pt := P{1}\nfunc area() int { return x * x }\nfunc twice() int { return 2 * area() }\nfunc other() int { return 5 }", "")
	b.want("area()", "9")
	o := b.run("x := \"text\"")
	if o.err != nil || !strings.Contains(o.notes, "area, of cell 2, no longer compiles, because x is string now") || strings.Contains(o.notes, "other") {
		t.Errorf("notes: %q %v", o.notes, o.err)
	}
	b.want("other()", "5")
	o = b.run("1\nfmt.Println(twice())")
	if o.err == nil || o.err.Line != 2 && o.err.Line != 1 || !strings.Contains(o.err.Msg, "area, of cell 2 line 2, no longer compiles") {
		t.Errorf("use of a broken function: %v", o.err)
	}
	b.want("func area() int { return len(x) }\ntwice()", "8")
	b.want("type P struct { A int }", "") // the same layout
	b.want("pt.A", "1")
	o = b.run("type P struct{ A, B int }")
	if !strings.Contains(o.notes, "pt, of cell 2, is dropped: its type P has changed") {
		t.Errorf("notes: %q", o.notes)
	}
	o = b.run("pt")
	if o.err == nil || !strings.Contains(o.err.Msg, "undefined: pt") {
		t.Errorf("a value of the old type: %+v", o)
	}
}

func TestEnds(t *testing.T) {
	t.Parallel()
	b := newNotebook(t)
	fails := func(src, name, value string, line int) {
		t.Helper()
		o := b.run(src)
		if o.err != nil || o.status == 0 || o.fail.Ename != name || !strings.Contains(o.fail.Evalue, value) || o.fail.Line != line {
			t.Errorf("%s\n%+v %v", src, o, o.err)
		}
	}
	fails("v1 := 1\nos.Exit(3)\nv1 = 2", "exit", "os.Exit(3)", 2)
	b.want("v1", "1")
	b.want("v1 = 5\nos.Exit(0)", "")
	b.want("v1", "5")
	fails("v1 = 6\nlog.Fatalf(\"no %s\", \"way\")", "fatal", "no way", 2)
	b.want("v1", "6")
	fails("strconv.Atoi(\"x\")", "error", `parsing "x"`, 1)
	fails("\nstrconv.Atoi(\"x\")\n1", "error", `parsing "x"`, 2)
	fails("os.Remove(\"/no/such/file\")\nv1 = 7", "error", "no such file", 1)
	b.want("v1", "6")
	fails("v1 = 8\ndone := make(chan int)\ngo func() {\n\tpanic(\"in a goroutine\")\n}()\n<-done", "panic", "in a goroutine", 4)
	b.want("v1", "8")
	fails("func boom(i int) int {\n\treturn []int{1}[i]\n}\nv1 = boom(0)\nboom(4)", "panic", "index out of range [4] with length 1", 2)
	fails("v1 = 9\n\nboom(5)", "panic", "index out of range [5]", 3)
	b.want("v1", "9")
	fails("panic(fmt.Errorf(\"wrapped %w\", io.EOF))", "panic", "wrapped EOF", 1)
	b.want("n, err := strconv.Atoi(\"zz\")\nn", fmt.Sprintf("cell[%d]:1: err is not read: strconv.Atoi: parsing \"zz\": invalid syntax\n0", b.n+1))
	b.want("err", `strconv.Atoi: parsing "zz": invalid syntax`)
	b.want("errors.Is(err, strconv.ErrSyntax)", "true")
	b.want("er2 := io.EOF\n_ = er2", "")
	b.want("er2 == io.EOF", "true")
}

func TestInterrupt(t *testing.T) {
	t.Parallel()
	b := newNotebook(t)
	for _, c := range []struct {
		src  string
		most time.Duration
		then string
	}{
		{"i1 := 1\nfor n := 0; ; n++ {\n\ti1 = 2\n\tif n == 0 {\n\t\tfmt.Println(\"ready\")\n\t}\n\ttime.Sleep(1)\n}", 2 * time.Second, "2"},
		{"i1 := 3\nfmt.Println(\"ready\")\n<-ctx.Done()\ni1 = 4", 2 * time.Second, "4"},
		{"i1 := 5\n_ = ctx\nfmt.Println(\"ready\")\nfor { }", 5 * time.Second, "5"},
	} {
		b.n++
		p, err := b.s.Compile(b.n, c.src)
		if err != nil {
			t.Fatal(err)
		}
		main, bin := filepath.Join(b.dir, "main.go"), filepath.Join(b.dir, "ibin")
		os.WriteFile(main, p.Source, 0o644)
		build := exec.Command("go", "build", "-o", bin, main)
		build.Dir, _ = moduleDir()
		build.Env = append(os.Environ(), "GOFLAGS=-mod=mod")
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("%s", out)
		}
		cmd := exec.Command(bin)
		cmd.Env = append(os.Environ(), "ODSLAB_KEEP="+b.s.opt.KeepDir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if line, err := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
			t.Fatalf("%s: %q %v", c.src, line, err)
		}
		began := time.Now()
		cmd.Process.Signal(syscall.SIGINT)
		kill := time.AfterFunc(10*time.Second, func() { cmd.Process.Kill() })
		cmd.Wait()
		kill.Stop()
		if took := time.Since(began); took > c.most {
			t.Errorf("%s: took %v to end", c.src, took)
		}
		if err := b.s.Commit(p); err != nil {
			t.Fatal(err)
		}
		b.want("i1", c.then)
	}
}

// TestGraph: dot imports, helper functions on graphs, shapes that live on.
func TestGraph(t *testing.T) {
	t.Parallel()
	b := newNotebook(t)
	b.want("import (\n\t. \"github.com/gomlx/gomlx/core/graph\"\n\tsh \"github.com/gomlx/compute/shapes\"\n)\nfunc sq(x *Node) *Node { return Add(Mul(x, x), x) }\ns := sh.Make(dtypes.Float32, 2, 3)", "")
	b.want("s.Size()", "6")
	b.want("type layer func(*Node) *Node\nl := layer(sq)\nl != nil", "true")
	b.want("func both(x *Node) *Node { return l(sq(x)) }\nboth != nil", "true")
	b.want("1", "1") // the dot import is not in the way
}

func TestKey(t *testing.T) {
	t.Parallel()
	s := newSession(t)
	compile := func(n int, src string) *Program {
		t.Helper()
		p, err := s.Compile(n, src)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	one, two, other := compile(1, "a := 1\na"), compile(2, "a := 1\na"), compile(3, "a := 2\na")
	if one.Key != two.Key || one.Key == other.Key || bytes.Equal(one.Source, two.Source) {
		t.Errorf("keys %s %s %s", one.Key, two.Key, other.Key)
	}
	// What looks like a cell's number may be the person's own.
	for _, src := range []string{
		"cell := make([]int, 10)\ncell[%d]",
		"type b struct{}\nfunc (b) Begin(int) {}\n{ b{}.Begin(%d) }",
	} {
		if compile(3, fmt.Sprintf(src, 3)).Key == compile(4, fmt.Sprintf(src, 4)).Key {
			t.Errorf("two programs are taken for one: %q", src)
		}
	}
	if !bytes.Contains(two.Source, []byte("//line cell[2]:2:1\n")) {
		t.Errorf("no line of the cell in\n%s", two.Source)
	}
	if p := compile(4, "func f() {}"); !p.Empty {
		t.Error("a declaration alone is run")
	}
	if p := compile(5, "fmt.Println()"); bytes.Contains(p.Source, []byte("Load")) || bytes.Contains(p.Source, []byte("odslib\"")) {
		t.Errorf("loads or links too much:\n%s", p.Source)
	}
}

// TestSeed: a variable named seed is the seed of later cells too.
func TestSeed(t *testing.T) {
	t.Parallel()
	s := newSession(t)
	for i, c := range []struct {
		src  string
		sets bool
	}{{"seed := 1", true}, {"r := draw(guide.DPS{}, odslib.Posterior{}, 3)", true}, {"1 + 1", false}, {"func g() int { return seed }\ng()", true}} {
		p, err := s.Compile(i+1, c.src)
		if err != nil {
			t.Fatal(err)
		}
		if got := bytes.Contains(p.Source, []byte(".SetSeed(uint64(seed))")); got != c.sets {
			t.Errorf("%s: sets the seed: %v\n%s", c.src, got, p.Source)
		}
		s.after(p, map[bool]string{true: "seed=1"}[i == 0])
	}
}

func TestResident(t *testing.T) {
	t.Parallel()
	s := newSession(t)
	s.opt.Resident = true
	for src, want := range map[string]bool{"fmt.Println()": false, "p := priors.Grid25()": true, "var y *tensors.Tensor\ny.Ok()": true} {
		p, err := s.Compile(1, src)
		if err != nil {
			t.Fatal(err)
		}
		if got := bytes.Contains(p.Source, []byte("import _ \""+contract.ResidentPath+"\"")); got != want {
			t.Errorf("%s: the resident client is linked in: %v", src, got)
		}
	}
}

func TestLostFile(t *testing.T) {
	t.Parallel()
	b := newNotebook(t)
	b.want("x := 1", "")
	os.WriteFile(filepath.Join(b.s.opt.KeepDir, "x.val"), []byte("junk"), 0o600)
	o := b.run("1\nx")
	if o.err == nil {
		t.Error("1 alone is accepted")
	}
	o = b.run("x")
	if o.status != 1 || !strings.Contains(o.fail.Evalue, "x can't be loaded: the kept file is damaged; run the cell that defines it again") {
		t.Errorf("damaged: %+v", o.fail)
	}
	b.want("x := 2", "")
	os.Remove(filepath.Join(b.s.opt.KeepDir, "x.val"))
	if o = b.run("x"); !strings.Contains(o.fail.Evalue, "its kept file is gone") {
		t.Errorf("gone: %+v", o.fail)
	}
	b.want("x := 3\nx", "3")
}

func TestWho(t *testing.T) {
	t.Parallel()
	b := newNotebook(t)
	b.want("big := make([]float64, 1000)\nfn := func() {}\nfunc uses() int { return len(big) }", "")
	o := b.run("%who")
	for _, w := range []string{"big   []float64  7.9 kB  by value", "fn    func()     ", "uses  func"} {
		if !strings.Contains(o.out, w) {
			t.Errorf("%%who lacks %q:\n%s", w, o.out)
		}
	}
	o = b.run("%drop big")
	if !strings.Contains(o.out, "big is dropped. These use it and no longer compile: uses (cell 1)") {
		t.Errorf("%%drop: %s", o.out)
	}
	b.bad("big", 1, 1, "undefined: big")
	b.bad("%drop nothing", 1, 1, "nothing named nothing is kept")
	b.want("%reset\nfn := 1\nfn", "Variables, declarations and imports are gone.\n1")
}
