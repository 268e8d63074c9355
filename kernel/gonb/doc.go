// Package gonb runs cell programs through a GoNB child process.
//
// GoNB runs and pipes a cell and carries its rich output; everything else is
// the kernel's. The kernel builds its own program, sends GoNB one fixed cell, and
// answers the go build that GoNB then asks for with that program: the go and
// goimports that GoNB finds on PATH are ours. So none of GoNB's rules for cells
// and none of its memory apply, and GoNB stays unchanged. Its magics (see
// [Magics]) are sent to it as they are, and [Seam] is the go of its own cells.
//
//	child, err := gonb.Start(ctx, gonb.Config{Gonb: ..., Seam: ..., Go: ..., Module: ...})
//	out, err := child.Run(ctx, gonb.Cell{Program: mainGo}, gonb.Events{Stream: print})
//
// All processes that come from a child carry its mark in their environment, so
// that none outlives the kernel: a watchdog process ends what is left when the
// kernel dies in whatever way.
//
// Reference: https://github.com/janpfeifer/gonb (v0.11.4).
package gonb
