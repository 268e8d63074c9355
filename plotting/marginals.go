package plotting

import (
	"fmt"
	"math"
	"slices"

	"odslab/plotting/internal/density"
	"odslab/plotting/internal/ink"
)

const marginalOptions = "Names Variables Columns"

// Marginals draws the density of each variable for one or more sets of samples, with the shortest regions that hold 50 %
// (thick) and 90 % (thin) of the mass below each curve: several bars where there are several modes. Heights within a
// panel are true to each other.
func Marginals(args ...any) *Figure {
	series, c, err := collect(args, marginalOptions)
	if err != nil {
		return failed("Marginals", err)
	}
	vars, names, notes, err := variables(series, &c)
	if err != nil {
		return failed("Marginals", err)
	}
	curves := make([][]density.Curve, len(series))
	for k, s := range series {
		if s.many() {
			for _, v := range vars {
				curves[k] = append(curves[k], curveIn(s, v))
			}
		}
	}
	order := drawOrder(series)
	cols := c.columns
	if cols == 0 {
		cols = min(len(vars), 4)
		if len(vars) == 5 || len(vars) == 6 {
			cols = 3
		}
	}
	what := fmt.Sprintf("marginals of %s over %d variables", seriesNames(series), len(vars))
	return newFigure(what, func(s *style, width float64, letters bool) *sheet {
		l := &layout{gap: 1.4, aspect: .62, most: 62, notes: notes}
		for i := 0; i < len(vars); i += cols {
			row := make([]*panel, cols)
			for j := range min(cols, len(vars)-i) {
				n := i + j
				curve := func(k int) density.Curve { return curves[k][n] }
				p := &panel{x: newAxis(limits(series, vars[n], curve), names[n])}
				p.x.edge = .04
				marginal(p, series, order, curve, vars[n])
				regions(p, series, curve)
				row[j] = p
			}
			l.panels = append(l.panels, row)
		}
		for k, q := range series {
			if q.role == sampler {
				l.legend = append(l.legend, seriesEntry(series, k, q.name))
			}
		}
		for k, q := range series {
			switch {
			case q.role == prior:
				l.legend = append(l.legend, lineEntry(q.name, func(s *style) ink.Pen { return s.pen(s.prior, 1) }))
			case q.role == truth:
				l.legend = append(l.legend, seriesEntry(series, k, q.name))
			}
		}
		if posteriors(series) > 0 {
			l.legend = append(l.legend, noteEntry("Bars hold 50 and 90 % of the mass"))
		}
		return l.sheet(s, width, letters)
	})
}

// regions draws highest-density regions as bars under the curves.
func regions(p *panel, series []Series, curve func(k int) density.Curve) {
	n := posteriors(series)
	if n == 0 || n > 4 {
		return
	}
	const step = .07
	p.y.min = -p.y.max * (step*float64(n) + .03)
	p.add(func(v *view) {
		row := 0
		for k, s := range series {
			if s.role != sampler {
				continue
			}
			row++
			y := -v.y.max * step * (float64(row) - .35)
			for i, mass := range []float64{.9, .5} {
				for _, r := range highestDensity(curve(k), mass) {
					pen := v.s.pen(colourOf(v.s, series, k), []float64{.9, 2.6}[i])
					v.line(pen, r[:], []float64{y, y})
				}
			}
		}
	})
}

// highestDensity are the intervals on which a density is above the level that encloses the given mass.
func highestDensity(c density.Curve, mass float64) (out [][2]float64) {
	y := slices.Clone(c.Y)
	slices.Sort(y)
	total, cum, level := 0., 0., 0.
	for _, v := range y {
		total += v
	}
	for i := len(y) - 1; i >= 0; i-- {
		if cum += y[i]; cum >= mass*total {
			level = y[i]
			break
		}
	}
	half := (c.X[1] - c.X[0]) / 2
	for i := 0; i < len(c.Y); i++ {
		if c.Y[i] < level || math.IsNaN(c.Y[i]) {
			continue
		}
		j := i
		for j+1 < len(c.Y) && c.Y[j+1] >= level {
			j++
		}
		if j-i >= 2 || len(out) == 0 { // less is noise at a level's edge
			out = append(out, [2]float64{c.X[i] - half, c.X[j] + half})
		}
		i = j
	}
	return out
}

// marginal draws the density curves of one variable, true to each other in height.
func marginal(p *panel, series []Series, order []int, curve func(k int) density.Curve, variable int) {
	top := 0.
	for _, k := range order {
		if series[k].many() {
			c := curve(k)
			for i, x := range c.X {
				if f := p.x.to(x); f >= 0 && f <= 1 {
					top = max(top, c.Y[i])
				}
			}
		}
	}
	p.y = axis{scale: scale{min: 0, max: 1.06 * top}, off: true}
	p.add(func(v *view) {
		for _, k := range order {
			s, c := series[k], colourOf(v.s, series, k)
			if s.point != nil {
				v.vertical(v.s.dashed(c, .8), s.point[variable])
				continue
			}
			d := curve(k)
			x := append(append([]float64{d.X[0]}, d.X...), d.X[len(d.X)-1])
			y := append(append([]float64{0}, d.Y...), 0)
			switch s.role {
			case prior:
				v.line(v.s.pen(c, 1), d.X, d.Y)
			case truth:
				v.line(v.s.dashed(c, 1), d.X, d.Y)
			default:
				v.band(fade(c, .15), x, make([]float64, len(x)), y)
				v.line(v.s.pen(c, 1.1), d.X, d.Y)
			}
		}
	})
}
