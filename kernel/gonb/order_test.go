package gonb

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"odslab/kernel/runtime/contract"
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

// TestOneStream: why displays do not go into the stream of prints. A pipe keeps writes of up to 4,096 bytes whole, so nothing is ever
// printed into the middle of a number; a picture beside a program that prints is cut.
func TestOneStream(t *testing.T) {
	cut := func(size, n int) (cut int) {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		fd, err := syscall.Dup(int(w.Fd())) // as a program has it that the cell starts
		if err != nil {
			t.Fatal(err)
		}
		other := os.NewFile(uintptr(fd), "")
		frame := []byte("<" + strings.Repeat("x", size-2) + ">")
		var writers sync.WaitGroup
		var done atomic.Bool
		writers.Go(func() {
			defer done.Store(true)
			for range n {
				w.Write(frame)
				time.Sleep(100 * time.Microsecond) // the other one prints as well
			}
		})
		writers.Go(func() {
			for !done.Load() {
				other.Write([]byte("a print\n"))
			}
		})
		go func() { writers.Wait(); w.Close(); other.Close() }()
		all, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		return n - strings.Count(string(all), string(frame))
	}
	for _, size := range []int{len(contract.OrderHead) + 8, 4096, 256 << 10} {
		const n = 200
		torn := cut(size, n)
		t.Logf("%d bytes: %d of %d cut", size, torn, n)
		if torn > 0 && size <= 4096 {
			t.Errorf("a write of %d bytes was cut", size)
		}
	}
}
