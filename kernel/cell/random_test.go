package cell

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"odslab/kernel/runtime/contract"
)

// grammar makes random cells: mostly valid Go over a small pool of names, so
// that cells retype, shadow and break each other's variables.
type grammar struct {
	r     *rand.Rand
	used  map[string]int // rules
	rares int            // how many rare forms so far
	depth int
	scope []map[string]string // name → type, innermost last
}

func (g *grammar) pick(production string, of ...string) string {
	s := of[g.r.IntN(len(of))]
	g.used[production]++
	return s
}

var fuzzTypes = []string{"int", "float64", "string", "bool", "[]int", "map[string]int", "func(int) int", "chan int", "any", "error", "*T0", "T0", "G[int]", "[2]float64", "struct{ A int }"}

var literals = map[string]string{
	"int": "7", "float64": "2.5", "string": "`raw\n%x`", "bool": "!false", "[]int": "[]int{1,\n\t2}", "map[string]int": "map[string]int{}",
	"func(int) int": "named", "chan int": "make(chan int, 1)", "any": "any(1)", "error": "io.EOF", "*T0": "&T0{}", "T0": "T0{A: 1}", "G[int]": "G[int]{}",
	"[2]float64": "[2]float64{1, 2}", "struct{ A int }": "struct{ A int }{3}",
}

func (g *grammar) name() string { return string("abcdefg"[g.r.IntN(7)]) }

// expr is an expression of a type.
func (g *grammar) expr(t string) string {
	g.depth++
	defer func() { g.depth-- }()
	if g.depth < 4 && g.r.IntN(3) == 0 {
		for i := len(g.scope) - 1; i >= 0; i-- {
			for n, u := range g.scope[i] {
				if u == t && g.visible(n) == t {
					g.used["variable"]++
					return n
				}
			}
		}
	}
	if g.depth >= 4 {
		return literals[t]
	}
	switch t {
	case "int":
		return g.pick("int", "1", fmt.Sprintf("(%s + %s)", g.expr("int"), g.expr("int")), "len("+g.expr("[]int")+")", g.expr("func(int) int")+"(2)",
			g.expr("T0")+".A", g.expr("[]int")+"[0]", "func() int { return "+g.expr("int")+" }()", "id("+g.expr("int")+")", g.expr("map[string]int")+`["k"]`, "K0")
	case "float64":
		return g.pick("float64", "2.5", "math.Sqrt(2)", "float64("+g.leaf("int")+")", "K1")
	case "string":
		return g.pick("string", `"s"`, "`raw\n%x`", "fmt.Sprint("+g.leaf("int")+")", "strings.ToUpper(\"a\")", g.leaf("T0")+".String()")
	case "bool":
		return g.pick("bool", "true", "("+g.leaf("int")+" > 1 ||\n !"+g.leaf("bool")+")")
	case "[]int":
		return g.pick("slice", "[]int{1,\n\t2}", "append("+g.leaf("[]int")+", 3)", "[]int(nil)", "make([]int, 3)[1:]")
	case "map[string]int":
		return g.pick("map", `map[string]int{"k": 1}`, "map[string]int{}")
	case "func(int) int":
		return g.pick("func", "func(i int) int { return i + "+g.leaf("int")+" }", "id[int]", "named")
	case "chan int":
		return "make(chan int, 1)"
	case "any":
		return g.pick("any", "any(1)", `any("x")`, "any("+g.leaf("T0")+")")
	case "error":
		return g.pick("error", `errors.New("e")`, "error(nil)", "io.EOF")
	case "*T0":
		return g.pick("pointer", "&T0{A: 1}", "new(T0)")
	case "T0":
		return "T0{A: " + g.leaf("int") + "}"
	case "G[int]":
		return "G[int]{V: " + g.leaf("int") + "}"
	case "[2]float64":
		return "[2]float64{1, 2}"
	}
	return "struct{ A int }{3}"
}

func (g *grammar) leaf(t string) string {
	g.depth += 2
	defer func() { g.depth -= 2 }()
	return g.expr(t)
}

