// Package serve is the kernel that Jupyter starts.
//
// It answers every message of the protocol itself. Only cells leave it: a
// [Compiler] (package cell) makes a program of each, and a GoNB child builds and
// runs it and carries its rich output back (package gonb). [Run] does it all for
// the process that a kernelspec names:
//
//	err := serve.Run(ctx, connectionFile, layout, nil)
//
// Cells run one after the other. All else (kernel_info, completion, history, …)
// is answered at once, also while a cell runs, on shell and on control.
//
// What a cell prints is shown in messages of 25 ms each and cut at 1 MB, so that
// no cell can flood a front end. An error is exactly one error message with the
// compiler's or the panic's text and the cell's own line.
package serve
