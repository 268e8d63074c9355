package plotting

import (
	"errors"
	"fmt"
	"html"
	"strings"

	"odslab/plotting/internal/ink"
)

// Span is a stretch of text that was given or, if Filled, drawn from the posterior.
type Span struct {
	Text   string
	Filled bool
}

// Infilling is one draw of a text.
type Infilling struct {
	Name  string // "sample 1"; may be empty
	Spans []Span
}

// Infilled shows draws of a text's hidden parts, a paragraph each, with what was filled in highlighted. In a notebook it is
// text (HTML) that can be read and copied; saved it is a picture.
func Infilled(draws ...Infilling) *Figure {
	if len(draws) == 0 {
		return failed("Infilled", errors.New("nothing to show: give it an Infilling"))
	}
	filled := 0
	for i, d := range draws {
		if len(d.Spans) == 0 {
			return failed("Infilled", fmt.Errorf("draw %d has no text", i+1))
		}
		for _, s := range d.Spans {
			if s.Filled {
				filled++
			}
		}
	}
	f := newFigure(fmt.Sprintf("%s of a text with %s", plural(len(draws), "draw"), plural(filled, "filled span")), func(s *style, width float64, letters bool) *sheet {
		return infilledSheet(draws, s, width)
	})
	f.numbers = func() string {
		var b strings.Builder
		for i, d := range draws {
			if i > 0 {
				b.WriteByte('\n')
			}
			if d.Name != "" {
				b.WriteString(d.Name + ": ")
			}
			for _, s := range d.Spans {
				if s.Filled {
					b.WriteString("[" + s.Text + "]")
				} else {
					b.WriteString(s.Text)
				}
			}
		}
		return b.String()
	}
	f.html = func() string {
		var b strings.Builder
		for _, d := range draws {
			b.WriteString(`<p style="margin:.4em 0;max-width:46em;white-space:pre-wrap">`)
			if d.Name != "" {
				b.WriteString("<b>" + html.EscapeString(d.Name) + "</b>  ")
			}
			for _, s := range d.Spans {
				text := html.EscapeString(s.Text)
				if s.Filled {
					text = `<mark style="background:rgba(0,114,178,.25);color:inherit;border-bottom:2px solid #0072b2">` + text + "</mark>"
				}
				b.WriteString(text)
			}
			b.WriteString("</p>")
		}
		return b.String()
	}
	return f
}

// piece is a word in its place.
type piece struct {
	text   string
	x, y   float64 // y counts lines from the top
	w      float64
	filled bool
}

func infilledSheet(draws []Infilling, s *style, width float64) *sheet {
	margin, line := .3*s.label.Size, 1.6*s.label.Size
	left := margin
	for _, d := range draws {
		if d.Name != "" {
			left = max(left, margin+min(ink.Width(d.Name, s.label), width/4)+.8*s.label.Size)
		}
	}
	room := min(width-margin-left, 75*s.label.Size)
	space := s.label.Space()
	var pieces []piece
	starts, at := make([]float64, len(draws)), 0.
	for i, d := range draws {
		starts[i] = at
		x := 0.
		for _, span := range d.Spans {
			for k, paragraph := range strings.Split(span.Text, "\n") {
				if k > 0 {
					x, at = 0, at+1
				}
				for n, word := range strings.Split(paragraph, " ") {
					if n > 0 {
						if m := len(pieces) - 1; span.Filled && m >= 0 && pieces[m].filled && pieces[m].y == at && x > 0 {
							pieces[m].w += space // one bar under neighbouring words
						}
						x += space
					}
					if word == "" {
						continue
					}
					for first := true; word != ""; first = false {
						part, w := word, s.label.Length(word)
						if x > 0 && x+w > room && first {
							x, at = 0, at+1
						}
						for r := []rune(part); w > room && len(r) > 1; {
							r = r[:len(r)-1]
							part, w = string(r), s.label.Length(string(r))
						}
						pieces = append(pieces, piece{part, x, at, w, span.Filled})
						x += w
						if word = word[len(part):]; word != "" {
							x, at = 0, at+1
						}
					}
				}
			}
		}
		at += 1.45
	}
	h := at*line + 2*margin - .45*line
	w := width
	if s.loose {
		w = left + room + margin
	}
	return &sheet{w, h, margin, func(page *ink.Page) {
		base := func(y float64) float64 { return h - margin - y*line - 1.05*s.label.Size }
		for i, d := range draws {
			name, font := ink.Fit(d.Name, ink.Font{Face: ink.Bold, Size: s.label.Size}, left-margin)
			page.Text(ink.Pt{X: margin, Y: base(starts[i])}, name, font, s.ink, 0, 0, 0)
		}
		for _, p := range pieces {
			if p.filled {
				page.Box(fade(s.colour(0), .22), ink.Rect{X: left + p.x, Y: base(p.y) - .32*s.label.Size, W: p.w, H: 1.3 * s.label.Size})
				page.Box(s.colour(0), ink.Rect{X: left + p.x, Y: base(p.y) - .4*s.label.Size, W: p.w, H: .09 * s.label.Size})
			}
		}
		for _, p := range pieces {
			page.Plain(ink.Pt{X: left + p.x, Y: base(p.y)}, p.text, s.label, s.ink)
		}
	}}
}
