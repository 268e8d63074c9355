package server

import (
	"container/list"

	"odslab/odslib/engine/resident/wire"
)

// shared are buffers by what is in them, most recently used first, so that an array which many programs and cells read (a
// prior's weights) is sent once. They hold their buffers; what no client holds goes when room is needed. Guarded by the
// server's lock.
type shared struct {
	bySum map[wire.Sum]*entry
	order list.List
}

// share puts a buffer under its name and returns the one to be held in its place: another with the same content, if that
// was there before.
func (s *Server) share(e *entry, sum wire.Sum) *entry {
	if old := s.shared.bySum[sum]; old != nil {
		s.shared.order.MoveToFront(old.place)
		old.holders++
		s.release(e)
		return old
	}
	if s.shared.bySum == nil {
		s.shared.bySum = map[wire.Sum]*entry{}
	}
	e.holders++
	e.sum, e.place = sum, s.shared.order.PushFront(e)
	s.shared.bySum[sum] = e
	s.settle()
	return e
}

// find hands out the shared buffers of the arrays that the client has.
func (k *connection) find(d *wire.Dec, out *wire.Enc) error {
	n := d.Count()
	sums := make([]wire.Sum, n)
	for i := range sums {
		sums[i] = d.Sum()
	}
	if d.Err != nil {
		return d.Err
	}
	s := k.s
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, sum := range sums {
		e := s.shared.bySum[sum]
		if e == nil {
			out.Uint(0)
			continue
		}
		s.shared.order.MoveToFront(e.place)
		s.stats.Spared++
		e.holders++
		out.Uint(s.hand(k.l, e))
	}
	return nil
}

// entryMin is what a shared buffer counts for at least.
const entryMin = 4096

// settle keeps the shared buffers that no client holds within their limit.
func (s *Server) settle() {
	s.unshare(func(idle int64) bool { return idle > s.options.Shared })
}

// Unshare gives up all shared buffers that no client holds.
func (s *Server) Unshare() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unshare(func(int64) bool { return true })
}

// unshare gives up shared buffers that nobody else holds, the least recently used first, as long as there is need.
func (s *Server) unshare(need func(idle int64) bool) {
	var idle int64
	for at := s.shared.order.Front(); at != nil; at = at.Next() {
		if e := at.Value.(*entry); e.holders == 1 {
			idle += max(entryMin, int64(e.shape.ByteSize()))
		}
	}
	for at := s.shared.order.Back(); at != nil && need(idle); {
		e := at.Value.(*entry)
		at = at.Prev()
		if e.holders > 1 {
			continue
		}
		idle -= max(entryMin, int64(e.shape.ByteSize()))
		delete(s.shared.bySum, e.sum)
		s.shared.order.Remove(e.place)
		e.place = nil
		s.release(e)
	}
}
