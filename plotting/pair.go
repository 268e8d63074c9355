package plotting

import (
	"errors"
	"fmt"
	"image/color"
	"math"
	"slices"
	"strings"
	"sync"

	"odslab/plotting/internal/density"
	"odslab/plotting/internal/ink"
)

// mostVariables is how many a pair plot shows unless Variables asks for more: beyond that its panels are stamps.
const mostVariables = 8

// mostBeyond is how many samples beyond the outer contour a panel shows.
const mostBeyond = 250

const pairOptions = "Names Variables Levels"

// Pair draws every pair of variables of one or more sets of samples: joint densities as contours that enclose 50 % and
// 90 % of the mass (Levels), marginals on the diagonal.
//
//	plotting.Pair(dps, tds, plotting.Prior(p), plotting.Truth(exact), plotting.Names("theta_1", "theta_2"))
//
// A single set is filled and shows the samples beyond the outer contour; up to four are filled inside the first contour;
// more are lines. Limits follow the posteriors, not the prior. Of more than eight variables the first eight are drawn,
// and the figure says so; Variables picks others.
func Pair(args ...any) *Figure {
	series, c, err := collect(args, pairOptions)
	if err != nil {
		return failed("Pair", err)
	}
	vars, names, notes, err := variables(series, &c)
	if err != nil {
		return failed("Pair", err)
	}
	levels := c.levels
	if levels == nil {
		levels = []float64{.5, .9}
	}
	q := &pairPlot{series: series, vars: vars, names: names, levels: levels}
	q.prepare()
	what := fmt.Sprintf("pair plot of %s over %d variables", seriesNames(series), len(vars))
	return newFigure(what, func(s *style, width float64, letters bool) *sheet {
		l := q.layout(notes)
		l.corner = len(vars) > 1 && legendFits(s, l.legend, width*float64(len(vars)-1)/float64(len(vars))*.9)
		return l.sheet(s, width, letters)
	})
}

func legendFits(s *style, es []entry, w float64) bool {
	for _, e := range es {
		if e.width(s) > w {
			return false
		}
	}
	return true
}

// variables checks that all series have the same dimension and picks what to draw.
func variables(series []Series, c *settings) (vars []int, names, notes []string, err error) {
	d := series[0].dim()
	for _, s := range series {
		if s.dim() == 0 {
			return nil, nil, nil, fmt.Errorf("%s has no samples", s.name)
		}
		if s.dim() != d {
			return nil, nil, nil, fmt.Errorf("%s has %d variables and %s has %d", series[0].name, d, s.name, s.dim())
		}
	}
	vars = slices.Clone(c.variables)
	for _, v := range vars {
		if v < 0 || v >= d {
			return nil, nil, nil, fmt.Errorf("Variables: there is no variable %d; they are 0 to %d", v, d-1)
		}
	}
	if vars == nil {
		for i := range min(d, mostVariables) {
			vars = append(vars, i)
		}
		if d > mostVariables {
			notes = append(notes, fmt.Sprintf("The first %d of %d variables.", mostVariables, d))
		}
	} else if len(vars) < d {
		notes = append(notes, fmt.Sprintf("%d of %d variables.", len(vars), d))
	}
	switch {
	case c.names == nil:
		for _, v := range vars {
			names = append(names, fmt.Sprintf("x_%d", v+1))
		}
	case len(c.names) == len(vars):
		names = c.names
	case len(c.names) == d:
		for _, v := range vars {
			names = append(names, c.names[v])
		}
	default:
		return nil, nil, nil, fmt.Errorf("Names: %d names for %d variables", len(c.names), len(vars))
	}
	if !slices.ContainsFunc(series, Series.many) {
		return nil, nil, nil, errors.New("there is a true point but there are no samples")
	}
	return vars, names, notes, nil
}

func seriesNames(series []Series) string {
	var names []string
	for _, s := range series {
		names = append(names, s.name)
	}
	return strings.Join(names, ", ")
}

// pairPlot is what a pair plot shows, estimated once and drawn in any size.
type pairPlot struct {
	series []Series
	vars   []int
	names  []string
	levels []float64
	limits []scale
	curves [][]density.Curve           // [series][variable]
	joint  map[[3]int][][]density.Loop // series, row, column → loops of each level
	beyond map[[3]int]([2][]float64)   // samples outside the outermost level
}

