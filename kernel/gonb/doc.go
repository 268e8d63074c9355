// Package gonb runs cell programs through a GoNB child process.
//
// GoNB builds, runs and pipes a cell and carries its rich output; everything
// else is the kernel's. The kernel sends GoNB one fixed cell, and the go command
// that GoNB finds on PATH is ours ([Seam]): it puts the kernel's own program in
// place of what GoNB made of that cell, and builds it with the module of cells.
// So none of GoNB's rules for cells and none of its memory apply, and GoNB
// stays unchanged. Its magics (see [Magics]) are sent to it as they are.
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
