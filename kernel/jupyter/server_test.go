package jupyter

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-zeromq/zmq4"
)

// echoKernel answers kernel_info and echoes the code of a cell as its output.
func echoKernel(t *testing.T, conn Connection) *Server {
	t.Helper()
	var s *Server
	ready, answers := make(chan struct{}), make(chan Raw, 1)
	s, err := Serve(conn, func(ch Channel, m *Message) {
		<-ready
		status := func(state string) {
			s.Publish("status", m, map[string]string{"execution_state": state}, nil)
		}
		status("busy")
		switch m.Header.Type {
		case "kernel_info_request":
			s.Reply(ch, m, "kernel_info_reply", map[string]any{"status": "ok", "implementation": "echo"})
		case "execute_request":
			var req struct {
				Code       string `json:"code"`
				AllowStdin bool   `json:"allow_stdin"`
			}
			m.Decode(&req)
			if req.AllowStdin { // the reply waits for the answer
				s.RequestInput(m, "name?", false)
				go func() {
					s.Publish("answered", m, <-answers, nil)
					s.Reply(ch, m, "execute_reply", map[string]any{"status": "ok", "execution_count": 7})
					status("idle")
				}()
				return
			}
			s.Publish("stream", m, map[string]string{"name": "stdout", "text": req.Code}, nil)
			s.Reply(ch, m, "execute_reply", map[string]any{"status": "ok", "execution_count": 7})
		case "input_reply":
			answers <- m.Content
		}
		status("idle")
	})
	if err != nil {
		t.Fatal(err)
	}
	close(ready)
	t.Cleanup(s.Close)
	return s
}

func tcpConnection(t *testing.T) Connection {
	t.Helper()
	c := LocalConnection(t.TempDir())
	c.Transport, c.IP = "tcp", "127.0.0.1"
	for _, p := range []*int{&c.ShellPort, &c.IOPubPort, &c.StdinPort, &c.ControlPort, &c.HBPort} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		*p = l.Addr().(*net.TCPAddr).Port
	}
	return c
}

