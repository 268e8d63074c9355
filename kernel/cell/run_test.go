package cell

import (
	"fmt"
	"strings"
	"testing"
)

func TestValuesLive(t *testing.T) {
	b := newNotebook(t)
	b.want("x := 41", "")
	b.want("x + 1", "42")
	b.want("x++", "")
	b.want("import \"fmt\"\nfmt.Println(\"hi\", x)", "hi 42")
	b.want(`type T struct { A []float64; b map[string]int; next *T }
func (t *T) Add(v float64) { t.A = append(t.A, v); t.b["n"]++ }
t := &T{b: map[string]int{}}
t.next = t
t.Add(1.5)`, "")
	b.want("t.Add(2.5)\nfmt.Println(t.A, t.b, t.next == t)", "[1.5 2.5] map[n:2] true")
	b.want("x := fmt.Sprint(\"now text \", 3)", "")
	b.want("x", `"now text 3"`)
	b.want("rows := make([][]float64, 1000)\nfor i := range rows { rows[i] = make([]float64, 1000); rows[i][i] = 1 }", "")
	b.want("len(rows)", "1000")
	o := b.run("x = \"before the panic\"\nvar m map[string]int\nm[\"a\"] = 1")
	if o.status != 1 || o.fail.Evalue != "assignment to entry in nil map" && o.fail.Evalue != "runtime error: assignment to entry in nil map" || o.fail.Line != 3 {
		t.Errorf("panic: %+v %v", o, o.err)
	}
	b.want("x", `"before the panic"`)
	o = b.run("for i := range 3 {\n\t_ = rows[i][5000]\n}")
	if o.fail.Line != 2 || !strings.Contains(o.fail.Evalue, "index out of range [5000] with length 1000") {
		t.Errorf("panic: %+v", o.fail)
	}
	b.bad("y := undefinedThing", 1, 6, "undefined: undefinedThing")
}

