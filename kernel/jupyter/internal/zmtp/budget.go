package zmtp

import (
	"fmt"
	"sync"
)

// Budget bounds what peers that have not shown who they are make a process
// hold, all of them together. When it is used up the peer that holds most is
// put out, and the others wait until its memory is free: so nobody keeps others
// out by holding much.
type Budget struct {
	Max int64

	mu      sync.Mutex
	less    *sync.Cond // something was given back, or somebody is put out
	sum     int64
	held    map[*Conn]int64
	out     map[*Conn]bool // put out, and not yet gone
	leaving int64          // what these hold
}

// NewBudget makes a budget of so many bytes.
func NewBudget(most int64) *Budget {
	b := &Budget{Max: most, held: map[*Conn]int64{}, out: map[*Conn]bool{}}
	b.less = sync.NewCond(&b.mu)
	return b
}

var errBudget = fmt.Errorf("%w: too much from peers that are not known", ErrProtocol)

// take counts n bytes for c. It fails where c is put out.
func (b *Budget) take(c *Conn, n int) error {
	if b == nil {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.out[c] {
		return errBudget
	}
	b.held[c] += int64(n)
	b.sum += int64(n)
	for b.sum > b.Max {
		if b.sum-b.leaving > b.Max {
			most := c
			for k, v := range b.held {
				if v > b.held[most] && !b.out[k] {
					most = k
				}
			}
			b.out[most] = true
			b.leaving += b.held[most]
			most.Close() // its reads end
			b.less.Broadcast()
		}
		if b.out[c] {
			return errBudget
		}
		b.less.Wait()
		if b.out[c] {
			return errBudget
		}
	}
	return nil
}

// give takes back n bytes of what is counted for c, or with n < 0 all.
func (b *Budget) give(c *Conn, n int) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	back := b.held[c]
	if n >= 0 {
		back = min(back, int64(n))
	}
	b.sum -= back
	if b.out[c] {
		b.leaving -= back
	}
	if b.held[c] -= back; b.held[c] == 0 {
		delete(b.held, c)
		delete(b.out, c)
	}
	if back > 0 {
		b.less.Broadcast()
	}
}
