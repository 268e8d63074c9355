package zmtp

import (
	"crypto/rand"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"time"
)

// Handler is what a Listener tells its owner. Each field may be nil.
type Handler struct {
	// Message is called for every message, from the peer's own goroutine.
	Message func(from *Conn, frames [][]byte)
	// Subscribed is called when a peer of a PUB socket subscribes to a topic.
	Subscribed func(from *Conn, topic string)
	// Violation is called when a peer is dropped for breaking the protocol.
	Violation func(err error)
	// Budget bounds what peers send before somebody calls Trust; nil: not at all.
	Budget *Budget
}

// Listener is a bound ROUTER, PUB or REP socket.
type Listener struct {
	socketType string
	handler    Handler
	nl         net.Listener

	mu     sync.Mutex
	peers  map[*Conn]*peer
	owner  map[string]*Conn // the peer that an identity belongs to, see Claim
	closed bool
	wg     sync.WaitGroup
}

type peer struct {
	topics map[string]int
}

// Listen binds a socket; network is "tcp" or "unix".
func Listen(network, addr, socketType string, h Handler) (*Listener, error) {
	nl, err := net.Listen(network, addr)
	if err != nil {
		return nil, err
	}
	l := &Listener{
		socketType: socketType, handler: h, nl: nl,
		peers: map[*Conn]*peer{}, owner: map[string]*Conn{},
	}
	l.wg.Add(1)
	go l.accept()
	return l, nil
}

// Addr is where the listener is bound.
func (l *Listener) Addr() net.Addr { return l.nl.Addr() }

func (l *Listener) accept() {
	defer l.wg.Done()
	for {
		nc, err := l.nl.Accept()
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return
			}
			time.Sleep(10 * time.Millisecond) // out of file descriptors
			continue
		}
		go l.serve(nc)
	}
}

func (l *Listener) serve(nc net.Conn) {
	c, err := accept(nc, l.socketType)
	if err != nil {
		l.violation(err)
		return
	}
	if c.Identity == "" {
		c.Identity = "\x00" + rand.Text()
	}
	c.budget = l.handler.Budget
	p := &peer{topics: map[string]int{}}
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		c.Close()
		return
	}
	l.peers[c] = p
	l.mu.Unlock()
	c.start()
	defer func() {
		l.mu.Lock()
		delete(l.peers, c)
		if l.owner[c.Identity] == c {
			delete(l.owner, c.Identity)
		}
		l.mu.Unlock()
		c.Close()
		c.budget.give(c, -1)
	}()
	for {
		frames, err := c.Recv()
		if err != nil {
			l.violation(err)
			return
		}
		switch {
		case l.socketType == Pub:
			l.subscription(c, p, frames)
			continue // what it asks for stays, and counts
		case l.socketType == Rep:
			if c.Answer(frames...) != nil { // a heartbeat is echoed as it came
				return
			}
		case l.handler.Message != nil:
			l.handler.Message(c, frames)
		}
		c.discharge(c.charged)
	}
}

func (l *Listener) violation(err error) {
	if l.handler.Violation != nil && errors.Is(err, ErrProtocol) {
		l.handler.Violation(err)
	}
}

// What a subscriber may ask for; Jupyter's ask for everything, once.
const maxTopics, maxTopic = 64, 256

func (l *Listener) subscription(c *Conn, p *peer, frames [][]byte) {
	if len(frames) != 1 || len(frames[0]) == 0 || len(frames[0]) > maxTopic {
		return
	}
	topic := string(frames[0][1:])
	c.discharge(len(frames[0]) + frameCost)
	l.mu.Lock()
	switch frames[0][0] {
	case 1:
		if len(p.topics) < maxTopics {
			p.topics[topic]++
		}
	case 0:
		if p.topics[topic]--; p.topics[topic] <= 0 {
			delete(p.topics, topic)
		}
	}
	l.mu.Unlock()
	if frames[0][0] == 1 && l.handler.Subscribed != nil {
		l.handler.Subscribed(c, topic)
	}
}

// Claim gives the peer's identity to it: what is sent to the identity reaches
// this peer from now on, and all others that bear it are closed. The owner of
// the listener knows who may.
func (l *Listener) Claim(c *Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.owner[c.Identity] == c || l.peers[c] == nil {
		return
	}
	l.owner[c.Identity] = c
	for other := range l.peers {
		if other != c && other.Identity == c.Identity {
			other.Close()
		}
	}
}

// SendTo sends to the peer that owns the identity. As long as it is nobody's,
// all that bear it get the message, since the right one may be among them.
func (l *Listener) SendTo(identity string, frames ...[]byte) {
	l.mu.Lock()
	var to []*Conn
	if c := l.owner[identity]; c != nil {
		to = append(to, c)
	} else {
		for c := range l.peers {
			if c.Identity == identity {
				to = append(to, c)
			}
		}
	}
	l.mu.Unlock()
	for _, c := range to {
		c.sendOrClose(encode(frames))
	}
}

// Answer sends to a peer or, if that has gone, to the one that owns its identity
// now. It reports whether there was one.
func (l *Listener) Answer(c *Conn, frames ...[]byte) bool {
	l.mu.Lock()
	if l.peers[c] == nil || l.owner[c.Identity] != nil {
		c = l.owner[c.Identity]
	}
	l.mu.Unlock()
	return c != nil && c.sendOrClose(encode(frames))
}

// Publish sends to every peer subscribed to the first frame.
func (l *Listener) Publish(frames ...[]byte) {
	topic := string(frames[0])
	b := encode(frames)
	l.mu.Lock()
	defer l.mu.Unlock()
	for c, p := range l.peers {
		for t := range p.topics {
			if strings.HasPrefix(topic, t) {
				c.sendOrClose(b)
				break
			}
		}
	}
}

// Close stops listening and gives queued messages a second to leave.
func (l *Listener) Close() error {
	err := l.nl.Close()
	l.mu.Lock()
	l.closed = true
	peers := make([]*Conn, 0, len(l.peers))
	for c := range l.peers {
		peers = append(peers, c)
	}
	l.mu.Unlock()
	var wg sync.WaitGroup
	for _, c := range peers {
		wg.Go(func() { c.flush(time.Second) })
	}
	wg.Wait()
	l.wg.Wait()
	return err
}

// duplex joins a buffered reader with the connection's writing side.
type duplex struct {
	io.Reader
	io.Writer
}
