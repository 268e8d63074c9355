package plotting

import (
	"fmt"
	"image/color"
	"slices"

	"odslab/plotting/internal/density"
	"odslab/plotting/internal/ink"
)

const marginalOptions = "Names Variables Columns Limits Log Levels Summary"

// Marginals draws the density of each variable for one or more sets of samples, with the shortest regions that hold 50 %
// (thick) and 90 % (thin) of the mass below each curve (Levels): several bars where there are several modes. Heights within
// a panel are true to each other. Variables with a handful of values are bars, few samples are ticks.
func Marginals(args ...any) *Figure {
	series, c, err := collect(args, marginalOptions)
	if err != nil {
		return failed("Marginals", err)
	}
	q, err := choose(series, &c, 24)
	if err != nil {
		return failed("Marginals", err)
	}
	levels := c.levels
	if levels == nil {
		levels = []float64{.5, .9}
	}
	order := drawOrder(q.series)
	cols := c.columns
	if cols == 0 {
		cols = min(len(q.index), 4)
		if len(q.index) == 5 || len(q.index) == 6 {
			cols = 3
		}
	}
	what := fmt.Sprintf("marginals of %s over %s", seriesNames(series), plural(len(q.index), "variable"))
	f := newFigure(what, func(s *style, width float64, letters bool) *sheet {
		l := &layout{gap: 1.4, aspect: .62, most: 62, notes: q.notes, legend: seriesEntries(q.series)}
		barred := false
		for i := 0; i < len(q.index); i += cols {
			row := make([]*panel, cols)
			for j := range min(cols, len(q.index)-i) {
				n := i + j
				p := &panel{x: newAxis(q.scales[n], q.names[n])}
				p.x.edge = .04
				q.marginal(p, n, order)
				barred = q.regions(p, n, levels) || barred
				if c.summary != "" {
					p.title = q.summaryOf(n, c.summary)
				}
				row[j] = p
			}
			l.panels = append(l.panels, row)
		}
		if barred {
			l.legend = append(l.legend, noteEntry("Bars hold "+percent(levels)+" of the mass"))
		}
		return l.sheet(s, width, letters)
	})
	f.numbers = q.numbers
	return f
}

// curve is the density of one variable of one series: summed up where the joint one is known, else estimated.
func (q *chosen) curve(k, variable int) density.Curve {
	s, i := q.series[k], q.index[variable]
	if g := knownGrid(s); g != nil {
		return g.Marginal(i)
	}
	if c := s.table.column(i); c.Kind == density.Smooth {
		return c.Curve()
	}
	return density.Curve{}
}

// regions draws highest-density regions as bars under the curves, the last level thin; false where there are none.
func (q *chosen) regions(p *panel, variable int, levels []float64) bool {
	n := posteriors(q.series)
	if n == 0 || n > 4 {
		return false
	}
	bars := make([][][][2]float64, len(q.series))
	some := false
	for k, s := range q.series {
		if s.role != sampler {
			continue
		}
		if c := q.curve(k, variable); c.X != nil {
			for _, level := range c.Levels(levels...) {
				bars[k] = append(bars[k], c.Above(level))
			}
			some = true
		}
	}
	if !some {
		return false
	}
	const step = .07
	p.y.min = -p.y.max * (step*float64(n) + .03)
	p.add(func(v *view) {
		for k, s := range q.series {
			if s.role != sampler {
				continue
			}
			y := -v.y.max * step * (float64(nth(q.series, k)+1) - .35)
			for m := len(bars[k]) - 1; m >= 0; m-- {
				pen := v.s.pen(colourOf(v.s, q.series, k), []float64{2.6, .9, .9}[min(m, 2)])
				if len(bars[k]) == 1 {
					pen.Width *= .5
				}
				for _, r := range bars[k][m] {
					v.line(pen, r[:], []float64{y, y})
				}
			}
		}
	})
	return true
}

