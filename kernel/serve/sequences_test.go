package serve

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

var (
	sequences = flag.Int("sequences", 50, "random sequences of cells to run")
	seed      = flag.Uint64("seed", 1, "seed of the first of them; 0 takes the time")
)

// notebookModel is what a notebook's variables must be. The model is Go itself: an int is a pointer here as it is there,
// slices share what they share, a func looks its names up when it is called.
type notebookModel struct {
	r       *rand.Rand
	ints    map[string]*int
	ptrs    map[string]*int
	lists   map[string][]int
	funcs   map[string]string            // the int that it reads
	tabs    map[string]map[string]string // of funcs
	errs    map[string]error
	boxes   map[string]*int   // structs behind a pointer, by their counter
	arrays  map[string]int    // tensors of the resident process, by their first element
	restart func()            // of the resident process; nil where there is none
	lost    map[string]string // gone: what the error says
	once    map[string]int    // effects: how often each has run
	log     string
	n       int
}

func newModel(seed uint64, log string) *notebookModel {
	return &notebookModel{
		r: rand.New(rand.NewPCG(seed, 10)), ints: map[string]*int{}, ptrs: map[string]*int{}, lists: map[string][]int{}, funcs: map[string]string{},
		tabs: map[string]map[string]string{}, errs: map[string]error{}, arrays: map[string]int{}, boxes: map[string]*int{}, lost: map[string]string{}, once: map[string]int{}, log: log,
	}
}

func (m *notebookModel) prelude() string {
	return `func eff[T any](id string, x T) T {
	f, _ := os.OpenFile("` + m.log + `", os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	defer f.Close()
	f.WriteString(id + "\n")
	return x
}
type box struct{ n int; self *box }
func (b *box) inc() int { b.n++; return b.n }
func must[T any](x T, _ error) T { return x }
func counter() func() int { n := 0; return func() int { n++; return n } }` + map[bool]string{true: `
func twice(x any) *tensors.Tensor {
	return graph.MustNewExec(compute.MustNew(), func(x *graph.Node) *graph.Node { return graph.MulScalar(x, 2) }).MustCall1(x)
}`}[m.restart != nil]
}

func pickKey[V any](m *notebookModel, of map[string]V) string {
	keys := slices.Sorted(maps.Keys(of))
	if len(keys) == 0 {
		return ""
	}
	return keys[m.r.IntN(len(keys))]
}

func (m *notebookModel) name(kind string) string { return fmt.Sprint(kind, m.r.IntN(3)) }

// fresh forgets what had a name, which a cell defines anew.
func (m *notebookModel) fresh(name string) {
	delete(m.ints, name)
	delete(m.ptrs, name)
	delete(m.lists, name)
	delete(m.funcs, name)
	delete(m.tabs, name)
	delete(m.errs, name)
	delete(m.arrays, name)
	delete(m.boxes, name)
	delete(m.lost, name)
}

func (m *notebookModel) eff(value string) string {
	m.n++
	id := fmt.Sprint("e", m.n)
	m.once[id]++
	return fmt.Sprintf("eff(%q, %s)", id, value)
}

