package live

import (
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

// stacks are the goroutines of the process but this one, as the runtime prints them.
func stacks() []string {
	for size := 64 << 10; ; size *= 2 {
		b := make([]byte, size)
		if n := runtime.Stack(b, true); n < size || size >= 16<<20 {
			all := strings.Split(string(b[:n]), "\n\n")
			return all[1:]
		}
	}
}

// lineOf is the innermost line of a cell on a stack, "cell[3]:2", and what the
// goroutine waits for.
func lineOf(stack string) (line, waits string) {
	head, rest, _ := strings.Cut(stack, "\n")
	if _, after, ok := strings.Cut(head, "["); ok {
		waits, _, _ = strings.Cut(after, "]")
		waits, _, _ = strings.Cut(waits, ",")
	}
	for l := range strings.Lines(rest) {
		at := strings.LastIndex(l, "cell[")
		if l[0] != '\t' || at < 0 {
			continue
		}
		number, after, ok := strings.Cut(l[at+len("cell["):], "]:")
		n := 0
		for n < len(after) && after[n] >= '0' && after[n] <= '9' {
			n++
		}
		if _, err := strconv.Atoi(number); ok && err == nil && n > 0 {
			return "cell[" + number + "]:" + after[:n], waits
		}
	}
	return "", ""
}

// everywhere lists the lines of cells at which the process is: all of the main
// goroutine, and the innermost of each other.
func everywhere() (out []frame) {
	var others []frame
	for _, s := range stacks() {
		s, _, _ = strings.Cut(s, "\ncreated by ")
		isMain := strings.Contains(s, "main.main()")
		for rest := s + "\n"; ; {
			line, _ := lineOf(rest)
			if line == "" {
				break
			}
			_, rest, _ = strings.Cut(rest, line)
			number, at, _ := strings.Cut(strings.TrimPrefix(line, "cell["), "]:")
			f := frame{}
			f.cell, _ = strconv.Atoi(number)
			f.line, _ = strconv.Atoi(at)
			if !isMain {
				others = append(others, f)
				break
			}
			out = append(out, f)
			rest = "\n" + rest
		}
	}
	return append(out, others...)
}

// settleTime is what a goroutine gets to end by itself that has nothing more to do.
const settleTime = 5 * time.Millisecond

// usual is how many goroutines a cell's program has of its own.
var usual int

// running lists the lines of cells at which goroutines are that end with the program.
func running() (lines []string) {
	for end := time.Now().Add(settleTime); runtime.NumGoroutine() > usual && time.Now().Before(end); {
		time.Sleep(100 * time.Microsecond)
	}
	if runtime.NumGoroutine() <= usual {
		return nil
	}
	for _, s := range stacks() {
		// the one that created it is no frame of it
		s, _, _ = strings.Cut(s, "\ncreated by ")
		if line, _ := lineOf(s + "\n"); line != "" && !strings.Contains(s, "main.main()") {
			lines = append(lines, line)
		}
	}
	slices.Sort(lines)
	return slices.Compact(lines)
}
