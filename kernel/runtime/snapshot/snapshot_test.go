package snapshot

import (
	"container/list"
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"math/rand/v2"
	"os"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
	"unsafe"
)

// carry writes x and reads it into y, as two processes would.
func carry[T any](t *testing.T, x *T) *T {
	t.Helper()
	g, err := Encode([]Root{{"x", x}})
	if err != nil {
		t.Fatalf("%T: %v", *x, err)
	}
	y := new(T)
	if err := Decode(g.Image.Bytes(), []Root{{"x", y}}); err != nil {
		t.Fatalf("%T: %v", *x, err)
	}
	return y
}

type hidden struct {
	a  int
	b  []string
	m  map[string]*hidden
	up *hidden
	f  func()
}

type gauss struct{ Mean, sd float64 }

type spread interface{ Spread() float64 }

func (g gauss) Spread() float64 { return g.sd }

type stack[T any] struct{ items []T }

type stamped struct {
	time.Time
	Name string
}

func TestEqualAfterwards(t *testing.T) {
	Register[gauss]()
	Register[stack[int]]()
	five := 5
	day := time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)
	check := func(name string, same bool) {
		t.Helper()
		if !same {
			t.Errorf("%s: changed", name)
		}
	}
	same := func(x any) {
		t.Helper()
		v := reflect.New(reflect.TypeOf(x))
		v.Elem().Set(reflect.ValueOf(x))
		g, err := Encode([]Root{{"x", v.Interface()}})
		if err != nil {
			t.Errorf("%T: %v", x, err)
			return
		}
		w := reflect.New(v.Type().Elem())
		if err := Decode(g.Image.Bytes(), []Root{{"x", w.Interface()}}); err != nil {
			t.Errorf("%T: %v", x, err)
			return
		}
		if !reflect.DeepEqual(v.Elem().Interface(), w.Elem().Interface()) {
			t.Errorf("%T: %v became %v", x, x, w.Elem())
		}
	}
	for _, x := range []any{
		1, "text", true, 2.5, complex(1, 2), []int(nil),
		[]int{},
		map[string]int(nil),
		map[string]int{},
		[]float64{1, 2},
		[][]float64{{1}, nil, {}},
		map[string][]int{"a": {1}},
		[3]string{"x"},
		&five,
		hidden{a: 1, b: []string{"q"}, m: map[string]*hidden{"z": {a: 2}}},
		[]any{1, "a", nil, 2.5, []int{3}, map[string]any{"k": []any{gauss{1, 2}}}},
		[]spread{gauss{1, 2}, nil},
		stack[string]{[]string{"a"}},
		any(stack[int]{[]int{1}}),
		day,
		[]time.Time{day, {}},
		big.NewInt(1 << 40), *big.NewFloat(2.5),
		struct{}{},
		[]struct{}{{}, {}},
		map[[2]int]gauss{{1, 2}: {3, 4}},
		map[any]int{"a": 1, 2: 2},
		stamped{day, "n"},
		[]error{nil},
		[]*int{&five, nil, &five},
		strings.Repeat("é", 1000), time.Second,
		[0]int{},
	} {
		same(x)
	}
	nan := carry(t, &[]float64{math.NaN(), math.Inf(1), math.Copysign(0, -1)})
	check("NaN", math.IsNaN((*nan)[0]) && math.IsInf((*nan)[1], 1) && math.Signbit((*nan)[2]))
	err := io.EOF
	check("io.EOF", *carry(t, &err) == io.EOF)
	err = fmt.Errorf("reading: %w", io.EOF)
	check("text of an error", (*carry(t, &err)).Error() == "reading: EOF")
	_, err = os.Open("/no/such")
	Register[os.PathError]()
	Register[syscall.Errno]()
	check("hidden error", strings.Contains((*carry(t, &err)).Error(), "/no/such"))
}

func TestSharing(t *testing.T) {
	n := &hidden{a: 1}
	n.up = n
	m := carry(t, &n)
	if (*m).up != *m {
		t.Error("a cycle came back open")
	}
	a := []int{1, 2, 3, 4, 5}
	type views struct {
		tail, head []int
		third      *int
		arr        *[2]int
	}
	v := carry(t, &views{a[1:], a[:2], &a[2], (*[2]int)(a[3:])})
	v.tail[0], v.tail[1], v.tail[2] = 20, 30, 40
	if v.head[1] != 20 || *v.third != 30 || v.arr[0] != 40 || cap(v.head) != 5 {
		t.Errorf("views of one array came apart: %v %v cap %d", *v, *v.third, cap(v.head))
	}
	v.head = append(v.head, 99)
	if v.tail[1] != 99 {
		t.Error("append no longer writes where it did")
	}
	type node struct {
		val  int
		next *node
		pval *int
	}
	var chain node
	chain.pval, chain.next = &chain.val, &node{val: 2}
	chain.next.next = &chain
	c := carry(t, &chain)
	*c.pval = 7
	if c.val != 7 || c.next.next != c {
		t.Error("a pointer into the variable itself came apart")
	}
	mm := map[string]int{"a": 1}
	pair := carry(t, &[2]map[string]int{mm, mm})
	pair[0]["b"] = 2
	if pair[1]["b"] != 2 {
		t.Error("one map became two")
	}
	self := map[string]any{}
	self["me"] = self
	s := carry(t, &self)
	if (*s)["me"].(map[string]any)["me"] == nil {
		t.Error("a map that holds itself came back open")
	}
}

