package jupyter

import (
	"encoding/json"
	"fmt"
	"net"
	"path/filepath"
	"runtime"
	"runtime/metrics"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"odslab/kernel/jupyter/internal/zmtp"
)

// dial connects to one of a kernel's sockets without its key.
func dial(t *testing.T, conn Connection, port int, kind, identity string) *zmtp.Conn {
	t.Helper()
	network, addr := conn.address(port)
	c, err := zmtp.Dial(testContext(t), network, addr, kind, identity)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// listen subscribes to iopub, as anybody on the machine can, and collects.
func listen(t *testing.T, conn Connection) <-chan [][]byte {
	spy := dial(t, conn, conn.IOPubPort, zmtp.Sub, "")
	spy.Send([]byte{1})
	heard := make(chan [][]byte, 1000)
	go func() {
		for {
			frames, err := spy.Recv()
			if err != nil {
				return
			}
			heard <- frames
		}
	}()
	<-heard // the welcome
	return heard
}

func hears(c *zmtp.Conn) <-chan string {
	out := make(chan string, 100)
	go func() {
		for {
			frames, err := c.Recv()
			if err != nil {
				close(out)
				return
			}
			m, err := signer("").decodeUnchecked(frames)
			if err == nil {
				out <- m.Header.Type
			}
		}
	}()
	return out
}

// decodeUnchecked reads a message of whatever signature.
func (s signer) decodeUnchecked(frames [][]byte) (*Message, error) {
	for i, f := range frames {
		if string(f) == string(delimiter) {
			frames[i+1] = nil
			return s.decode(frames)
		}
	}
	return nil, ErrMalformed
}

// Somebody who has read a front end's session on iopub and bears its identity
// neither gets its replies nor keeps them from it, before or after he leaves.
func TestIdentityBelongsToItsPeer(t *testing.T) {
	ctx := testContext(t)
	conn := tcpConnection(t)
	s := echoKernel(t, conn)
	heard := listen(t, conn)
	c, err := Connect(ctx, conn)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	m, err := signer(conn.Key).decode(<-heard)
	if err != nil {
		t.Fatal(err)
	}
	var parent Header
	if json.Unmarshal(m.Parent, &parent); parent.Session != c.session {
		t.Fatalf("session %q of %q", parent.Session, c.session)
	}
	forged, _ := newMessage(parent.Session, "execute_request", nil, map[string]any{"code": "x"}, nil)
	var frames [][]byte
	for range 3 {
		var spies []<-chan string
		var conns []*zmtp.Conn
		for _, port := range []int{conn.ShellPort, conn.ControlPort, conn.StdinPort} {
			spy := dial(t, conn, port, zmtp.Dealer, parent.Session)
			conns = append(conns, spy)
			spies = append(spies, hears(spy))
			for _, key := range []signer{nil, signer("guess")} {
				frames, _ = key.encode(forged)
				spy.Send(frames...)
			}
		}
		time.Sleep(20 * time.Millisecond)
		for _, ch := range []Channel{Shell, Control} {
			if _, err := c.Request(ctx, ch, "kernel_info_request", struct{}{}); err != nil {
				t.Fatal(err)
			}
		}
		reply, err := c.Execute(ctx, "name", ExecuteOptions{OnInput: func(string, bool) (string, error) { return "me", nil }})
		if err != nil || reply.Status != "ok" {
			t.Fatalf("with a second peer: %v %v", reply, err)
		}
		for i, spy := range conns {
			spy.Close()
			for got := range spies[i] {
				if got != "input_request" { // until the front end has answered on stdin it may be anybody's
					t.Errorf("the second peer was sent %s", got)
				}
			}
		}
		if _, err := c.Request(ctx, Shell, "kernel_info_request", struct{}{}); err != nil {
			t.Fatalf("after he has left: %v", err)
		}
	}
	if d := s.Dropped(); d.Signature != 18 {
		t.Errorf("%+v", d)
	}
}

// A front end that reconnects has its identity back with its first message, and
// what was answered meanwhile.
func TestReconnect(t *testing.T) {
	conn := LocalConnection(t.TempDir())
	echoKernel(t, conn)
	const session = "front"
	send := func(c *zmtp.Conn, msgType string, content any) {
		m, err := newMessage(session, msgType, nil, content, nil)
		if err != nil {
			t.Fatal(err)
		}
		frames, err := signer(conn.Key).encode(m)
		if err != nil {
			t.Fatal(err)
		}
		c.Send(frames...)
	}
	expect := func(what string, from <-chan string, want string) {
		t.Helper()
		select {
		case got := <-from:
			if got != want {
				t.Errorf("%s: %q, want %q", what, got, want)
			}
		case <-time.After(5 * time.Second):
			t.Errorf("%s: nothing", what)
		}
	}
	old := dial(t, conn, conn.ShellPort, zmtp.Dealer, session)
	oldStdin := dial(t, conn, conn.StdinPort, zmtp.Dealer, session)
	heardOld, asked := hears(old), hears(oldStdin)
	send(old, "execute_request", map[string]any{"code": "x", "allow_stdin": true})
	expect("stdin", asked, "input_request")
	old.Close()
	time.Sleep(50 * time.Millisecond)
	send(oldStdin, "input_reply", map[string]any{"value": "y"}) // and so the cell ends while nobody is there
	time.Sleep(50 * time.Millisecond)
	stranger := dial(t, conn, conn.ShellPort, zmtp.Dealer, session)
	heardStranger := hears(stranger)
	time.Sleep(20 * time.Millisecond)
	back := dial(t, conn, conn.ShellPort, zmtp.Dealer, session)
	heard := hears(back)
	send(back, "kernel_info_request", struct{}{})
	expect("what it missed", heard, "execute_reply")
	expect("what it asks", heard, "kernel_info_reply")
	for got := range heardStranger { // until it is closed
		t.Errorf("a stranger was sent %q", got)
	}
	twice := dial(t, conn, conn.ShellPort, zmtp.Dealer, session)
	send(twice, "kernel_info_request", struct{}{})
	expect("a second time", hears(twice), "kernel_info_reply")
	for got := range heard { // the older one is closed
		t.Errorf("the older connection was sent %q", got)
	}
	for range heardOld {
	}
}

// Whatever was signed once counts once, and what the kernel has signed never.
func TestReplay(t *testing.T) {
	conn := tcpConnection(t)
	s := echoKernel(t, conn)
	heard := listen(t, conn)
	m, _ := newMessage("front", "execute_request", nil, map[string]any{"code": "once"}, nil)
	frames, _ := signer(conn.Key).encode(m)
	first := dial(t, conn, conn.ShellPort, zmtp.Dealer, "front")
	first.Send(frames...)
	if got := <-hears(first); got != "execute_reply" {
		t.Fatal(got)
	}
	var published [][][]byte
	for range 3 {
		published = append(published, (<-heard)[1:]) // without the topic
	}
	want := s.Dropped().Signature
	for _, port := range []int{conn.ShellPort, conn.ControlPort, conn.StdinPort} {
		spy := dial(t, conn, port, zmtp.Dealer, "front")
		answers := hears(spy)
		spy.Send(frames...)
		want++
		for _, f := range published {
			spy.Send(f...)
			want++
		}
		for deadline := time.Now().Add(5 * time.Second); s.Dropped().Signature != want; time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("refused %d, want %d", s.Dropped().Signature, want)
			}
		}
		spy.Close()
		for got := range answers {
			t.Errorf("answered with %s", got)
		}
	}
	select {
	case frames := <-heard:
		t.Errorf("a message that was seen is carried out: %s", frames[0])
	default:
	}
}

