package snapshot

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	mathrand "math/rand"
	"os"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
	_ "time/tzdata" // zones, whatever the machine has
	"unsafe"
)

type op func(int) int

func double(i int) int { return 2 * i }

// TestErrors: errors.Is and errors.As answer as before, whatever wraps what.
func TestErrors(t *testing.T) {
	Register[fs.PathError]()
	Register[strconv.NumError]()
	Register[syscall.Errno]()
	own := errors.New("own")
	_, notThere := os.Open("/no/such")
	_, notInt := strconv.Atoi("x1")
	for _, e := range []error{
		io.EOF, context.Canceled, context.DeadlineExceeded, own, notInt,
		fmt.Errorf("a: %w", own), fmt.Errorf("%w and %w", io.EOF, own), errors.Join(own, notThere, io.ErrUnexpectedEOF),
	} {
		x := struct{ E, Own error }{e, own}
		y := carry(t, &x)
		for _, target := range []error{io.EOF, io.ErrUnexpectedEOF, context.Canceled, context.DeadlineExceeded, fs.ErrNotExist, strconv.ErrSyntax} {
			if errors.Is(y.E, target) != errors.Is(e, target) {
				t.Errorf("%v is %v: %v", e, target, errors.Is(e, target))
			}
		}
		var path, path2 *fs.PathError
		if errors.Is(y.E, y.Own) != errors.Is(e, own) || y.E.Error() != e.Error() || errors.As(y.E, &path) != errors.As(e, &path2) {
			t.Errorf("%v has become %v", e, y.E)
		}
	}
	if _, err := Encode([]Root{{"x", &struct{ E error }{veiled{}}}}); err == nil || !strings.Contains(err.Error(), "the hidden type snapshot.veiled") {
		t.Errorf("an error of an unknown type: %v", err)
	}
}

type veiled struct{ F func() }

func (veiled) Error() string { return "veiled" }

// TestFuncs: functions are kept by name, wherever they lie; what else is code is refused.
func TestFuncs(t *testing.T) {
	k := 3
	literal := func(i int) int { return i + k }
	RegisterFunc("double", double)
	RegisterFunc("literal", literal)
	x := struct {
		F  func(int) int
		O  op
		M  map[string]func(int) int
		A  any
		No func()
	}{double, literal, map[string]func(int) int{"d": double, "l": literal}, double, nil}
	y := carry(t, &x)
	if y.F(2) != 4 || y.O(2) != 5 || y.M["d"](2) != 4 || y.M["l"](2) != 5 || y.A.(func(int) int)(2) != 4 || y.No != nil {
		t.Errorf("%+v", y)
	}
	g, _ := Encode([]Root{{"x", &x}})
	if fmt.Sprint(g.Known) != "[double literal]" {
		t.Errorf("known: %v", g.Known)
	}
	made := func(n int) func(int) int { return func(i int) int { return i + n } }
	for _, f := range []any{made(1), strings.ToUpper, (&k2{}).add} {
		if _, err := Encode([]Root{{"f", &f}}); err == nil {
			t.Errorf("%T is kept", f)
		}
	}
	RegisterFunc("double", strings.ToUpper)
	if err := Decode(g.Image.Bytes(), []Root{{"x", y}}); !errors.Is(err, ErrChanged) {
		t.Errorf("a function of another type: %v", err)
	}
	delete(known.funcs, "double")
	if err := Decode(g.Image.Bytes(), []Root{{"x", y}}); err == nil || !strings.Contains(err.Error(), "the function double isn't known") {
		t.Errorf("a function that is not there: %v", err)
	}
}

type k2 struct{ n int }

func (k *k2) add(i int) int { return k.n + i }

var pool, other = &k2{1}, &k2{2}

// TestKnownPointers: what a package's variable holds is that, and not a copy.
func TestKnownPointers(t *testing.T) {
	RegisterPointers(Pointer{"pool", unsafe.Pointer(pool)}, Pointer{"none", nil})
	x := struct {
		A, B *k2
		C    any
		W    io.Writer
	}{pool, other, pool, os.Stdout}
	Register[k2]()
	Register[os.File]()
	y := carry(t, &x)
	if y.A != pool || y.B == other || *y.B != *other || y.C != any(pool) || y.W != io.Writer(os.Stdout) {
		t.Errorf("%+v", y)
	}
}

