package ink

import (
	"bytes"
	"math"
	"strconv"
)

// compact rewrites the paths of an SVG file in steps of a hundredth of a point from one place to the next, which takes half
// of the bytes. Places are rounded and steps are their differences, so that nothing adds up.
func compact(svg []byte) []byte {
	const open = `<path d="`
	out := make([]byte, 0, len(svg))
	for {
		at := bytes.Index(svg, []byte(open))
		if at < 0 {
			return append(out, svg...)
		}
		at += len(open)
		out, svg = append(out, svg[:at]...), svg[at:]
		end := bytes.IndexByte(svg, '"')
		out, svg = steps(out, svg[:end]), svg[end:]
	}
}

// steps appends a path with commands M, L, Q, C and Z in relative form.
func steps(out, path []byte) []byte {
	var here, start [2]int
	last, started := byte(0), false
	for i := 0; i < len(path); {
		command := path[i]
		i++
		if command == 'Z' {
			out, here, last = append(out, 'z'), start, 'z'
			continue
		}
		end := i
		for end < len(path) && (path[end] < 'A' || path[end] > 'Z') {
			end++
		}
		var to [6]int
		n := 0
		for part := range bytes.SplitSeq(path[i:end], []byte(",")) {
			v, err := strconv.ParseFloat(string(part), 64)
			if err != nil || n == len(to) {
				return append(out, path[i-1:]...) // no path that vgsvg writes
			}
			to[n] = int(math.Round(v * 100))
			n++
		}
		i = end
		if command == 'L' && to[0] == here[0] && to[1] == here[1] && i < len(path) && started {
			continue // rounded away
		}
		as, by := command, make([]int, 0, len(to))
		for k := range n {
			by = append(by, to[k]-here[k%2])
		}
		switch {
		case command == 'L' && by[1] == 0:
			as, by = 'H', by[:1]
		case command == 'L' && by[0] == 0:
			as, by = 'V', by[1:]
		}
		begins := as != last || command == 'M'
		if begins {
			out = append(out, as|0x20)
		}
		for k, v := range by {
			if !begins || k > 0 {
				out = sign(out, v)
			}
			out = hundredths(out, v)
		}
		last = as
		here = [2]int{to[n-2], to[n-1]}
		started = command != 'M'
		if command == 'M' {
			start = here
		}
	}
	return out
}

// sign separates a number from the one before it, where neither its sign nor its point does: two points are in two numbers.
func sign(out []byte, next int) []byte {
	if next < 0 {
		return out
	}
	if next > 0 && next < 100 {
		for i := len(out) - 1; out[i] >= '0' && out[i] <= '9' || out[i] == '.'; i-- {
			if out[i] == '.' {
				return out
			}
		}
	}
	return append(out, ' ')
}

// hundredths appends n/100 without zeros that say nothing.
func hundredths(out []byte, n int) []byte {
	if n < 0 {
		out, n = append(out, '-'), -n
	}
	if n/100 > 0 || n == 0 {
		out = strconv.AppendInt(out, int64(n/100), 10)
	}
	switch f := n % 100; {
	case f == 0:
	case f%10 == 0:
		out = append(out, '.', byte('0'+f/10))
	default:
		out = append(out, '.', byte('0'+f/10), byte('0'+f%10))
	}
	return out
}
