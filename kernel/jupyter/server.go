package jupyter

import (
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"odslab/kernel/jupyter/internal/zmtp"
)

// Channel is one of the sockets that requests arrive on.
type Channel int

const (
	Shell Channel = iota
	Control
	Stdin
)

// Dropped counts what a server did not take.
type Dropped struct {
	Malformed int // no delimiter, too few frames, not JSON
	Signature int // signed with another key, or not at all
	Transport int // peers that broke ZMTP, and frames beyond the size limit
}

// Server is the kernel's side of the protocol.
type Server struct {
	session string
	signer  signer
	handle  func(Channel, *Message)

	sockets [3]*zmtp.Listener // by Channel
	iopub   *zmtp.Listener
	hb      *zmtp.Listener
	seen    *seen
	bound   chan struct{} // closed when all sockets are there

	mu      sync.Mutex
	dropped Dropped
	waiting []waiting // answers to front ends that have gone
	kept    int       // bytes in waiting
}

// waiting is an answer that nobody was there for: a front end that reconnects
// gets it with its first message.
type waiting struct {
	identity string
	frames   [][]byte
}

const (
	// maxUnsigned bounds what peers without the key make a kernel hold.
	maxUnsigned = 64 << 20
	// maxWaiting bounds the answers that wait for front ends to come back.
	maxWaiting = 16 << 20
)

// Serve binds the sockets of a connection. handle is called for every valid
// request, one at a time for each front end and channel; it must not block long.
func Serve(c Connection, handle func(Channel, *Message)) (*Server, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	s := &Server{session: newID(), signer: signer(c.Key), handle: handle, seen: newSeen(), bound: make(chan struct{})}
	defer close(s.bound)
	budget := zmtp.NewBudget(maxUnsigned)
	bind := func(dst **zmtp.Listener, port int, socketType string, h zmtp.Handler) error {
		network, addr := c.address(port)
		h.Budget = budget
		h.Violation = func(error) { s.drop(zmtp.ErrProtocol) }
		l, err := zmtp.Listen(network, addr, socketType, h)
		if err != nil {
			return fmt.Errorf("bind %s socket: %w", socketType, err)
		}
		*dst = l
		return nil
	}
	router := func(ch Channel) zmtp.Handler {
		return zmtp.Handler{Message: func(from *zmtp.Conn, frames [][]byte) { s.receive(ch, from, frames) }}
	}
	err := errors.Join(
		bind(&s.iopub, c.IOPubPort, zmtp.Pub, zmtp.Handler{Subscribed: s.welcome}),
		bind(&s.sockets[Control], c.ControlPort, zmtp.Router, router(Control)),
		bind(&s.sockets[Stdin], c.StdinPort, zmtp.Router, router(Stdin)),
		bind(&s.hb, c.HBPort, zmtp.Rep, zmtp.Handler{}),
		bind(&s.sockets[Shell], c.ShellPort, zmtp.Router, router(Shell)),
	)
	if err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

func (s *Server) receive(ch Channel, from *zmtp.Conn, frames [][]byte) {
	m, err := s.signer.decode(frames)
	if err != nil {
		s.drop(err)
		return
	}
	<-s.bound
	// Whoever reads iopub has rightly signed messages of ours, and of front ends
	// whatever they have sent elsewhere: each counts once, and ours never.
	if m.Header.Session == s.session || len(s.signer) > 0 && !s.seen.first(m.signature) {
		s.drop(ErrSignature)
		return
	}
	from.Trust()
	if from.Identity == m.Header.Session {
		s.sockets[ch].Claim(from)
		s.resend(ch, from)
	}
	m.from = from
	s.handle(ch, m)
}

// resend gives a front end that is back what it has missed.
func (s *Server) resend(ch Channel, to *zmtp.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	left := s.waiting[:0]
	for _, w := range s.waiting {
		if w.identity != fmt.Sprint(ch, to.Identity) {
			left = append(left, w)
			continue
		}
		s.kept -= size(w.frames)
		s.sockets[ch].Answer(to, w.frames...)
	}
	clear(s.waiting[len(left):])
	s.waiting = left
}

func size(frames [][]byte) (n int) {
	for _, f := range frames {
		n += len(f)
	}
	return n
}

func (s *Server) drop(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case errors.Is(err, ErrSignature):
		s.dropped.Signature++
	case errors.Is(err, ErrMalformed):
		s.dropped.Malformed++
	default:
		s.dropped.Transport++
	}
}

// Dropped returns what was not taken so far.
func (s *Server) Dropped() Dropped {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dropped
}

// welcome tells a new subscriber that messages will reach it from now on.
func (s *Server) welcome(c *zmtp.Conn, topic string) {
	frames, err := s.frames("iopub_welcome", nil, map[string]string{"subscription": topic}, nil, []byte(topic))
	if err == nil {
		c.Answer(frames...)
	}
}

func (s *Server) frames(msgType string, parent *Message, content, metadata any, prefix ...[]byte) ([][]byte, error) {
	m, err := newMessage(s.session, msgType, parent, content, metadata)
	if err != nil {
		return nil, err
	}
	m.Identities = prefix
	return s.signer.encode(m)
}

// Publish sends a message on iopub to all front ends. parent may be nil.
func (s *Server) Publish(msgType string, parent *Message, content, metadata any) error {
	frames, err := s.frames(msgType, parent, content, metadata, []byte("kernel."+s.session+"."+msgType))
	if err != nil {
		return err
	}
	s.iopub.Publish(frames...)
	return nil
}

// Reply answers a request on the channel that it came from.
func (s *Server) Reply(ch Channel, request *Message, msgType string, content any) error {
	frames, err := s.frames(msgType, request, content, nil, request.Identities...)
	if err != nil || s.sockets[ch].Answer(request.from, frames...) {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting = append(s.waiting, waiting{fmt.Sprint(ch, request.from.Identity), frames})
	for s.kept += size(frames); s.kept > maxWaiting; s.waiting = s.waiting[1:] {
		s.kept -= size(s.waiting[0].frames)
	}
	return nil
}

// RequestInput asks the front end that sent request for a line of input. The
// answer arrives on Stdin as an input_reply.
func (s *Server) RequestInput(request *Message, prompt string, password bool) error {
	frames, err := s.frames("input_request", request, map[string]any{"prompt": prompt, "password": password}, nil, request.Identities...)
	if err == nil {
		s.sockets[Stdin].SendTo(request.from.Identity, frames...)
	}
	return err
}

// Close unbinds the sockets after what is queued has left, at most a second.
func (s *Server) Close() {
	var wg sync.WaitGroup
	for _, l := range append(s.sockets[:], s.iopub, s.hb) {
		if l != nil {
			wg.Go(func() { l.Close() })
		}
	}
	wg.Wait()
}

// Raw is content that is already JSON.
type Raw = json.RawMessage
