package plotting

import (
	"errors"

	"odslab/plotting/internal/ink"
)

// Beside puts figures side by side in one, each with an equal share of the width.
func Beside(figures ...*Figure) *Figure { return grid("Beside", len(figures), figures) }

// Grid puts figures into rows of so many columns, each with an equal share of the width; Letters marks them a, b, c… row by
// row.
//
//	plotting.Grid(2, f, g, h).Letters().Size(plotting.TwoColumn).Save("figures/1")
func Grid(columns int, figures ...*Figure) *Figure { return grid("Grid", columns, figures) }

func grid(name string, columns int, figures []*Figure) *Figure {
	if len(figures) == 0 {
		return failed(name, errors.New("there are no figures"))
	}
	if columns < 1 {
		return failed(name, errors.New("a grid has one column or more"))
	}
	what := ""
	var rows [][]*Figure
	for i, f := range figures {
		switch {
		case f == nil:
			return failed(name, errors.New("a figure is nil"))
		case f.err != nil:
			return &Figure{err: f.err, preset: Notebook}
		case f.pages != nil:
			return failed(name, errors.New("a figure of an earlier cell cannot be laid out anew"))
		}
		if i > 0 {
			what += "; "
		}
		what += f.what
		if i%columns == 0 {
			rows = append(rows, nil)
		}
		rows[len(rows)-1] = append(rows[len(rows)-1], f)
	}
	f := newFigure(what, func(s *style, width float64, letters bool) *sheet { return composed(rows, s, width, letters) })
	f.numbers = func() string {
		out := ""
		for _, g := range figures {
			if g.numbers != nil {
				if out != "" {
					out += "\n"
				}
				out += g.numbers()
			}
		}
		return out
	}
	return f
}

// composed lays figures out in rows, whose shares of the width are those of the first.
func composed(rows [][]*Figure, s *style, width float64, letters bool) *sheet {
	gap := 1.5 * s.label.Size
	columns := float64(len(rows[0]))
	share := (width - gap*(columns-1)) / columns
	type placed struct {
		*sheet
		x, y float64 // of its lower left corner, from the page's upper left
	}
	var all []placed
	w, h := 0., 0.
	for r, row := range rows {
		var sheets []*sheet
		above, below := 0., 0.
		for _, f := range row {
			mine := *s
			if f.legend != LegendAuto {
				mine.legend = f.legend
			}
			if f.colours != nil {
				mine.given = f.colours
			}
			sh := titled(f.compose(&mine, share, false), s, f.title)
			sheets = append(sheets, sh)
			above, below = max(above, sh.h-sh.base), max(below, sh.base)
		}
		if r > 0 {
			h += gap
		}
		if letters {
			h += 1.3 * s.letter.Size
		}
		x := 0.
		for i, sh := range sheets { // frames stand on one line
			if i > 0 {
				x += gap
			}
			all = append(all, placed{sh, x, h + above + sh.base})
			if s.loose && len(rows) == 1 {
				x += sh.w
			} else {
				x += share
			}
			w = max(w, x)
		}
		h += above + below
	}
	last := all[len(all)-1]
	return &sheet{w, h, h - last.y + last.base, func(p *ink.Page) {
		for i, a := range all {
			a.draw(p.At(a.x, h-a.y))
			if letters {
				p.Text(ink.Pt{X: a.x + .3*s.label.Size, Y: h - a.y + a.h + .3*s.letter.Size}, string(rune('a'+i)), s.letter, s.ink, 0, 0, 0)
			}
		}
	}}
}
