package server

import (
	"container/list"
	"time"

	"github.com/gomlx/compute"

	"odslab/odslib/engine/resident/wire"
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

func (k *connection) lookup(d *wire.Dec, out *wire.Enc) error {
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
func (k *connection) compile(d *wire.Dec, out *wire.Enc) error {
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
			r = s.newReplay(name)
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
func (s *Server) make(p *program, r *replay, rec []byte) {
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
	if p.err = r.run(rec); p.err != nil {
		return
	}
	x, err := r.builder.Compile()
	if err != nil {
		p.err = err
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p.executable, p.spread = x, r.spread
	for _, shape := range x.Outputs() {
		if !shape.IsDynamic() {
			p.bytes += int64(shape.ByteSize())
		}
	}
	s.stats.Compiled++
	s.stats.Compiling += time.Since(start)
	finished = true
}
