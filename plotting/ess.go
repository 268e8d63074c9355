package plotting

import (
	"errors"
	"fmt"
	"image/color"
	"math"

	"odslab/odslib"
	"odslab/plotting/internal/ink"
)

const essOptions = "Exact Threshold XLabel"

// ESS draws the effective share of particles and the running log Ẑ over the steps of particle samplers, with a tick on the
// axis for each resampling. Three or more results of one sampler are runs: the first is in ink and the others pale, and
// log Ẑ is their median over quartiles and range. Exact draws the true log Z, Threshold the share that triggers
// resampling.
func ESS(args ...any) *Figure {
	c := newSettings()
	c.xLabel = "step"
	var groups [][]*odslib.Result
	for i, a := range args {
		switch a := a.(type) {
		case Option:
			if err := c.apply(a, essOptions); err != nil {
				return failed("ESS", err)
			}
		case *odslib.Result:
			if a == nil || len(a.Trace) == 0 {
				name := "the result"
				if a != nil && a.Sampler != "" {
					name = a.Sampler
				}
				return failed("ESS", fmt.Errorf("%s has no trace; particle samplers leave one", name))
			}
			found := false
			for g := range groups {
				if groups[g][0].Sampler == a.Sampler {
					groups[g], found = append(groups[g], a), true
				}
			}
			if !found {
				groups = append(groups, []*odslib.Result{a})
			}
		default:
			return failed("ESS", fmt.Errorf("argument %d is a %T, neither a *odslib.Result nor an option", i+1, a))
		}
	}
	if len(groups) == 0 {
		return failed("ESS", errors.New("nothing to draw: give it the result of a particle sampler"))
	}
	upper, lower := essPanel(groups, &c), evidencePanel(groups, &c)
	what := "effective sample size and log Z of"
	for i, g := range groups {
		if i > 0 {
			what += ","
		}
		what += " " + g[0].Sampler
	}
	return newFigure(what, func(s *style, width float64, letters bool) *sheet {
		l := &layout{panels: [][]*panel{{upper}}, gap: .9, aspect: .36, most: 95}
		if lower != nil {
			upper.x.numbers = false
			l.panels = append(l.panels, []*panel{lower})
		}
		l.legend = essLegend(groups, &c)
		return l.sheet(s, width, letters)
	})
}

// steps reads one quantity off a trace.
func steps(r *odslib.Result, f func(t odslib.TraceStep) float64) (x, y []float64) {
	for _, t := range r.Trace {
		x, y = append(x, float64(t.Step)), append(y, f(t))
	}
	return x, y
}

func stepScale(groups [][]*odslib.Result) scale {
	last := 1.
	for _, g := range groups {
		for _, r := range g {
			last = max(last, float64(r.Trace[len(r.Trace)-1].Step))
		}
	}
	return scale{min: 0, max: last}
}

func essPanel(groups [][]*odslib.Result, c *settings) *panel {
	p := &panel{x: newAxis(stepScale(groups), c.xLabel), y: newAxis(scale{min: 0, max: 1.02}, "ESS / N")}
	p.y.most = 3
	p.add(func(v *view) {
		for k, g := range groups {
			for i := len(g) - 1; i >= 0; i-- {
				pen := v.s.line(groupColour(v.s, groups, k), 1.2, k)
				if i > 0 && len(g) > 2 {
					pen = v.s.pen(fade(groupColour(v.s, groups, k), .3), .6)
				}
				x, y := steps(g[i], func(t odslib.TraceStep) float64 { return t.ESS })
				v.line(pen, x, y)
			}
		}
		if !math.IsNaN(c.threshold) {
			v.horizontal(v.s.dashed(v.s.ink, .8), c.threshold)
		}
		for k, g := range groups { // event rug on the axis, a row for each sampler
			for _, t := range g[0].Trace {
				if t.Resampled {
					at := v.at(float64(t.Step), 0)
					h := 3.4 * lineScale(v.s.k)
					base := at.Y + float64(k)*1.2*h
					v.page.Line(v.s.pen(rug(v.s, groups, k), .9), ink.Pt{X: at.X, Y: base}, ink.Pt{X: at.X, Y: base + h})
				}
			}
		}
	})
	return p
}