// Peers without the key make the kernel hold no more than their budget, however
// many they are and on whatever socket, and keep nobody out.
func TestUnsignedBytes(t *testing.T) {
	conn := tcpConnection(t)
	echoKernel(t, conn)
	c, err := Connect(testContext(t), conn)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	before := liveHeap()
	var sent atomic.Int64
	chunk := make([]byte, 1<<20)
	for i := range 30 {
		port := []int{conn.ShellPort, conn.ControlPort, conn.StdinPort, conn.HBPort, conn.IOPubPort}[i%5]
		hello := readyDealer
		if port == conn.IOPubPort {
			hello = readySub
		}
		nc, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			t.Fatal(err)
		}
		defer nc.Close()
		go func() {
			nc.Write(append(greetingBytes(), hello...))
			if i%2 == 0 { // many frames of one message
				for {
					if _, err := nc.Write(append([]byte{1, 255}, chunk[:255]...)); err != nil {
						return
					}
					sent.Add(257)
				}
			}
			nc.Write([]byte{2, 0, 0, 0, 0, 15, 0, 0, 0}) // a frame of 240 MB
			for {
				n, err := nc.Write(chunk)
				if sent.Add(int64(n)); err != nil {
					return
				}
			}
		}()
	}
	peak := int64(0)
	for deadline := time.Now().Add(time.Minute); sent.Load() < 300<<20; {
		if time.Now().After(deadline) {
			t.Fatalf("they sent %d MB: too little to show anything", sent.Load()>>20)
		}
		peak = max(peak, liveHeap()-before)
		if _, err := c.Request(testContext(t), Shell, "kernel_info_request", struct{}{}); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("30 peers sent %d MB, the heap grew by %d MB at most", sent.Load()>>20, peak>>20)
	// A buffer that grows is there twice for a moment.
	if peak > 3*maxUnsigned {
		t.Errorf("the heap grew by %d MB", peak>>20)
	}
	newcomer, err := Connect(testContext(t), conn)
	if err != nil {
		t.Fatal(err)
	}
	newcomer.Close()
}