func TestGroups(t *testing.T) {
	x, y := 1, []int{1, 2, 3}
	p := &x
	z := y[1:]
	alone := "a"
	ch := make(chan int)
	roots := []Root{{"x", &x}, {"alone", &alone}, {"y", &y}, {"p", &p}, {"z", &z}, {"ch", &ch}}
	groups, refused := Groups(roots, nil)
	var names []string
	for _, g := range groups {
		names = append(names, strings.Join(g.Names, "+"))
		for i, n := range g.Names {
			if g.Pointed[i] != (n == "x") {
				t.Errorf("%s: Pointed is %v", n, g.Pointed[i])
			}
		}
	}
	if got := strings.Join(names, " "); got != "x+p alone y+z" {
		t.Errorf("groups %q", got)
	}
	if len(refused) != 1 || !strings.Contains(refused["ch"].Error(), "chan") {
		t.Errorf("refused: %v", refused)
	}
	var x2 int
	var p2 *int
	if err := Decode(groups[0].Image.Bytes(), []Root{{"p", &p2}, {"x", &x2}}); err != nil {
		t.Fatal(err)
	}
	if x2 != 1 || p2 != &x2 {
		t.Error("p no longer points at x")
	}
}

func TestUnchanged(t *testing.T) {
	type node struct {
		next  *node
		name  string
		views [2][]float64
	}
	a := []float64{1, 2, 3}
	n := &node{name: "n", views: [2][]float64{a, a[1:]}}
	n.next = &node{next: n}
	g, err := Encode([]Root{{"n", &n}})
	if err != nil {
		t.Fatal(err)
	}
	m := new(node) // elsewhere in memory
	if err := Decode(g.Image.Bytes(), []Root{{"n", &m}}); err != nil {
		t.Fatal(err)
	}
	again := func() bool {
		gs, _ := Groups([]Root{{"n", &m}}, func([]string) Stamp { return g.Image.Stamp() })
		return gs[0].Same
	}
	if !again() {
		t.Error("a value that was only read counts as changed")
	}
	for i, change := range []func(){func() { m.views[1][1] = 4 }, func() { m.views[1][1] = 3; m.name = "" }, func() { m.name = "n"; m.next = nil }} {
		if change(); again() {
			t.Errorf("change %d goes unseen", i)
		}
	}
}

// TestSums: what is equal has equal sums, in another process, another group
// and whatever the order of a map or the room behind a slice; what is not has not.
func TestSums(t *testing.T) {
	m := map[string][]int{}
	flatKeys := map[[2]int]*int{}
	for i := range 50 {
		m[fmt.Sprint("key", i)] = []int{i}
		flatKeys[[2]int{i, -i}] = &i
	}
	grown := append(make([]float64, 0, 100), 1, 2, 3)
	x, lone := grown[1:], 7
	type holder struct {
		M *map[string][]int
		K map[[2]int]*int
		L []float64
	}
	h := holder{&m, flatKeys, grown}
	sum := func(name string, roots ...Root) uint64 {
		t.Helper()
		groups, refused := Groups(roots, nil)
		for _, g := range groups {
			for i, n := range g.Names {
				if n == name {
					return g.Sums[i]
				}
			}
		}
		t.Fatalf("%s: %v", name, refused)
		return 0
	}
	before := sum("h", Root{"h", &h})
	if sum("h", Root{"x", &x}, Root{"h", &h}, Root{"lone", &lone}) != before || sum("h", Root{"h", carry(t, &h)}) != before {
		t.Error("h counts as changed")
	}
	if g, _ := Encode([]Root{{"h", &h}}); len(g.Sums) == 1 {
		back := carry(t, &h)
		if gs, _ := Groups([]Root{{"h", back}}, func([]string) Stamp { return g.Image.Stamp() }); !gs[0].Same {
			t.Error("a map that was only read is written again")
		}
	}
	for i, change := range []func(){func() { m["key3"][0] = 9 }, func() { delete(m, "key7") }, func() { *flatKeys[[2]int{4, -4}] = 40 }, func() { x[0] = 5 }} {
		change()
		now := sum("h", Root{"x", &x}, Root{"h", &h})
		if now == before {
			t.Errorf("change %d goes unseen", i)
		}
		before = now
	}
	if was := sum("x", Root{"x", &x}, Root{"h", &h}); true {
		grown[0] = -1 // x does not reach it
		if sum("x", Root{"x", &x}, Root{"h", &h}) != was {
			t.Error("x counts as changed by what stands before it")
		}
	}
}

