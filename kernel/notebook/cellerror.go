package notebook

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"odslab/kernel/jupyter"
)

// CellError says which cell failed, and where.
type CellError struct {
	Path      string // of the notebook
	Cell      int    // number beside the cell, as in cell[3]
	ID        string
	Line, Col int    // in the cell; 0 if unknown
	Source    string // that line
	Message   string // what went wrong, one line
	Check     bool
}

func (e *CellError) Error() string {
	var b strings.Builder
	if e.Path != "" {
		b.WriteString(e.Path + ": ")
	}
	if e.Check {
		b.WriteString("check ")
	}
	fmt.Fprintf(&b, "cell[%d]", e.Cell)
	if e.Line > 0 {
		fmt.Fprintf(&b, ":%d", e.Line)
		if e.Col > 0 {
			fmt.Fprintf(&b, ":%d", e.Col)
		}
	}
	b.WriteString(": " + e.Message)
	if e.Source != "" {
		fmt.Fprintf(&b, "\n    %s", e.Source)
	}
	return b.String()
}

// Is makes errors.Is(err, ErrFailed) true.
func (e *CellError) Is(target error) bool { return target == ErrFailed }

// headline is the first line of an error.
func headline(r *jupyter.Reply) string {
	value, _, _ := strings.Cut(strings.TrimSpace(plainText(r.EValue)), "\n")
	switch {
	case value == "" && r.EName == "":
		return "failed without a message"
	case value == "":
		return r.EName
	case r.EName == "" || strings.HasPrefix(value, r.EName):
		return value
	}
	return r.EName + ": " + value
}

var cellPosition = regexp.MustCompile(`cell\[(\d+)\]:(\d+)(?::(\d+))?`)

// position finds the line of the failing cell in the reply, or of the cell
// whose function it called.
func position(r *jupyter.Reply, cell int) (line, col, in int) {
	text := plainText(r.EValue + "\n" + strings.Join(r.Traceback, "\n"))
	number := func(s string) int { n, _ := strconv.Atoi(s); return n } // digits, or nothing
	all := cellPosition.FindAllStringSubmatch(text, -1)
	for _, m := range all {
		if number(m[1]) == cell {
			return number(m[2]), number(m[3]), cell
		}
	}
	if len(all) > 0 {
		return number(all[0][2]), number(all[0][3]), number(all[0][1])
	}
	return 0, 0, cell
}

// locate finds the text of the line.
func (e *CellError) locate(cells []*Cell) {
	for _, at := range []string{fmt.Sprintf("cell[%d]:%d:%d: ", e.Cell, e.Line, e.Col), fmt.Sprintf("cell[%d]:%d: ", e.Cell, e.Line)} {
		e.Message = strings.Replace(e.Message, at, "", 1) // it is said once already
	}
	for _, c := range cells {
		if c.ExecutionCount != e.Cell || e.Line == 0 {
			continue
		}
		lines := strings.Split(c.Source, "\n")
		if e.Line <= len(lines) {
			e.Source = strings.TrimSpace(lines[e.Line-1])
		}
	}
}