// rug sets the marks of resampling apart from the line where there is only one sampler.
func rug(s *style, groups [][]*odslib.Result, k int) color.NRGBA {
	if len(groups) == 1 {
		if p, _ := home(groups[0][0].Sampler); p == 1 {
			return s.colour(0)
		}
		return s.colour(1)
	}
	return groupColour(s, groups, k)
}

func groupColour(s *style, groups [][]*odslib.Result, k int) color.NRGBA {
	var names []string
	for _, g := range groups {
		names = append(names, g[0].Sampler)
	}
	return s.colours(names)[k]
}

// evidencePanel is nil where no sampler estimated log Z.
func evidencePanel(groups [][]*odslib.Result, c *settings) *panel {
	var all []float64
	for _, g := range groups {
		for _, r := range g {
			_, y := steps(r, func(t odslib.TraceStep) float64 { return t.LogZ })
			for _, v := range y {
				if !math.IsNaN(v) && !math.IsInf(v, 0) {
					all = append(all, v)
				}
			}
		}
	}
	if len(all) == 0 {
		return nil
	}
	if !math.IsNaN(c.exact) {
		all = append(all, c.exact)
	}
	p := &panel{x: newAxis(stepScale(groups), c.xLabel), y: newAxis(around(.06, false, all...), "log Ẑ")}
	p.y.most = 4
	p.add(func(v *view) {
		for k, g := range groups {
			col := groupColour(v.s, groups, k)
			if len(g) < 3 {
				for _, r := range g {
					x, y := steps(r, func(t odslib.TraceStep) float64 { return t.LogZ })
					v.line(v.s.line(col, 1.2, k), x, y)
				}
				continue
			}
			var runs [][]float64
			for _, r := range g {
				_, y := steps(r, func(t odslib.TraceStep) float64 { return t.LogZ })
				runs = append(runs, y)
			}
			q1, q2, q3 := quartiles(runs)
			var low, high []float64
			for i := range q2 {
				lo, hi := math.Inf(1), math.Inf(-1)
				for _, r := range runs {
					lo, hi = min(lo, r[i]), max(hi, r[i])
				}
				low, high = append(low, lo), append(high, hi)
			}
			x, _ := steps(g[0], func(t odslib.TraceStep) float64 { return 0 })
			x = x[:len(q2)]
			v.band(fade(col, .13), x, low, high)
			v.band(fade(col, .28), x, q1, q3)
			v.line(v.s.line(col, 1.2, k), x, q2)
		}
		if !math.IsNaN(c.exact) {
			v.horizontal(v.s.dashed(v.s.ink, .9), c.exact)
		}
	})
	return p
}

func essLegend(groups [][]*odslib.Result, c *settings) (es []entry) {
	for k, g := range groups {
		if len(groups) > 1 || len(g) > 2 {
			name := g[0].Sampler
			if len(g) > 2 {
				name = fmt.Sprintf("%s, one of %d runs; below: median, quartiles, range", name, len(g))
			}
			es = append(es, lineEntry(name, func(s *style) ink.Pen { return s.line(groupColour(s, groups, k), 1.2, k) }))
		}
	}
	for _, t := range groups[0][0].Trace {
		if t.Resampled {
			es = append(es, entry{"resampled", func(page *ink.Page, s *style, r ink.Rect) {
				for i := range 3 {
					x := r.X + r.W*(.25+.25*float64(i))
					col := s.ink
					if len(groups) == 1 {
						col = rug(s, groups, 0)
					}
					page.Line(s.pen(col, .9), ink.Pt{X: x, Y: r.Y}, ink.Pt{X: x, Y: r.Y + .8*r.H})
				}
			}})
			break
		}
	}
	dashes := ""
	switch {
	case !math.IsNaN(c.exact) && !math.IsNaN(c.threshold):
		dashes = "threshold; exact log Z"
	case !math.IsNaN(c.exact):
		dashes = "exact log Z"
	case !math.IsNaN(c.threshold):
		dashes = "threshold"
	}
	if dashes != "" {
		es = append(es, lineEntry(dashes, func(s *style) ink.Pen { return s.dashed(s.ink, .9) }))
	}
	return es
}
