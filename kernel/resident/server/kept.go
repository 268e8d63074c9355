package server

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"odslab/odslib/engine/record"
)

// keep lets a buffer outlive its client, under an id that is told.
func (k *connection) keep(d *record.Dec, out *record.Enc) error {
	h := d.Uint()
	s := k.s
	s.mu.Lock()
	defer s.mu.Unlock()
	e := k.l.buffers[h]
	if e == nil {
		return fmt.Errorf("no buffer %d", h)
	}
	if e.id == "" {
		e.id = fmt.Sprintf("%s-%d", s.spill.run, s.id())
		e.holders++
		s.kept[e.id] = e
		s.spillLater(e)
	}
	out.Str(e.id)
	return nil
}

// get hands out a kept buffer; one that an earlier process has kept is read from disk.
func (k *connection) get(d *record.Dec, out *record.Enc) error {
	id := d.Str()
	if d.Err != nil {
		return d.Err
	}
	s := k.s
	s.mu.Lock()
	e := s.kept[id]
	s.mu.Unlock()
	if e == nil {
		var err error
		if e, err = s.restore(id); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	e.holders++
	out.Uint(s.hand(k.l, e))
	out.Int(int64(e.device))
	record.EncShape(out, e.shape)
	return nil
}

var errLost = errors.New("the array was in a resident process that has ended, and was not on disk")

func (s *Server) restore(id string) (*entry, error) {
	shape, device, flat, err := s.spill.read(id)
	if err != nil {
		return nil, err
	}
	if err := s.room(int64(shape.ByteSize())); err != nil {
		return nil, err
	}
	b, err := s.backend.BufferFromFlatData(device, flat, shape)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.kept[id]; e != nil { // another client was faster
		b.Finalize()
		return e, nil
	}
	e := &entry{buffer: b, shape: shape, device: device, holders: 1, id: id}
	s.live++
	s.bytes += int64(shape.ByteSize())
	s.kept[id] = e
	return e, nil
}

// Retain gives up what is kept under other ids; and shared buffers that nobody holds, but for those named and a few more.
func (s *Server) Retain(ids, shared []string) {
	s.mu.Lock()
	s.shared.wanted = map[string]bool{}
	for _, sum := range shared {
		s.shared.wanted[sum] = true
	}
	s.settle()
	for id, e := range s.kept {
		if !slices.Contains(ids, id) {
			delete(s.kept, id)
			e.id = "" // a client may keep it again
			s.release(e)
		}
	}
	s.mu.Unlock()
	s.spill.retain(ids)
}

// Held is what a server holds.
type Held struct {
	Kept     []Kept
	Buffers  int // kept, shared or not
	Bytes    int64
	Shared   int // buffers
	Programs int
	Stats    Stats
}

// Kept is one kept buffer.
type Kept struct {
	ID, Shape string
	Bytes     int64
	OnDisk    bool
}

// Held returns what the server holds.
func (s *Server) Held() Held {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := Held{Buffers: s.live, Bytes: s.bytes, Shared: s.shared.order.Len(), Programs: s.cache.Len(), Stats: s.counts()}
	for _, id := range slices.Sorted(maps.Keys(s.kept)) {
		e := s.kept[id]
		h.Kept = append(h.Kept, Kept{id, e.shape.String(), int64(e.shape.ByteSize()), s.spill.has(id)})
	}
	return h
}