// step is a statement, and what it does to the model.
func (m *notebookModel) step() (src string, do func()) {
	k := m.r.IntN(100)
	if m.restart != nil && m.r.IntN(3) == 0 {
		x, from := m.name("x"), fmt.Sprintf("[]float32{%d, 1}", k)
		if y := pickKey(m, m.arrays); y != "" && m.r.IntN(2) == 0 {
			from, k = y, m.arrays[y]
		}
		return x + " := " + m.eff("twice("+from+")"), func() { m.fresh(x); m.arrays[x] = 2 * k }
	}
	switch m.r.IntN(17) {
	case 0, 1:
		n := m.name("i")
		return n + " := " + m.eff(fmt.Sprint(k)), func() { m.fresh(n); m.ints[n] = &k }
	case 2:
		if n := pickKey(m, m.ints); n != "" {
			return fmt.Sprintf("%s += %d", n, k), func() { *m.ints[n] += k }
		}
	case 3:
		if n, p := pickKey(m, m.ints), m.name("p"); n != "" {
			return p + " := " + m.eff("&"+n), func() { q := m.ints[n]; m.fresh(p); m.ptrs[p] = q }
		}
	case 4:
		if p := pickKey(m, m.ptrs); p != "" {
			return fmt.Sprintf("*%s -= %d", p, k), func() { *m.ptrs[p] -= k }
		}
	case 5:
		n := m.name("s")
		return n + " := " + m.eff(fmt.Sprintf("[]int{%d, 1, 2}", k)), func() { m.fresh(n); m.lists[n] = []int{k, 1, 2} }
	case 6:
		if a, b := pickKey(m, m.lists), m.name("t"); a != "" && len(m.lists[a]) > 1 {
			return fmt.Sprintf("%s := %s[1:]", b, a), func() { s := m.lists[a][1:]; m.fresh(b); m.lists[b] = s }
		}
	case 7:
		if a := pickKey(m, m.lists); a != "" && len(m.lists[a]) > 0 {
			return fmt.Sprintf("%s[0] += %d", a, k), func() { m.lists[a][0] += k }
		}
	case 8:
		if i, f := pickKey(m, m.ints), m.name("f"); i != "" {
			return fmt.Sprintf("%s := %s", f, m.eff("func() int { return 2 * "+i+" }")), func() { m.fresh(f); m.funcs[f] = i }
		}
	case 9:
		if i, t := pickKey(m, m.ints), m.name("m"); i != "" {
			return fmt.Sprintf("%s := %s", t, m.eff(`map[string]func() int{"a": func() int { return 2 * `+i+` }}`)), func() { m.fresh(t); m.tabs[t] = map[string]string{"a": i} }
		}
	case 10:
		if i, t := pickKey(m, m.ints), pickKey(m, m.tabs); i != "" && t != "" {
			return fmt.Sprintf("if %s != nil { %s[\"b\"] = func() int { return 2 * %s } }", t, t, i), func() { m.tabs[t]["b"] = i }
		}
	case 11:
		e := m.name("e")
		if f := pickKey(m, m.errs); f != "" {
			return fmt.Sprintf("%s := %s", e, m.eff(fmt.Sprintf("fmt.Errorf(\"%d: %%w\", %s)", k, f))), func() { x := fmt.Errorf("%d: %w", k, m.errs[f]); m.fresh(e); m.errs[e] = x }
		}
		return e + " := " + m.eff("error(io.EOF)"), func() { m.fresh(e); m.errs[e] = io.EOF }
	case 12:
		b := m.name("b")
		return fmt.Sprintf("%s := %s\n%s.self = %s", b, m.eff(fmt.Sprintf("&box{n: %d}", k)), b, b), func() { m.fresh(b); m.boxes[b] = &k }
	case 13:
		if b := pickKey(m, m.boxes); b != "" {
			return b + ".self.inc();", func() { *m.boxes[b]++ }
		}
	case 14, 15:
		c := m.name("c")
		of := [][2]string{
			{"make(chan int, 1)", "a chan can't leave its process"},
			{"counter()", "a func can't leave its process"},
			{"map[string]func() int{`c`: counter()}", "a func can't leave"},
			{"must(os.Open(`/dev/null`))", "an os.File can't leave its process"},
			{"time.NewTimer(time.Hour)", "a chan can't leave its process"},
			{"[]any{1, make(chan bool)}", "a chan can't leave"},
		}[m.r.IntN(6)]
		return c + " := " + m.eff(of[0]), func() { m.fresh(c); m.lost[c] = of[1] }
	}
	return "_ = 0", func() {}
}

