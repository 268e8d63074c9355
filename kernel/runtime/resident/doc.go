// Package resident is a backend whose graphs are recorded (package
// [odslab/odslib/engine/record]) and run by another process: the one that a
// notebook's kernel keeps, with XLA loaded, programs compiled and arrays on the
// device. Cells link it in place of XLA, so they
// build and start in a fraction of the time, and a program that any cell has
// compiled is not compiled again.
//
// A program sees nothing of it: imported for its effect, the package is what
// [odslab/odslib/engine.Open] and GoMLX's own compute.New choose when
// ODSLAB_RESIDENT names the socket.
//
//	import _ "odslab/kernel/runtime/resident"
//
// Programs go by the sha256 of their recording. Buffers are handles;
// [Backend.Keep] and [Backend.Get] pass them on to later cells.
package resident
