package ink

import (
	"image/color"
	"math"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// run is a stretch of text in one font, raised by rise.
type run struct {
	s    string
	font Font
	rise float64
	over bool // stands above or below the run before it, not after it
}

// spread are the starts of the runs from left to right, and the whole length.
func spread(runs []run) (at []float64, width float64) {
	last := 0.
	for _, r := range runs {
		start := width
		if r.over {
			start = last
		}
		at = append(at, start)
		last, width = start, max(width, start+r.font.width(r.s))
	}
	return at, width
}

var greek = map[string]string{
	"alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "zeta": "ζ", "eta": "η", "theta": "θ",
	"kappa": "κ", "lambda": "λ", "mu": "μ", "nu": "ν", "xi": "ξ", "pi": "π", "rho": "ρ", "sigma": "σ", "tau": "τ",
	"phi": "φ", "chi": "χ", "psi": "ψ", "omega": "ω",
}

// symbols are LaTeX's names of what is not a Greek letter.
var symbols = map[string]string{
	"nabla": "∇", "partial": "∂", "infty": "∞", "pm": "±", "times": "×", "cdot": "·", "leq": "≤", "geq": "≥", "le": "≤", "ge": "≥", "neq": "≠",
	"approx": "≈", "sim": "∼", "propto": "∝", "in": "∈", "to": "→", "rightarrow": "→", "ell": "ℓ", "sum": "Σ", "prod": "Π", "int": "∫", "sqrt": "√",
	"mid": "|", "vert": "|", "log": "log", "exp": "exp", "ln": "ln", "min": "min", "max": "max", "hbar": "ħ", "odot": "⊙", "degree": "°", "circ": "°",
	"varphi": "φ", "varepsilon": "ε", "vartheta": "θ", "prime": "′", "star": "⋆", "ast": "*", "langle": "⟨", "rangle": "⟩", "dots": "…", "ldots": "…",
}

// accents are those that stand above a letter.
var accents = map[string]string{"hat": "\u0302", "tilde": "\u0303", "bar": "\u0304", "dot": "\u0307", "vec": "\u20d7"}

// plainTeX turns LaTeX's way of writing into letters: $\theta_1$ into theta_1, \hat{Z} into Ẑ, \mathrm{km} into km.
func plainTeX(s string) string {
	if !strings.ContainsAny(s, "$\\") {
		return s
	}
	var out strings.Builder
	closing := 0 // braces to be dropped
	for i := 0; i < len(s); {
		switch {
		case s[i] == '$':
			i++
			continue
		case s[i] == '}' && closing > 0:
			closing--
			i++
			continue
		case s[i] != '\\' || i+1 == len(s):
			out.WriteByte(s[i])
			i++
			continue
		}
		n := i + 1
		for n < len(s) && (s[n] >= 'a' && s[n] <= 'z' || s[n] >= 'A' && s[n] <= 'Z') {
			n++
		}
		name := s[i+1 : n]
		if name == "" { // \, \% and the like
			if !strings.ContainsRune(",;:! ", rune(s[n])) {
				out.WriteByte(s[n])
			} else {
				out.WriteByte(' ')
			}
			i = n + 1
			continue
		}
		i = n
		if a, ok := accents[name]; ok {
			rest := strings.TrimLeft(s[i:], " ")
			body, after := rest, ""
			if strings.HasPrefix(rest, "{") {
				body, after, _ = strings.Cut(rest[1:], "}")
			} else if r, k := utf8.DecodeRuneInString(rest); r != '\\' {
				body, after = rest[:k], rest[k:]
			}
			out.WriteString(norm.NFC.String(plainTeX(body) + a))
			s, i = after, 0
			continue
		}
		switch {
		case greek[name] != "":
			out.WriteString(greek[name])
		case greek[strings.ToLower(name)] != "" && name[0] < 'a':
			out.WriteString(strings.ToUpper(greek[strings.ToLower(name)]))
		case symbols[name] != "":
			out.WriteString(symbols[name])
		case i < len(s) && s[i] == '{': // \mathrm{km}, \text{max}
			closing++
			i++
			continue
		default:
			out.WriteString(name)
		}
		if i < len(s) && s[i] == ' ' && len([]rune(symbols[name])) < 2 { // ends the name
			i++
		}
	}
	return out.String()
}

// typeset splits a label into runs. A variable, that is a letter or the name of a Greek one with an index (x_1,
// theta_12, x_{t+1}, σ^2), is set as in print: italic letter, small lowered or raised index. So is a label that is a
// single letter. All else stays as written, with true minus signs before digits.
func typeset(label string, f Font) []run {
	if label = strings.TrimSpace(plainTeX(label)); label == "" {
		return nil
	}
	var out []run
	add := func(s string, face Face, scale, rise float64) {
		if s == "" {
			return
		}
		g := Font{Face: face, Size: f.Size * scale}
		if scale < 1 {
			g.Size = max(g.Size, min(leastIndex, f.Size))
		}
		if n := len(out); n > 0 && out[n-1].font == g && out[n-1].rise == rise*f.Size {
			out[n-1].s += s
			return
		}
		out = append(out, run{s: s, font: g, rise: rise * f.Size})
	}
	for rest := label; rest != ""; {
		n := word(rest)
		if n == 0 {
			if index, kind, used := script(rest); kind != 0 && len(out) > 0 && strings.HasPrefix(rest[1:], "{") { // 10^{-2}
				rise := .36
				if kind == '_' {
					rise = -.22
				}
				over := out[len(out)-1].rise != 0
				add(minus(index), f.Face, .72, rise)
				out[len(out)-1].over = over
				rest = rest[used:]
				continue
			}
			_, k := utf8.DecodeRuneInString(rest)
			add(rest[:k], f.Face, 1, 0)
			rest = rest[k:]
			continue
		}
		name, after := rest[:n], rest[n:]
		symbol, isGreek := greek[name]
		if capital := greek[strings.ToLower(name)]; !isGreek && capital != "" && name == strings.ToUpper(name[:1])+name[1:] {
			symbol, isGreek = strings.ToUpper(capital), true
		}
		if !isGreek {
			symbol = name
		}
		index, kind, used := script(after)
		switch {
		case utf8.RuneCountInString(symbol) == 1 && (used > 0 || name == label):
			add(symbol, italicOf(f.Face, symbol), 1, 0)
			for used > 0 {
				size, rise := .72, -.22
				if kind == '^' {
					rise = .36
				}
				face := f.Face
				if utf8.RuneCountInString(index) == 1 {
					face = letterOf(f.Face, index)
				}
				add(minus(index), face, size, rise)
				after = after[used:]
				index, kind, used = script(after)
			}
		default:
			add(name, f.Face, 1, 0)
		}
		rest = after
	}
	for i := range out {
		out[i].s = minus(out[i].s)
	}
	return out
}

// word is the length of the letters at the start.
func word(s string) int {
	if strings.HasPrefix(s, "∇") {
		return len("∇")
	}
	for i, r := range s {
		if !unicode.IsLetter(r) {
			return i
		}
	}
	return len(s)
}

// script reads _12, _{t+1} or ^2 and says how many bytes it took.
func script(s string) (index string, kind byte, used int) {
	if len(s) < 2 || s[0] != '_' && s[0] != '^' {
		return "", 0, 0
	}
	if s[1] == '{' {
		if end := strings.IndexByte(s, '}'); end > 0 {
			return s[2:end], s[0], end + 1
		}
		return "", 0, 0
	}
	n := 1
	for n < len(s) && (s[n] >= '0' && s[n] <= '9') {
		n++
	}
	if n == 1 {
		_, k := utf8.DecodeRuneInString(s[1:])
		if r, _ := utf8.DecodeRuneInString(s[1:]); !unicode.IsLetter(r) {
			return "", 0, 0
		}
		n += k
	}
	return s[1:n], s[0], n
}

// letterOf sets an index that is a letter as the variable that it is.
func letterOf(f Face, s string) Face {
	if r, _ := utf8.DecodeRuneInString(s); unicode.IsLetter(r) {
		return italicOf(f, s)
	}
	return f
}

func italicOf(f Face, s string) Face {
	r, _ := utf8.DecodeRuneInString(s)
	if f == Bold || !Italic.has(r) {
		return f
	}
	return Italic
}

// minus turns a hyphen that stands before a digit into a minus sign, unless it joins two words.
func minus(s string) string {
	r := []rune(s)
	for i, c := range r {
		if c == '-' && i+1 < len(r) && unicode.IsDigit(r[i+1]) && (i == 0 || !unicode.IsLetter(r[i-1]) && !unicode.IsDigit(r[i-1])) {
			r[i] = '−'
		}
	}
	return string(r)
}

// Width is how long a label comes out, in points.
func Width(label string, f Font) float64 {
	_, w := spread(typeset(label, f))
	return w
}

// Text typesets a label. (ax, ay) say which point of it lies at p: ax 0 left, .5 middle, 1 right; ay 0 baseline, .5
// middle of the capitals, 1 their top. Angle is in radians, anticlockwise.
func (p *Page) Text(at Pt, label string, f Font, c color.NRGBA, ax, ay, angle float64) {
	runs := typeset(label, f)
	starts, w := spread(runs)
	const capital = .716 // height of capitals in Liberation Sans
	sin, cos := math.Sincos(angle)
	dx, dy := -ax*w, -ay*capital*f.Size
	p.note(runs, at, w, f, dx, dy, angle)
	for i, r := range runs {
		x, y := dx+starts[i], dy+r.rise
		p.b.text(p.dx+at.X+x*cos-y*sin, p.dy+at.Y+x*sin+y*cos, angle, r.s, r.font, c)
	}
}

// Text smaller than this, in points, can't be read in print.
const least, leastIndex = 6, 5

// Fit makes a label as long as there is room: in a smaller font, down to three quarters and never below what can be read,
// and then by leaving out its end.
func Fit(label string, f Font, room float64) (string, Font) {
	w := Width(label, f)
	if w <= room || room <= 0 {
		return label, f
	}
	f.Size = min(f.Size, max(f.Size*max(.75, room/w), least))
	if Width(label, f) <= room*(1+1e-9) {
		return label, f
	}
	r := []rune(label)
	for len(r) > 1 && Width(string(r)+"…", f) > room {
		r = r[:len(r)-1]
	}
	return strings.TrimRight(string(r), " ") + "…", f
}

// note keeps where a text lies, for whoever asked.
func (p *Page) note(runs []run, at Pt, w float64, f Font, dx, dy, angle float64) {
	if p.boxes == nil || len(runs) == 0 {
		return
	}
	b, text := Box{Size: f.Size, Index: math.Inf(1)}, ""
	for _, r := range runs {
		text += r.s
		if r.rise != 0 {
			b.Index = min(b.Index, r.font.Size)
		} else {
			b.Size = min(b.Size, r.font.Size)
		}
	}
	sin, cos := math.Sincos(angle)
	lo, hi := Pt{math.Inf(1), math.Inf(1)}, Pt{math.Inf(-1), math.Inf(-1)}
	for _, c := range [4]Pt{{dx, dy - .2*f.Size}, {dx + w, dy - .2*f.Size}, {dx, dy + .75*f.Size}, {dx + w, dy + .75*f.Size}} {
		q := Pt{p.dx + at.X + c.X*cos - c.Y*sin, p.dy + at.Y + c.X*sin + c.Y*cos}
		lo, hi = Pt{min(lo.X, q.X), min(lo.Y, q.Y)}, Pt{max(hi.X, q.X), max(hi.Y, q.Y)}
	}
	b.Rect, b.Text = Rect{lo.X, lo.Y, hi.X - lo.X, hi.Y - lo.Y}, text
	*p.boxes = append(*p.boxes, b)
}

// Plain writes text as it is: nothing in it is an index or a variable.
func (p *Page) Plain(at Pt, s string, f Font, c color.NRGBA) {
	p.note([]run{{s: s, font: f}}, at, f.width(s), f, 0, 0, 0)
	p.b.text(p.dx+at.X, p.dy+at.Y, 0, s, f, c)
}

// Length is how long text comes out as it is, in points.
func (f Font) Length(s string) float64 { return f.width(s) }

// Space is the length of a blank.
func (f Font) Space() float64 { return f.width(" ") }