func TestRefuses(t *testing.T) {
	var mu sync.Mutex
	mu.Lock()
	go mu.Lock()
	for atRest(unsafe.Pointer(&mu)) {
		runtime.Gosched()
	}
	locked := struct {
		mu *sync.Mutex
	}{&mu}
	for want, p := range map[string]any{
		".f: a func can't leave its process":        &hidden{f: func() {}},
		".m[…].f: a func can't":                     &hidden{m: map[string]*hidden{"a": {f: func() {}}}},
		"a goroutine waits for the sync.Mutex":      &locked,
		"an os.File can't leave":                    &[]*os.File{os.NewFile(1, "")},
		"[]: a chan can't leave":                    &[]any{1, make(chan int)},
		"the hidden type snapshot.unknown can't be": &[]any{unknown{}},
	} {
		_, err := Encode([]Root{{"x", p}})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	var free struct {
		mu sync.Mutex
		n  int
	}
	free.mu.Lock()
	free.n = 3
	free.mu.Unlock()
	if carry(t, &free).n != 3 {
		t.Error("a free lock stands in the way")
	}
}

type unknown struct{ F func() }

type touchy struct{ n int }

func (touchy) MarshalBinary() ([]byte, error) { panic("touched") }
func (*touchy) UnmarshalBinary([]byte) error  { return nil }

// TestPanickingMethod: one value's broken method costs no other value.
func TestPanickingMethod(t *testing.T) {
	x, y := touchy{1}, 2
	groups, refused := Groups([]Root{{"x", &x}, {"y", &y}}, nil)
	if len(groups) != 1 || groups[0].Names[0] != "y" || !strings.Contains(refused["x"].Error(), "touched") {
		t.Errorf("%v %v", groups, refused)
	}
}

func TestLivingThings(t *testing.T) {
	Register[rand.PCG]()
	r := rand.New(rand.NewPCG(1, 2))
	r.Float64()
	r2 := *carry(t, &r)
	if r.Float64() != r2.Float64() {
		t.Error("a random stream does not go on where it was")
	}
	var b strings.Builder
	b.WriteString("one")
	b2 := carry(t, &b)
	b2.WriteString("two")
	if b2.String() != "onetwo" {
		t.Error("strings.Builder")
	}
	l := list.New()
	l.PushBack(1)
	if l2 := *carry(t, &l); l2.Front().Value != 1 || l2.Front().Next() != nil {
		t.Error("container/list")
	}
}

func TestChangedType(t *testing.T) {
	x := struct{ A, B int }{1, 2}
	g, err := Encode([]Root{{"x", &x}})
	if err != nil {
		t.Fatal(err)
	}
	var y struct{ A, C int }
	if err := Decode(g.Image.Bytes(), []Root{{"x", &y}}); !errors.Is(err, ErrChanged) {
		t.Errorf("another layout: %v", err)
	}
	b := g.Image.Bytes()
	b[len(b)/2] ^= 1
	if err := Decode(b, []Root{{"x", &x}}); !errors.Is(err, errDamaged) {
		t.Errorf("damaged: %v", err)
	}
	if err := Decode(g.Image.Bytes()[:10], []Root{{"x", &x}}); !errors.Is(err, errDamaged) {
		t.Errorf("truncated: %v", err)
	}
}

// BenchmarkKeep is what a cell does that loads a value, changes nothing and ends: 8 MB, laid out in several ways.
func BenchmarkKeep(b *testing.B) {
	rows := func(n, m int) *[][]float64 {
		r := make([][]float64, n)
		for i := range r {
			r[i] = make([]float64, m)
		}
		return &r
	}
	type record struct {
		Name string
		A, B float64
	}
	records, table, text := make([]record, 200_000), map[string]float64{}, strings.Repeat("é text ", 1<<20)
	for i := range records {
		records[i] = record{fmt.Sprint("name", i), 1, 2}
	}
	for i := range 100_000 {
		table[fmt.Sprint("key", i)] = float64(i)
	}
	array := make([]float64, 1<<20)
	keep(b, "array", &array)
	keep(b, "rows of 8 kB", rows(1000, 1000))
	keep(b, "rows of 800 B", rows(10_000, 100))
	keep(b, "records", &records)
	keep(b, "map", &table)
	keep(b, "text", &text)
}

func keep[T any](b *testing.B, name string, x *T) {
	g, err := Encode([]Root{{"x", x}})
	if err != nil {
		b.Fatal(err)
	}
	file := g.Image.Bytes()
	b.Run(name+"/load", func(b *testing.B) {
		for b.Loop() {
			if err := Adopt(file, []Root{{"x", new(T)}}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run(name+"/unchanged", func(b *testing.B) {
		for b.Loop() {
			if g, _ := Groups([]Root{{"x", x}}, func([]string) Stamp { return g.Image.Stamp() }); !g[0].Same {
				b.Fatal("not the same")
			}
		}
	})
	b.Run(name+"/write", func(b *testing.B) {
		for b.Loop() {
			g, _ := Groups([]Root{{"x", x}}, nil)
			if _, err := g[0].Image.WriteTo(io.Discard); err != nil {
				b.Fatal(err)
			}
		}
	})
}
