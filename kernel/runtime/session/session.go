package session

import (
	"context"

	"odslab/kernel/runtime/live"
)

// Context is the cell's context, cancelled by an interrupt.
func Context() context.Context { return live.Context() }

// Seed is the notebook's seed: 1 unless a variable named seed says otherwise.
func Seed() uint64 { return live.Seed() }

// Target is the variable that the current statement defines, or "".
func Target() string { return live.Target() }

// Partial keeps an unfinished value under a variable's name and ends the cell
// with err. It does not return.
func Partial(name string, value any, err error) { live.Partial(name, value, err) }

// Notebook says whether the program runs as a cell with rich output.
func Notebook() bool { return live.Notebook() }

// Show shows a value as the last expression of a cell is shown.
func Show(v any) { live.Show(v) }

// Display shows a value now, Update replaces what was displayed under the id.
func Display(v any, id string) error { return live.Display(v, id) }

// Update replaces what Display showed under the id.
func Update(v any, id string) error { return live.Update(v, id) }

// Bundle is a MIME bundle that Display shows as it is.
type Bundle = live.Bundle
