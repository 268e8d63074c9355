package gonb

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Kind says what a line that begins with % or ! does to its cell.
type Kind int

const (
	Unknown   Kind = iota
	Line           // is done by GoNB before the cell's Go code
	ForCell        // configures the run of this cell's program
	WholeCell      // the whole cell is GoNB's
)

// magics are GoNB's special commands (internal/specialcmd of v0.11.4).
var magics = map[string]Kind{
	"%": ForCell, "main": ForCell, "args": ForCell, "capture": ForCell,
	"test": WholeCell, "wasm": WholeCell,
	"%writefile": WholeCell, "%script": WholeCell, "%bash": WholeCell, "%sh": WholeCell,
	"env": Line, "cd": Line, "goflags": Line, "autoget": Line, "noautoget": Line, "version": Line,
	"with_inputs": Line, "with_password": Line,
	"track": Line, "untrack": Line, "goworkfix": Line,
	"ls": Line, "list": Line, "rm": Line, "remove": Line, "reset": Line,
}

// Magics lists the names of GoNB's commands that are passed on.
func Magics() []string {
	names := make([]string, 0, len(magics))
	for name := range magics {
		names = append(names, "%"+name)
	}
	slices.Sort(names)
	return names
}

// KindOf classifies a line that begins with % or !.
func KindOf(line string) Kind {
	line = strings.TrimSpace(line)
	if strings.HasPrefix(line, "!") {
		return Line
	}
	name, _, _ := strings.Cut(strings.TrimLeft(strings.TrimPrefix(line, "%"), " \t"), " ")
	return magics[name]
}

// UnknownMagic is the error for a line that KindOf does not know.
func UnknownMagic(line string) error {
	name := strings.Fields(line)[0]
	if name == "%exec" {
		return errors.New("%exec has no use here: call the function, and give the cell its command line with %args")
	}
	return fmt.Errorf("%s is no magic of this kernel; %%help lists them", name)
}

// shell rewrites a "!" line so that a command that reads gets an end of file
// instead of waiting for input that cannot come.
func shell(line string) string {
	body, ok := strings.CutPrefix(strings.TrimSpace(line), "!")
	if !ok {
		return line
	}
	star := ""
	if rest, ok := strings.CutPrefix(strings.TrimLeft(body, " \t"), "*"); ok {
		star, body = "*", rest
	}
	return "!" + star + "exec </dev/null; " + strings.TrimLeft(body, " \t")
}
