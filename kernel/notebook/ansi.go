package notebook

import (
	"fmt"
	"html"
	"regexp"
	"strconv"
	"strings"
)

// escapeSequence is any ANSI escape: CSI (its parameters and final letter are
// groups 1 and 2), OSC such as terminal links, or a two-character one.
var escapeSequence = regexp.MustCompile("\x1b\\[([0-?]*)[ -/]*([@-~])|\x1b\\][^\x07\x1b]*(?:\x07|\x1b\\\\)|\x1b[@-Z\\\\^_]?")

// ansiHTML renders what a terminal would show: colours and weights as spans,
// carriage returns and backspaces carried out, other escapes dropped.
func ansiHTML(s string) string {
	s = carriageReturns(s)
	var b strings.Builder
	var now sgr
	open := false
	text := func(t string) {
		if t == "" {
			return
		}
		class, style := now.attributes()
		if (class != "" || style != "") != open || open {
			if open {
				b.WriteString("</span>")
				open = false
			}
			if class != "" || style != "" {
				b.WriteString("<span")
				if class != "" {
					b.WriteString(` class="` + class + `"`)
				}
				if style != "" {
					b.WriteString(` style="` + style + `"`)
				}
				b.WriteString(">")
				open = true
			}
		}
		b.WriteString(html.EscapeString(printable(t)))
	}
	last := 0
	for _, m := range escapeSequence.FindAllStringSubmatchIndex(s, -1) {
		text(s[last:m[0]])
		last = m[1]
		if m[4] >= 0 && s[m[4]:m[5]] == "m" {
			now.apply(s[m[2]:m[3]])
		}
	}
	text(s[last:])
	if open {
		b.WriteString("</span>")
	}
	return b.String()
}

// plainText is s without escapes.
func plainText(s string) string {
	return printable(escapeSequence.ReplaceAllString(carriageReturns(s), ""))
}

// printable drops control characters, which HTML does not allow.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' || r == 0x7f {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
}

// carriageReturns keeps of each line what is written last, so that a progress
// bar leaves its final state.
func carriageReturns(s string) string {
	if !strings.ContainsAny(s, "\r\b") {
		return s
	}
	var b strings.Builder
	for line := range strings.Lines(s) {
		body := strings.TrimSuffix(line, "\n")
		newline := line[len(body):]
		body = strings.TrimRight(body, "\r")
		if i := strings.LastIndexByte(body, '\r'); i >= 0 {
			body = body[i+1:]
		}
		for strings.Contains(body, "\b") {
			before, after, _ := strings.Cut(body, "\b")
			r := []rune(before)
			body = string(r[:max(0, len(r)-1)]) + after
		}
		b.WriteString(body + newline)
	}
	return b.String()
}

// sgr is the state set by "select graphic rendition".
type sgr struct {
	fg, bg                                string // class name, or #rrggbb
	bold, dim, italic, underline, inverse bool
}

var ansiNames = [8]string{"black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"}

func (a *sgr) apply(params string) {
	var codes []int
	for p := range strings.FieldsFuncSeq(strings.ReplaceAll(params, ";;", ";0;"), func(r rune) bool { return r == ';' || r == ':' }) {
		n, err := strconv.Atoi(p)
		if err != nil {
			return
		}
		codes = append(codes, n)
	}
	if len(codes) == 0 {
		codes = []int{0}
	}
	for i := 0; i < len(codes); i++ {
		switch n := codes[i]; {
		case n == 0:
			*a = sgr{}
		case n == 1:
			a.bold = true
		case n == 2:
			a.dim = true
		case n == 3:
			a.italic = true
		case n == 4:
			a.underline = true
		case n == 7:
			a.inverse = true
		case n == 22:
			a.bold, a.dim = false, false
		case n == 23:
			a.italic = false
		case n == 24:
			a.underline = false
		case n == 27:
			a.inverse = false
		case n >= 30 && n <= 37:
			a.fg = ansiNames[n-30]
		case n >= 90 && n <= 97:
			a.fg = "bright-" + ansiNames[n-90]
		case n == 39:
			a.fg = ""
		case n >= 40 && n <= 47:
			a.bg = ansiNames[n-40]
		case n >= 100 && n <= 107:
			a.bg = "bright-" + ansiNames[n-100]
		case n == 49:
			a.bg = ""
		case n == 38 || n == 48:
			colour, used := extended(codes[i+1:])
			if n == 38 {
				a.fg = colour
			} else {
				a.bg = colour
			}
			i += used
		}
	}
}

// extended reads the rest of 38;5;n and 38;2;r;g;b.
func extended(rest []int) (colour string, used int) {
	switch {
	case len(rest) >= 2 && rest[0] == 5:
		n := min(max(rest[1], 0), 255)
		switch {
		case n < 8:
			return ansiNames[n], 2
		case n < 16:
			return "bright-" + ansiNames[n-8], 2
		case n < 232: // a cube of 6 levels
			n -= 16
			level := func(k int) int { return []int{0, 95, 135, 175, 215, 255}[k] }
			return fmt.Sprintf("#%02x%02x%02x", level(n/36), level(n/6%6), level(n%6)), 2
		}
		grey := 8 + 10*(n-232)
		return fmt.Sprintf("#%02x%02x%02x", grey, grey, grey), 2
	case len(rest) >= 4 && rest[0] == 2:
		return fmt.Sprintf("#%02x%02x%02x", rest[1]&255, rest[2]&255, rest[3]&255), 4
	}
	return "", len(rest)
}

func (a *sgr) attributes() (class, style string) {
	var classes, styles []string
	fg, bg := a.fg, a.bg
	if a.inverse {
		fg, bg = bg, fg
		if fg == "" {
			fg = "inverse"
		}
		if bg == "" {
			bg = "inverse"
		}
	}
	set := func(colour, class, property string) {
		switch {
		case colour == "":
		case colour[0] == '#':
			styles = append(styles, property+":"+colour)
		default:
			classes = append(classes, class+colour)
		}
	}
	set(fg, "ansi-", "color")
	set(bg, "ansi-on-", "background-color")
	for _, f := range []struct {
		on   bool
		name string
	}{{a.bold, "ansi-bold"}, {a.dim, "ansi-dim"}, {a.italic, "ansi-italic"}, {a.underline, "ansi-underline"}} {
		if f.on {
			classes = append(classes, f.name)
		}
	}
	return strings.Join(classes, " "), strings.Join(styles, ";")
}
