// Package resident is a backend that records graphs and has another process run
// them: the one that a notebook's kernel keeps, with XLA loaded, programs
// compiled and arrays on the device. Cells link it in place of XLA, so they
// build and start in a fraction of the time, and a program that any cell has
// compiled is not compiled again.
//
// A program sees nothing of it: imported for its effect, the package is what
// [odslab/odslib/engine.Open] and GoMLX's own compute.New choose when
// ODSLAB_RESIDENT names the socket.
//
//	import _ "odslab/odslib/engine/resident"
//
// Shapes are inferred here, by the rules that the real backend uses, and asked
// for where there is no rule. Programs go by the sha256 of their recording.
// Buffers are handles; [Backend.Keep] and [Backend.Get] pass them on to later
// cells.
package resident

//go:generate go run ./generate
