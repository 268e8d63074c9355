package jupyter

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"odslab/kernel/jupyter/internal/zmtp"
)

// ErrDead is wrapped by what every call returns once the kernel has gone.
var ErrDead = errors.New("the kernel died")

// Client is a front end's side of the protocol.
type Client struct {
	session string
	signer  signer
	sockets [3]*zmtp.Conn // by Channel
	iopub   *zmtp.Conn
	process *process // nil when the kernel was not launched by us

	mu      sync.Mutex
	pending map[string]*request
	watch   func(*Message)
	dead    chan struct{}
	deadErr error
}

// request is what waits for answers to one message.
type request struct {
	reply  chan *Message
	idle   chan struct{}
	once   sync.Once
	output func(*Message)
	input  func(prompt string, password bool) (string, error)
}

func (r *request) setIdle() { r.once.Do(func() { close(r.idle) }) }

// Connect connects to a running kernel and waits until it answers on shell and
// its outputs arrive.
func Connect(ctx context.Context, conn Connection) (*Client, error) {
	return connect(ctx, conn, nil)
}

func connect(ctx context.Context, conn Connection, p *process) (*Client, error) {
	c := &Client{
		session: newID(), signer: signer(conn.Key), process: p,
		pending: map[string]*request{}, dead: make(chan struct{}),
	}
	dial := func(dst **zmtp.Conn, port int, socketType string) error {
		network, addr := conn.address(port)
		zc, err := zmtp.Dial(ctx, network, addr, socketType, c.session)
		*dst = zc
		return err
	}
	if err := errors.Join(
		dial(&c.iopub, conn.IOPubPort, zmtp.Sub),
		dial(&c.sockets[Stdin], conn.StdinPort, zmtp.Dealer),
		dial(&c.sockets[Control], conn.ControlPort, zmtp.Dealer),
		dial(&c.sockets[Shell], conn.ShellPort, zmtp.Dealer),
	); err != nil {
		c.Close()
		return nil, err
	}
	c.iopub.Send([]byte{1}) // subscribe to everything
	heard := make(chan struct{})
	var once sync.Once
	c.watch = func(*Message) { once.Do(func() { close(heard) }) }
	go c.readIOPub()
	for _, ch := range []Channel{Shell, Control, Stdin} {
		go c.readChannel(ch)
	}
	if err := c.ready(ctx, heard); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// ready asks for kernel_info until the answer's status comes over iopub too: a
// subscription takes effect some time after the connection does.
func (c *Client) ready(ctx context.Context, heard <-chan struct{}) error {
	for wait := 20 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		if _, err := c.Request(ctx, Shell, "kernel_info_request", struct{}{}); err != nil {
			return fmt.Errorf("the kernel does not answer: %w", err)
		}
		select {
		case <-heard:
			return nil
		case <-ctx.Done():
			return fmt.Errorf("the kernel's outputs do not arrive: %w", ctx.Err())
		case <-time.After(wait):
		}
	}
}

// Watch sets a function that sees every iopub message, of all front ends. It is
// called from one goroutine and must not wait for the client.
func (c *Client) Watch(f func(*Message)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.watch = f
}

func (c *Client) readIOPub() {
	for {
		frames, err := c.iopub.Recv()
		if err != nil {
			c.die(fmt.Errorf("%w: %v", ErrDead, err))
			return
		}
		m, err := c.signer.decode(frames)
		if err != nil {
			continue
		}
		c.mu.Lock()
		watch, r := c.watch, c.pending[m.ParentID()]
		c.mu.Unlock()
		if watch != nil {
			watch(m)
		}
		if r == nil {
			continue
		}
		if m.Header.Type == "status" {
			var s struct {
				State string `json:"execution_state"`
			}
			if m.Decode(&s) == nil && s.State == "idle" {
				r.setIdle()
			}
		} else if r.output != nil {
			r.output(m)
		}
	}
}

func (c *Client) readChannel(ch Channel) {
	for {
		frames, err := c.sockets[ch].Recv()
		if err != nil {
			c.die(fmt.Errorf("%w: %v", ErrDead, err))
			return
		}
		m, err := c.signer.decode(frames)
		if err != nil {
			continue
		}
		c.mu.Lock()
		r := c.pending[m.ParentID()]
		c.mu.Unlock()
		switch {
		case r == nil:
		case m.Header.Type == "input_request":
			go c.answerInput(r, m)
		default:
			select {
			case r.reply <- m:
			default: // a second reply to one request
			}
		}
	}
}

func (c *Client) answerInput(r *request, m *Message) {
	var ask struct {
		Prompt   string `json:"prompt"`
		Password bool   `json:"password"`
	}
	if r.input == nil || m.Decode(&ask) != nil {
		return
	}
	value, err := r.input(ask.Prompt, ask.Password)
	if err != nil {
		c.Interrupt()
		return
	}
	c.send(Stdin, "input_reply", m, map[string]any{"status": "ok", "value": value})
}

func (c *Client) die(err error) {
	if c.process != nil { // its exit says more than a closed socket
		select {
		case <-c.process.done:
			err = c.process.err()
		case <-time.After(200 * time.Millisecond):
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.deadErr == nil {
		c.deadErr = err
		close(c.dead)
	}
}

// Dead is closed when the kernel has gone.
func (c *Client) Dead() <-chan struct{} { return c.dead }

// Interrupt asks the kernel to stop what runs, without waiting for it.
func (c *Client) Interrupt() error {
	_, err := c.send(Control, "interrupt_request", nil, struct{}{})
	return err
}

// KernelInfo is the part of kernel_info_reply that programs use.
type KernelInfo struct {
	Implementation string `json:"implementation"`
	Banner         string `json:"banner"`
	Language       struct {
		Name      string `json:"name"`
		Version   string `json:"version"`
		Extension string `json:"file_extension"`
	} `json:"language_info"`
}

// KernelInfo asks the kernel what it is.
func (c *Client) KernelInfo(ctx context.Context) (info KernelInfo, err error) {
	m, err := c.Request(ctx, Shell, "kernel_info_request", struct{}{})
	if err != nil {
		return info, err
	}
	return info, json.Unmarshal(m.Content, &info)
}

// Close drops the connections; the kernel goes on.
func (c *Client) Close() {
	for _, s := range append(c.sockets[:], c.iopub) {
		if s != nil {
			s.Close()
		}
	}
}
