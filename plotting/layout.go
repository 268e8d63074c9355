package plotting

import (
	"strings"

	"odslab/plotting/internal/ink"
)

// layout arranges panels in rows and columns whose frames line up, with a legend above and a colour bar on the right.
type layout struct {
	panels  [][]*panel // rows from the top; nil leaves a place empty
	gap     float64    // between frames beyond what numbers need, in label sizes
	aspect  float64    // of panels that have none of their own; 0 means .62
	widths  []float64  // of columns, relative; nil means equal
	heights []float64  // of rows, relative to the widest; only where panels have no aspect
	legend  []entry
	corner  bool // the legend stands in the empty upper right corner
	bar     *colourBar
	most    float64 // width of a panel in millimetres at text size 1, for loose presets
	notes   []string
}

// sheet is a figure that has been laid out.
type sheet struct {
	w, h float64
	base float64 // height of the lowest frame's lower edge
	draw func(p *ink.Page)
}

func (l *layout) sheet(s *style, width float64, letters bool) *sheet {
	rows, cols := len(l.panels), len(l.panels[0])
	weights := l.widths
	if weights == nil {
		weights = make([]float64, cols)
		for i := range weights {
			weights[i] = 1
		}
	}
	total := 0.
	for _, w := range weights {
		total += w
	}
	gap := l.gap * s.label.Size
	margin := .15 * s.label.Size
	barWidth := 0.
	if l.bar != nil {
		barWidth = l.bar.width(s)
	}
	// The room for numbers depends on how many there are, which depends on the panels' size: twice is enough.
	unit := width * .85 / total
	var lefts, rights []float64
	size := func(i, j int) (w, h float64) {
		w = unit * weights[j]
		a := l.panels[i][j].aspect
		if a == 0 {
			a = l.aspect
		}
		if a == 0 {
			a = .62
		}
		h = w * a
		if l.heights != nil {
			h = unit * weights[j] * a * l.heights[i]
		}
		return w, h
	}
	for range 2 {
		lefts, rights = make([]float64, cols), make([]float64, cols)
		for i := range rows {
			for j, p := range l.panels[i] {
				if p != nil {
					w, h := size(i, j)
					lefts[j], rights[j] = max(lefts[j], p.left(s, h)), max(rights[j], p.right(s, w))
				}
			}
		}
		room := width - 2*margin - barWidth - float64(cols-1)*gap
		for j := range cols {
			room -= lefts[j]
			if j == cols-1 {
				room -= rights[j]
			} else {
				room -= max(0, rights[j]-gap/2)
			}
		}
		unit = room / total
		if s.loose && l.most > 0 {
			unit = min(unit, l.most*mm*s.k)
		}
	}
	x, xs := margin, make([]float64, cols)
	for j := range cols {
		x += lefts[j]
		xs[j] = x
		x += unit * weights[j]
		if j < cols-1 {
			x += gap + max(0, rights[j]-gap/2)
		} else {
			x += rights[j]
		}
	}
	used := x + barWidth + margin
	if !s.loose {
		used = width
	}
	// Rows, from the top.
	tops, heights, y := make([]float64, rows), make([]float64, rows), 0.
	legend, corner, legendHeight := l.legend, l.corner && s.legend == LegendAuto, 0.
	if s.legend == LegendOff {
		legend = nil
	}
	if corner { // over the panels of the first row that are not there, if it fits
		tall, row := float64(len(legend))*legendLine*s.label.Size, unit*weights[0]
		first := 1 + int(tall/row) // the first column beside which as many rows as the legend needs are empty
		corner = first < cols
		for _, e := range legend {
			corner = corner && e.width(s) <= used-margin-xs[min(first, cols-1)]
		}
	}
	if len(legend) > 0 && !corner {
		legendHeight = legendRows(s, legend, used-margin-xs[0])
		if s.legend != LegendBelow {
			y += legendHeight + .5*s.label.Size
		}
	}
	for i := range rows {
		top, bottom := 0., 0.
		for j, p := range l.panels[i] {
			if p == nil {
				continue
			}
			_, h := size(i, j)
			t := p.top(s)
			if letters {
				t = max(t, 1.35*s.letter.Size)
			}
			top, heights[i], bottom = max(top, t), max(heights[i], h), max(bottom, p.bottom(s))
		}
		if i > 0 {
			top = max(top, gap)
		}
		y += top
		tops[i] = y
		y += heights[i] + bottom
	}
	if s.legend == LegendBelow && legendHeight > 0 {
		y += legendHeight + .5*s.label.Size
	}
	foot := y
	var notes []string
	if len(l.notes) > 0 {
		notes = wrap(strings.Join(l.notes, ". ")+".", s.small, used-margin-xs[0])
		y += .3 * s.small.Size
	}
	for range notes {
		y += 1.4 * s.small.Size
	}
	height := y + margin
	return &sheet{used, height, height - tops[rows-1] - heights[rows-1], func(page *ink.Page) {
		n, count := 0, 0
		for _, row := range l.panels {
			for _, p := range row {
				if p != nil {
					count++
				}
			}
		}
		for i := range rows {
			for j, p := range l.panels[i] {
				if p == nil {
					continue
				}
				w, _ := size(i, j)
				r := ink.Rect{X: xs[j], Y: height - tops[i] - heights[i], W: w, H: heights[i]}
				p.draw(page, s, r, manyDots/count)
				if letters {
					at := ink.Pt{X: r.X - lefts[j], Y: r.Top() + .45*s.letter.Size}
					page.Text(at, string(rune('a'+n)), s.letter, s.ink, 0, 0, 0)
				}
				n++
			}
		}
		switch {
		case corner:
			drawLegend(page, s, legend, ink.Rect{X: xs[1], Y: 0, W: used - margin - xs[1], H: height - tops[0]}, true)
		case len(legend) > 0 && s.legend == LegendBelow:
			drawLegend(page, s, legend, ink.Rect{X: xs[0], Y: 0, W: used - margin - xs[0], H: height - foot + legendHeight}, false)
		case len(legend) > 0:
			drawLegend(page, s, legend, ink.Rect{X: xs[0], Y: 0, W: used - margin - xs[0], H: height - margin}, false)
		}
		if l.bar != nil {
			h := height - tops[0] - (height - tops[rows-1] - heights[rows-1])
			l.bar.draw(page, s, ink.Rect{X: x + l.bar.gap(s), Y: height - tops[rows-1] - heights[rows-1], W: l.bar.thick(s), H: h})
		}
		for i, note := range notes {
			page.Text(ink.Pt{X: xs[0], Y: margin + 1.4*s.small.Size*float64(len(notes)-1-i) + .2*s.small.Size}, note, s.small, s.axis, 0, 0, 0)
		}
	}}
}

// wrap breaks a text into lines that fit a width.
func wrap(text string, f ink.Font, width float64) (lines []string) {
	line := ""
	for _, word := range strings.Split(text, " ") {
		longer := strings.TrimSpace(line + " " + word)
		if line != "" && ink.Width(longer, f) > width {
			lines = append(lines, line)
			longer = word
		}
		line = longer
	}
	lines = append(lines, line)
	for i, l := range lines {
		for r := []rune(l); len(r) > 1 && ink.Width(string(r), f) > width; r = r[:len(r)-1] { // one word, too long for a line
			lines[i] = string(r[:len(r)-2]) + "…"
		}
	}
	return lines
}
