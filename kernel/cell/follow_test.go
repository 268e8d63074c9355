package cell

import (
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strings"
	"testing"

	"odslab/kernel/runtime/contract"
)

// step is one run of a cell: "name: text", the name by which the front end
// knows it; without a name it is known by its text.
type step struct {
	cell string
	sets string // variables and their values afterwards: "x=1 p=2"; others stay
	want string // what %stale names then: "b(x) c(y of b)"; "-" is not looked at
}

func (s step) split() (from Origin, src string) {
	name, text, ok := strings.Cut(s.cell, ": ")
	if !ok || len(name) != 1 {
		return Origin{}, s.cell
	}
	return Origin{Cell: name}, text
}

// after commits a program as if it had run and left these values.
func (s *Session) after(p *Program, sets string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var now contract.Saved
	defs := map[string]*definition{}
	for _, def := range p.defs {
		defs[def.name] = def
	}
	for set := range strings.FieldsSeq(sets) {
		name, value, _ := strings.Cut(set, "=")
		if value == "refused" {
			now.Refused = map[string]string{name: "it was refused"}
			continue
		}
		h := fnv.New64()
		h.Write([]byte(value))
		now.Groups = append(now.Groups, contract.SavedGroup{File: name + ".val", Names: []string{name}, Sums: []uint64{h.Sum64()}, Known: slices.Collect(maps.Keys(p.draft.fresh))})
	}
	s.takeSaved(p, now, defs)
	s.commit(p)
}

