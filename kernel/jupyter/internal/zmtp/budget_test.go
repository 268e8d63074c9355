package zmtp

import (
	"bytes"
	"fmt"
	"net"
	"testing"
	"time"
)

// What unknown peers bring about and do not read counts too: answers to pings,
// heartbeats and subscriptions together stay within the budget, and nobody is
// kept out.
func TestUnreadAnswers(t *testing.T) {
	const most = 1 << 20
	budget := NewBudget(most)
	welcome := bytes.Repeat([]byte{'w'}, 10<<10)
	dir := t.TempDir()
	var listeners []*Listener
	for i, kind := range []string{Pub, Rep, Router} {
		l, err := Listen("unix", fmt.Sprint(dir, "/", i), kind, Handler{Budget: budget, Subscribed: func(c *Conn, _ string) { _ = c.Answer(welcome) }})
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		listeners = append(listeners, l)
	}
	ping := append([]byte{4, 107, 4, 'P', 'I', 'N', 'G', 0, 0}, make([]byte, 100)...)
	for i := range 30 {
		nc, err := net.Dial("unix", fmt.Sprint(dir, "/", i%3))
		if err != nil {
			t.Fatal(err)
		}
		defer nc.Close()
		hello, flood := ready(Dealer, ""), ping
		switch i % 3 {
		case 0:
			hello, flood = ready(Sub, ""), []byte{0, 2, 1, byte(i)}
		case 1:
			flood = append([]byte{0, 200}, make([]byte, 200)...)
		}
		go func() {
			_, err := nc.Write(append(greeting(), hello...))
			for err == nil {
				_, err = nc.Write(flood)
			}
		}()
	}
	peak, honest := 0, 0
	for end := time.Now().Add(3 * time.Second); time.Now().Before(end); {
		waiting := 0
		for _, l := range listeners {
			l.mu.Lock()
			for c := range l.peers {
				c.mu.Lock()
				waiting += c.queued
				c.mu.Unlock()
			}
			l.mu.Unlock()
		}
		peak = max(peak, waiting)
		c, err := Dial(t.Context(), "unix", dir+"/1", Req, "")
		if err != nil {
			t.Fatal(err)
		}
		if c.Send([]byte("beat")) == nil {
			if got, err := c.Recv(); err == nil && string(got[0]) == "beat" {
				honest++
			}
		}
		c.Close()
	}
	if peak > most || peak < most/4 || honest == 0 {
		t.Errorf("%d bytes wait for peers that do not read; %d heartbeats were answered", peak, honest)
	}
	t.Logf("at most %d bytes wait, %d heartbeats were answered", peak, honest)
}
