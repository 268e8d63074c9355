// Package live is what a notebook cell's program stands on while it runs: it
// loads the variables the cell reaches, keeps them for later cells, shows the
// last expression, cancels the context on an interrupt and reports how the
// cell ended. Every cell links it, so it imports nothing heavy.
//
// The kernel generates the calls (package kernel/cell); a cell `x + 1` is
//
//	func main() {
//		live.Begin(7)
//		defer live.End()
//		var x float64
//		live.Load("x.val", "x", &x)
//		live.Show(x + 1)
//	}
//
// Libraries use [Display] and [Update] for rich output, [Context], [Seed] and
// [Target] for what belongs to the cell, and [Partial] to keep unfinished work
// under its variable's name. Outside a notebook these have plain meanings:
// Display prints text, and values are not kept.
package live