// marginal draws the densities of one variable, true to each other in height: curves, bars of equal area where values are
// few, and ticks where samples are.
func (q *chosen) marginal(p *panel, variable int, order []int) {
	const bins = 40
	i := q.index[variable]
	top := 0.
	curves, bars := make([]density.Curve, len(q.series)), make([][]bar, len(q.series))
	sticks := false
	for k, s := range q.series {
		if !s.many() {
			continue
		}
		c := s.table.column(i)
		if (c.Kind == density.Discrete || c.Kind == density.Tied) && c.Size >= fewest {
			bars[k] = barsOf(c, p.x.scale, bins)
			sticks = true
		} else {
			curves[k] = q.curve(k, variable)
		}
	}
	// Where one series is smooth and another is not, a share is as high as a density that spreads it over a bar's width.
	for k := range q.series {
		for n, x := range curves[k].X {
			if f := p.x.to(x); f >= 0 && f <= 1 {
				top = max(top, curves[k].Y[n])
			}
		}
		for _, b := range bars[k] {
			top = max(top, b.height)
		}
	}
	if top == 0 {
		top = 1
	}
	p.y = axis{scale: scale{min: 0, max: 1.06 * top}, off: true}
	many := posteriors(q.series)
	p.add(func(v *view) {
		for _, k := range order {
			s, c := q.series[k], colourOf(v.s, q.series, k)
			if s.point != nil {
				v.vertical(penOf(v.s, q.series, k, .8), s.point[i])
				continue
			}
			if bars[k] != nil {
				v.bars(c, bars[k], s.role, sticks && (many > 1 || len(q.series) > 1))
				continue
			}
			d := curves[k]
			if d.X == nil { // few samples: themselves
				col := s.table.column(i)
				for n, x := range col.X {
					if f := v.x.to(x); f >= 0 && f <= 1 && col.W[n] > 0 {
						at := v.at(x, 0)
						h := v.box.H * (.1 + .45*col.W[n]/slices.Max(col.W))
						v.page.Line(v.s.pen(fade(c, .8), .8), ink.Pt{X: at.X, Y: v.box.Y + v.box.H*v.y.to(0)}, ink.Pt{X: at.X, Y: v.box.Y + v.box.H*v.y.to(0) + h})
					}
				}
				continue
			}
			x := append(append([]float64{d.X[0]}, d.X...), d.X[len(d.X)-1])
			y := append(append([]float64{0}, d.Y...), 0)
			switch {
			case s.role == prior || s.role == truth:
				v.line(penOf(v.s, q.series, k, 1), x, y)
			default:
				if many <= 4 {
					v.band(fade(c, .15), x, make([]float64, len(x)), y)
				}
				v.line(penOf(v.s, q.series, k, 1.1), x, y)
			}
		}
	})
}

// bar is a share of the weight over an interval, as a density.
type bar struct{ from, to, height float64 }

// barsOf draws a variable that is no smooth density: a bar for each value, or the bins of a histogram that its axis shows.
func barsOf(c *density.Column, sc scale, bins int) (out []bar) {
	if c.Kind == density.Discrete {
		w := .8 * c.Pitch()
		if w == 0 || w > .5*(sc.max-sc.min) {
			w = .08 * (sc.max - sc.min)
		}
		w = max(w, .012*(sc.max-sc.min)) // to be seen
		for _, a := range c.Atoms {
			out = append(out, bar{a.At - w/2, a.At + w/2, a.Share / w})
		}
		return out
	}
	width := (sc.max - sc.min) / float64(bins)
	held := make([]float64, bins)
	for i, x := range c.X {
		if n := int((x - sc.min) / width); x >= sc.min && n < bins {
			held[n] += c.W[i]
		}
	}
	for n, h := range held {
		if h > 0 {
			from := sc.min + float64(n)*width
			out = append(out, bar{from, from + width, h / width})
		}
	}
	return out
}

// bars draws them filled, or as outlines where others are to be seen through them.
func (v *view) bars(c color.NRGBA, bars []bar, r role, open bool) {
	for _, b := range bars {
		x := []float64{b.from, b.from, b.to, b.to}
		if r == sampler {
			alpha := .35
			if open {
				alpha = .2
			}
			v.band(fade(c, alpha), []float64{b.from, b.to}, []float64{0, 0}, []float64{b.height, b.height})
		}
		pen := v.s.pen(c, .9)
		if r == truth {
			pen = v.s.dashed(c, .9)
		}
		v.line(pen, x, []float64{0, b.height, b.height, 0})
	}
}
