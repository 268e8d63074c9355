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
// What a cell may do beyond Go:
//
//   - Packages of the library, GoMLX and the standard library need no import.
//     ctx, seed, draw and train are at hand by name.
//   - The last expression is shown unless a semicolon follows it. An error that
//     it, or a call statement at the top level, returns and drops ends the cell.
//   - func main and func init of a cell run in it and are not remembered. A
//     return ends the cell; so do os.Exit and log.Fatal, which keep what was set.
//   - x := 1 makes x anew, with another type too; functions remembered from
//     other cells see the new x, and a note names those that it breaks.
//   - Unused variables and imports are no errors.
//   - Loops that only compute run on plain copies of kept variables.
//   - a, b as the last line shows both. An error that nothing in the cell reads
//     is said. A function may call one that a later cell declares.
//   - interact(f, controls…) shows what f gives beside widgets that set its parameters.
//   - %get module@version adds a module; what is pinned does not move.
//   - %who lists what is kept, %drop x forgets x, %reset all.
//   - %stale lists the cells that have read what another cell has changed since;
//     the kernel's %rerun runs them again. See [Session.Stale].
//   - A variable may be named like a builtin, a predeclared type or what is at
//     hand. Where a name can only mean Go's own, it does.
//   - A panic in a goroutine ends the cell like any other, and what was set is kept.
//
// The way of a cell: split (go/scanner, statements end at depth zero) →
// classify (go/parser) → check (go/types against export data, packages imported
// by name, variables hoisted where a function needs them) → generate → check
// the result as it will be built. [Session] is the notebook's memory: imports,
// declarations, and variables, which are kept by value (package
// kernel/runtime/snapshot). Source runs again only where nobody can notice
// (regular expressions, templates, GoMLX's backend and executors); what can't
// be kept is gone after its cell, and to name it is an error that says why.
package cell
