// Package trace writes down how long the parts of a cell take, for `bench -trace`.
package trace

import (
	"fmt"
	"os"
	"sync"
	"time"
)

// Env names the file to which the kernel appends its spans; without it nothing is written.
const Env = "ODSLAB_TRACE"

var mu sync.Mutex

// Span begins a part; what it returns ends it. A line of the file is a name and milliseconds.
func Span(name string) (end func()) {
	path := os.Getenv(Env)
	if path == "" {
		return func() {}
	}
	began := time.Now()
	return func() {
		took := time.Since(began)
		mu.Lock()
		defer mu.Unlock()
		f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			return // a measurement is no reason to fail
		}
		fmt.Fprintf(f, "%s %.3f\n", name, float64(took.Microseconds())/1000)
		f.Close()
	}
}