func (g *grammar) visible(n string) string {
	for i := len(g.scope) - 1; i >= 0; i-- {
		if t, ok := g.scope[i][n]; ok {
			return t
		}
	}
	return ""
}

func (g *grammar) block(n int) string {
	g.scope = append(g.scope, map[string]string{})
	defer func() { g.scope = g.scope[:len(g.scope)-1] }()
	var b strings.Builder
	for range n {
		b.WriteString("\t" + g.stmt(false) + "\n")
	}
	return b.String()
}

func (g *grammar) define(n, t string) { g.scope[len(g.scope)-1][n] = t }

func (g *grammar) stmt(top bool) string {
	g.depth++
	defer func() { g.depth-- }()
	here := g.scope[len(g.scope)-1]
	kind := g.r.IntN(16)
	if g.depth > 3 {
		kind %= 4
	}
	switch kind {
	case 0, 1:
		n, t := g.name(), fuzzTypes[g.r.IntN(len(fuzzTypes))]
		if _, again := here[n]; again {
			return g.pick("show", "fmt.Println("+g.expr("int")+")", "_ = "+g.expr(t))
		}
		x := g.expr(t)
		g.define(n, t)
		use := ""
		if !top && g.r.IntN(2) == 0 {
			use = "; _ = " + n
		}
		return g.pick("define", n+" := "+x, "var "+n+" "+t, "var "+n+" "+t+" = "+x) + use
	case 2:
		for n, t := range here {
			x := g.expr(t)
			return g.pick("assign", n+" = "+x, n+" = "+x)
		}
		return g.pick("call", "fmt.Println("+g.expr("string")+")", "_ = "+g.expr("error"))
	case 3:
		a, b := g.name(), g.name()
		_, x := here[a]
		if _, y := here[b]; x || y || a == b {
			return g.pick("incdec", "{ q := 1; q++ }", "{ q := 1; q-- }", ";")
		}
		ints := g.expr("string")
		g.define(a, "int")
		g.define(b, "error")
		g.used["tuple"]++
		return a + ", " + b + " := strconv.Atoi(" + ints + ")"
	case 4:
		c := g.expr("bool")
		return g.pick("if", "if "+c+" {\n"+g.block(1)+"}", "if w := "+g.expr("int")+"; "+c+" {\n"+g.block(1)+"} else if "+c+" {\n"+g.block(1)+"} else {\n}")
	case 5:
		return g.pick("for", "for i := 0; i < 3; i++ {\n"+g.block(2)+"}", "for i, v := range "+g.expr("[]int")+" {\n"+g.block(1)+"}", "for range 2 {\n"+g.block(1)+"}", "for {\n"+g.block(1)+"\tbreak\n}", "for k := range "+g.expr("map[string]int")+" { }")
	case 6:
		return g.pick("switch", "switch "+g.expr("int")+" {\ncase 1, 2:\n"+g.block(1)+"default:\n"+g.block(1)+"}", "switch v := "+g.expr("any")+".(type) {\ncase int:\n"+g.block(1)+"}", "switch w := 1; {\ncase true: fallthrough\ndefault:\n}")
	case 7:
		return g.pick("select", "select {\ncase v := <-"+g.expr("chan int")+":\n"+g.block(1)+"default:\n}", "go func() {\n"+g.block(1)+"}()", "defer func() {\n"+g.block(1)+"}()")
	case 8:
		if !top {
			return g.pick("block", "{\n"+g.block(2)+"}", "func() {\n"+g.block(1)+"}()")
		}
		l := fmt.Sprint("L", g.r.IntN(1e6))
		return g.pick("label", l+":\n\tfor {\n\t\tbreak "+l+"\n\t}", "{\n"+g.block(2)+"}")
	case 9:
		return g.pick("panics", "if false { panic(1) }", "if false { os.Exit(1) }", "if false { log.Fatal(1) }", "if false { return }")
	}
	if !top {
		return g.pick("call", "fmt.Print("+g.expr("any")+")", "_, _ = fmt.Println()")
	}
	t := fuzzTypes[g.r.IntN(len(fuzzTypes))]
	n := g.name()
	switch kind {
	case 10:
		return g.pick("function", "func h"+n+"() int { return "+g.leaf("int")+" }", "func h"+n+"(x int) (y int, err error) {\n"+g.block(1)+"\treturn\n}")
	case 11:
		return g.pick("type", "type U"+n+" struct {\n\tF "+t+"\n\tn *U"+n+"\n}", "type U"+n+" = "+t, "type (\n\tU"+n+" int\n\tV"+n+" []U"+n+"\n)", "type I"+n+" interface{ M() int }")
	case 12:
		return g.pick("const", "const C"+n+" = 3", "const (\n\tC"+n+" = iota\n\tD"+n+"\n)", "import m \"math\"", "import (\n\t\"fmt\"\n\t. \"strings\"\n)")
	case 13:
		return g.pick("group", "var (\n\tp"+n+", q"+n+" "+t+"\n\tr"+n+" = "+g.expr("int")+"\n)", "func gen"+n+"[E any](x E) E { return x }")
	}
	return g.pick("expression", "_ = "+g.expr(t), "id("+g.expr("int")+");", "fmt.Println("+g.expr(t)+")")
}

