package live

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"odslab/kernel/runtime/contract"
)

const (
	// grace is how long a cell that uses its context may take to end by itself
	// after an interrupt.
	grace = time.Second
	// workGrace is what work gets whose partial result would be lost otherwise:
	// it looks at the context between steps, and a step may take seconds.
	workGrace = 10 * time.Second
	// saveGrace is for writing the values of the cell.
	saveGrace = 20 * time.Second
)

var (
	cellContext, cancel = context.WithCancel(context.Background())
	contextUsed         atomic.Bool
	working             atomic.Int32
	notebookSeed        atomic.Uint64
)

func init() {
	notebookSeed.Store(1)
	if s, err := strconv.ParseUint(os.Getenv(contract.EnvSeed), 10, 64); err == nil {
		notebookSeed.Store(s)
	}
}

// Context is the cell's context, cancelled by an interrupt. A cell that never
// asks for it is ended by an interrupt at once, its variables kept.
func Context() context.Context {
	contextUsed.Store(true)
	return cellContext
}

// Seed is the notebook's seed: 1 unless $ODSLAB_SEED or a variable named seed
// says otherwise.
func Seed() uint64 { return notebookSeed.Load() }

// SetSeed changes the notebook's seed for the rest of the cell.
func SetSeed(s uint64) { notebookSeed.Store(s) }

// Working says that work is under way which ends by itself, with what it has,
// soon after the context is cancelled: an interrupt waits for it. The result is
// called when it is over.
func Working() (over func()) {
	working.Add(1)
	return sync.OnceFunc(func() { working.Add(-1) })
}

func listen() {
	c := make(chan os.Signal, 1)
	signal.Notify(c, os.Interrupt)
	go func() {
		<-c
		cancel()
		if contextUsed.Load() {
			linger(c)
		}
		askGrace(saveGrace)
		p := &problem{name: "interrupted", text: "context canceled", status: 130, frames: everywhere()}
		Stopped.Store(true)
		select {
		case <-halted:
		case <-time.After(haltTime):
		}
		finish(p)
	}()
}

// Stopped tells loops over plain copies of variables to give them back.
var Stopped atomic.Bool

// haltTime is how long an interrupt waits for such a loop to have done so.
const haltTime = 20 * time.Millisecond

var halted = make(chan struct{}, 1)

// Halt ends what such a loop has to do: it does not return.
func Halt() {
	halted <- struct{}{}
	select {}
}

// linger waits until a cell that knows it is to end has had its time, or a
// second interrupt says that it has had enough.
func linger(again <-chan os.Signal) {
	begin := time.Now()
	free, told := begin, false // free: since when no work is under way
	if working.Load() > 0 {
		askGrace(workGrace + grace)
	}
	for {
		select {
		case <-again:
			return
		case <-time.After(10 * time.Millisecond):
		}
		switch busy := working.Load() > 0; {
		case !busy && time.Since(free) >= grace, time.Since(begin) >= workGrace:
			return
		case busy:
			free = time.Now()
			if !told && time.Since(begin) >= grace {
				told = true
				fmt.Fprintf(os.Stderr, "interrupted: the step at work has up to %v to end; interrupt again to stop it at once\n", workGrace)
			}
		}
	}
}

// askGrace asks the kernel to wait for d before it kills this process.
func askGrace(d time.Duration) {
	if path := os.Getenv(contract.EnvGrace); path != "" {
		os.WriteFile(path, strconv.AppendInt(nil, time.Now().Add(d).UnixMilli(), 10), 0o600)
	}
}
