package gonb

import "strings"

// crash holds back the Go runtime's report of a panic, which belongs into the
// error message of the cell and not into its stderr as well.
type crash struct {
	started bool
	midLine bool // the last text did not end in a newline
	buf     strings.Builder
}

// maxCrash bounds what is kept: thousands of goroutines may be dumped.
const maxCrash = 256 << 10

var crashStarts = []string{"panic: ", "fatal error: ", "runtime: goroutine stack exceeds", "runtime: out of memory"}

// filter returns what of text is to be shown now.
func (c *crash) filter(text string) string {
	if c.started {
		c.keep(text)
		return ""
	}
	at := -1
	for _, start := range crashStarts {
		if i := lineStart(text, start, c.midLine); i >= 0 && (at < 0 || i < at) {
			at = i
		}
	}
	if at < 0 {
		c.midLine = text != "" && !strings.HasSuffix(text, "\n")
		return text
	}
	c.started = true
	c.keep(text[at:])
	return text[:at]
}

func (c *crash) keep(text string) {
	if room := maxCrash - c.buf.Len(); room < len(text) {
		text = text[:max(room, 0)]
	}
	c.buf.WriteString(text)
}

func (c *crash) text() string { return c.buf.String() }

// lineStart finds s at the start of a line of text.
func lineStart(text, s string, midLine bool) int {
	if !midLine && strings.HasPrefix(text, s) {
		return 0
	}
	if i := strings.Index(text, "\n"+s); i >= 0 {
		return i + 1
	}
	return -1
}
