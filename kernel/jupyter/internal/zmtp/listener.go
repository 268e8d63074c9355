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
}

// Listener is a bound ROUTER, PUB or REP socket.
type Listener struct {
	socketType string
	handler    Handler
	nl         net.Listener

	mu     sync.Mutex
	peers  map[*Conn]*peer
	byID   map[string]*Conn // newest connection of each identity
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
		peers: map[*Conn]*peer{}, byID: map[string]*Conn{},
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
	p := &peer{topics: map[string]int{}}
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		c.Close()
		return
	}
	l.peers[c] = p
	l.byID[c.Identity] = c
	l.mu.Unlock()
	c.start()
	defer func() {
		l.mu.Lock()
		delete(l.peers, c)
		if l.byID[c.Identity] == c {
			delete(l.byID, c.Identity)
		}
		l.mu.Unlock()
		c.Close()
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
		case l.socketType == Rep:
			c.Send(frames...) // a heartbeat is echoed as it came
		case l.handler.Message != nil:
			l.handler.Message(c, frames)
		}
	}
}

func (l *Listener) violation(err error) {
	if l.handler.Violation != nil && errors.Is(err, ErrProtocol) {
		l.handler.Violation(err)
	}
}

func (l *Listener) subscription(c *Conn, p *peer, frames [][]byte) {
	if len(frames) != 1 || len(frames[0]) == 0 || len(frames[0]) > 4096 {
		return
	}
	topic := string(frames[0][1:])
	l.mu.Lock()
	switch frames[0][0] {
	case 1:
		if len(p.topics) < maxFrames {
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

// SendTo sends to the newest peer with this identity, as ROUTER does; a peer
// that has gone is no error, one that does not read is dropped.
func (l *Listener) SendTo(identity string, frames ...[]byte) {
	l.mu.Lock()
	c := l.byID[identity]
	l.mu.Unlock()
	if c == nil {
		return
	}
	if err := c.Send(frames...); err != nil {
		c.Close()
	}
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
				c.enqueue(b)
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
