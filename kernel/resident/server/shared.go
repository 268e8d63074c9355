package server

import (
	"container/list"

	"odslab/kernel/runtime/wire"
	"odslab/odslib/engine/record"
)

// shared are buffers by what is in them, most recently used first, so that an array which many programs and cells read (a
// prior's weights) is sent once. What no client holds stays as long as a value of the notebook has it; of the rest a little
// stays, and goes first when room is needed. Guarded by the server's lock.
type shared struct {
	bySum  map[wire.Sum]*entry
	order  list.List
	bytes  int64           // what all of them cost
	wanted map[string]bool // sums that values of the notebook have
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
	if s.shared.bytes += e.cost(); s.shared.bytes > s.options.Shared {
		s.settle()
	}
	return e
}

// find hands out the shared buffers of the arrays that the client has.
func (k *connection) find(d *record.Dec, out *record.Enc) error {
	n := d.Count()
	sums := make([]wire.Sum, n)
	for i := range sums {
		sums[i] = wire.DecSum(d)
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

// cost is what a shared buffer counts for.
func (e *entry) cost() int64 { return max(4096, int64(e.shape.ByteSize())) }

// idle lists the shared buffers that no client holds, the least recently used first, and what they cost: those that values of
// the notebook have, or the others.
func (s *Server) idle(wanted bool) (list []*entry, cost int64) {
	for at := s.shared.order.Back(); at != nil; at = at.Prev() {
		if e := at.Value.(*entry); e.holders == 1 && s.shared.wanted[e.sum.String()] == wanted {
			list, cost = append(list, e), cost+e.cost()
		}
	}
	return list, cost
}

// settle keeps the shared buffers that nobody has within their limit.
func (s *Server) settle() {
	list, cost := s.idle(false)
	for _, e := range list {
		if cost <= s.options.Shared {
			return
		}
		cost -= e.cost()
		s.unshare(e)
	}
}

// yield gives up shared buffers that no client holds until n bytes are free, those that the notebook has last.
func (s *Server) yield(n int64) bool {
	goal := s.bytes - n
	for _, wanted := range []bool{false, true} {
		list, _ := s.idle(wanted)
		for _, e := range list {
			if s.bytes <= goal {
				return true
			}
			s.unshare(e)
		}
	}
	return s.bytes <= goal
}

func (s *Server) unshare(e *entry) {
	delete(s.shared.bySum, e.sum)
	s.shared.order.Remove(e.place)
	s.shared.bytes -= e.cost()
	e.place = nil
	s.release(e)
}
