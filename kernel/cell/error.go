package cell

import (
	"fmt"
	"go/scanner"
	"go/token"
	"go/types"
	"strings"
)

// Error says what is wrong with a cell and where, before anything is built.
type Error struct {
	Cell      int
	Line, Col int
	Msg       string
	All       []Error // every error found, this one first
	generated bool    // found only in the program as generated
}

func (e *Error) Error() string {
	return fmt.Sprintf("cell[%d]:%d:%d: %s", e.Cell, e.Line, e.Col, e.Msg)
}

func newError(n int, all []Error) *Error {
	if len(all) == 0 {
		return nil
	}
	e := all[0]
	e.Cell, e.All = n, all
	return &e
}

func errorAt(n, line, col int, format string, args ...any) *Error {
	return newError(n, []Error{{Cell: n, Line: line, Col: col, Msg: fmt.Sprintf(format, args...)}})
}

// syntaxError turns the parser's errors around: the first one counts, what
// follows it on the same line is mostly its echo.
func syntaxError(n int, err error) *Error {
	list, ok := err.(scanner.ErrorList)
	if !ok {
		return errorAt(n, 1, 1, "%s", err)
	}
	var all []Error
	for _, e := range list {
		if len(all) > 0 && all[len(all)-1].Line == e.Pos.Line {
			continue
		}
		all = append(all, Error{Cell: n, Line: e.Pos.Line, Col: e.Pos.Column, Msg: "syntax error: " + strings.TrimPrefix(e.Msg, "syntax error: ")})
	}
	return newError(n, all)
}

// problem is a type error with its place.
type problem struct {
	types.Error
	at token.Position
}

// cellOf reads the number out of a position's file name, cell[N].
func cellOf(file string) (n int, ok bool) {
	_, err := fmt.Sscanf(file, "cell[%d]", &n)
	return n, err == nil
}
