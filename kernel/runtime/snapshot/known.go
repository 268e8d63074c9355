package snapshot

import (
	"bytes"
	"context"
	"errors"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"strconv"
	"sync"
	"time"
	"unsafe"
)

// What can't be written, but is there in every program that links it, is kept
// by name: what exported variables of packages hold, and functions.

// sentinel stands for the value of an exported variable in an interface.
type sentinel string

// Value is what an exported variable of an interface type holds.
type Value struct {
	Name string
	Is   any
}

// Pointer is what an exported variable of a pointer type holds.
type Pointer struct {
	Name string
	Is   unsafe.Pointer
}

// function is a func that has a name: one that is declared, or a literal of a
// cell's own statements.
type function struct {
	typ reflect.Type
	p   unsafe.Pointer // what a variable of a func type holds
}

var known = struct {
	sync.RWMutex
	name     map[unsafe.Pointer]string
	pointers map[string]unsafe.Pointer
	values   map[string]any
	apart    []Value // values that are no pointers
	code     map[uintptr]string
	funcs    map[string]function
}{name: map[unsafe.Pointer]string{}, pointers: map[string]unsafe.Pointer{}, values: map[string]any{}, code: map[uintptr]string{}, funcs: map[string]function{}}

func init() {
	RegisterValues(Value{"io.EOF", io.EOF}, Value{"io.ErrUnexpectedEOF", io.ErrUnexpectedEOF}, Value{"io.ErrClosedPipe", io.ErrClosedPipe},
		Value{"io.ErrNoProgress", io.ErrNoProgress}, Value{"io.ErrShortBuffer", io.ErrShortBuffer}, Value{"io.ErrShortWrite", io.ErrShortWrite}, Value{"io.Discard", io.Discard},
		Value{"context.Canceled", context.Canceled}, Value{"context.DeadlineExceeded", context.DeadlineExceeded},
		Value{"context.Background()", context.Background()}, Value{"context.TODO()", context.TODO()},
		Value{"io/fs.ErrNotExist", fs.ErrNotExist}, Value{"io/fs.ErrExist", fs.ErrExist}, Value{"io/fs.ErrPermission", fs.ErrPermission},
		Value{"io/fs.ErrInvalid", fs.ErrInvalid}, Value{"io/fs.ErrClosed", fs.ErrClosed}, Value{"io/fs.SkipDir", fs.SkipDir}, Value{"io/fs.SkipAll", fs.SkipAll},
		Value{"os.ErrProcessDone", os.ErrProcessDone}, Value{"os.ErrNoDeadline", os.ErrNoDeadline}, Value{"os.ErrDeadlineExceeded", os.ErrDeadlineExceeded},
		Value{"strconv.ErrSyntax", strconv.ErrSyntax}, Value{"strconv.ErrRange", strconv.ErrRange}, Value{"errors.ErrUnsupported", errors.ErrUnsupported})
	RegisterValues(Value{"bytes.ErrTooLarge", bytes.ErrTooLarge}, Value{"path/filepath.ErrBadPattern", filepath.ErrBadPattern}, Value{"path.ErrBadPattern", path.ErrBadPattern})
	RegisterPointers(Pointer{"hash/crc32.IEEETable", unsafe.Pointer(crc32.IEEETable)}, Pointer{"time.UTC", unsafe.Pointer(time.UTC)}, Pointer{"time.Local", unsafe.Pointer(time.Local)},
		Pointer{"os.Stdin", unsafe.Pointer(os.Stdin)}, Pointer{"os.Stdout", unsafe.Pointer(os.Stdout)}, Pointer{"os.Stderr", unsafe.Pointer(os.Stderr)})
}

// RegisterValues makes known what variables of interface types hold, so that
// it keeps its identity.
func RegisterValues(list ...Value) {
	known.Lock()
	defer known.Unlock()
	for _, v := range list {
		if v.Is == nil {
			continue
		}
		known.values[v.Name] = v.Is
		if r := reflect.ValueOf(v.Is); r.Kind() == reflect.Pointer && r.Type().Elem().Size() > 0 {
			if _, ok := known.name[r.UnsafePointer()]; !ok {
				known.name[r.UnsafePointer()] = v.Name
			}
		} else if r.Comparable() {
			known.apart = append(known.apart, v)
		}
	}
}

// RegisterPointers does so for variables of pointer types.
func RegisterPointers(list ...Pointer) {
	known.Lock()
	defer known.Unlock()
	for _, p := range list {
		if p.Is == nil {
			continue
		}
		known.pointers[p.Name] = p.Is
		if _, ok := known.name[p.Is]; !ok {
			known.name[p.Is] = p.Name
		}
	}
}

// RegisterFunc makes a function known. Two values of the same code must be the
// same to whoever calls them: f captures nothing, or variables of the notebook.
func RegisterFunc(name string, f any) {
	t := reflect.TypeOf(f)
	p := (*[2]unsafe.Pointer)(unsafe.Pointer(&f))[1]
	if t.Kind() != reflect.Func || p == nil {
		return
	}
	typesMu.Lock()
	registered[TypeName(t)] = t
	typesMu.Unlock()
	known.Lock()
	defer known.Unlock()
	known.funcs[name] = function{t, p}
	known.code[*(*uintptr)(p)] = name
}

// nameOf is the name under which a pointer is known.
func nameOf(p unsafe.Pointer) (string, bool) {
	known.RLock()
	defer known.RUnlock()
	name, ok := known.name[p]
	return name, ok
}

// funcName is the name of the function that a func variable holds.
func funcName(p unsafe.Pointer) (string, bool) {
	known.RLock()
	defer known.RUnlock()
	name, ok := known.code[*(*uintptr)(p)]
	return name, ok
}

// sentinelOf is the name of an interface's value, if it is that of a variable
// of an interface type.
func sentinelOf(v reflect.Value) (sentinel, bool) {
	known.RLock()
	defer known.RUnlock()
	if v.Kind() == reflect.Pointer {
		if name, ok := known.name[v.UnsafePointer()]; ok && known.values[name] != nil {
			return sentinel(name), true
		}
	}
	if len(known.apart) == 0 || !v.Comparable() {
		return "", false
	}
	for _, k := range known.apart {
		if reflect.TypeOf(k.Is) == v.Type() && k.Is == v.Interface() {
			return sentinel(k.Name), true
		}
	}
	return "", false
}

func (d *decoder) known(t reflect.Type) unsafe.Pointer {
	name := d.text()
	known.RLock()
	defer known.RUnlock()
	if p, ok := known.pointers[name]; ok {
		return p
	}
	if v := reflect.ValueOf(known.values[name]); v.IsValid() && v.Type() == reflect.PointerTo(t) {
		return v.UnsafePointer()
	}
	panic(refusal{errors.New(name + " isn't known here")})
}

func (d *decoder) function(t reflect.Type) unsafe.Pointer {
	name := d.text()
	known.RLock()
	f, ok := known.funcs[name]
	known.RUnlock()
	switch {
	case !ok:
		panic(refusal{errors.New("the function " + name + " isn't known here")})
	case f.typ != t && !f.typ.ConvertibleTo(t):
		panic(refusal{ErrChanged})
	}
	return f.p
}
