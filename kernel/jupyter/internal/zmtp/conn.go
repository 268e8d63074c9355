package zmtp

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// What may wait for a peer that does not read, beside what is on its way. One
// that is further behind is disconnected.
const (
	maxQueue   = 256 << 20 // of a peer that is known
	maxBehind  = 64 << 20  // of a subscriber
	maxUnknown = 1 << 20   // of a peer that has only connected
)

const handshakeTimeout = 10 * time.Second

// ErrClosed is returned for a connection that has ended.
var ErrClosed = errors.New("zmtp: connection closed")

// Conn is one connected peer.
type Conn struct {
	Identity string // the peer's own, or one given by the listener

	nc net.Conn
	br *bufio.Reader

	budget  *Budget     // of the listener, until the peer is known
	trusted atomic.Bool // set by Trust
	charged int         // what the budget counts of what it has sent

	mu      sync.Mutex
	more    *sync.Cond
	queue   []queued
	queued  int
	limit   int // of queued
	closed  bool
	drained chan struct{} // closed when the writer has ended
}

// queued waits to be written.
type queued struct {
	bytes   []byte
	counted bool // by the budget
}

// Dial connects to addr as the given kind of socket. It tries again every few
// milliseconds until ctx ends, since kernels take a moment to bind.
func Dial(ctx context.Context, network, addr, socketType, identity string) (*Conn, error) {
	var d net.Dialer
	for {
		nc, err := d.DialContext(ctx, network, addr)
		if err == nil {
			return open(nc, socketType, identity)
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("connect to %s: %w", addr, err)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// open performs the dialling side of the handshake over nc.
func open(nc net.Conn, socketType, identity string) (*Conn, error) {
	c, err := shake(nc, socketType, func(rw duplex) error {
		_, err := rw.Write(ready(socketType, identity))
		return err
	})
	if err == nil {
		c.start()
	}
	return c, err
}

// accept performs the listening side, except that its own READY waits at the
// head of the queue: the peer learns that it is connected from start on, when
// whatever is sent to its identity will reach it.
func accept(nc net.Conn, socketType string) (*Conn, error) {
	c, err := shake(nc, socketType, func(duplex) error { return nil })
	if err == nil {
		c.limit = maxUnknown
		if socketType == Pub {
			c.limit = maxBehind
		}
		c.enqueue(ready(socketType, ""))
	}
	return c, err
}

func (c *Conn) start() { go c.write() }

func shake(nc net.Conn, socketType string, announce func(duplex) error) (*Conn, error) {
	nc.SetDeadline(time.Now().Add(handshakeTimeout))
	br := bufio.NewReaderSize(nc, 4<<10) // many a peer sends nothing
	rw := duplex{br, nc}
	peer, err := "", greet(rw)
	if err == nil {
		err = announce(rw)
	}
	if err == nil {
		peer, err = readReady(br, socketType)
	}
	if err != nil {
		nc.Close()
		return nil, err
	}
	nc.SetDeadline(time.Time{})
	c := &Conn{Identity: peer, nc: nc, br: br, limit: maxQueue, drained: make(chan struct{})}
	c.more = sync.NewCond(&c.mu)
	return c, nil
}

// Recv returns the next message. A peer's commands are answered or skipped,
// except SUBSCRIBE and CANCEL of ZMTP 3.1, which come as the 3.0 messages.
func (c *Conn) Recv() ([][]byte, error) {
	var frames [][]byte
	total := 0
	for {
		flags, body, err := readFrame(c.br, maxMessage-total, c.charge)
		if err != nil {
			c.Close()
			return nil, err
		}
		if flags&flagCommand != 0 {
			cmd, err := parseCommand(body)
			if err != nil {
				c.Close()
				return nil, err
			}
			switch cmd.name {
			case "PING":
				var context []byte
				if len(cmd.data) > 2 {
					context = cmd.data[2:]
				}
				if err := c.answer(command{name: "PONG", data: context}.encode()); err != nil {
					c.Close()
					return nil, err
				}
			case "SUBSCRIBE":
				return [][]byte{append([]byte{1}, cmd.data...)}, nil
			case "CANCEL":
				return [][]byte{append([]byte{0}, cmd.data...)}, nil
			}
			c.discharge(len(body) + frameCost)
			continue
		}
		frames = append(frames, body)
		total += len(body)
		if len(frames) > maxFrames {
			c.Close()
			return nil, fmt.Errorf("%w: more than %d frames in a message", ErrProtocol, maxFrames)
		}
		if flags&flagMore == 0 {
			return frames, nil
		}
	}
}

// charge counts what has arrived from a peer that is not known.
func (c *Conn) charge(n int) error {
	if c.trusted.Load() {
		return nil
	}
	c.charged += n
	return c.budget.take(c, n)
}

// discharge takes back what charge has counted, up to n bytes of it.
func (c *Conn) discharge(n int) {
	n = min(n, c.charged)
	c.charged -= n
	c.budget.give(c, n)
}

// Answer queues what a peer has brought about without showing who it is. It
// counts until it is written.
func (c *Conn) Answer(frames ...[]byte) error { return c.answer(encode(frames)) }

func (c *Conn) answer(b []byte) error {
	if c.trusted.Load() || c.budget == nil {
		return c.enqueue(b)
	}
	if err := c.budget.take(c, len(b)+frameCost); err != nil {
		return err
	}
	return c.put(queued{b, true})
}

// Trust says that the peer is known: what it sends and is sent counts no more.
func (c *Conn) Trust() {
	if c.trusted.CompareAndSwap(false, true) {
		c.budget.give(c, -1)
		c.mu.Lock()
		c.limit = maxQueue
		c.mu.Unlock()
	}
}

// Send queues a message; it does not wait for the peer.
func (c *Conn) Send(frames ...[]byte) error {
	return c.enqueue(encode(frames))
}

var errFull = errors.New("zmtp: the peer does not read")

func (c *Conn) enqueue(b []byte) error { return c.put(queued{bytes: b}) }

func (c *Conn) put(q queued) error {
	b := q.bytes
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return ErrClosed
	}
	if c.queued > 0 && c.queued+len(b) > c.limit {
		return errFull
	}
	c.queue = append(c.queue, q)
	c.queued += len(b)
	c.more.Signal()
	return nil
}

// maxBatch is what is written in one go, if it is more than a message.
const maxBatch = 1 << 20

// sendOrClose drops a peer that is too far behind.
func (c *Conn) sendOrClose(b []byte) bool {
	err := c.enqueue(b)
	if err == errFull {
		c.Close()
	}
	return err == nil
}

func (c *Conn) write() {
	defer close(c.drained)
	for {
		c.mu.Lock()
		for len(c.queue) == 0 && !c.closed {
			c.more.Wait()
		}
		if len(c.queue) == 0 {
			c.mu.Unlock()
			return
		}
		n, size, counted := 0, 0, 0
		var batch net.Buffers
		for n < len(c.queue) && (n == 0 || size+len(c.queue[n].bytes) <= maxBatch) {
			q := c.queue[n]
			batch = append(batch, q.bytes)
			if size += len(q.bytes); q.counted {
				counted += len(q.bytes) + frameCost
			}
			n++
		}
		c.queue = slices.Delete(c.queue, 0, n)
		c.queued -= size
		c.mu.Unlock()
		_, err := batch.WriteTo(c.nc)
		c.budget.give(c, counted)
		if err != nil {
			c.Close()
			return
		}
	}
}

// Close ends the connection at once.
func (c *Conn) Close() error {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return nil
	}
	c.closed = true
	c.queue, c.queued = nil, 0
	c.more.Broadcast()
	c.mu.Unlock()
	return c.nc.Close()
}

// flush gives queued messages up to d to leave, then closes.
func (c *Conn) flush(d time.Duration) {
	c.nc.SetWriteDeadline(time.Now().Add(d))
	c.mu.Lock()
	c.closed = true // the writer empties the queue and ends
	c.more.Broadcast()
	c.mu.Unlock()
	<-c.drained
	c.nc.Close()
}