// TestStale: what %stale must name, and what it must not.
func TestStale(t *testing.T) {
	t.Parallel()
	for name, steps := range map[string][]step{
		"a change of what was read": {
			{"a: x := 1", "x=1", ""},
			{"b: y := x + 1", "y=2", ""},
			{"c: z := 5", "z=5", ""},
			{"a: x := 2", "x=2", "b(x)"},
			{"b: y := x + 1", "y=3", ""},
		},
		"cells known by their text": {
			{"x := 1", "x=1", ""}, {"fmt.Println(x)", "", ""}, {"x = 5", "x=5", "fmt.Println(x)(x)"}, {"fmt.Println(x)", "", ""},
		},
		"the same value again": {
			{"a: x := 1", "x=1", ""}, {"b: fmt.Println(x)", "", ""}, {"a: x := 2 - 1", "x=1", ""},
		},
		"another type of the same bytes": {
			{"a: x := 1", "x=1", ""}, {"b: fmt.Println(x)", "", ""}, {"a: x := uint(1)", "x=1", "b(x)"},
		},
		"an old value come back": {
			{"a: x := 1", "x=1", ""}, {"b: fmt.Println(x)", "", ""}, {"a: x := 2", "x=2", "b(x)"}, {"a: x := 1", "x=1", ""},
		},
		"cells that only set": {
			{"a: x := 1", "x=1", ""}, {"b: x = 3", "x=3", ""}, {"a: x := 2", "x=2", ""},
		},
		"what a stale cell made": {
			{"a: x := 1", "x=1", ""},
			{"b: y := x + 1", "y=2", ""},
			{"c: z := y", "z=2", ""},
			{"d: fmt.Println(z)", "", ""},
			{"e: fmt.Println(1)", "", ""},
			{"a: x := 2", "x=2", "b(x) c(y of b) d(z of c)"},
			{"b: y := x + 1", "y=3", "c(y) d(z of c)"},
			{"c: z := y", "z=3", "d(z)"},
		},
		"a stale cell that makes the same again": {
			{"a: x := 1", "x=1", ""},
			{"b: y := x > 0", "y=true", ""},
			{"c: fmt.Println(y)", "", ""},
			{"a: x := 2", "x=2", "b(x) c(y of b)"},
			{"b: y := x > 0", "y=true", ""},
		},
		"a cell that adds to what it reads": {
			{"a: x := 0", "x=0", ""},
			{"b: x = x + 1", "x=1", ""},
			{"c: x *= 2", "x=2", ""},
			{"d: fmt.Println(x)", "", ""},
			{"b: x = x + 1", "x=3", "c(x) d(x)"},
			{"a: x := 5", "x=5", "b(x) c(x) d(x)"},
		},
		"a reader before a cell that adds": {
			{"a: x := 0", "x=0", ""}, {"b: y := x * 2", "y=0", ""}, {"c: x++", "x=1", "b(x)"}, {"b: y := x * 2", "y=2", ""},
		},
		"a name used again further down": {
			{"a: x := 1", "x=1", ""},
			{"b: fmt.Println(x)", "", ""},
			{"c: x := 5", "x=5", ""},
			{"d: fmt.Println(x)", "", ""},
			{"a: x := 2", "x=2", "b(x)"},
			{"c: x := 6", "x=6", "b(x) d(x)"},
			{"e: x = 7", "x=7", "b(x) d(x)"},
			{"f: func x() {}", "", "b(x) d(x)"},
		},
		"a name used again by cells without names": {
			{"x := 1", "x=1", ""}, {"fmt.Println(x)", "", ""}, {"x := 5", "x=5", "fmt.Println(x)(x)"},
		},
		"a later cell that makes of a name what it was": {
			{"a: x := 1", "x=1", ""}, {"b: x := x + 1", "x=2", ""}, {"c: fmt.Println(x)", "", ""}, {"a: x := 3", "x=3", "b(x) c(x)"},
		},
		"functions by their source": {
			{"a: func f() int { return 1 }", "", ""},
			{"b: y := f()", "y=1", ""},
			{"c: func g() int { return f() }", "", ""},
			{"d: g()", "", ""},
			{"a: func f() int { return 1 }", "", ""},
			{"a: func f() int { return 2 }", "", "b(f) d(f)"},
		},
		"variables by way of functions": {
			{"a: x := 1", "x=1", ""},
			{"b: func f() int { return x }\nfunc g() { x = 9 }", "", ""},
			{"c: f()", "", ""},
			{"d: g()", "x=9", "c(x)"},
			{"a: x := 3", "x=3", "c(x)"}, // not d, which only sets
		},
		"methods and types": {
			{"a: type T struct{ A int }\nfunc (t T) String() string { return \"a\" }", "", ""},
			{"b: v := T{1}", "v=1", ""},
			{"c: fmt.Println(v)", "", ""},
			{"d: 1 + 1", "", ""},
			{"a: type T struct{ A int }\nfunc (t T) String() string { return \"b\" }", "", "b(T.String) c(T.String)"},
		},
		"constants": {
			{"a: const k = 1", "", ""}, {"b: fmt.Println(k)", "", ""}, {"a: const k = 2", "", "b(k)"},
		},
		"a func reads where it is called": {
			{"a: x := 1", "x=1", ""},
			{"b: f := func() int { return x }", "f=func", ""},
			{"c: f()", "", ""},
			{"d: h := f; _ = h", "", ""},
			{"a: x := 2", "x=2", "c(x) d(x)"},
		},
		"the cell's own names": {
			{"a: x := 1", "x=1", ""},
			{"b: x := 7\nfmt.Println(x)", "x=7", ""},
			{"c: for x := range 3 { fmt.Println(x) }", "", ""},
			{"a: x := 2", "x=2", ""},
			{"d: func h(x int) int { return x }\nh(1)", "", ""},
			{"a: x := 3", "x=3", ""},
		},
		"a text that the cell no longer has": {
			{"a: x := 1", "x=1", ""}, {"b: fmt.Println(x)", "", ""}, {"b: fmt.Println(1)", "", ""}, {"a: x := 2", "x=2", ""},
		},
		"what is dropped": {
			{"a: x := 1", "x=1", ""}, {"b: fmt.Println(x)", "", ""}, {"%drop x", "", ""}, {"a: x := 1", "x=1", ""}, {"%drop x", "", ""}, {"a: x := 2", "x=2", "b(x)"},
		},
		"a new start": {
			{"a: x := 1", "x=1", ""}, {"b: fmt.Println(x)", "", ""}, {"a: x := 2", "x=2", "b(x)"}, {"%reset", "", ""}, {"a: x := 3", "x=3", ""},
		},
		"a failed cell": { // x was set before it failed
			{"a: x := 1", "x=1", ""}, {"b: y := x", "y=1", ""}, {"c: x = 2; panic(1)", "x=2", "b(x)"},
		},
		"imports and packages": {
			{"a: import \"math\"", "", ""}, {"b: math.Sqrt(2)", "", ""}, {"a: import math \"math/cmplx\"", "", ""},
		},
		"a value that others change": { // shared memory: both have other sums
			{"a: xs := []int{1}; p := &xs[0]", "xs=1 p=1", ""}, {"b: fmt.Println(xs)", "", ""}, {"c: fmt.Println(*p)", "", ""}, {"d: *p = 2", "xs=2 p=2", "b(xs) c(p)"},
		},
		"the seed": {
			{"a: seed := 1", "seed=1", ""}, {"b: _ = draw", "", ""}, {"c: 1 + 1", "", ""}, {"a: seed := 2", "seed=2", "b(seed)"},
		},
		"a source that runs again": {
			{"a: n := `a`", "n=1", ""}, {"b: c := strings.NewReplacer(n, `b`)", "c=refused", ""}, {"d: c.Replace(`a`)", "", ""}, {"a: n := `b`", "n=2", "b(n) d(c,n)"},
		},
	} {
		s := newSession(t)
		named := map[int]string{}
		for i, st := range steps {
			from, src := st.split()
			named[i+1] = from.Cell
			if from.Cell == "" {
				named[i+1] = src
			}
			p, err := s.CompileCell(from, i+1, src)
			if err != nil {
				t.Errorf("%s: %s: %v", name, st.cell, err)
				break
			}
			s.after(p, st.sets)
			var got []string
			for _, x := range s.Stale() {
				text := strings.Join(x.Names, ",")
				if strings.HasPrefix(x.Why, "made by cell ") {
					var n int
					fmt.Sscanf(x.Why, "made by cell %d", &n)
					text += " of " + named[n]
				}
				got = append(got, named[x.Number]+"("+text+")")
			}
			if g := strings.Join(got, " "); g != st.want {
				t.Errorf("%s: after %q stale is %q, want %q", name, st.cell, g, st.want)
			}
		}
	}
}