func (g *grammar) cell() string {
	g.scope = []map[string]string{{}}
	var b strings.Builder
	if g.r.IntN(10) == 0 {
		b.WriteString(g.pick("magic", "%who\n", "!ls\n", "// only a comment\n"))
	}
	if g.r.IntN(4) == 0 {
		b.WriteString(g.fill(rare[g.r.IntN(len(rare))]) + "\n")
	}
	for range 1 + g.r.IntN(5) {
		b.WriteString(g.stmt(true) + "\n")
	}
	if g.r.IntN(4) == 0 { // the last expression is shown
		b.WriteString(g.expr(fuzzTypes[g.r.IntN(len(fuzzTypes))]) + "\n")
	}
	return b.String()
}

const fuzzPrelude = `type T0 struct { A int; b []float64 }
func (t T0) String() string { return "T0" }
type G[E any] struct{ V E }
func id[E any](x E) E { return x }
func named(i int) int { return i }
const K0 = 1
const K1 = 1.5`

// rare are forms that no other rule makes: § is a number of its own, ¤ an int
// expression, ° a bool expression.
var rare = []string{
	"x§, y§ := 7, uint8(3); x§ += ¤; x§ -= 1; x§ *= 2; x§ /= 3; x§ %= 5; y§ &= 6; y§ |= 1; y§ ^= 9; y§ <<= 1; y§ >>= 2; y§ &^= 2; x§--",
	"bits§ := (¤ & 6) | (¤ ^ 3) &^ 1 << 2 >> 1 - ¤ % 7 / 3 * 2; _ = ^bits§ + -bits§ + +bits§",
	"c§ := 2i * 3.5; r§ := 'é'; _, _ = c§, r§",
	"if ° && ¤ <= 3 || ¤ >= 4 && ¤ != 5 { } else if ¤ < 6 == ° { } else { }",
	"i§ := 0\nagain§:\n\ti§++\n\tif i§ < 3 {\n\t\tgoto again§\n\t}",
	"outer§:\n\tfor i := range 3 {\n\t\tfor {\n\t\t\tif i == 1 { continue outer§ }\n\t\t\tbreak outer§\n\t\t}\n\t}",
	"i§ := 0; for i§ < 3 { i§++; if i§ == 2 { continue }; ; }",
	"switch w := ¤; w {\ncase 1, 2:\n\tfallthrough\ncase 3:\ndefault:\n}",
	"switch { case °: case ¤ > 3: default: }",
	"switch w := any(¤); v := w.(type) { case int, string: _ = v; case nil: }",
	"switch any(¤).(type) { case error: default: }",
	"ch§ := make(chan int, 2)\nselect {\ncase ch§ <- ¤:\ndefault:\n}\nch§ <- 1\nv§, ok§ := <-ch§; _, _ = v§, ok§",
	"send§ := func(c chan<- int, d <-chan int) { c <- ¤; <-d }; if false { send§(nil, nil) }",
	"arr§ := [...]int{2: 1, 5}; sl§ := arr§[1:2:3]; _ = append(sl§, arr§[:]...)",
	"tab§ := map[string][]struct{ A, B int }{\"k\": {{1, 2}, {B: 3}}, `l`: nil}; _ = tab§[\"k\"][0].B",
	"p§ := &T0{A: ¤}; *p§ = T0{}; (*p§).A, p§.b = 2, nil",
	"type E§ struct {\n\tT0\n\t*G[int] `json:\"g\"`\n\tf func(...int) (n int, err error)\n}",
	"type N§ interface{ ~int | ~float64 }\nfunc sum§[A N§](xs ...A) (s A) { for _, x := range xs { s += x }; return s }\nsum§(1.5, 2)",
	"type P§[A, B any] struct{ L A; R B }\nfunc (p *P§[A, B]) Swap() P§[B, A] { return P§[B, A]{p.R, p.L} }\npp§ := P§[int, string]{¤, \"r\"}; pp§.Swap()",
	"func two§[A, B any](a A, b B) (A, B) { return a, b }\nt§, u§ := two§[int, string](¤, \"b\")",
	"type S§ interface { M§() int }\nfunc (t T0) M§() int { return t.A }\nvar s§ S§ = T0{A: ¤}\ns§.(T0).M§()",
	"func seq§(n int) func(func(int) bool) { return func(yield func(int) bool) { for i := range n { if !yield(i) { return } } } }\nfor v := range seq§(3) { _ = v }",
	"var k§ int; for k§ = range 4 { }; for k§, _ = range []int{1} { }",
	"func in§() int {\n\tconst c = 1\n\ttype t int\n\tvar v t = c\n\tdefer func() { recover() }()\n\tgo func() { }()\n\treturn int(v) + ¤\n}\nin§()",
	"import _ \"embed\"", "import . \"math\"", "import str§ \"strings\"\nstr§.ToUpper(`a`)", "import (\n\t\"errors\"\n\tio§ \"io\"\n)\n_ = io§.EOF",
	"const (\n\tA§ float64 = 1 << iota\n\tB§\n\tC§\n); B§ + C§", "type A§ = map[string]T0; a§ := A§{}", "/* a comment */ z§ := ° /* and more */ // and more",
	"len := ¤; string := \"s\"; _, _ = len, string", "nil§ := (*T0)(nil); nil§ == nil", "func init() { _ = ¤ }", "func main() { _ = ¤ }",
	"var f§ func(a, b int) (q, r int) = func(a, b int) (int, int) { return a / b, a % b }\nf§(7, 2)", "m§ := [][]float64{{1}, {}}; m§[0][0]++; ; m§",
	"func(){ defer func() { _ = recover() }(); var m map[int]int; m[0] = ¤ }()", "a§, b§ := 1, 2; a§, b§ = b§, a§",
}