// liveHeap is what is in use.
func liveHeap() int64 {
	runtime.GC()
	m := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(m)
	return int64(m[0].Value.Uint64())
}

// A subscriber that is 64 MB behind is disconnected; the others get everything.
func TestSubscriberFarBehind(t *testing.T) {
	conn := LocalConnection(t.TempDir())
	s := echoKernel(t, conn)
	network, addr := conn.address(conn.IOPubPort)
	stalled, err := net.Dial(network, addr)
	if err != nil {
		t.Fatal(err)
	}
	defer stalled.Close()
	stalled.Write(append(greetingBytes(), readySub+"\x00\x01\x01"...))
	c, err := Connect(testContext(t), conn)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var seen atomic.Int64
	c.Watch(func(*Message) { seen.Add(1) })
	text := strings.Repeat("x", 1<<20)
	for i := range int64(100) {
		s.Publish("stream", nil, map[string]string{"text": text}, nil)
		for deadline := time.Now().Add(10 * time.Second); seen.Load() < i-20; time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("the other front end saw %d of %d messages", seen.Load(), i)
			}
		}
	}
	read := 0
	stalled.SetReadDeadline(time.Now().Add(10 * time.Second))
	for buf := make([]byte, 1<<20); ; {
		n, err := stalled.Read(buf)
		read += n
		if ne, ok := err.(net.Error); ok && ne.Timeout() {
			t.Fatal("the stalled subscriber is still connected")
		}
		if err != nil {
			break
		}
	}
	if read > 70<<20 {
		t.Errorf("the stalled subscriber could read %d MB", read>>20)
	}
}

// A kernel that anybody could use does not start.
func TestOpenKernelIsRefused(t *testing.T) {
	for _, c := range []struct {
		ip, key string
		ok      bool
	}{
		{"0.0.0.0", "", false},
		{"", "", false},
		{"::", "", false},
		{"192.168.0.7", "", false},
		{"example.org", "", false},
		{"0.0.0.0", "k", true},
		{"127.0.0.1", "", true},
		{"127.9.9.9", "", true},
		{"::1", "", true},
		{"localhost", "", true},
	} {
		conn := Connection{Transport: "tcp", IP: c.ip, Key: c.key, SignatureScheme: "hmac-sha256"}
		file := filepath.Join(t.TempDir(), "c.json")
		if err := conn.Write(file); err != nil {
			t.Fatal(err)
		}
		_, err := ReadConnection(file)
		if (err == nil) != c.ok || err != nil && (strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), "give it a key")) {
			t.Errorf("%+v: %v", c, err)
		}
		if !c.ok {
			if s, err := Serve(conn, nil); err == nil {
				s.Close()
				t.Errorf("%+v: serves", c)
			}
		}
	}
}
