package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

const (
	magic     = 0x5ed0
	headerLen = 16

	// A recording of 100,000 operations is 5 MB; constants of a graph travel in it.
	maxPayload = 1 << 30
	maxBulk    = 1 << 40
)

// ErrFrame marks what is no frame of this protocol.
var ErrFrame = errors.New("resident: not a frame of this protocol")

// ErrSkip from place drops the bulk of a frame, which is read all the same.
var ErrSkip = errors.New("resident: not wanted")

// Conn carries frames over a socket, for one goroutine at a time.
type Conn struct {
	nc      io.ReadWriteCloser
	in, out []byte
}

// NewConn makes frames of what goes over nc.
func NewConn(nc io.ReadWriteCloser) *Conn { return &Conn{nc: nc} }

// Close ends the connection.
func (c *Conn) Close() error { return c.nc.Close() }

// Send writes one frame: magic u16, kind u8, a spare byte, payload length u32, bulk length u64, payload, bulk. Bulk is the
// memory of an array, which is not copied.
func (c *Conn) Send(kind byte, payload, bulk []byte) error {
	if len(payload) > maxPayload {
		return fmt.Errorf("resident: a message of %d bytes, at most %d go over the socket", len(payload), maxPayload)
	}
	b := binary.LittleEndian.AppendUint16(c.out[:0], magic)
	b = append(b, kind, 0)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(payload)))
	b = binary.LittleEndian.AppendUint64(b, uint64(len(bulk)))
	b = append(b, payload...)
	if len(bulk) <= 4096 { // one write is cheaper than two
		b, bulk = append(b, bulk...), nil
	}
	if cap(b) <= 1<<20 {
		c.out = b
	}
	if _, err := c.nc.Write(b); err != nil || len(bulk) == 0 {
		return err
	}
	_, err := c.nc.Write(bulk)
	return err
}

// Recv reads one frame. place says where its bulk of n bytes goes, once the payload is known; nil refuses any. The
// payload is valid until the next Recv.
func (c *Conn) Recv(place func(kind byte, payload []byte, n uint64) ([]byte, error)) (kind byte, payload []byte, err error) {
	var h [headerLen]byte
	if _, err = io.ReadFull(c.nc, h[:]); err != nil {
		return 0, nil, err
	}
	if binary.LittleEndian.Uint16(h[:]) != magic || h[3] != 0 {
		return 0, nil, ErrFrame
	}
	kind = h[2]
	n := int(binary.LittleEndian.Uint32(h[4:]))
	bulk := binary.LittleEndian.Uint64(h[8:])
	if n > maxPayload || bulk > maxBulk {
		return 0, nil, ErrFrame
	}
	if payload, err = c.payload(n); err != nil || bulk == 0 {
		return kind, payload, err
	}
	if place == nil {
		return 0, nil, ErrFrame
	}
	dst, err := place(kind, payload, bulk)
	if err == ErrSkip {
		_, err = io.CopyN(io.Discard, c.nc, int64(bulk))
		return kind, payload, err
	}
	if err != nil {
		return 0, nil, err
	}
	if uint64(len(dst)) != bulk {
		return 0, nil, fmt.Errorf("%w: %d bytes of data where %d are expected", ErrFrame, bulk, len(dst))
	}
	_, err = io.ReadFull(c.nc, dst)
	return kind, payload, err
}

// payload reads n bytes; large ones take memory as they arrive, not as the header claims.
func (c *Conn) payload(n int) ([]byte, error) {
	if n > 1<<20 {
		var b bytes.Buffer
		_, err := io.CopyN(&b, c.nc, int64(n))
		return b.Bytes(), err
	}
	if cap(c.in) < n {
		c.in = make([]byte, max(n, 4096))
	}
	_, err := io.ReadFull(c.nc, c.in[:n])
	return c.in[:n], err
}
