package plotting

import (
	"fmt"
	"slices"

	"odslab/plotting/internal/density"
	"odslab/plotting/internal/ink"
)

const intervalOptions = "Names Variables Levels Limits Log XLabel XLimits"

// Intervals draws a row for each variable (a forest plot): the shortest regions that hold 50 % (thick) and 94 % (thin) of
// each set of samples (Levels), in several bars where there are several modes, and a tick at the median. All variables are
// on one axis; a true value or a reference is a short line across its row. Few samples, and variables with few values, are
// dots.
func Intervals(args ...any) *Figure {
	series, c, err := collect(args, intervalOptions)
	if err != nil {
		return failed("Intervals", err)
	}
	q, err := choose(series, &c, 40)
	if err != nil {
		return failed("Intervals", err)
	}
	levels := c.levels
	if levels == nil {
		levels = []float64{.5, .94}
	}
	var at []float64
	power := false
	for i, sc := range q.scales {
		at = append(at, sc.min, sc.max)
		power = power || sc.power
		if sc.power != q.scales[0].power {
			return failed("Intervals", fmt.Errorf("one axis cannot be logarithmic for %s and not for %s", q.names[0], q.names[i]))
		}
	}
	sc := around(0, false, at...)
	if c.x != nil {
		sc = scale{min: c.x[0], max: c.x[1]}
	}
	sc.power = power
	drawn := slices.DeleteFunc(drawOrder(q.series), func(k int) bool { return !q.series[k].many() })
	type row struct {
		bars   [][][2]float64
		median float64
		dots   []float64
	}
	rows := map[[2]int]row{}
	for _, k := range drawn {
		for i := range q.index {
			col := q.series[k].table.column(q.index[i])
			r := row{median: col.Quantile(.5)}
			if curve := q.curve(k, i); col.Kind == density.Smooth && curve.X != nil {
				for _, l := range curve.Levels(levels...) {
					r.bars = append(r.bars, curve.Above(l))
				}
			} else {
				for n, x := range col.X {
					if col.W[n] > 0 && !slices.Contains(r.dots, x) {
						r.dots = append(r.dots, x)
					}
				}
			}
			rows[[2]int{k, i}] = r
		}
	}
	n := float64(len(q.index))
	p := &panel{x: newAxis(sc, c.xLabel), y: newAxis(scale{min: n - .45, max: -.55}, "")}
	p.y.names = q.names
	share := .8 / float64(len(drawn))
	p.add(func(v *view) {
		for i := range q.index {
			if i > 0 && len(drawn) > 1 {
				v.line(v.s.pen(fade(v.s.axis, .25), .4), []float64{sc.min, sc.max}, []float64{float64(i) - .5, float64(i) - .5})
			}
			for place, k := range drawn {
				r, col := rows[[2]int{k, i}], colourOf(v.s, q.series, k)
				y := float64(i) - .4 + share*(float64(place)+.5)
				for m := len(r.bars) - 1; m >= 0; m-- {
					width := .9
					if m == 0 && len(r.bars) > 1 {
						width = 3
					}
					for _, b := range r.bars[m] {
						v.line(v.s.pen(col, width), b[:], []float64{y, y})
					}
				}
				for _, x := range r.dots {
					if p := v.at(x, y); v.box.Holds(p) {
						marker(v.page, fade(col, .8), p, 1.3*lineScale(v.s.k), 0)
					}
				}
				if p := v.at(r.median, y); r.bars != nil && v.box.Holds(p) {
					marker(v.page, col, p, 1.9*lineScale(v.s.k), 0)
					if v.s.paper.A > 0 {
						marker(v.page, v.s.paper, p, 1.1*lineScale(v.s.k), 0)
					}
				}
			}
			for k, s := range q.series {
				if s.point != nil {
					x := s.point[q.index[i]]
					v.line(penOf(v.s, q.series, k, 1), []float64{x, x}, []float64{float64(i) - .45, float64(i) + .45})
				}
			}
		}
	})
	f := newFigure(fmt.Sprintf("intervals of %s over %s", seriesNames(series), plural(len(q.index), "variable")), func(s *style, width float64, letters bool) *sheet {
		each := max(1.9, 1.15*float64(len(drawn)))
		l := &layout{panels: [][]*panel{{p}}, aspect: (n*each + .4) * s.label.Size / (min(width, 130*mm*s.k) * .8), most: 100, notes: q.notes}
		if len(q.series) > 1 {
			l.legend = seriesEntries(q.series)
		}
		l.legend = append(l.legend, entry{percent(levels) + " of the mass, median", func(page *ink.Page, s *style, r ink.Rect) {
			y := r.Y + r.H/2
			page.Line(s.pen(s.axis, .9), ink.Pt{X: r.X, Y: y}, ink.Pt{X: r.Right(), Y: y})
			if len(levels) > 1 {
				page.Line(s.pen(s.axis, 3), ink.Pt{X: r.X + .25*r.W, Y: y}, ink.Pt{X: r.X + .75*r.W, Y: y})
			}
			marker(page, s.axis, ink.Pt{X: r.X + r.W/2, Y: y}, 1.9*lineScale(s.k), 0)
		}})
		return l.sheet(s, width, letters)
	})
	f.numbers = q.numbers
	return f
}
