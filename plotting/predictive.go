package plotting

import (
	"errors"
	"fmt"
	"image/color"

	"odslab/plotting/internal/ink"
)

const predictiveOptions = "Levels XLabel YLabel XLimits YLimits LogX LogY"

// Predictive draws predictions of a posterior along x as ribbons: samples are [n, len(x)], one predicted curve each (a Result,
// whose weights are honoured, an Array or rows); at each x the central 50 % and 90 % of them (Levels) are filled and the
// median is a line. Marks such as Points("observed", x, y) and a Line(…).AsTruth() are drawn over them.
//
//	plotting.Predictive(t, curves, plotting.Points("observed", t, y), plotting.XLabel("t"))
func Predictive(x []float64, samples any, args ...any) *Figure {
	c := newSettings()
	var marks []Mark
	for i, a := range args {
		switch a := a.(type) {
		case Option:
			if err := c.apply(a, predictiveOptions); err != nil {
				return failed("Predictive", err)
			}
		case Mark:
			if err := a.check(); err != nil {
				return failed("Predictive", err)
			}
			marks = append(marks, a)
		default:
			return failed("Predictive", fmt.Errorf("argument %d is a %T, neither a Mark (Line, Points) nor an option", i+1, a))
		}
	}
	s := seriesOf(samples)
	switch {
	case s.err != nil:
		return failed("Predictive", s.err)
	case !s.many():
		return failed("Predictive", errors.New("there are no samples"))
	case s.dim() != len(x):
		return failed("Predictive", fmt.Errorf("each sample has %d values for %d values of x", s.dim(), len(x)))
	}
	levels := c.levels
	if levels == nil {
		levels = []float64{.5, .9}
	}
	low, high, median := make([][]float64, len(levels)), make([][]float64, len(levels)), []float64{}
	for j := range x {
		col := s.table.column(j)
		median = append(median, col.Quantile(.5))
		for m, l := range levels {
			low[m], high[m] = append(low[m], col.Quantile((1-l)/2)), append(high[m], col.Quantile((1+l)/2))
		}
	}
	last := len(levels) - 1
	all := append([]Mark{Band("", x, low[last], high[last]), Line("median", x, median)}, marks...)
	p, err := linePanel(all, &c)
	if err != nil {
		return failed("Predictive", err)
	}
	ribbon := func(s *style, m int) color.NRGBA {
		return fade(s.colour(0), .16+.22*float64(last-m)/max(1, float64(last)))
	}
	p.layers = nil
	p.add(func(v *view) {
		for m := last; m >= 0; m-- {
			v.band(ribbon(v.s, m), x, low[m], high[m])
		}
		v.line(v.s.pen(v.s.colour(0), 1.2), x, median)
		for i, m := range marks {
			col := markColour(v.s, all, i+2)
			if m.role == sampler && m.kind == pointMark { // what was observed is given, not drawn from the posterior
				col = v.s.ink
			}
			drawMark(v, m, col, max(0, markNumber(all, i+2)))
		}
	})
	f := newFigure(fmt.Sprintf("posterior predictions at %d places from %s", len(x), ofSamples(s.samples.Len(), s.samples.Len())), func(s *style, width float64, letters bool) *sheet {
		l := &layout{panels: [][]*panel{{p}}, aspect: .62, most: 85, notes: leftOut(marks, &c)}
		for m, share := range levels {
			name := percent([]float64{share})
			if m == last {
				name += " of the predictions"
			}
			l.legend = append(l.legend, boxEntry(name, func(s *style) color.NRGBA {
				col := s.colour(0)
				return fade(col, min(1, .16+.3*float64(last-m)/max(1, float64(last))))
			}))
		}
		l.legend = append(l.legend, lineEntry("median", func(s *style) ink.Pen { return s.pen(s.colour(0), 1.2) }))
		for i, e := range markLegend(append([]Mark{{}, {}}, marks...)) {
			if m := marks[i]; m.role == sampler && m.kind == pointMark {
				e = dotEntry(m.name, func(s *style) color.NRGBA { return s.ink })
			}
			l.legend = append(l.legend, e)
		}
		return l.sheet(s, width, letters)
	})
	return f
}