func TestZones(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []time.Time{time.Date(2026, 1, 2, 3, 4, 5, 6, berlin), time.Date(2026, 7, 2, 3, 4, 5, 6, time.FixedZone("X", 3723)), time.Now(), {}, time.Now().UTC()} {
		y := *carry(t, &x)
		if a, b := x.AddDate(0, 6, 0), y.AddDate(0, 6, 0); !a.Equal(b) || a.Format(time.RFC1123) != b.Format(time.RFC1123) || x.Location().String() != y.Location().String() {
			t.Errorf("%v has become %v", a, b)
		}
		if strings.Contains(y.String(), "m=") {
			t.Errorf("%v has this process's clock", y)
		}
	}
	two := [2]time.Time{time.Date(2026, 1, 2, 3, 4, 5, 6, berlin), time.Now().In(berlin)}
	if y := carry(t, &two); y[0].Location() != y[1].Location() {
		t.Error("one zone has become two")
	}
}

func TestSyncMap(t *testing.T) {
	var m sync.Map
	for i := range 100 {
		m.Store(i, fmt.Sprint(i))
	}
	m.Store("self", []int{1})
	g, err := Encode([]Root{{"x", &m}})
	again, _ := Encode([]Root{{"x", &m}})
	if err != nil || g.Image.Stamp() != again.Image.Stamp() {
		t.Errorf("one sync.Map is written in two ways: %v", err)
	}
	y := carry(t, &m)
	if v, ok := y.Load(77); !ok || v != "77" {
		t.Error(v)
	}
	n := 0
	y.Range(func(any, any) bool { n++; return true })
	if n != 101 {
		t.Error(n)
	}
	m.Store("f", make(chan int))
	if _, err := Encode([]Root{{"x", &m}}); err == nil {
		t.Error("a chan in a sync.Map is kept")
	}
}

func TestLocks(t *testing.T) {
	if reflect.TypeFor[sync.Mutex]().Size() != reflect.TypeFor[mutex]().Size() || reflect.TypeFor[sync.RWMutex]().Size() != reflect.TypeFor[rwMutex]().Size() {
		t.Fatal("the locks of package sync are laid out otherwise")
	}
	var x struct {
		A, B       sync.Mutex
		C, D, E, F sync.RWMutex
	}
	x.A.Lock()
	x.C.Lock()
	x.D.RLock()
	x.D.RLock()
	x.E.TryRLock()
	x.E.RUnlock()
	y := carry(t, &x)
	if y.A.TryLock() || !y.B.TryLock() || y.C.TryRLock() || y.D.TryLock() || !y.D.TryRLock() || !y.E.TryLock() || !y.F.TryLock() {
		t.Error("a lock is not as it was")
	}
	y.A.Unlock()
	y.C.Unlock()
	if !y.A.TryLock() || !y.C.TryLock() {
		t.Error("a lock can't be unlocked")
	}
}

func TestRegexps(t *testing.T) {
	x := map[string]*regexp.Regexp{"a": regexp.MustCompile(`a+|ab`), "l": regexp.MustCompile(`a+|ab`), "p": regexp.MustCompilePOSIX(`a+|ab`)}
	x["l"].Longest()
	y := *carry(t, &x)
	for k := range x {
		if x[k].FindString("xaab") != y[k].FindString("xaab") || x[k].FindString("ab") != y[k].FindString("ab") {
			t.Errorf("%s differs", k)
		}
	}
	posix := regexp.MustCompilePOSIX(`^[^a]b$`)
	if _, err := Encode([]Root{{"x", &posix}}); err == nil || !strings.Contains(err.Error(), "POSIX") {
		t.Errorf("another syntax: %v", err)
	}
}

// TestOldRand: the first edition of math/rand hides its source.
func TestOldRand(t *testing.T) {
	RegisterTypeOf(mathrand.NewSource(1))
	r := mathrand.New(mathrand.NewSource(7))
	r.Intn(10)
	q := *carry(t, &r)
	for range 1000 {
		if a, b := r.Int63(), q.Int63(); a != b {
			t.Fatal(a, b)
		}
	}
}

func TestChangedDynamic(t *testing.T) {
	x := []any{gauss{1, 2}}
	Register[gauss]()
	g, err := Encode([]Root{{"x", &x}})
	if err != nil {
		t.Fatal(err)
	}
	was := registered[TypeName(reflect.TypeFor[gauss]())]
	registered[TypeName(reflect.TypeFor[gauss]())] = reflect.TypeFor[struct{ A int }]()
	defer func() { registered[TypeName(reflect.TypeFor[gauss]())] = was }()
	var y []any
	if err := Decode(g.Image.Bytes(), []Root{{"x", &y}}); !errors.Is(err, ErrChanged) || strings.Contains(err.Error(), "damaged") {
		t.Errorf("%v", err)
	}
}
