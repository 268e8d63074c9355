package record

import (
	"container/list"
	"fmt"
	"slices"
	"sync"

	"github.com/gomlx/compute"
)

// Cache keeps the compiled programs of one engine under the hashes of their recordings: those that somebody holds, and so
// many that nobody does, of which the ones given up longest ago are finalized first.
type Cache struct {
	Keep int // programs that nobody holds

	mu       sync.Mutex
	programs map[Hash]*program
	idle     list.List // last given up first
	outlines map[Hash]*outline
}

// program is compiled, or being compiled.
type program struct {
	hash       Hash
	done       chan struct{} // closed when executable or err is there
	executable compute.Executable
	err        error
	holders    int
	place      *list.Element // among the idle; nil while it is held
}

// outline is what was compiled under one.
type outline struct {
	times int
	last  []uint64
}

// DefaultKeep is how many programs a cache keeps that is not told.
const DefaultKeep = 128

// NewCache keeps so many programs; 0 means DefaultKeep.
func NewCache(keep int) *Cache {
	if keep == 0 {
		keep = DefaultKeep
	}
	return &Cache{Keep: keep, programs: map[Hash]*program{}, outlines: map[Hash]*outline{}}
}

// Hold is a program that stays as it is until it is released.
type Hold struct {
	compute.Executable
	cache *Cache
	p     *program
}

// Release gives the program up, once.
func (h *Hold) Release() {
	h.cache.mu.Lock()
	defer h.cache.mu.Unlock()
	h.cache.giveUp(h.p)
}

// Find returns a hold on the program of the hash, or nil. It waits for one that is being compiled.
func (c *Cache) Find(hash Hash) *Hold {
	c.mu.Lock()
	p := c.programs[hash]
	if p == nil {
		c.mu.Unlock()
		return nil
	}
	h, err := c.hold(p)
	if err != nil {
		return nil
	}
	return h
}

// hold waits for the program; the caller has the lock, which is given up.
func (c *Cache) hold(p *program) (*Hold, error) {
	p.holders++
	if p.place != nil {
		c.idle.Remove(p.place)
		p.place = nil
	}
	c.mu.Unlock()
	<-p.done
	if p.err != nil {
		return nil, p.err
	}
	return &Hold{p.executable, c, p}, nil
}

// Make returns a hold on the program of the hash, which compile makes if it is not there: once, however many ask. A failure
// goes to all that wait for it and is forgotten.
func (c *Cache) Make(hash Hash, outline func() Outline, compile func() (compute.Executable, error)) (*Hold, Made, error) {
	c.mu.Lock()
	if p := c.programs[hash]; p != nil {
		h, err := c.hold(p)
		return h, Made{}, err
	}
	p := &program{hash: hash, done: make(chan struct{}), holders: 1}
	c.programs[hash] = p
	c.mu.Unlock()

	p.executable, p.err = attempt(compile)
	made := Made{Compiled: true}
	if p.err == nil {
		made.Times, made.Changed = c.compare(outline())
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	close(p.done)
	if p.err != nil {
		delete(c.programs, hash)
		return nil, Made{}, p.err
	}
	return &Hold{p.executable, c, p}, made, nil
}

// attempt turns a panic of the engine into an error.
func attempt(compile func() (compute.Executable, error)) (x compute.Executable, err error) {
	defer func() {
		if r := recover(); r != nil {
			var ok bool
			if err, ok = r.(error); !ok {
				err = fmt.Errorf("%v", r)
			}
		}
	}()
	return compile()
}

// compare notes that a program of the outline was compiled, and says how often that has happened with constants that differ
// and which have changed since the last time.
func (c *Cache) compare(o Outline) (times int, changed []int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	was := c.outlines[o.Hash]
	if was == nil {
		for len(c.outlines) >= 4*c.Keep { // any will do
			for h := range c.outlines {
				delete(c.outlines, h)
				break
			}
		}
		was = &outline{}
		c.outlines[o.Hash] = was
	}
	for i, sum := range o.Uses {
		if was.times > 0 && i < len(was.last) && was.last[i] != sum {
			changed = append(changed, i)
		}
	}
	if was.times == 0 || len(changed) > 0 { // else it had been finalized
		was.times++
	}
	was.last = slices.Clone(o.Uses)
	return was.times, changed
}

// giveUp ends one hold; the caller has the lock.
func (c *Cache) giveUp(p *program) {
	if p.holders--; p.holders > 0 {
		return
	}
	p.place = c.idle.PushFront(p)
	for c.idle.Len() > c.Keep {
		last := c.idle.Remove(c.idle.Back()).(*program)
		delete(c.programs, last.hash)
		last.executable.Finalize()
	}
}

// Len is how many programs there are.
func (c *Cache) Len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.programs)
}

// Held is how many of them somebody holds.
func (c *Cache) Held() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.programs) - c.idle.Len()
}