func testContext(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func TestClientAndServer(t *testing.T) {
	ctx := testContext(t)
	for _, transport := range []string{"ipc", "tcp"} {
		t.Run(transport, func(t *testing.T) {
			conn := LocalConnection(t.TempDir())
			if transport == "tcp" {
				conn = tcpConnection(t)
			}
			echoKernel(t, conn)
			c, err := Connect(ctx, conn)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			big := strings.Repeat("ü", 200_000)
			var got string
			reply, err := c.Execute(ctx, big, ExecuteOptions{OnOutput: func(m *Message) {
				var out struct{ Text string }
				m.Decode(&out)
				got += out.Text
			}})
			if err != nil || reply.ExecutionCount != 7 || got != big {
				t.Errorf("reply %+v, %d bytes of output, %v", reply, len(got), err)
			}
		})
	}
}

func TestInput(t *testing.T) {
	ctx := testContext(t)
	conn := LocalConnection(t.TempDir())
	echoKernel(t, conn)
	c, err := Connect(ctx, conn)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	answered := make(chan string, 1)
	c.Watch(func(m *Message) {
		if m.Header.Type == "answered" {
			answered <- string(m.Content)
		}
	})
	asked := make(chan string, 1)
	if _, err := c.Execute(ctx, "x", ExecuteOptions{OnInput: func(prompt string, _ bool) (string, error) {
		asked <- prompt
		return "Ada", nil
	}}); err != nil {
		t.Fatal(err)
	}
	select {
	case a := <-answered:
		if prompt := <-asked; prompt != "name?" || !strings.Contains(a, `"Ada"`) {
			t.Errorf("asked %q, answered %s", prompt, a)
		}
	case <-ctx.Done():
		t.Error("the answer never arrived")
	}
}

// A subscriber is told at once, with its topic, before anything is published.
func TestWelcome(t *testing.T) {
	conn := tcpConnection(t)
	echoKernel(t, conn)
	for _, topic := range []string{"", "kernel."} {
		sub := zmq4.NewSub(testContext(t))
		defer sub.Close()
		if err := sub.Dial(fmt.Sprintf("tcp://127.0.0.1:%d", conn.IOPubPort)); err != nil {
			t.Fatal(err)
		}
		if err := sub.SetOption(zmq4.OptionSubscribe, topic); err != nil {
			t.Fatal(err)
		}
		raw, err := sub.Recv()
		if err != nil {
			t.Fatal(err)
		}
		m, err := signer(conn.Key).decode(raw.Frames)
		if err != nil || m.Header.Type != "iopub_welcome" || string(m.Content) != fmt.Sprintf(`{"subscription":%q}`, topic) {
			t.Errorf("topic %q: got %+v %v", topic, m, err)
		}
	}
}

// Junk of every kind is dropped and counted, and the kernel still answers.
func TestJunk(t *testing.T) {
	ctx := testContext(t)
	conn := tcpConnection(t)
	s := echoKernel(t, conn)
	shell := fmt.Sprintf("127.0.0.1:%d", conn.ShellPort)

	silent, err := net.Dial("tcp", shell) // holds up nobody
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	raw := func(b string) {
		c, err := net.Dial("tcp", shell)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		c.Write([]byte(b))
		c.SetReadDeadline(time.Now().Add(5 * time.Second))
		if _, err := io.Copy(io.Discard, c); err != nil {
			t.Errorf("%.10q: the server keeps the connection: %v", b, err)
		}
	}
	greet := string(greetingBytes())
	raw(strings.Repeat("GET / HTTP/1.1\r\n\r\n", 10))
	raw(greet + "\x04\x06\x05READY" + "\x00\x05hello")                     // no socket type
	raw(greet + readyDealer + "\x02\xff\xff\xff\xff\xff\xff\xff\xff junk") // a frame of 2^64 bytes
	raw(greet + readyDealer + "\x06\x00\x00\x00\x7f\x00\x00\x00\x00 junk")
	raw(greet + readyDealer + "\xf0\x01x")

	dealer := zmq4.NewDealer(ctx)
	defer dealer.Close()
	if err := dealer.Dial("tcp://" + shell); err != nil {
		t.Fatal(err)
	}
	good, _ := newMessage("s", "kernel_info_request", nil, struct{}{}, nil)
	wrong, _ := signer("wrong").encode(good)
	for _, frames := range [][][]byte{
		{[]byte("junk")}, {delimiter}, {delimiter, nil, nil, nil, nil, nil}, wrong,
	} {
		dealer.SendMulti(zmq4.NewMsgFrom(frames...))
	}
	signed := func(parts ...string) {
		var p [][]byte
		for _, s := range parts {
			p = append(p, []byte(s))
		}
		dealer.SendMulti(zmq4.NewMsgFrom(append([][]byte{delimiter, signer(conn.Key).sign(p)}, p...)...))
	}
	signed(`{"msg_id":"1","msg_type":"execute_request"}`, "{}", "{}", "[1,2]")
	signed(`{"msg_id":5}`, "{}", "{}", "{}")
	signed(`{`, "{}", "{}", "{}")

	right, _ := signer(conn.Key).encode(good)
	dealer.SendMulti(zmq4.NewMsgFrom(right...))
	if msg, err := dealer.Recv(); err != nil || !strings.Contains(msg.String(), "kernel_info_reply") {
		t.Fatalf("after junk: %v %v", msg, err)
	}
	want := Dropped{Malformed: 5, Signature: 2, Transport: 5}
	for deadline := time.Now().Add(5 * time.Second); s.Dropped() != want; time.Sleep(time.Millisecond) { // a peer sees the end before it is counted
		if time.Now().After(deadline) {
			t.Fatalf("dropped %+v, want %+v", s.Dropped(), want)
		}
	}
}

func TestHeartbeat(t *testing.T) {
	conn := tcpConnection(t)
	echoKernel(t, conn)
	req := zmq4.NewReq(testContext(t))
	defer req.Close()
	if err := req.Dial(fmt.Sprintf("tcp://127.0.0.1:%d", conn.HBPort)); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		ping := fmt.Sprint("ping", i)
		req.Send(zmq4.NewMsgString(ping))
		if pong, err := req.Recv(); err != nil || string(pong.Frames[0]) != ping {
			t.Errorf("heartbeat: %v %v", pong, err)
		}
	}
}

// A front end that stops reading does not hold up the kernel.
func TestStalledSubscriber(t *testing.T) {
	conn := LocalConnection(t.TempDir())
	s := echoKernel(t, conn)
	network, addr := conn.address(conn.IOPubPort)
	stalled, err := net.Dial(network, addr) // in two steps: vet of Go 1.26 crashes on Dial(f())
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
	text := strings.Repeat("x", 256<<10)
	start := time.Now()
	for range 60 {
		s.Publish("stream", nil, map[string]string{"name": "stdout", "text": text}, nil)
	}
	if d := time.Since(start); d > 5*time.Second {
		t.Errorf("publishing took %v", d)
	}
	for deadline := time.Now().Add(10 * time.Second); seen.Load() < 60; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the other front end saw %d of 60 messages", seen.Load())
		}
	}
}

func TestLaunchReportsEarlyExit(t *testing.T) {
	start := time.Now()
	_, err := Launch(testContext(t), []string{"sh", "-c", "echo no such thing >&2; exit 3"}, nil)
	if !errors.Is(err, ErrDead) || !strings.Contains(err.Error(), "exit status 3") || !strings.Contains(err.Error(), "no such thing") {
		t.Errorf("error %v", err)
	}
	if d := time.Since(start); d > 3*time.Second {
		t.Errorf("noticed after %v", d)
	}
}

const (
	readyDealer = "\x04\x1c\x05READY\x0bSocket-Type\x00\x00\x00\x06DEALER"
	readySub    = "\x04\x19\x05READY\x0bSocket-Type\x00\x00\x00\x03SUB"
)

func greetingBytes() []byte {
	g := make([]byte, 64)
	g[0], g[9], g[10] = 0xff, 0x7f, 3
	copy(g[12:], "NULL")
	return g
}
