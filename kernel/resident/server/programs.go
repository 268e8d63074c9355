package server

import (
	"container/list"
	"errors"
	"odslab/odslib/engine/record"
	"time"

	"github.com/gomlx/compute"
)

// program is a compiled recording, or one that is being compiled.
type program struct {
	id         uint64
	hash, name string
	executable compute.Executable
	spread     bool
	bytes      int64         // of its outputs
	done       chan struct{} // closed when executable or err is there
	err        error
	holders    int // leases
	place      *list.Element
}

// programs are compiled programs, most recently used first. Guarded by the server's lock.
type programs struct {
	max    int
	byHash map[string]*program
	order  list.List
}

func (c *programs) find(hash string) *program {
	p := c.byHash[hash]
	if p != nil {
		c.order.MoveToFront(p.place)
	}
	return p
}

func (c *programs) add(p *program) {
	if c.byHash == nil {
		c.byHash = map[string]*program{}
	}
	c.byHash[p.hash] = p
	p.place = c.order.PushFront(p)
}

func (c *programs) remove(p *program) {
	if c.byHash[p.hash] == p {
		delete(c.byHash, p.hash)
		c.order.Remove(p.place)
	}
}

// evict frees the least recently used programs beyond the limit that no client holds; the caller has the lock.
func (s *Server) evict() {
	c := &s.cache
	for at := c.order.Back(); at != nil && len(c.byHash) > c.max; {
		p := at.Value.(*program)
		at = at.Prev()
		if p.holders == 0 && p.executable != nil {
			c.remove(p)
			p.executable.Finalize()
		}
	}
}

// hold notes that the client uses the program; the caller has the lock.
func (k *connection) hold(p *program) {
	if k.l.programs[p.id] == nil && !k.l.ended {
		k.l.programs[p.id] = p
		p.holders++
	}
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
	hash, open := string(d.Bytes()), d.Uint()
	if d.Err != nil {
		return d.Err
	}
	s := k.s
	s.mu.Lock()
	p := s.cache.find(hash)
	if p != nil {
		delete(k.l.open, open)
		k.hold(p)
	}
	s.mu.Unlock()
	if p != nil {
		<-p.done // another client may be compiling it
	}
	found := p != nil && p.err == nil
	out.Bool(found)
	if found {
		s.mu.Lock()
		s.stats.Found++
		s.mu.Unlock()
		out.Uint(p.id)
	}
	return nil
}

// compile makes the program of a recording, once, however many clients ask.
func (k *connection) compile(d *record.Dec, out *record.Enc) error {
	hash, open, name, rec := string(d.Bytes()), d.Uint(), d.Str(), d.Bytes()
	if d.Err != nil {
		return d.Err
	}
	s := k.s
	s.mu.Lock()
	p := s.cache.find(hash)
	r := k.l.open[open]
	delete(k.l.open, open)
	mine := p == nil
	if mine {
		p = &program{id: s.id(), hash: hash, name: name, done: make(chan struct{})}
		s.cache.add(p)
	}
	k.hold(p)
	s.mu.Unlock()
	if mine {
		if r == nil {
			r = record.NewReplay(s.backend, name)
		}
		s.make(p, r, rec)
	}
	<-p.done
	if p.err != nil {
		return p.err
	}
	out.Bool(true)
	out.Uint(p.id)
	return nil
}

// make compiles; a failure is forgotten, so that it can be tried again.
func (s *Server) make(p *program, r *record.Replay, rec []byte) {
	start, finished := time.Now(), false
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if !finished {
			s.cache.remove(p)
		}
		close(p.done)
		s.evict()
	}()
	defer func() {
		if cause := recover(); cause != nil {
			p.err = panicked(cause)
			s.mu.Lock()
			s.stats.Panics++
			s.mu.Unlock()
		}
	}()
	if p.err = r.Play(rec); p.err != nil {
		return
	}
	x, err := r.Compile()
	if err != nil {
		p.err = err
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p.executable, p.spread = x, r.Spread()
	for _, shape := range x.Outputs() {
		if !shape.IsDynamic() {
			p.bytes += int64(shape.ByteSize())
		}
	}
	s.stats.Compiled++
	s.stats.Compiling += time.Since(start)
	finished = true
}
