package server

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/gomlx/compute"

	"odslab/kernel/runtime/contract"
	"odslab/kernel/runtime/wire"
	"odslab/odslib/engine/record"
)

// Options of a Server; the zero value sets no limits and spills nothing.
type Options struct {
	Engine   string // what the backend is, "xla-cpu"
	Spill    string // folder for kept buffers, of this user alone; "" spills nothing
	SpillMax int64  // bytes in that folder; 0: 1 GiB
	Bytes    int64  // of buffers at most; 0: no limit
	Programs int    // compiled, beside those that clients hold; 0: what the backend's own cache keeps
	Shared   int64  // bytes at most of shared buffers that neither a client nor the notebook has; 0: 64 MiB

	Loaded func() int // counts the programs that the backend had on disk; nil: none

	// Stuck is called when an execution goes on for longer than StuckAfter (0: 5 s) after its client has gone: it can't be
	// cancelled, so the process has to end.
	Stuck      func()
	StuckAfter time.Duration
}

// Server serves one backend to any number of clients.
type Server struct {
	backend compute.Backend
	options Options
	spill   *spill

	mu     sync.Mutex
	next   uint64 // last id given
	leases map[uint64]*lease
	kept   map[string]*entry
	cache  *record.Cache
	shared shared
	bytes  int64 // of all buffers
	live   int   // buffers
	stats  Stats
}

// Stats counts what a server did.
type Stats struct {
	Compiled, Found int // programs
	Loaded          int // of the compiled ones, from disk
	Compiling       time.Duration
	Executed        int
	Received        int64 // bytes of arrays that clients have sent
	Spared          int   // arrays that a client had, and did not have to send
	Refused         int   // peers dropped for what they sent
	Panics          int   // of the backend, each an error of one request
}

// New makes a server of the backend. What an earlier one has spilled is kept again.
func New(backend compute.Backend, o Options) (*Server, error) {
	if b, ok := backend.(*record.Backend); ok { // what comes is recorded already
		backend, o.Programs = b.Backend, cmp.Or(o.Programs, b.Cache.Keep)
	}
	if o.Shared == 0 {
		o.Shared = 64 << 20
	}
	if o.StuckAfter == 0 {
		o.StuckAfter = 5 * time.Second
	}
	s := &Server{backend: backend, options: o, leases: map[uint64]*lease{}, kept: map[string]*entry{}, cache: record.NewCache(o.Programs)}
	var err error
	s.spill, err = openSpill(o.Spill, o.SpillMax)
	return s, err
}

// Serve accepts clients until the listener is closed.
func (s *Server) Serve(l net.Listener) error {
	for {
		nc, err := l.Accept()
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return nil
			}
			return err
		}
		if err := sameUser(nc); err != nil {
			nc.Close()
			s.refuse()
			continue
		}
		go s.serve(wire.NewConn(nc))
	}
}

// Close waits for what is being spilled.
func (s *Server) Close() { s.spill.close() }

// Stats returns the counts so far.
func (s *Server) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counts()
}

// counts are the counts so far; the caller has the lock.
func (s *Server) counts() Stats {
	out := s.stats
	if s.options.Loaded != nil {
		out.Loaded = s.options.Loaded()
	}
	return out
}

func (s *Server) refuse() {
	s.mu.Lock()
	s.stats.Refused++
	s.mu.Unlock()
}

func (s *Server) id() uint64 { s.next++; return s.next }

// lease is one client.
type lease struct {
	id       uint64
	who      string
	ended    bool
	running  int // executions
	buffers  map[uint64]*entry
	open     map[uint64]*record.Replay
	programs map[uint64]*program
}

func (s *Server) newLease(who string) *lease {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := &lease{id: s.id(), who: who, buffers: map[uint64]*entry{}, open: map[uint64]*record.Replay{}, programs: map[uint64]*program{}}
	s.leases[l.id] = l
	return l
}

func (s *Server) endLease(l *lease) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l.ended = true
	for h, e := range l.buffers {
		delete(l.buffers, h)
		s.release(e)
	}
	for _, id := range slices.Sorted(maps.Keys(l.programs)) { // the latest are the last to go
		l.programs[id].Release()
	}
	clear(l.programs)
	delete(s.leases, l.id)
	if l.running > 0 && s.options.Stuck != nil {
		time.AfterFunc(s.options.StuckAfter, func() {
			s.mu.Lock()
			stuck := l.running > 0
			s.mu.Unlock()
			if stuck {
				s.options.Stuck()
			}
		})
	}
}

// hello begins a lease and says what the backend is.
func (s *Server) hello(d *record.Dec, e *record.Enc) (*lease, error) {
	if theirs := d.Str(); theirs != contract.Fingerprint {
		return nil, errors.New("the cell and the resident process are of different versions of odslab; restart the kernel")
	}
	who := d.Str()
	if d.Err != nil {
		return nil, d.Err
	}
	l := s.newLease(who)
	e.Uint(l.id)
	e.Str(s.options.Engine)
	e.Str(s.backend.Description())
	n := s.backend.NumDevices()
	e.Uint(uint64(n))
	for i := range n {
		e.Str(s.backend.DeviceDescription(compute.DeviceNum(i)))
	}
	caps := s.backend.Capabilities()
	e.Bool(caps.Functions)
	e.Bool(caps.DynamicAxes)
	e.Bool(caps.PreferConstantsForVariables)
	encSet(e, caps.Operations)
	encSet(e, caps.DTypes)
	return l, nil
}

func encSet[K ~int | ~int32](e *record.Enc, set map[K]bool) {
	n := 0
	for _, in := range set {
		if in {
			n++
		}
	}
	e.Uint(uint64(n))
	for k, in := range set {
		if in {
			e.Int(int64(k))
		}
	}
}

func (s *Server) lease(id uint64) (*lease, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l := s.leases[id]; l != nil {
		return l, nil
	}
	return nil, fmt.Errorf("no lease %d", id)
}
