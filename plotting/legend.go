package plotting

import (
	"image/color"

	"odslab/plotting/internal/ink"
)

// entry is a line of the legend.
type entry struct {
	name   string
	swatch func(page *ink.Page, s *style, r ink.Rect)
}

func lineEntry(name string, pen func(s *style) ink.Pen) entry {
	return entry{name, func(page *ink.Page, s *style, r ink.Rect) {
		page.Line(pen(s), ink.Pt{X: r.X, Y: r.Y + r.H/2}, ink.Pt{X: r.Right(), Y: r.Y + r.H/2})
	}}
}

func boxEntry(name string, fill func(s *style) color.NRGBA) entry {
	return entry{name, func(page *ink.Page, s *style, r ink.Rect) { page.Box(fill(s), r) }}
}

func dotEntry(name string, fill func(s *style) color.NRGBA) entry {
	return entry{name, func(page *ink.Page, s *style, r ink.Rect) {
		page.Disc(fill(s), ink.Pt{X: r.X + r.W/2, Y: r.Y + r.H/2}, 1.2*lineScale(s.k))
	}}
}

// noteEntry is text alone.
func noteEntry(text string) entry { return entry{name: text} }

func (e entry) width(s *style) float64 {
	w := ink.Width(e.name, s.label)
	if e.swatch != nil {
		w += 2.6 * s.label.Size
	}
	return w
}

const legendLine = 1.45 // height of a line in label sizes

// legendRows is the height of a legend that runs across a width.
func legendRows(s *style, es []entry, width float64) float64 {
	n, x := 1, 0.
	for _, e := range es {
		if w := e.width(s); x > 0 && x+w > width {
			n, x = n+1, w
		} else {
			x += w
		}
		x += 1.6 * s.label.Size
	}
	return float64(n) * legendLine * s.label.Size
}

// drawLegend sets the entries from the upper left corner of a rectangle: side by side, or one below the other and to the
// right.
func drawLegend(page *ink.Page, s *style, es []entry, r ink.Rect, column bool) {
	size := s.label.Size
	x, y := r.X, r.Top()-size
	if column {
		wide := 0.
		for _, e := range es {
			wide = max(wide, e.width(s))
		}
		x = max(r.X, r.Right()-wide-.1) // a hair of room for rounding
	}
	start := x
	for i, e := range es {
		w := e.width(s)
		if i > 0 && (column || x > start && x+w > r.Right()+1) {
			x, y = start, y-legendLine*size
		}
		at := x
		if e.swatch != nil {
			e.swatch(page, s, ink.Rect{X: x, Y: y - .02*size, W: 2 * size, H: .74 * size})
			at += 2.6 * size
		}
		name, font := ink.Fit(e.name, s.label, r.Right()-at)
		page.Text(ink.Pt{X: at, Y: y}, name, font, s.ink, 0, 0, 0)
		x += w + 1.6*size
	}
}
