package jupyter

import (
	"context"
	"fmt"
)

func (c *Client) send(ch Channel, msgType string, parent *Message, content any) (id string, err error) {
	m, err := newMessage(c.session, msgType, parent, content, nil)
	if err != nil {
		return "", err
	}
	frames, err := c.signer.encode(m)
	if err != nil {
		return "", err
	}
	return m.Header.ID, c.sockets[ch].Send(frames...)
}

// begin sends a request and registers r for its answers.
func (c *Client) begin(ch Channel, msgType string, content, metadata any, r *request) (end func(), err error) {
	m, err := newMessage(c.session, msgType, nil, content, metadata)
	if err != nil {
		return nil, err
	}
	frames, err := c.signer.encode(m)
	if err != nil {
		return nil, err
	}
	r.reply, r.idle = make(chan *Message, 1), make(chan struct{})
	id := m.Header.ID
	c.mu.Lock()
	c.pending[id] = r
	c.mu.Unlock()
	end = func() {
		c.mu.Lock()
		delete(c.pending, id)
		c.mu.Unlock()
	}
	if err := c.sockets[ch].Send(frames...); err != nil {
		end()
		return nil, c.gone(err)
	}
	return end, nil
}

func (c *Client) gone(err error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.deadErr != nil {
		return c.deadErr
	}
	return fmt.Errorf("%w: %v", ErrDead, err)
}

// Request sends any request and returns its reply.
func (c *Client) Request(ctx context.Context, ch Channel, msgType string, content any) (*Message, error) {
	r := &request{}
	end, err := c.begin(ch, msgType, content, nil, r)
	if err != nil {
		return nil, err
	}
	defer end()
	select {
	case m := <-r.reply:
		return m, nil
	case <-c.dead:
		return nil, c.gone(nil)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Send sends a message that has no reply, such as comm_open.
func (c *Client) Send(ch Channel, msgType string, content any) (id string, err error) {
	return c.send(ch, msgType, nil, content)
}
