package live

import (
	"context"
	"os"
	"os/signal"
	"strconv"
	"sync/atomic"
	"time"
)

// grace is how long a cell that uses its context may take to end by itself
// after an interrupt.
const grace = time.Second

var (
	cellContext, cancel = context.WithCancel(context.Background())
	contextUsed         atomic.Bool
	notebookSeed        atomic.Uint64
)

func init() {
	notebookSeed.Store(1)
	if s, err := strconv.ParseUint(os.Getenv("ODSLAB_SEED"), 10, 64); err == nil {
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

func listen() {
	c := make(chan os.Signal, 1)
	signal.Notify(c, os.Interrupt)
	go func() {
		<-c
		cancel()
		if contextUsed.Load() {
			select {
			case <-c:
			case <-time.After(grace):
			}
		}
		finish(&problem{name: "interrupted", text: "context canceled", status: 130})
	}()
}
