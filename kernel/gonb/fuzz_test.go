package gonb

import (
	"encoding/json"
	"fmt"
	"testing"
)

// FuzzSequence: however the two streams and the displays of a cell are cut and
// interleaved, nothing of them is lost or doubled, and each comes in its order.
func FuzzSequence(f *testing.F) {
	f.Add("a\x1b_odslab 1\x1b\\b", "x\x1b_odslab 1\x1b\\", []byte{1, 200, 3, 100, 2})
	f.Add("\x1b_odslab 99999999999999999999\x1b\\\x1b_ods", "\x1b[31m", []byte{7, 7, 7, 7})
	f.Fuzz(func(t *testing.T, out, err string, cuts []byte) {
		got := map[string]string{}
		var shown []int
		q := newSequence(func(name, text string) { got[name] += text }, func(_ bool, content json.RawMessage) {
			var c struct{ Data int }
			if json.Unmarshal(content, &c) == nil {
				shown = append(shown, c.Data)
			}
		})
		rest := map[string]string{"stdout": out, "stderr": err}
		displays := 0
		for i, c := range cuts[:min(len(cuts), 40)] {
			name := []string{"stdout", "stderr"}[c&1]
			if c%5 == 4 {
				displays++
				q.mu.Lock() // show without its clock
				q.held = append(q.held, heldDisplay{int(c) / 5, false, json.RawMessage(fmt.Sprintf(`{"data":%d}`, displays))})
				q.advance()
				q.mu.Unlock()
				continue
			}
			n := min(len(rest[name]), int(c)/2+i%2)
			q.print(name, rest[name][:n])
			rest[name] = rest[name][n:]
		}
		for _, name := range []string{"stdout", "stderr"} {
			q.print(name, rest[name])
		}
		q.end()
		for name, text := range map[string]string{"stdout": out, "stderr": err} {
			if want := number.ReplaceAllString(text, ""); got[name] != want {
				t.Errorf("%s: %q became %q, want %q", name, text, got[name], want)
			}
		}
		if len(shown) != displays {
			t.Errorf("%d displays of %d", len(shown), displays)
		}
		for i, n := range shown {
			if n != i+1 {
				t.Errorf("displays in the order %v", shown)
				break
			}
		}
	})
}
