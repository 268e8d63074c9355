package plotting

import (
	"errors"
	"fmt"
	"image/color"
	"math"
	"strings"

	"odslab/plotting/internal/ink"
)

const heatMapOptions = "Cividis XLabel"

// HeatMap draws a table of methods with its numbers in the cells, coloured column by column from the smallest (light: good)
// to the largest, on a logarithm where a column spans more than a factor of 30. Floors are rows of their own below a dashed
// line; they colour like the rest.
func HeatMap(t *Table, options ...Option) *Figure {
	c := newSettings()
	for _, o := range options {
		if err := c.apply(o, heatMapOptions); err != nil {
			return failed("HeatMap", err)
		}
	}
	if t == nil {
		return failed("HeatMap", errors.New("the table is nil"))
	}
	if err := t.Err(); err != nil {
		return failed("HeatMap", err)
	}
	n, m := len(t.Rows), len(t.Columns)
	share := make([][]float64, n) // of each column's range; NaN for none
	for i := range share {
		share[i] = make([]float64, m)
	}
	for j := range m {
		lo, hi := math.Inf(1), math.Inf(-1)
		for _, r := range t.Rows {
			if v := r.Values[j]; !math.IsNaN(v) && !math.IsInf(v, 0) {
				lo, hi = min(lo, v), max(hi, v)
			}
		}
		sc := scale{min: lo, max: hi, log: lo > 0 && hi > 30*lo}
		for i, r := range t.Rows {
			share[i][j] = sc.to(r.Values[j])
			if hi == lo {
				share[i][j] = 0
			}
			if math.IsInf(r.Values[j], 0) {
				share[i][j] = math.NaN()
			}
		}
	}
	m1 := c.magnitudes()
	what := fmt.Sprintf("table of %s by %s", plural(n, "method"), plural(m, "column"))
	f := newFigure(what, func(s *style, width float64, letters bool) *sheet {
		margin, line, gap := .3*s.label.Size, 2*s.label.Size, 1.2*s.k
		left := 0.
		for _, r := range t.Rows {
			left = max(left, ink.Width(r.Name, s.label))
		}
		left = margin + min(left, width/3) + .8*s.label.Size
		cell := (width-left-margin)/float64(m) - gap
		if s.loose {
			most := 0.
			for i := range t.Rows {
				for j := range m {
					most = max(most, ink.Width(t.Rows[i].cell(j), s.label))
				}
			}
			for _, name := range t.Columns {
				most = max(most, ink.Width(name, s.label))
			}
			cell = min(cell, most+2*s.label.Size)
		}
		floors := 0.
		for i, r := range t.Rows {
			if r.Floor && (i == 0 || !t.Rows[i-1].Floor) {
				floors += .7 * s.label.Size
			}
		}
		head := 1.7 * s.label.Size
		w, h := left+float64(m)*(cell+gap)+margin, head+float64(n)*(line+gap)+floors+2*margin
		if !s.loose {
			w = width
		}
		return &sheet{w, h, margin, func(page *ink.Page) {
			y := h - margin - head
			for j, name := range t.Columns {
				x := left + float64(j)*(cell+gap)
				name, font := ink.Fit(name, s.label, cell)
				page.Text(ink.Pt{X: x + cell/2, Y: y + .5*s.label.Size}, name, font, s.ink, .5, 0, 0)
			}
			for i, r := range t.Rows {
				if r.Floor && (i == 0 || !t.Rows[i-1].Floor) {
					y -= .7 * s.label.Size
					page.Line(s.dashed(s.ink, .8), ink.Pt{X: margin, Y: y + .25*s.label.Size}, ink.Pt{X: w - margin, Y: y + .25*s.label.Size})
				}
				y -= line + gap
				name, font := ink.Fit(r.Name, s.label, left-margin-.8*s.label.Size)
				if r.Floor {
					font.Face = ink.Italic
				}
				page.Text(ink.Pt{X: left - .8*s.label.Size, Y: y + line/2}, name, font, s.ink, 1, .5, 0)
				for j := range m {
					box := ink.Rect{X: left + float64(j)*(cell+gap), Y: y, W: cell, H: line}
					letters := s.ink
					if v := share[i][j]; !math.IsNaN(v) {
						fill := m1.at(1 - .85*v)
						page.Box(fill, box)
						letters = color.NRGBA{255, 255, 255, 255}
						if .2126*float64(fill.R)+.7152*float64(fill.G)+.0722*float64(fill.B) > 130 {
							letters = color.NRGBA{0, 0, 0, 255}
						}
					}
					text := r.cell(j)
					if ink.Width(text, s.label) > cell-.4*s.label.Size { // the error is for wider cells
						text, _, _ = strings.Cut(text, " ±")
					}
					text, font := ink.Fit(text, s.label, cell-.4*s.label.Size)
					page.Text(ink.Pt{X: box.X + cell/2, Y: box.Y + line/2}, text, font, letters, .5, .5, 0)
				}
			}
		}}
	})
	f.numbers = t.String
	return f
}