// TestShapes runs cells in the forms people write them in.
func TestShapes(t *testing.T) {
	b := newNotebook(t)
	b.want("1+2", "3")
	b.want("import (\"strings\"; m \"math\")\ntype P struct{ A, B float64 }\nfunc (p P) Norm() float64 { return m.Sqrt(p.A*p.A + p.B*p.B) }\np := P{3, 4}\np.Norm()", "5")
	b.want("strings.ToUpper(\"a\") + fmt.Sprint(p.Norm(), p)", `"A5 {3 4}"`)
	b.want("func Map[T, U any](xs []T, f func(T) U) []U {\n\tvar r []U\n\tfor _, x := range xs { r = append(r, f(x)) }\n\treturn r\n}\nsq := Map([]int{1,2,3}, func(i int) float64 { return float64(i*i) })\nsq", "[]float64{1, 4, 9}")
	b.want("s := `raw\n%not a magic\n!nor this\nfunc fake() {`\nlen(s)", "40")
	b.want("// comment\n/* block\n%x */\ny, z := 1.5, \"str\" // trailing", "")
	b.want("fmt.Print(y, z)", "1.5str")
	o := b.run("%goflags -race\n!ls -l 'it\na := []int{1, 2,\n\t3}\n%env K V\na[1:]")
	if o.err != nil || len(o.prog.Magics) != 3 || strings.TrimSpace(o.out) != "[]int{2, 3}" || o.prog.Magics[1] != (Magic{Line: 2, Col: 1, Text: "!ls -l 'it"}) {
		t.Errorf("magics: %+v %v", o, o.err)
	}
	b.want("for i := 0; i < 3; i++ {\n\tfmt.Print(i)\n}", "012")
	b.want("x := 0\nif v, err := fmt.Sscan(\"1\", &x); err != nil {\n\tpanic(err)\n} else if v := v + 1; v > 1 {\n\tfmt.Println(v, x)\n}", "2 1")
	b.want("outer:\n\tfor i := range 3 {\n\t\tfor j := range 3 { if j == 2 { continue outer }; if i == 2 { break outer }; fmt.Print(i, j, \";\") }\n\t}", "0 0;0 1;1 0;1 1;")
	b.want("func() { fmt.Println(\"called\") }()", "called")
	b.want("f := func(a int) int { return a * x }\nf(2)", "2")
	b.want("x = 5\nf(2)", "10")
	b.want("f(3)", "15")
	b.want("ch := make(chan int)\ngo func() { ch <- 1 }()\n<-ch", "1")
	b.want("_, err := fmt.Sscan(\"7\", &x)", "")
	b.want("x", "7")
	b.want("x := \"now a string\"", "")
	b.want("x, w := 3.5, map[string][]P{\"a\": {{1, 2}}}", "")
	b.want("fmt.Println(x, w)", "3.5 map[a:[{1 2}]]")
	b.want("var q int = 3; const K = 7; var r, tt = 1, \"z\"\nq * K", "21")
	b.want("q + K + r", "11")
	b.want("cfg := struct{ N int; Name string }{3, \"n\"}\ncfg", `struct { N int; Name string }{N: 3, Name: "n"}`)
	b.want("cfg.N", "3")
	b.want("g := func() int { return h2() }\nfunc h2() int { return k2 }\nk2 := 5\ng()", "5")
	b.want("k2 = 6\nh2()", "6")
	b.want("k2 := 8\nh2() + g()", "16")
	b.want("type Stack[T any] struct{ Items []T }\nfunc (s *Stack[T]) Push(v T) { s.Items = append(s.Items, v) }\ntype Other[T any] struct{ V T }\nfunc (s Other[T]) Push(v T) {}\nst := &Stack[int]{}\nst.Push(3)\nst", "&Stack[int]{Items: []int{3}}")
	b.want("st.Push(4)\nst.Items", "[]int{3, 4}")
	b.want("switch v := any(q).(type) {\ncase int: fmt.Println(\"int\", v)\ndefault: fmt.Printf(\"%T\\n\", v)\n}", "int 3")
	b.want("b1 := true ||\n!false\nb1", "true")
	b.want("defer fmt.Println(\"deferred\")\nvar e error = fmt.Errorf(\"x\")", "deferred")
	b.want("e", "x")
	b.want("func main() { fmt.Println(\"own main\") }", "own main")
	b.want("package main\n\nimport \"fmt\"\n\nfunc main() {\n\tfmt.Println(\"pasted\")\n}", "pasted")
	b.want("func init() { fmt.Print(\"init \") }\nfmt.Println(q)", "init 3")
	b.want("fmt.Println(1); q = 2; q", "1\n2")
	b.want("if w := map[string]int{\"k\": 1}[\"k\"]; w > 0 { fmt.Print(w) }; for f := func() int { return 1 }(); f < 3; f++ { fmt.Print(f) }; q", "1122")
	b.want("switch v := any(q).(type) { case int: }", "")
	b.want("import . \"strings\"\nfmt.Print(strings.ToUpper(\"a\"), ToLower(\"B\"))", "Ab")
	b.want("fmt.Print(strings.ToUpper(\"a\"))", "A")
	b.want("goto L\nL: fmt.Println(\"l\")", "l")
	b.want("type Tree struct { L, R *Tree; V float64 }\ntr := &Tree{V: 1}\ntr.L = tr", "")
	b.want("tr.L.L == tr", "true")
	b.want("var mu sync.Mutex\nmu.Lock()\nmu.Unlock()", "")
	b.want("free := mu.TryLock(); mu.Unlock(); free", "true")
	b.want("fmt.Println(1)\nreturn\nfmt.Println(2)", "1")
	b.want("q;", "")
	b.want("math.Modf(2.5)", "2, 0.5")
	b.want("strconv.Atoi(\"12\")", "12")
	b.want("u := 1\nfor i, u := range []int{4} { }\nif k := 3; true { }\nfunc unused() { v := 1 }", "")
	b.want("func three() (int, string, error) { return 1, \"a\", nil }\nthree()", `1, "a"`)
	b.want("math.Sqrt(2); rand.IntN(1)", "0")
	b.want("var (\n\ta1 = 1\n\tb1x, c1 int\n)\nfunc sum1() int { return a1 + b1x + c1 }\nb1x = 5\nsum1()", "6")
	b.want("func area(p struct{ W, H int }) int { return p.W * p.H }\narea(struct{ W, H int }{2, 3})", "6")
	b.want("pp := &q\n*pp = 9", "")
	b.want("q++\n*pp", "10")
	b.want("type Shape interface{ Area() float64 }\ntype Sq struct{ s float64 }\nfunc (s Sq) Area() float64 { return s.s * s.s }\nshapes1 := []Shape{Sq{2}, nil}", "")
	b.want("shapes1[0].Area()", "4")
	b.want("rng := rand.New(rand.NewPCG(1, 2))\n_ = rng.IntN(1000)", "")
	b.want("rng.IntN(1000)", "616")
	b.want("fmt.Fprintln(os.Stdout, time.Duration(1500)*time.Millisecond)", "1.5s")
}

func TestRejects(t *testing.T) {
	b := newNotebook(t)
	b.want("x := 1", "")
	b.bad("x := 1\nx := 2", 2, 3, "no new variables")
	b.bad("bad := undefinedThing + 1", 1, 8, "undefined: undefinedThing")
	b.bad("fmt.Println(\"a\",", 1, 17, "middle of a statement")
	b.bad("x := )", 1, 6, "unexpected )")
	b.bad("if x > 1 { fmt.Println(\"s\") }\nelse { fmt.Println(\"t\") }", 2, 1, "syntax error")
	b.bad("import \"no/such\"\n1", 1, 8, "no/such")
	b.bad("a := 1; b := a + \"x\"; b", 1, 14, "mismatched")
	b.bad("draw2(3)", 1, 1, "undefined: draw2")
	b.bad("1 + 2\nx", 1, 1, "is not used")
	b.bad("func f() int { }\nf()", 1, 16, "missing return")
	b.bad("func g() { return x + \"\" }", 1, 19, "")
	b.bad("  os.Exit(1); undefined1", 1, 15, "undefined1")
}

