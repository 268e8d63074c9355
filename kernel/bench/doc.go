// Package bench measures what a person at a notebook waits for: the start of
// the kernel, and cells that are new or run again. It puts the same cells to
// this kernel, to stock GoNB and to ipykernel in turns, so that whatever else
// the machine does falls on all of them alike.
//
//	go run ./kernel bench -n 9 -python python3
//
// Each cell's output is checked: a kernel that fails is reported, not timed.
// GoNB is the pinned binary with an ordinary PATH, its go.mod as its user would
// set it (`!*go mod edit`), with the same versions as ours; its cells differ by
// the line %% that it asks for before statements.
package bench
