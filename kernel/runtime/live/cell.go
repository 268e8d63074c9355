package live

import (
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"syscall"
	"time"

	"odslab/kernel/runtime/contract"
	"odslab/kernel/runtime/snapshot"
)

// cell is the one running cell of this process.
var cell struct {
	sync.Mutex
	dir    string // where values are kept; empty outside a notebook
	number int
	vars   []*variable
	loaded map[string]snapshot.Stamp // file name → what was read
	target string
	once   sync.Once
}

type variable struct {
	name string
	ptr  any
}

// Copy says that the values are a copy: nothing of this run is kept. Package interact sets it.
var Copy bool

// maxStack ends a recursion without end before it has filled the memory: a
// million calls deep, not eight.
const maxStack = 128 << 20

// Begin starts the program of cell n.
func Begin(n int) {
	dir := os.Getenv(contract.EnvKeep)
	cell.dir, cell.number = dir, n
	cell.loaded = map[string]snapshot.Stamp{}
	if !Copy {
		os.Remove(savedFile(dir))
	}
	if dir != "" && !Copy {
		removeNew(dir) // of a cell that was killed
	}
	takePlace(dir)
	debug.SetMaxStack(maxStack)
	bound()
	signal.Ignore(syscall.SIGXFSZ) // a write beyond `ulimit -f` is then an error with a line instead of a crash
	listen()
	usual = runtime.NumGoroutine()
	time.AfterFunc(waitTime, watch)
}

// End, deferred, keeps the variables and reports a panic. It ends the process
// with status 1 where the cell failed.
func End() {
	finish(problemOf(recover()))
}

// finish ends the cell once, from whichever goroutine is first; the others
// wait for the process to go.
func finish(p *problem) {
	first := false
	cell.once.Do(func() { first = true })
	if !first {
		select {}
	}
	err := save()
	flush()
	switch {
	case err == nil:
	case p == nil:
		p = &problem{name: "not kept", text: "values of this cell could not be written, and those of before are as they were: " + err.Error(), status: 1}
	default:
		fmt.Fprintln(os.Stderr, "odslab: values of this cell could not be written, and those of before are as they were:", err)
	}
	if p != nil {
		p.report()
		os.Exit(p.status)
	}
}

// Exit is os.Exit in a cell: variables are kept first.
func Exit(code int) {
	if code == 0 {
		finish(nil)
		os.Exit(0)
	}
	finish(&problem{name: "exit", text: fmt.Sprintf("the cell called os.Exit(%d)", code), status: code, frames: frames(2)})
}

// Fatal is log.Fatal in a cell: it ends the cell with the message.
func Fatal(v ...any) { fatal(fmt.Sprint(v...)) }

// Fatalln is log.Fatalln in a cell.
func Fatalln(v ...any) { fatal(strings.TrimSuffix(fmt.Sprintln(v...), "\n")) }

// Fatalf is log.Fatalf in a cell.
func Fatalf(format string, v ...any) { fatal(fmt.Sprintf(format, v...)) }

func fatal(text string) {
	finish(&problem{name: "fatal", text: text, status: 1, frames: frames(3)})
}

// Guard, deferred first in a goroutine of a cell, makes its panic end the cell
// as any other panic does.
func Guard() {
	if p := problemOf(recover()); p != nil {
		finish(p)
	}
}

// Register makes T known where interfaces of kept values hold it.
func Register[T any]() { snapshot.Register[T]() }

// Value and Pointer are what exported variables of packages hold.
type (
	Value   = snapshot.Value
	Pointer = snapshot.Pointer
)

// Values and Pointers make them known, so that what a kept value has of them
// keeps its identity.
func Values(list ...Value)     { snapshot.RegisterValues(list...) }
func Pointers(list ...Pointer) { snapshot.RegisterPointers(list...) }

// Witness makes the type of x known, which no program can name.
func Witness(x any) { snapshot.RegisterTypeOf(x) }

// Function makes a declared function known where kept values hold it.
func Function(name string, f any) { snapshot.RegisterFunc(name, f) }

// Literal is f, a function literal that captures variables of the notebook
// alone, made known.
func Literal[F any](name string, f F) F {
	snapshot.RegisterFunc(name, f)
	return f
}

// RegisterCodec says how values of T are kept, for types that hold a handle.
func RegisterCodec[T any](encode func(*T) ([]byte, error), decode func([]byte, *T) error) {
	snapshot.RegisterCodec(encode, decode)
}

// At sets the variable that the current statement defines: part of the string
// by which its randomness is split, and the name under which Partial keeps.
func At(name string) { cell.target = name }

// Target is the variable that the current statement of the cell defines, or
// empty.
func Target() string { return cell.target }
