package serve

import "odslab/kernel/toolchain"

// Compiler makes programs of cells. Calls come one at a time.
type Compiler interface {
	// Compile makes the program of the cell with execution count n. The error is
	// a *CompileError when the cell is at fault.
	Compile(n int, src string) (*Program, error)
	// Complete and Inspect take the cursor in runes.
	Complete(src string, cursor int) (matches []string, start, end int)
	Inspect(src string, cursor int) (text string, found bool)
	// IsComplete returns complete, incomplete, invalid or unknown, and the
	// indent of the next line of an incomplete cell.
	IsComplete(src string) (status, indent string)
}

// Program is one compiled cell.
type Program struct {
	Source []byte   // complete main.go; nil when there is no Go code
	Key    string   // equal for programs that differ in the cell's number only, or ""
	Magics []string // lines that begin with % or !, in order
	Notes  []string // for the person, shown before the output
	Text   string   // output of magics that the compiler has done itself
	Commit func() error
	After  func() []string // notes that only the run could tell, once it is committed
	// Loaded lists the files of kept values that it reads, and their arrays of the resident process.
	Loaded func() (files, held, shared []string)

	Link     toolchain.Link // what it can be linked from
	Computes bool           // it links the array library
	Resident bool           // it computes in the resident process
}

// CompileError says what is wrong with a cell before anything was built.
type CompileError struct {
	Problems []Problem
}

// Problem is one complaint of the compiler.
type Problem struct {
	Cell, Line, Col int // 0: unknown
	Msg             string
}

func (e *CompileError) Error() string {
	if len(e.Problems) == 0 {
		return "the cell does not compile"
	}
	return e.Problems[0].String()
}
