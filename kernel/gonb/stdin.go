package gonb

import (
	"net"
	"time"
)

// quiet is how long nothing must have come from a cell that waits for input:
// the way of its prints through GoNB takes a moment.
const quiet = 60 * time.Millisecond

// acceptStdin serves the standard input of cells: each connects when it starts.
func (c *Child) acceptStdin() {
	for {
		conn, err := c.stdin.AcceptUnix()
		if err != nil {
			return
		}
		c.cur.Lock()
		r := c.current
		c.cur.Unlock()
		if r == nil {
			conn.Close()
			continue
		}
		go r.feed(conn)
	}
}

// feed asks the front end for a line each time the cell waits for one.
func (r *run) feed(conn *net.UnixConn) {
	defer conn.Close()
	pid := peerPID(conn)
	gone := make(chan struct{})
	go func() { // the cell never writes; a read ends with it
		var b [1]byte
		conn.Read(b[:])
		close(gone)
	}()
	r.mu.Lock()
	r.stdin = conn
	r.mu.Unlock()
	started := time.Now()
	var since time.Time // it has waited since then
	for {
		pause := 20 * time.Millisecond
		if time.Since(started) > 2*time.Second {
			pause = 100 * time.Millisecond // a long cell is not looked at so often
		}
		select {
		case <-gone:
			return
		case <-time.After(pause):
		}
		waiting, ok := readsStdin(conn, pid)
		if !ok {
			return // nobody tells: end of file at once, rather than a cell that hangs
		}
		if !waiting || !drained(pid) || r.asking.Load() {
			since = time.Time{}
			continue
		}
		// What it has printed is to be seen before the question.
		if since.IsZero() {
			since = time.Now()
		}
		if time.Since(since) < quiet || time.Since(time.Unix(0, r.heard.Load())) < quiet {
			continue
		}
		if r.events.Input == nil {
			r.mu.Lock()
			r.asked = true
			r.mu.Unlock()
			return
		}
		line, err := r.events.Input("", false)
		if err != nil {
			return
		}
		if _, err := conn.Write([]byte(line + "\n")); err != nil {
			return
		}
		since = time.Time{}
	}
}

// input answers a question that the cell has asked by gonbui.RequestInput. GoNB would write the line to where no program
// of ours reads, so it goes to the cell, which is not asked again when it reads.
func (r *run) input(prompt string, password bool) (string, error) {
	r.asking.Store(true)
	defer r.asking.Store(false)
	line, err := r.events.Input(prompt, password)
	r.mu.Lock()
	conn := r.stdin
	r.mu.Unlock()
	if err == nil && conn != nil {
		conn.Write([]byte(line + "\n")) // a cell that has ended needs none
	}
	return line, err
}