// posteriors is the number of series that are neither prior nor truth.
func posteriors(series []Series) int {
	n := 0
	for _, s := range series {
		if s.role == sampler {
			n++
		}
	}
	return n
}

// limits are an axis's ends: the bulk of all series but the prior, and the true value.
func limits(series []Series, v int, curve func(k int) density.Curve) scale {
	var at []float64
	for _, withPrior := range []bool{false, true} {
		for k, s := range series {
			if s.role == prior && !withPrior {
				continue
			}
			if s.point != nil {
				at = append(at, s.point[v])
				continue
			}
			c := curve(k)
			// Where the density has fallen below a hundredth of its top, nothing is to be seen.
			top := slices.Max(c.Y)
			lo, hi := c.X[len(c.X)-1], c.X[0]
			for i, y := range c.Y {
				if y > .008*top {
					lo, hi = min(lo, c.X[i]), max(hi, c.X[i])
				}
			}
			at = append(at, lo, hi)
		}
		if len(at) > 1 {
			break
		}
	}
	return around(.05, false, at...)
}

func (q *pairPlot) prepare() {
	q.joint, q.beyond = map[[3]int][][]density.Loop{}, map[[3]int][2][]float64{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	gate := make(chan struct{}, 4)
	q.curves = make([][]density.Curve, len(q.series))
	for k, s := range q.series {
		if !s.many() {
			continue
		}
		q.curves[k] = make([]density.Curve, len(q.vars))
		for i, v := range q.vars {
			q.curves[k][i] = curveIn(s, v)
			for j := range i {
				wg.Go(func() {
					gate <- struct{}{}
					defer func() { <-gate }()
					x, y := s.column(q.vars[j]), s.column(v)
					g := known(s)
					if g == nil {
						g = density.Estimate2(x, y, s.weights, 128)
					} else if q.vars[j] == 1 {
						g = g.Transposed()
					}
					levels := g.Levels(q.levels...)
					var loops [][]density.Loop
					for _, l := range levels {
						loops = append(loops, g.Contour(l))
					}
					var out [2][]float64
					var w []float64
					outer := levels[len(levels)-1]
					if s.role == sampler && posteriors(q.series) == 1 {
						for n := range x {
							if g.Interpolate(x[n], y[n]) < outer {
								out[0], out[1], w = append(out[0], x[n]), append(out[1], y[n]), append(w, s.weights[n])
							}
						}
						out[0], out[1] = draw(mostBeyond, w, out[0], out[1])
					}
					mu.Lock()
					q.joint[[3]int{k, i, j}], q.beyond[[3]int{k, i, j}] = loops, out
					mu.Unlock()
				})
			}
		}
	}
	wg.Wait()
	for i, v := range q.vars {
		q.limits = append(q.limits, limits(q.series, v, func(k int) density.Curve { return q.curves[k][i] }))
	}
}

// colourOf is a series' colour: by its part, or by its place among the samplers.
func colourOf(s *style, series []Series, k int) color.NRGBA {
	switch series[k].role {
	case prior:
		return s.prior
	case truth:
		return s.ink
	}
	n := 0
	for _, o := range series[:k] {
		if o.role == sampler {
			n++
		}
	}
	return s.colour(n)
}

// drawOrder puts the prior below and the truth on top.
func drawOrder(series []Series) []int {
	var order []int
	for _, r := range []role{prior, sampler, truth} {
		for k, s := range series {
			if s.role == r {
				order = append(order, k)
			}
		}
	}
	return order
}

func (q *pairPlot) layout(notes []string) *layout {
	n := len(q.vars)
	l := &layout{gap: .9, aspect: 1, most: 62, notes: notes}
	if n > 1 {
		l.most = 100 / float64(n)
		l.most = max(l.most, 25)
	}
	order := drawOrder(q.series)
	for i := range n {
		row := make([]*panel, n)
		for j := range i + 1 {
			p := &panel{x: newAxis(q.limits[j], q.names[j]), y: newAxis(q.limits[i], q.names[i]), aspect: 1}
			p.x.most, p.y.most = 4, 4
			p.x.edge, p.y.edge = .07, .07
			p.x.numbers, p.y.numbers = i == n-1, j == 0
			if i == j {
				q.diagonal(p, i, order)
			} else {
				q.offDiagonal(p, i, j, order)
			}
			row[j] = p
		}
		l.panels = append(l.panels, row)
	}
	l.legend = q.legend(order)
	return l
}

func (q *pairPlot) diagonal(p *panel, i int, order []int) {
	marginal(p, q.series, order, func(k int) density.Curve { return q.curves[k][i] }, q.vars[i])
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

func (q *pairPlot) offDiagonal(p *panel, i, j int, order []int) {
	several := posteriors(q.series)
	p.add(func(v *view) {
		for _, k := range order {
			s, c := q.series[k], colourOf(v.s, q.series, k)
			if s.point != nil {
				pen := v.s.dashed(c, .7)
				v.vertical(pen, s.point[q.vars[j]])
				v.horizontal(pen, s.point[q.vars[i]])
				continue
			}
			loops := q.joint[[3]int{k, i, j}]
			last := len(loops) - 1
			switch {
			case s.role == prior:
				for m := last; m >= 0; m-- {
					v.fillLoops(fade(c, .07), loops[m])
				}
				v.strokeLoops(v.s.pen(c, .6), loops[last])
			case s.role == truth:
				for m := range loops {
					v.strokeLoops(v.s.dashed(c, .8), loops[m])
				}
			case several == 1:
				out := q.beyond[[3]int{k, i, j}]
				v.cloud(c, .4, .6, out[0], out[1], nil)
				for m := last; m >= 0; m-- {
					share := .2 + .4*float64(last-m)/math.Max(1, float64(last))
					v.fillLoops(tint(c, v.s.paper, share), loops[m])
					v.strokeLoops(v.s.pen(c, .8), loops[m])
				}
			case several <= 4:
				v.fillLoops(fade(c, .35), loops[0])
				for m := range loops {
					v.strokeLoops(v.s.pen(c, .9), loops[m])
				}
			default:
				for m := range loops {
					v.strokeLoops(v.s.pen(c, .9), loops[m])
				}
			}
		}
	})
}

func (q *pairPlot) legend(order []int) []entry {
	var es []entry
	for k, s := range q.series {
		if s.role == sampler {
			es = append(es, seriesEntry(q.series, k, s.name))
		}
	}
	for _, k := range order {
		if q.series[k].role != sampler {
			es = append(es, seriesEntry(q.series, k, q.series[k].name))
		}
	}
	if len(q.vars) > 1 {
		if posteriors(q.series) == 1 {
			i := slices.IndexFunc(q.series, func(s Series) bool { return s.role == sampler })
			es = append(es, dotEntry("samples beyond "+percent(q.levels[len(q.levels)-1:]), func(s *style) color.NRGBA { return fade(colourOf(s, q.series, i), .7) }))
		}
		es = append(es, noteEntry("Contours hold "+percent(q.levels)+" of the mass"))
	}
	return es
}

func seriesEntry(series []Series, k int, name string) entry {
	switch series[k].role {
	case prior:
		return boxEntryEdge(name, func(s *style) color.NRGBA { return s.prior }, .2)
	case truth:
		return lineEntry(name, func(s *style) ink.Pen { return s.dashed(s.ink, .9) })
	}
	return boxEntryEdge(name, func(s *style) color.NRGBA { return colourOf(s, series, k) }, .45)
}

func boxEntryEdge(name string, c func(s *style) color.NRGBA, share float64) entry {
	return entry{name, func(page *ink.Page, s *style, r ink.Rect) {
		page.Box(tint(c(s), s.paper, share), r)
		page.Frame(s.pen(c(s), .8), r)
	}}
}

// percent writes shares as "50 and 90 %".
func percent(shares []float64) string {
	var out []string
	for _, v := range shares {
		out = append(out, strings.TrimSuffix(fmt.Sprintf("%.3g", 100*v), ".0"))
	}
	if len(out) == 1 {
		return out[0] + " %"
	}
	return strings.Join(out[:len(out)-1], ", ") + " and " + out[len(out)-1] + " %"
}