// look is a statement that prints what is there, and what it must print.
func (m *notebookModel) look(names ...string) (src, want string) {
	var args, says []string
	say := func(arg string, v any) { args, says = append(args, arg), append(says, fmt.Sprint(v)) }
	for _, n := range names {
		switch {
		case m.ints[n] != nil:
			say(n, *m.ints[n])
		case m.ptrs[n] != nil:
			say("*"+n, *m.ptrs[n])
		case m.lists[n] != nil:
			say(n, m.lists[n])
		case m.funcs[n] != "":
			if i := m.ints[m.funcs[n]]; i != nil {
				say(n+"()", 2**i)
			}
		case m.tabs[n] != nil:
			if m.broken(n) {
				continue
			}
			for _, k := range slices.Sorted(maps.Keys(m.tabs[n])) {
				say(n+"[`"+k+"`]()", 2**m.ints[m.tabs[n][k]])
			}
		case m.errs[n] != nil:
			say(n, m.errs[n])
			say("errors.Is("+n+", io.EOF)", errors.Is(m.errs[n], io.EOF))
			for _, o := range slices.Sorted(maps.Keys(m.errs)) {
				say("errors.Is("+n+", "+o+")", errors.Is(m.errs[n], m.errs[o]))
			}
		case m.arrays[n] != 0:
			say(n+".Value().([]float32)[0]", m.arrays[n])
		case m.boxes[n] != nil:
			say(n+".n", *m.boxes[n])
			say(n+".self == "+n, true)
		}
	}
	if len(args) == 0 {
		return "fmt.Println()", ""
	}
	return "fmt.Println(" + strings.Join(args, ", ") + ")", strings.Join(says, " ")
}

// broken: a func of the table reads a variable that is no more.
func (m *notebookModel) broken(table string) bool {
	for _, i := range m.tabs[table] {
		if m.ints[i] == nil {
			return true
		}
	}
	return false
}

func (m *notebookModel) names() (out []string) {
	for _, keys := range [][]string{
		slices.Collect(maps.Keys(m.ints)), slices.Collect(maps.Keys(m.ptrs)), slices.Collect(maps.Keys(m.lists)), slices.Collect(maps.Keys(m.funcs)),
		slices.Collect(maps.Keys(m.tabs)), slices.Collect(maps.Keys(m.errs)), slices.Collect(maps.Keys(m.boxes)), slices.Collect(maps.Keys(m.arrays)),
	} {
		out = append(out, keys...)
	}
	slices.Sort(out)
	return out
}

// TestRandomSequences runs random sequences of cells (define, change, drop, call, panic, interrupt, kill) against a model
// of what each variable must be. A counter on disk proves that each initialiser has run once.
//
//	go test ./kernel/serve -run TestRandomSequences -sequences 2000 -seed 0 -timeout 0
func TestRandomSequences(t *testing.T) {
	if testing.Short() {
		t.Skip("a search of minutes")
	}
	limit := time.Duration(*sequences)*30*time.Second + 2*time.Minute
	f := startCellsFor(t, limit)
	first := *seed
	if first == 0 {
		first = uint64(time.Now().Unix())
	}
	cells, kinds := 0, map[string]int{}
	for i := range *sequences {
		m := newModel(first+uint64(i), filepath.Join(t.TempDir(), "once"))
		var all []string
		if !m.play(f, &all, kinds, 4+m.r.IntN(5)) {
			t.Fatalf("-seed %d: after\n%s", first+uint64(i), strings.Join(all, "\n── \n"))
		}
		cells += len(all)
	}
	t.Logf("-seed %d: %d sequences, %d cells, %v", first, *sequences, cells, kinds)
}

// With XLA: what is in the resident process comes back when that is killed.
func TestRandomSequencesWithXLA(t *testing.T) {
	if testing.Short() {
		t.Skip("a search of minutes")
	}
	n := max(2, *sequences/10)
	f, tag := withXLAFor(t, time.Duration(n)*time.Minute+4*time.Minute)
	first := *seed
	if first == 0 {
		first = uint64(time.Now().Unix())
	}
	kinds := map[string]int{}
	for i := range n {
		m := newModel(first+uint64(i), filepath.Join(t.TempDir(), "once"))
		m.restart = func() {
			for _, p := range family(tag, 0) {
				if pid, cmd, _ := strings.Cut(p, " "); strings.Contains(cmd, "-spill") {
					n, _ := strconv.Atoi(pid)
					time.Sleep(300 * time.Millisecond) // what is kept is written behind the cell's back
					kill9(n)
				}
			}
		}
		var all []string
		if !m.play(f, &all, kinds, 4+m.r.IntN(5)) {
			t.Fatalf("-seed %d: after\n%s", first+uint64(i), strings.Join(all, "\n── \n"))
		}
	}
	t.Logf("-seed %d: %d sequences, %v", first, n, kinds)
}