// TestHotLoop: arithmetic over kept variables runs at the speed of plain ones,
// and means the same.
func TestHotLoop(t *testing.T) {
	t.Parallel()
	b := newNotebook(t)
	b.want("n, sum := 100000000, 0.0\nxs := []float64{1, 2, 3}\nfunc seen() float64 { return sum }", "")
	slow := true
	for range 3 { // the machine may be busy with something else
		o := b.run(`began := time.Now()
for i := 0; i < n; i++ {
	sum += float64(i)
}
kept := time.Since(began)
plain := func() time.Duration {
	n, sum, began := n, 0.0, time.Now()
	for i := 0; i < n; i++ {
		sum += float64(i)
	}
	if sum < 0 { panic(sum) }
	return time.Since(began)
}()
if seen() < 1e15 { panic(sum) }
kept > plain * 2`)
		if strings.TrimSpace(o.out) == "false" {
			slow = false
			break
		}
	}
	if slow {
		t.Error("a loop over kept variables is slow")
	}
	b.want("last := -1.0\nfor _, last = range xs { xs = append(xs, last) }\nfor i := range xs { if xs[i] == 2 { n = i; break } }\nfmt.Println(last, xs, n)", "3 [1 2 3 1 2 3] 1")
	b.want("fmt.Println(last, xs, n)", "3 [1 2 3 1 2 3] 1")
	o := b.run("n = 5\nfor i := range 9 {\n\tn += int(xs[i])\n}")
	if o.fail.Line != 3 {
		t.Errorf("%+v %v", o.fail, o.err)
	}
	b.want("n", "5")
	b.want("n = 0\nfor i := range 3 { n += i; if n > 1 { fmt.Print(\"over \") } }\nn", "over 3")
}

// TestIdleLoop: a loop that does next to nothing means the same with its body written four times.
func TestIdleLoop(t *testing.T) {
	t.Parallel()
	b := newNotebook(t)
	b.want("n, i, s, on := 0, 0, 0.0, true\nvar u uint8", "")
	for _, c := range []struct{ loop, then string }{
		{"for i := 0; i < %d; i++ { n++ }", "n == %d"},
		{"for i = 1; i <= %d; i++ {\n\t// a comment\n\tn += i * // and another\n\t\ti\n}", "n == %[1]d*(%[1]d+1)*(2*%[1]d+1)/6 && i == %[1]d+1"},
		{"for n < %d { n++ }", "n == %d"},
		{"for { if n == %d { break }; n++ }", "n == %d"},
		{"for { if n >= %d { n = -n; break } else if n == 3 { n += 2 } else { n++ } }", "n == -max(%[1]d, min(5, 5*(%[1]d/4)))"},
		{"for i := 0; i < %d; i++ { u -= 3; s += float64(u) / 2 }", "u == uint8(253*%d%%256)"},
		{"for k := %d; k > 0; k-- { on, n = !on, n-1 }", "n == -%[1]d && on == (%[1]d%%2 == 0)"},
		{"for i, j := 0, %d; i < j; i, j = i+1, j-1 { n = 10*i + j }", "%[1]d == 0 || n == 10*((%[1]d-1)/2) + %[1]d - (%[1]d-1)/2"},
	} {
		var src, all []string
		for k := range 10 {
			src = append(src, "n, s, on, u = 0, 0, true, 0\n"+fmt.Sprintf(c.loop, k))
			all = append(all, fmt.Sprintf("ok%d := %s", k, fmt.Sprintf(c.then, k)))
			src = append(src, all[k])
		}
		b.want(strings.Join(src, "\n")+"\nfmt.Print(ok0, ok1, ok2, ok3, ok4, ok5, ok6, ok7, ok8, ok9)", strings.TrimSuffix(strings.Repeat("true ", 10), " "))
	}
	p, err := b.s.Compile(99, "for { n++ }\nfor i := 0; i < 9; i++ { n += 10 / i }\nfor i := 0; i < 9; i++ { s += math.Sqrt(s) }")
	if err != nil {
		t.Fatal(err)
	}
	for text, times := range map[string]int{"n++": 4, "10 / i": 1, "Sqrt": 1, "Stopped.Load": 3} {
		if got := strings.Count(string(p.Source), text); got != times {
			t.Errorf("%s stands there %d times, not %d:\n%s", text, got, times, p.Source)
		}
	}
}
