package zmtp

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"
	"time"
)

func TestFramesRoundTrip(t *testing.T) {
	frames := [][]byte{{}, []byte("a"), bytes.Repeat([]byte("b"), 255), bytes.Repeat([]byte("c"), 256), bytes.Repeat([]byte("d"), 100_000)}
	r := bytes.NewReader(encode(frames))
	for i, want := range frames {
		flags, got, err := readFrame(r, maxMessage, free)
		if err != nil || !bytes.Equal(got, want) {
			t.Fatalf("frame %d: %d bytes, %v", i, len(got), err)
		}
		if more := flags&flagMore != 0; more != (i < len(frames)-1) {
			t.Errorf("frame %d: more = %v", i, more)
		}
	}
}

// A header that claims much allocates nothing before the bytes are there.
func TestClaimedSizeIsNotAllocated(t *testing.T) {
	head := []byte{flagLong, 0, 0, 0, 0, 0x0f, 0xff, 0xff, 0xff, 'x'}
	r := testing.Benchmark(func(b *testing.B) {
		for range b.N {
			readFrame(bytes.NewReader(head), maxMessage, free)
		}
	})
	if n := r.AllocedBytesPerOp(); n > 64<<10 {
		t.Errorf("%d bytes allocated for a frame of 1 byte", n)
	}
}

func FuzzHandshake(f *testing.F) {
	hello := append(greeting(), ready(Dealer, "me")...)
	f.Add(append(bytes.Clone(hello), encode([][]byte{[]byte("a"), []byte("b")})...))
	f.Add(append(bytes.Clone(hello), command{name: "PING", data: []byte{0, 0, 'x'}}.encode()...))
	f.Add(append(greeting(), 4, 6, 5, 'R', 'E', 'A', 'D', 'Y'))
	f.Add([]byte{0xff})
	f.Fuzz(func(t *testing.T, data []byte) {
		rw := duplex{bytes.NewReader(data), io.Discard}
		err := greet(rw)
		if err == nil {
			_, err = readReady(rw, Router)
		}
		if err != nil {
			if !errors.Is(err, ErrProtocol) && err != io.EOF && err != io.ErrUnexpectedEOF {
				t.Errorf("handshake: %v", err)
			}
			return
		}
		for {
			flags, body, err := readFrame(rw, 1<<20, free)
			if err != nil {
				return
			}
			if flags&flagCommand != 0 {
				parseCommand(body)
			}
		}
	})
}

// Messages queued before Close still leave; a second Listen can have the port.
func TestCloseFlushes(t *testing.T) {
	dir := t.TempDir()
	for round := range 2 {
		queued := make(chan struct{})
		l, err := Listen("unix", dir+"/s", Router, Handler{Message: func(from *Conn, frames [][]byte) {
			for range 100 {
				from.Send(frames...)
			}
			close(queued)
		}})
		if err != nil {
			t.Fatal(err)
		}
		c, err := Dial(t.Context(), "unix", dir+"/s", Dealer, "me")
		if err != nil {
			t.Fatal(err)
		}
		c.Send(bytes.Repeat([]byte("x"), 10_000))
		<-queued
		done := make(chan struct{})
		go func() { l.Close(); close(done) }()
		n := 0
		for {
			if _, err := c.Recv(); err != nil {
				break
			}
			n++
		}
		if n != 100 {
			t.Errorf("round %d: %d of 100 messages arrived", round, n)
		}
		<-done
	}
}

// A front end that has shown that it is the same one is answered on its new
// connection, and the old one ends; others with its identity change nothing.
func TestClaimedIdentity(t *testing.T) {
	l, err := Listen("tcp", "127.0.0.1:0", Router, Handler{})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	l.handler.Message = func(c *Conn, _ [][]byte) { l.Claim(c) }
	addr := l.Addr().(*net.TCPAddr).String()
	old, err := Dial(t.Context(), "tcp", addr, Dealer, "same")
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close()
	waitPeers(t, l, 1)
	fresh, err := Dial(t.Context(), "tcp", addr, Dealer, "same")
	if err != nil {
		t.Fatal(err)
	}
	defer fresh.Close()
	waitPeers(t, l, 2)
	fresh.Send([]byte("signed"))
	waitPeers(t, l, 1)
	if _, err := old.Recv(); err == nil {
		t.Error("the old connection goes on")
	}
	for range 3 { // who come and go unsigned
		other, err := Dial(t.Context(), "tcp", addr, Dealer, "same")
		if err != nil {
			t.Fatal(err)
		}
		waitPeers(t, l, 2)
		other.Close()
		waitPeers(t, l, 1)
	}
	l.SendTo("same", []byte("hello"))
	l.SendTo("nobody", []byte("hello"))
	got := make(chan string, 1)
	go func() {
		f, _ := fresh.Recv()
		got <- string(bytes.Join(f, nil))
	}()
	select {
	case g := <-got:
		if g != "hello" {
			t.Errorf("got %q", g)
		}
	case <-time.After(5 * time.Second):
		t.Error("the new connection got nothing")
	}
}

func waitPeers(t *testing.T, l *Listener, n int) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(time.Millisecond) {
		l.mu.Lock()
		have := len(l.peers)
		l.mu.Unlock()
		if have == n {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d peers, want %d", have, n)
		}
	}
}

// A connected peer is reachable by its identity: nothing sent to it from the moment Dial returns is lost.
func TestReachableOnceConnected(t *testing.T) {
	l, err := Listen("tcp", "127.0.0.1:0", Router, Handler{})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for i := range 500 {
		id := fmt.Sprint("peer", i)
		c, err := Dial(t.Context(), "tcp", l.Addr().String(), Dealer, id)
		if err != nil {
			t.Fatal(err)
		}
		l.SendTo(id, []byte(id))
		c.nc.SetReadDeadline(time.Now().Add(5 * time.Second))
		if m, err := c.Recv(); err != nil || string(m[0]) != id {
			t.Fatalf("peer %d: got %q, %v", i, m, err)
		}
		c.Close()
	}
}

func free(int) error { return nil }
