package gonb

import (
	"encoding/json"
	"math"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"odslab/kernel/runtime/contract"
)

// holdLimit is how long a display waits for what was printed before it. Its
// number may be lost where a cell has closed its own output.
const holdLimit = 2 * time.Second

var (
	number     = regexp.MustCompile(regexp.QuoteMeta(contract.OrderHead) + `(\d+)` + regexp.QuoteMeta(contract.OrderTail))
	numberHead = regexp.MustCompile("\x1b(_(o(d(s(l(a(b( (\\d+\x1b?)?)?)?)?)?)?)?)?)?$")
)

// sequence puts the prints and displays of a cell back into the order in which
// the cell made them.
type sequence struct {
	stream  func(name, text string)
	display func(update bool, content json.RawMessage)

	mu   sync.Mutex
	rest map[string]string // of a stream: an unfinished number at its end, or what waits
	seen map[string]int    // the last number that came on a stream
	done int               // the last display that was passed on, or given up
	held []heldDisplay
}

type heldDisplay struct {
	number  int
	update  bool
	content json.RawMessage
}

func newSequence(stream func(name, text string), display func(update bool, content json.RawMessage)) *sequence {
	return &sequence{stream: stream, display: display, rest: map[string]string{}, seen: map[string]int{}}
}

// print takes a piece of a stream and passes on all but the numbers.
func (q *sequence) print(name, text string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.rest[name] += text
	q.advance()
}

// advance passes on all whose turn has come.
func (q *sequence) advance() {
	for again := true; again; {
		again = q.step("stdout")
		again = q.step("stderr") || again
		again = q.releaseTo(min(q.seen["stdout"], q.seen["stderr"])) || again
	}
}

// step passes on a stream up to its next number and reports whether there was
// one. What comes behind the number of a display waits for that display.
func (q *sequence) step(name string) bool {
	if q.seen[name] > q.done { // the display comes by another road
		return false
	}
	text := q.rest[name]
	if !strings.Contains(text, "\x1b") {
		q.rest[name] = ""
		q.stream(name, text)
		return false
	}
	if m := number.FindStringSubmatchIndex(text); m != nil {
		n, _ := strconv.Atoi(text[m[2]:m[3]])
		if q.seen[name] = n; n > q.done {
			time.AfterFunc(holdLimit, func() { q.flush(n) })
		}
		q.rest[name] = text[m[1]:]
		q.stream(name, text[:m[0]])
		return true
	}
	q.rest[name] = ""
	if m := numberHead.FindStringIndex(text); m != nil {
		text, q.rest[name] = text[:m[0]], text[m[0]:]
	}
	q.stream(name, text)
	return false
}

// show takes a display, which may have to wait.
func (q *sequence) show(update bool, content json.RawMessage) {
	var c struct {
		Metadata map[string]json.RawMessage `json:"metadata"`
	}
	n := 0
	if json.Unmarshal(content, &c) == nil {
		json.Unmarshal(c.Metadata[contract.MarkOrder], &n)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.held = append(q.held, heldDisplay{n, update, content})
	if q.advance(); len(q.held) > 0 {
		time.AfterFunc(holdLimit, func() { q.flush(n) })
	}
}

func (q *sequence) releaseTo(n int) (any bool) {
	for len(q.held) > 0 && q.held[0].number <= n {
		d := q.held[0]
		q.held, any = q.held[1:], true
		q.done = max(q.done, d.number)
		q.display(d.update, d.content)
	}
	return any
}

// flush passes on what waits, up to a display's number.
func (q *sequence) flush(n int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.releaseTo(n)
	q.done = max(q.done, n)
	q.advance()
}

// end passes on all that waits.
func (q *sequence) end() {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.held) > 0 {
		q.releaseTo(q.held[0].number)
		q.advance()
	}
	q.done = math.MaxInt
	q.advance()
	for _, name := range []string{"stdout", "stderr"} {
		q.stream(name, q.rest[name])
		q.rest[name] = ""
	}
}
