package serve

import (
	"sync"
	"time"

	"odslab/kernel/jupyter"
)

// queue holds the cells that wait for their turn.
type queue struct {
	mu     sync.Mutex
	more   *sync.Cond
	items  []queued
	closed bool
}

type queued struct {
	request *jupyter.Message
	channel jupyter.Channel
	arrived time.Time
	again   *interaction // instead of a cell: its function is to be called again
}

func newQueue() *queue {
	q := &queue{}
	q.more = sync.NewCond(&q.mu)
	return q
}

func (q *queue) put(item queued) {
	q.mu.Lock()
	defer q.mu.Unlock()
	item.arrived = time.Now()
	q.items = append(q.items, item)
	q.more.Signal()
}

// take waits for the next cell; ok is false after close.
func (q *queue) take() (item queued, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.items) == 0 && !q.closed {
		q.more.Wait()
	}
	if q.closed {
		return queued{}, false
	}
	item = q.items[0]
	q.items = q.items[1:]
	return item, true
}

// waiting: there are cells behind the one at work.
func (q *queue) waiting() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.items) > 0
}

func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.more.Broadcast()
}
