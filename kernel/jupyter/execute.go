package jupyter

import (
	"context"
	"time"
)

// ExecuteOptions say how a cell is run. The zero value is an ordinary cell of a
// front end that cannot answer questions.
type ExecuteOptions struct {
	Silent      bool
	NoHistory   bool              // do not count the cell, do not store it
	KeepGoing   bool              // an error does not abort what is queued behind
	Expressions map[string]string // evaluated after the cell
	CellID      string            // the front end's name for the cell, if it has one

	// OnOutput sees each iopub message of the cell except status, in order.
	OnOutput func(*Message)
	// OnInput answers a question of the cell; nil means that none is allowed. An
	// error interrupts the cell.
	OnInput func(prompt string, password bool) (string, error)
}

// Reply is the outcome of a cell.
type Reply struct {
	Status         string         `json:"status"` // ok, error or aborted
	ExecutionCount int            `json:"execution_count"`
	EName          string         `json:"ename"`
	EValue         string         `json:"evalue"`
	Traceback      []string       `json:"traceback"`
	Payload        []Payload      `json:"payload"`
	Expressions    map[string]Raw `json:"user_expressions"`
}

// Payload is what an execute_reply asks the front end to do; ours only page.
type Payload struct {
	Source string         `json:"source"`
	Data   map[string]any `json:"data"`
	Start  int            `json:"start"`
}

// idleWait is how long outputs may trail behind the reply that announced their
// end: they come over another socket, and a broken kernel may never send them.
const idleWait = 10 * time.Second

// Execute runs code and returns when the reply and all outputs are there. When
// ctx ends first, the cell goes on: call Interrupt.
func (c *Client) Execute(ctx context.Context, code string, opts ExecuteOptions) (*Reply, error) {
	expressions := opts.Expressions
	if expressions == nil {
		expressions = map[string]string{}
	}
	var metadata any
	if opts.CellID != "" {
		metadata = map[string]string{"cellId": opts.CellID}
	}
	r := &request{output: opts.OnOutput, input: opts.OnInput}
	end, err := c.begin(Shell, "execute_request", map[string]any{
		"code": code, "silent": opts.Silent, "store_history": !opts.NoHistory && !opts.Silent,
		"user_expressions": expressions, "allow_stdin": opts.OnInput != nil, "stop_on_error": !opts.KeepGoing,
	}, metadata, r)
	if err != nil {
		return nil, err
	}
	defer end()
	var m *Message
	select {
	case m = <-r.reply:
	case <-c.dead:
		return nil, c.gone(nil)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	select {
	case <-r.idle:
	case <-c.dead:
	case <-ctx.Done():
	case <-time.After(idleWait):
	}
	reply := &Reply{}
	return reply, m.Decode(reply)
}