// play runs one sequence; it says whether the notebook was what the model says.
func (m *notebookModel) play(f *front, all *[]string, kinds map[string]int, cells int) bool {
	run := func(src string) *shown {
		*all = append(*all, src)
		return f.run(src)
	}
	fail := func(what string, s *shown) bool {
		f.t.Errorf("%s: %v", what, s)
		return false
	}
	if s := run("%reset\n" + m.prelude()); s.Status != "ok" {
		return fail("the prelude", s)
	}
	for range cells {
		var src []string
		steps := 1 + m.r.IntN(3)
		for range steps {
			text, change := m.step()
			name, _, defines := strings.Cut(text, " := ")
			if defines && strings.Contains(strings.Join(src, "\n"), name) { // a func before it would capture another one
				text, change = "_ = 1", func() {}
			}
			if text == "_ = 0" || text == "_ = 1" {
				continue
			}
			src = append(src, text)
			change()
		}
		text := strings.Join(src, "\n")
		lookAt, want := m.look(m.names()...)
		how := []string{"plain", "plain", "plain", "panic", "interrupt", "drop", "gone"}[m.r.IntN(7)]
		kinds[how]++
		switch how {
		case "plain":
			if s := run(text + "\n" + lookAt); s.Status != "ok" || strings.TrimSuffix(s.stdout, "\n") != want {
				return fail("want "+want, s)
			}
		case "panic":
			s := run(text + "\npanic(\"on purpose\")\n" + "unset := 12345\n_ = unset")
			if s.EValue != "on purpose" {
				return fail("a panic", s)
			}
		case "interrupt":
			*all = append(*all, text+"\n(interrupted)")
			done := f.begin(text + "\nfmt.Println(\"on\")\nfor { time.Sleep(1) }")
			f.Interrupt()
			if s := <-done; s.EName != "interrupted" {
				return fail("an interrupt", s)
			}
		case "drop":
			if s := run(text); s.Status != "ok" {
				return fail("before a drop", s)
			}
			if n := pickKey(m, m.ints); n != "" {
				m.fresh(n)
				if s := run("%drop " + n); s.Status != "ok" {
					return fail("a drop", s)
				}
				if s := run("fmt.Println(" + n + ")"); !strings.Contains(s.EValue, "undefined: "+n) {
					return fail("a dropped name", s)
				}
				for g, i := range m.funcs {
					if i == n {
						if s := run(g + "()"); !strings.Contains(s.EValue, "undefined: "+n) {
							return fail("a func whose variable is dropped", s)
						}
						m.fresh(g)
						run("%drop " + g)
					}
				}
				for g := range m.tabs {
					if m.broken(g) {
						m.fresh(g)
						run("%drop " + g)
					}
				}
			}
		case "gone":
			if s := run(text); s.Status != "ok" {
				return fail("before what is gone", s)
			}
			if n := pickKey(m, m.lost); n != "" {
				if s := run("_ = " + n); !strings.Contains(s.EValue, n+" is gone: the ") || !strings.Contains(s.EValue, m.lost[n]) {
					return fail("what is gone", s)
				}
			}
		}
		if m.r.IntN(3) == 0 { // a cell that is killed changes nothing
			if m.restart != nil {
				kinds["restart"]++
				*all = append(*all, "(the resident process is killed)")
				m.restart()
			} else if n := pickKey(m, m.ints); n != "" {
				kinds["kill"]++
				*all = append(*all, n+" += 1000 (killed)")
				done := f.begin(n + " += 1000\nfmt.Println(\"on\")\nfor { time.Sleep(1) }")
				kill9(f.cellPID())
				if s := <-done; s.EName != "killed" {
					return fail("a kill", s)
				}
			}
		}
	}
	src, want := m.look(m.names()...)
	if s := run(src); s.Status != "ok" || strings.TrimSuffix(s.stdout, "\n") != want {
		return fail("at the end, want "+want, s)
	}
	for n, why := range m.lost {
		if s := run("_ = " + n); !strings.Contains(s.EValue, n+" is gone: the ") || !strings.Contains(s.EValue, why) {
			return fail("at the end, what is gone", s)
		}
	}
	data, _ := os.ReadFile(m.log)
	ran := map[string]int{}
	for id := range strings.FieldsSeq(string(data)) {
		ran[id]++
	}
	for id, n := range ran {
		if n != 1 || m.once[id] != 1 {
			f.t.Errorf("initialiser %s ran %d times", id, n)
			return false
		}
	}
	return true
}
