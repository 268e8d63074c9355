package gonb

import (
	"os"
	"strconv"
	"syscall"
	"time"
)

const (
	// interruptGrace is what a cell gets to end after an interrupt,
	interruptGrace = 2 * time.Second
	// and maxGrace when it asks for more: a step of its work is long, or its
	// values take time to write.
	maxGrace = 45 * time.Second
)

// sweep kills what an interrupted cell has left: a process that it was starting
// when the signal came had no environment to be known by yet.
func (r *run) sweep() {
	for range 5 {
		left := false
		for _, pid := range marked(r.child.mark) {
			if pid != r.child.PID() {
				left = true
				syscall.Kill(pid, syscall.SIGKILL)
			}
		}
		if !left {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// interrupt signals what runs now and what starts until the run is over: a cell
// can be between its build and its start. The second time, it is no longer
// asked how long it needs.
func (r *run) interrupt() {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.ended:
	case r.interrupted.IsZero():
		r.interrupted = time.Now()
		r.over, r.again = make(chan struct{}), make(chan struct{}, 1)
		go r.stop(r.over, r.again)
	default:
		select {
		case r.again <- struct{}{}:
		default:
		}
	}
}

// stop ends the processes of an interrupted cell.
func (r *run) stop(over, again <-chan struct{}) {
	told := map[int]bool{}
	begin := time.Now()
	kill, asks := begin.Add(interruptGrace), true
	for {
		if asks {
			if t := r.needs(); t.After(kill) && t.Before(begin.Add(maxGrace)) {
				kill = t
			}
		}
		for _, pid := range marked(r.child.mark) {
			switch {
			case pid == r.child.PID():
			case time.Now().After(kill):
				syscall.Kill(pid, syscall.SIGKILL)
			case !told[pid]:
				told[pid] = true
				syscall.Kill(pid, syscall.SIGINT)
			}
		}
		select {
		case <-over:
			return
		case <-again:
			if asks {
				asks, kill = false, time.Now().Add(interruptGrace)
				clear(told)
			}
		case <-time.After(50 * time.Millisecond):
		}
		if time.Since(kill) > interruptGrace { // GoNB itself hangs
			syscall.Kill(r.child.PID(), syscall.SIGKILL)
			return
		}
	}
}

// needs is until when the cell asks to be left alone.
func (r *run) needs() time.Time {
	b, err := os.ReadFile(r.child.path(graceFile))
	if err != nil {
		return time.Time{}
	}
	ms, _ := strconv.ParseInt(string(b), 10, 64)
	return time.UnixMilli(ms)
}