// TestStaleText: what a person reads.
func TestStaleText(t *testing.T) {
	t.Parallel()
	s := newSession(t)
	run := func(n int, cell, sets string) *Program {
		t.Helper()
		from, src := step{cell: cell}.split()
		p, err := s.CompileCell(from, n, src)
		if err != nil {
			t.Fatal(err)
		}
		s.after(p, sets)
		return p
	}
	run(1, "a: x := 1", "x=1")
	run(2, "b: // twice\ny := 2 * x", "y=2")
	run(3, "c: fmt.Println(x)", "")
	run(4, "d: z := y", "z=2")
	if b := s.Badge(); b != "" {
		t.Errorf("badge %q of a cell that changes nothing", b)
	}
	run(5, "a: x := 2", "x=2")
	if got, want := s.Badge(), "stale: cells 2, 3 (they read x), cell 4 (it read y); %rerun runs what is stale"; got != want {
		t.Errorf("badge\n%q, want\n%q", got, want)
	}
	want := `cell  read  which was                       begins
2     x     changed by cell 5               y := 2 * x
3     x     changed by cell 5               fmt.Println(x)
4     y     made by cell 2, which is stale  z := y
%rerun runs them again, in this order.
`
	if p := run(6, "%stale", ""); p.Text != want {
		t.Errorf("%%stale says\n%swant\n%s", p.Text, want)
	}
	if b := s.Badge(); b != "" {
		t.Errorf("badge %q twice", b)
	}
	// An expression of the front end is no cell.
	if p, err := s.CompileCell(Origin{Aside: true}, 7, "x + 0"); err != nil {
		t.Error(err)
	} else {
		s.after(p, "")
	}
	run(8, "a: x := 3", "x=3")
	if list := s.Stale(); len(list) != 3 || list[0].Number != 2 || list[0].Source != "// twice\ny := 2 * x" || list[0].Origin.Cell != "b" {
		t.Errorf("stale: %+v", list)
	}
	// A cell that no longer compiles is run again as it stands now.
	if _, err := s.CompileCell(Origin{Cell: "c"}, 9, "fmt.Println(x"); err == nil {
		t.Error("half a call compiles")
	}
	if list := s.Stale(); len(list) != 3 || list[1].Number != 9 || list[1].Source != "fmt.Println(x" {
		t.Errorf("stale: %+v", list)
	}
	if _, err := s.Compile(10, "1\n%rerun"); err == nil || !strings.Contains(err.Error(), "10]:2:1: %rerun stands alone in its cell") {
		t.Errorf("%%rerun among others: %v", err)
	}
}
