package server

import (
	"bytes"
	"io"
	"net"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	_ "github.com/gomlx/compute/gobackend"
	"github.com/gomlx/compute/shapes"

	"odslab/kernel/runtime/contract"
	"odslab/kernel/runtime/wire"
	"odslab/odslib/engine/record"
)

// stream is a socket on which these bytes arrive.
type stream struct {
	net.Conn
	io.Reader
	out bytes.Buffer
}

func (s *stream) Read(p []byte) (int, error)  { return s.Reader.Read(p) }
func (s *stream) Write(p []byte) (int, error) { return s.out.Write(p) }
func (s *stream) Close() error                { return nil }

// hello is how a client begins.
func hello() []byte {
	var e record.Enc
	e.Str(contract.Fingerprint)
	e.Str("fuzz")
	return frame(contract.AskHello, e.B, nil)
}

func frame(kind byte, payload, bulk []byte) []byte {
	s := &stream{}
	_ = wire.NewConn(s).Send(kind, payload, bulk)
	return s.out.Bytes()
}

func attach(lease uint64) []byte {
	var e record.Enc
	e.Uint(lease)
	return frame(contract.AskAttach, e.B, nil)
}

func fromHost(dtype int64, dims []int, data []byte) []byte {
	var e record.Enc
	e.Uint(0) // dropped
	e.Int(0)  // device
	record.EncShape(&e, shapes.Shape{DType: dtypes.DType(dtype), Dimensions: dims})
	return frame(contract.AskFromHost, e.B, data)
}

// FuzzRequests: whatever arrives on the socket of the resident process, it goes
// on for the others.
func FuzzRequests(f *testing.F) {
	be, err := compute.NewWithConfig("go:ops_sequential")
	if err != nil {
		f.Fatal(err)
	}
	for _, dtype := range []int64{-1, 0, 1, int64(dtypes.Float32), 31, 99, 1000, -1 << 62, 1 << 40} {
		f.Add(fromHost(dtype, []int{2}, make([]byte, 8)))
		f.Add(fromHost(dtype, nil, make([]byte, 4)))
	}
	for kind := byte(0); kind < 20; kind++ {
		f.Add(frame(kind, []byte{0, 1, 2, 3, 4}, nil))
		f.Add(frame(kind, bytes.Repeat([]byte{255}, 30), []byte("bulk")))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := New(be, Options{Engine: "go", Bytes: 8 << 20})
		if err != nil {
			t.Fatal(err)
		}
		l := s.newLease("fuzz")
		s.serve(wire.NewConn(&stream{Reader: bytes.NewReader(append(attach(l.id), b...))}))
		good := &stream{Reader: bytes.NewReader(hello())}
		s.serve(wire.NewConn(good))
		if len(good.out.Bytes()) < 20 {
			t.Errorf("after %x a good client gets %x", b, good.out.Bytes())
		}
	})
}
