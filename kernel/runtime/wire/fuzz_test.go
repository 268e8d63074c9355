package wire

import (
	"bytes"
	"io"
	"net"
	"testing"
)

// stream is a connection on which these bytes arrive.
type stream struct {
	net.Conn
	io.Reader
	out bytes.Buffer
}

func (s *stream) Read(p []byte) (int, error)  { return s.Reader.Read(p) }
func (s *stream) Write(p []byte) (int, error) { return s.out.Write(p) }

// FuzzFrames: bytes are frames or an error, and frames come back as they were
// sent.
func FuzzFrames(f *testing.F) {
	for _, bulk := range []string{"", "bulk"} {
		s := &stream{}
		if err := NewConn(s).Send(3, []byte("payload"), []byte(bulk)); err != nil {
			f.Fatal(err)
		}
		f.Add(s.out.Bytes())
	}
	f.Add([]byte{0xd0, 0x5e, 1, 0, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255})
	f.Fuzz(func(t *testing.T, b []byte) {
		s := &stream{Reader: bytes.NewReader(b)}
		in, again := NewConn(s), &stream{}
		out := NewConn(again)
		for {
			var bulk []byte
			kind, payload, err := in.Recv(func(_ byte, _ []byte, n uint64) ([]byte, error) {
				if n > 1<<20 {
					return nil, ErrSkip
				}
				bulk = make([]byte, n)
				return bulk, nil
			})
			if err != nil {
				break
			}
			if err := out.Send(kind, payload, bulk); err != nil {
				t.Fatal(err)
			}
		}
		if got := again.out.Bytes(); !bytes.HasPrefix(b, got) && len(b) < 1<<20 {
			t.Errorf("%x came back as %x", b, got)
		}
	})
}
