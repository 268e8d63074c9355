package zmtp

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

const (
	flagMore    = 1
	flagLong    = 2
	flagCommand = 4

	// A notebook's largest honest message is a figure or a widget's buffer.
	maxMessage = 256 << 20
	maxFrames  = 1024
	frameCost  = 32 // bytes that a frame takes beside its own
)

// ErrProtocol marks what a peer did against ZMTP; the connection is dropped.
var ErrProtocol = errors.New("zmtp: protocol violation")

// readFrame reads one frame. Memory grows with what has arrived, never with
// what the header claims; charge is told of it, and may refuse.
func readFrame(r io.Reader, limit int, charge func(n int) error) (flags byte, body []byte, err error) {
	var head [9]byte
	if _, err = io.ReadFull(r, head[:2]); err != nil {
		return 0, nil, err
	}
	flags = head[0]
	if flags&^(flagMore|flagLong|flagCommand) != 0 || flags&flagCommand != 0 && flags&flagMore != 0 {
		return 0, nil, fmt.Errorf("%w: frame flags %#x", ErrProtocol, flags)
	}
	size := uint64(head[1])
	if flags&flagLong != 0 {
		if _, err = io.ReadFull(r, head[2:9]); err != nil {
			return 0, nil, err
		}
		size = binary.BigEndian.Uint64(head[1:9])
	}
	if size > uint64(limit) {
		return 0, nil, fmt.Errorf("%w: frame of %d bytes, at most %d are taken", ErrProtocol, size, limit)
	}
	const step = 64 << 10
	if size <= step {
		if err = charge(int(size) + frameCost); err != nil {
			return 0, nil, err
		}
		body = make([]byte, size)
		_, err = io.ReadFull(r, body)
		return flags, body, err
	}
	var buf bytes.Buffer
	for left := int64(size); left > 0; left -= step {
		if err = charge(step); err != nil {
			return 0, nil, err
		}
		if _, err = io.CopyN(&buf, r, min(left, step)); err != nil {
			return 0, nil, err
		}
	}
	return flags, buf.Bytes(), nil
}

// appendFrame encodes one frame behind dst.
func appendFrame(dst []byte, flags byte, body []byte) []byte {
	if len(body) > 255 {
		dst = append(dst, flags|flagLong)
		dst = binary.BigEndian.AppendUint64(dst, uint64(len(body)))
	} else {
		dst = append(dst, flags, byte(len(body)))
	}
	return append(dst, body...)
}

// encode lays out a whole message as it goes over the wire.
func encode(frames [][]byte) []byte {
	n := 0
	for _, f := range frames {
		n += len(f) + 9
	}
	out := make([]byte, 0, n)
	for i, f := range frames {
		var flags byte
		if i < len(frames)-1 {
			flags = flagMore
		}
		out = appendFrame(out, flags, f)
	}
	return out
}

// command is a ZMTP command frame: a name and its data.
type command struct {
	name string
	data []byte
}

func parseCommand(body []byte) (command, error) {
	if len(body) == 0 || int(body[0]) > len(body)-1 || body[0] == 0 {
		return command{}, fmt.Errorf("%w: malformed command", ErrProtocol)
	}
	n := int(body[0])
	return command{name: string(body[1 : 1+n]), data: body[1+n:]}, nil
}

func (c command) encode() []byte {
	body := append([]byte{byte(len(c.name))}, c.name...)
	return appendFrame(nil, flagCommand, append(body, c.data...))
}
