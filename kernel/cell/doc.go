// Package cell turns the text of notebook cells into Go programs.
//
// A cell holds imports, declarations and plain statements in any order. Its
// last expression is shown; a variable that it defines lives on. Every cell
// becomes one complete main.go: the declarations it reaches, the kept
// variables it reaches, loaded from disk, and its own text, each piece under a
// //line directive, so that compile errors and panics name the user's own line.
//
//	s, err := cell.NewSession(cell.Options{ModuleDir: dir, Go: "go", KeepDir: keep})
//	p, err := s.Compile(1, "x := 41\nx + 1") // *cell.Error: line, column, message
//	// build and run p.Source
//	err = s.Commit(p) // what it saved now exists
//
// The way of a cell: split (go/scanner, statements end at depth zero) →
// classify (go/parser) → check (go/types against export data, packages imported
// by name, variables hoisted where a function needs them) → generate → check
// the result as it will be built. [Session] is the notebook's memory: imports,
// declarations, and variables, which are kept by value (package
// odslib/session/snapshot) or, where they hold a func or chan, by source.
package cell
