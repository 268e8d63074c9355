package server

import (
	"errors"
	"time"

	"odslab/odslib/engine/record"

	"github.com/gomlx/compute"
)

// program is a client's hold on a compiled recording.
type program struct {
	*record.Hold
	spread bool
	bytes  int64 // of its outputs
}

// compiled is a program in the cache.
type compiled struct {
	compute.Executable
	spread bool
}

// countPanic, deferred, counts a panic of the backend and lets it pass.
func (s *Server) countPanic() {
	if r := recover(); r != nil {
		s.mu.Lock()
		s.stats.Panics++
		s.mu.Unlock()
		panic(r)
	}
}

// grant gives the client a handle on a program, whose hold passes to it.
func (k *connection) grant(h *record.Hold) uint64 {
	p := &program{Hold: h, spread: h.Executable.(compiled).spread}
	for _, shape := range h.Outputs() {
		if !shape.IsDynamic() {
			p.bytes += int64(shape.ByteSize())
		}
	}
	s := k.s
	s.mu.Lock()
	defer s.mu.Unlock()
	if k.l.ended { // its process ended while we compiled
		h.Release()
		return 0
	}
	id := s.id()
	k.l.programs[id] = p
	return id
}

// record replays operations that only the backend can judge and answers with the shapes of the last one's outputs.
func (k *connection) record(d *record.Dec, out *record.Enc) error {
	open, name, rec := d.Uint(), d.Str(), d.Bytes()
	if d.Err != nil {
		return d.Err
	}
	s := k.s
	s.mu.Lock()
	r := k.l.open[open]
	if r == nil {
		open = s.id()
	}
	s.mu.Unlock()
	if r == nil {
		r = record.NewReplay(s.backend, name)
		s.mu.Lock()
		k.l.open[open] = r
		s.mu.Unlock()
	}
	out.Uint(open)
	if err := r.Play(rec); err != nil {
		var refused *record.OpError
		if !errors.As(err, &refused) {
			return err
		}
		out.Bool(true)
		failureOf(err).Enc(out)
		return nil
	}
	out.Bool(false)
	shapes, err := r.Shapes()
	if err != nil {
		return err
	}
	out.Uint(uint64(len(shapes)))
	for _, shape := range shapes {
		record.EncShape(out, shape)
	}
	return nil
}

func (k *connection) lookup(d *record.Dec, out *record.Enc) error {
	var hash record.Hash
	copy(hash[:], d.Raw(len(hash)))
	open := d.Uint()
	if d.Err != nil {
		return d.Err
	}
	h := k.s.cache.Find(hash)
	out.Bool(h != nil)
	if h == nil {
		return nil
	}
	k.s.mu.Lock()
	delete(k.l.open, open)
	k.s.stats.Found++
	k.s.mu.Unlock()
	out.Uint(k.grant(h))
	return nil
}

// compile makes the program of a recording, once, however many clients ask.
func (k *connection) compile(d *record.Dec, out *record.Enc) error {
	var hash record.Hash
	copy(hash[:], d.Raw(len(hash)))
	open, name, rec := d.Uint(), d.Str(), d.Bytes()
	outline := record.DecOutline(d)
	if d.Err != nil {
		return d.Err
	}
	s := k.s
	s.mu.Lock()
	r := k.l.open[open]
	delete(k.l.open, open)
	s.mu.Unlock()
	if r == nil {
		r = record.NewReplay(s.backend, name)
	}
	start := time.Now()
	h, made, err := s.cache.Make(hash, func() record.Outline { return outline }, func() (compute.Executable, error) {
		defer s.countPanic()
		if err := r.Play(rec); err != nil {
			return nil, err
		}
		x, err := r.Compile()
		return compiled{x, r.Spread()}, err
	})
	if err != nil {
		return err
	}
	if made.Compiled {
		s.mu.Lock()
		s.stats.Compiled++
		s.stats.Compiling += time.Since(start)
		s.mu.Unlock()
	}
	out.Uint(k.grant(h))
	made.Enc(out)
	return nil
}
