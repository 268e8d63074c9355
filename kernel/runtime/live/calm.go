package live

import (
	"runtime"
	"runtime/debug"
	"sync"
)

// calmPercent makes the first collection wait for a heap of 64 MB instead of 4.
const calmPercent = 1600

// calm puts off the first collection of a cell that loads much: what has just been loaded is no garbage, and many cells
// end before there is any. After that the collector works as ever.
var calm = sync.OnceFunc(putOffCollection)

func putOffCollection() {
	const usual = 100
	if old := debug.SetGCPercent(calmPercent); old != usual { // somebody's wish
		debug.SetGCPercent(old)
		return
	}
	type first struct{ _ *int }
	runtime.SetFinalizer(&first{}, func(*first) { // runs after the first collection
		if now := debug.SetGCPercent(usual); now != calmPercent { // the cell has set its own since
			debug.SetGCPercent(now)
		}
	})
}
