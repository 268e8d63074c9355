package live

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"
)

// waitTime is how long all goroutines wait before a note says where, and
// lookTime how often it is looked whether one has moved.
const (
	waitTime = 2 * time.Second
	lookTime = 250 * time.Millisecond
)

// mostWatched bounds how many goroutines are looked at.
const mostWatched = 500

// waits are the states of goroutines that another one must wake.
var waits = []string{"chan receive", "chan send", "select", "sync.", "semacquire"}

// whoWaits lists where goroutines wait, "cell[3]:2 chan receive", if all do; key
// tells whether it is still the same wait.
func whoWaits() (lines []string, key string) {
	if runtime.NumGoroutine() > mostWatched {
		return nil, ""
	}
	for _, s := range stacks() {
		if strings.Contains(s, "os/signal.") || strings.Contains(s, "odslab/kernel/runtime/live.") && !strings.Contains(s, "main.main()") || strings.Contains(s, "odslab/kernel/runtime/resident.") {
			continue // our own
		}
		head, _, _ := strings.Cut(s, "\n")
		body, _, _ := strings.Cut(s, "\ncreated by ")
		line, state := lineOf(body + "\n")
		waiting := false
		for _, w := range waits {
			waiting = waiting || strings.HasPrefix(state, w)
		}
		if !waiting {
			return nil, ""
		}
		id, _, _ := strings.Cut(strings.TrimPrefix(head, "goroutine "), " ")
		key += id + line + state + ";"
		if line != "" && len(lines) < 5 {
			lines = append(lines, line+" "+state)
		}
	}
	return lines, key
}

// watch puts up a note when all goroutines have waited for some time, and takes
// it away when one moves. The cell is not ended: who waits may know for what.
func watch() {
	var since time.Time
	var last string
	id, shown := fmt.Sprintf("odslab-waits-%d-%d", os.Getpid(), time.Now().UnixNano()), false
	put := func(text string) {
		if err := Display(Bundle{"text/plain": text}, id); err != nil {
			shown = false
		}
	}
	since = time.Now().Add(-waitTime)
	for first := true; ; first = false {
		lines, key := whoWaits()
		switch {
		case key == "" || key != last && !first:
			since = time.Now()
			if shown {
				put("")
				shown = false
			}
		case !shown && len(lines) > 0 && time.Since(since) >= waitTime:
			if first { // seen once is not waited for two seconds
				since = time.Now().Add(lookTime - waitTime)
				break
			}
			shown = true
			put(strings.Join(lines, ", ") + "; interrupt to end")
		}
		last = key
		time.Sleep(lookTime)
	}
}
