package gonb

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"
)

func TestSequence(t *testing.T) {
	var got string
	q := newSequence(func(name, text string) {
		if text != "" {
			got += fmt.Sprintf("%s(%s) ", name[3:], text)
		}
	}, func(_ bool, content json.RawMessage) {
		var c struct{ Data string }
		json.Unmarshal(content, &c)
		got += c.Data + " "
	})
	show := func(data string, n int) {
		q.show(false, json.RawMessage(fmt.Sprintf(`{"data":%q,"metadata":{"odslab_order":%d}}`, data, n)))
	}
	mark := func(n int) string { return fmt.Sprintf("\x1b_odslab %d\x1b\\", n) }
	show("D1", 1) // overtook what was printed before it
	q.print("stdout", "a\n"+mark(1)[:4])
	q.print("stdout", mark(1)[4:]+"b")
	q.print("stderr", mark(1))
	q.print("stderr", "\x1b[31mred\x1b[0m")
	q.print("stdout", mark(2)+"c")
	q.print("stderr", mark(2))
	show("D2", 2)
	q.show(false, json.RawMessage(`{"data":"GoNB's own"}`))
	show("D3", 3)
	q.print("stdout", "d\x1b")
	q.end()
	if want := "out(a\n) D1 out(b) err(\x1b[31mred\x1b[0m) D2 out(c) GoNB's own out(d) D3 out(\x1b) "; got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	// What is printed after a display waits for it, also when the display waits
	// for the other stream.
	got = ""
	q = newSequence(q.stream, q.display)
	q.print("stdout", "a"+mark(1))
	show("D1", 1)
	q.print("stdout", "b"+mark(2))
	show("D2", 2) // sent before c is printed
	q.print("stdout", "c")
	q.print("stderr", "x"+mark(1))
	q.print("stderr", mark(2)+"y")
	if want := "out(a) err(x) D1 out(b) D2 out(c) err(y) "; got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	// A number that never comes holds a display for a moment only.
	got = ""
	show("D4", 4)
	for deadline := time.Now().Add(10 * holdLimit); ; time.Sleep(10 * time.Millisecond) {
		q.mu.Lock()
		ok := got != ""
		q.mu.Unlock()
		if ok {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("held for good")
		}
	}
}
