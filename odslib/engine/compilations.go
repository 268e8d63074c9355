package engine

import (
	"fmt"
	"runtime"
	"slices"
	"strings"

	"github.com/gomlx/gomlx/core/graph"

	"odslab/odslib/engine/record"
)

// Compilations counts the graphs that this process has built: those that had to be compiled, and those for which a compiled
// program was found. In a notebook the resident process compiles, and finds what earlier cells have compiled.
func Compilations() (compiled, found int) {
	c := record.Count()
	return int(c.Compiled), int(c.Found)
}

// Note says that the program was compiled although the same graph had been compiled before with other constants, where they
// come from and how to do without, in one line; "" when there is nothing to say. A sampler puts it into the Notes of its
// Result: a measurement that a closure captures costs a compilation each time.
func (p *Program) Note() string {
	if note := p.again.Load(); note != nil {
		return *note
	}
	return ""
}

// look remembers what the graph that was just called says of its compilation.
func (p *Program) look(g *graph.Graph) {
	x, ok := g.Executable().(*record.Program)
	if !ok || x.Again == nil {
		return
	}
	note := again(x.Again)
	p.again.Store(&note)
}

func again(a *record.Again) string {
	var which []string
	for _, c := range a.Constants {
		values := "a number"
		if c.Values != 1 {
			values = fmt.Sprintf("%d numbers", c.Values)
		}
		if at := values + " at " + maker(c.Stack); !slices.Contains(which, at) {
			which = append(which, at)
		}
	}
	if more := len(which) - 3; more > 0 {
		which = append(which[:3], fmt.Sprintf("%d more", more))
	}
	return fmt.Sprintf("compiled anew, %d times by now, since a constant of the graph has changed (%s): what changes from run to run is best a parameter (a method Params; engine.Var reads it), not captured by a closure",
		a.Times, strings.Join(which, ", "))
}

// maker is who wrote an operation: a line of the user's program, or a function of the library.
func maker(stack []uintptr) string {
	frames := runtime.CallersFrames(stack)
	for {
		f, more := frames.Next()
		if users(f) {
			return line(f)
		}
		if name, ours := strings.CutPrefix(f.Function, "odslab/odslib/"); ours && !strings.HasPrefix(name, "engine/record.") {
			return name
		}
		if !more {
			return "an unknown place"
		}
	}
}