// fill puts numbers and expressions into a rare form.
func (g *grammar) fill(form string) string {
	g.rares++
	form = strings.ReplaceAll(form, "§", fmt.Sprint(g.rares%40))
	for strings.Contains(form, "¤") {
		form = strings.Replace(form, "¤", "("+g.leaf("int")+")", 1)
	}
	for strings.Contains(form, "°") {
		form = strings.Replace(form, "°", "("+g.leaf("bool")+")", 1)
	}
	return form
}

func newGrammar(seed uint64) *grammar {
	return &grammar{r: rand.New(rand.NewPCG(seed, 2)), used: map[string]int{}}
}

// TestRandomCells compiles thousands of random cells in rows, as persons would
// type them: none may crash, lose its place, or check as it was written and
// fail as it was generated. With -v it prints which productions of Go's grammar
// they had.
func TestRandomCells(t *testing.T) {
	t.Parallel()
	cells, workers := 10_000, 4
	if testing.Short() {
		cells = 2_000
	}
	var mu sync.Mutex
	seen, reasons, good, bad := map[string]int{}, map[string]int{}, 0, 0
	var wg sync.WaitGroup
	for w := range workers {
		s, g := newSession(t), newGrammar(uint64(w))
		wg.Go(func() {
			for n := 1; n <= cells/workers; n++ {
				src := g.cell()
				if n%250 == 1 { // another notebook
					s.reset()
					src = fuzzPrelude
				}
				p, err := s.compileOnce(n, src)
				mu.Lock()
				if err != nil {
					bad++
					checkRejection(t, n, src, err.(*Error), reasons)
				} else {
					good++
					count(src, seen)
				}
				mu.Unlock()
				if err == nil {
					s.pretend(p)
				}
			}
		})
	}
	wg.Wait()
	if good < 2*bad {
		t.Errorf("%d cells compile, %d don't: the generator has lost its way: %v", good, bad, reasons)
	}
	covered(t, seen, cells/2000)
	var why []string
	for msg, n := range reasons {
		if n > cells/500 {
			why = append(why, fmt.Sprintf("%4d %s", n, msg))
		}
	}
	slices.Sort(why)
	t.Logf("%d cells compiled, %d were rejected, mostly for:\n%s", good, bad, strings.Join(why, "\n"))
}

// compileOnce is Compile without a second look at packages that have changed.
func (s *Session) compileOnce(n int, src string) (*Program, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.compile(Origin{}, n, src, splitCell(src))
}

func checkRejection(t *testing.T, n int, src string, e *Error, reasons map[string]int) {
	reasons[e.Msg]++
	if why := os.Getenv("SHOW_REASON"); why != "" && strings.Contains(e.Msg, why) {
		t.Logf("%v\n%s", e, src)
	}
	if e.generated && !strings.Contains(e.Msg, "overflows") {
		t.Errorf("cell %d checks as written, but not as generated: %v\n%s", n, e, src)
	}
	if e.Line < 1 || e.Line > strings.Count(src, "\n")+1 {
		t.Errorf("cell %d: place %d:%d\n%s", n, e.Line, e.Col, src)
	}
	if strings.Contains(e.Msg, ours) || strings.Contains(e.Msg, "kernel:") {
		t.Errorf("cell %d: generated names in %q\n%s", n, e.Msg, src)
	}
}

// TestRandomRuns builds random cells and runs them: each ends, well or with a
// failure that has a line of a cell.
func TestRandomRuns(t *testing.T) {
	t.Parallel()
	b, g := newNotebook(t), newGrammar(7)
	b.want(fuzzPrelude, "")
	want := 50
	if testing.Short() {
		want = 8
	}
	ran, failed := 0, 0
	for ran < want {
		src := g.cell()
		o := b.run(src)
		if o.err != nil || o.prog.Empty {
			continue
		}
		ran++
		if o.status == 0 {
			continue
		}
		failed++
		if o.fail.Ename == "" || o.fail.Evalue == "" || o.fail.Ename == "panic" && len(o.fail.Traceback) < 2 {
			t.Errorf("a cell ends with status %d and %+v:\n%s\n%s", o.status, o.fail, src, o.out)
		}
	}
	t.Logf("%d cells ran, %d failed", ran, failed)
	if failed > ran*2/3 {
		t.Errorf("%d of %d cells fail when they run: the generator has lost its way", failed, ran)
	}
}

// pretend commits a program as if it had run and kept all that it could.
func (s *Session) pretend(p *Program) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var now contract.Saved
	defs := map[string]*definition{}
	for _, def := range p.defs {
		defs[def.name] = def
		if def.why == "" {
			now.Groups = append(now.Groups, contract.SavedGroup{File: def.name + ".val", Bytes: 8, Names: []string{def.name}})
		}
	}
	s.commit(p)
	s.takeSaved(p, now, defs)
}
