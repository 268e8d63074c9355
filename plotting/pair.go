package plotting

import (
	"fmt"
	"image/color"
	"math"
	"slices"
	"sync"

	"odslab/plotting/internal/density"
)

// mostVariables is how many a pair plot shows unless Variables asks for more: beyond that its panels are stamps.
const mostVariables = 8

// mostBeyond is how many samples beyond the outer contour a panel shows.
const mostBeyond = 250

const pairOptions = "Names Variables Levels Limits Log Summary"

// Pair draws every pair of variables of one or more sets of samples: joint densities as contours that enclose 50 % and
// 90 % of the mass (Levels), marginals on the diagonal.
//
//	plotting.Pair(dps, tds, plotting.Prior(p), plotting.Truth(exact), plotting.Names("theta_1", "theta_2"))
//
// A single set is filled and shows the samples beyond the outer contour; up to four are filled inside the first contour; of
// more the outer contour alone is drawn. A fresh sample lies within a contour with the stated probability. Where samples are
// no draws from a smooth density (fewer than 20 effective ones, a handful of values, many ties) they are drawn as points and
// bars, and the figure says so, as it counts what lies outside the page. Limits follow the posteriors, not the prior; Limits
// and Log change an axis. Of more than eight variables the first eight are drawn; Variables picks others.
func Pair(args ...any) *Figure {
	series, c, err := collect(args, pairOptions)
	if err != nil {
		return failed("Pair", err)
	}
	v, err := choose(series, &c, mostVariables)
	if err != nil {
		return failed("Pair", err)
	}
	q := newPair(v, &c)
	q.prepare()
	what := fmt.Sprintf("pair plot of %s over %s", seriesNames(series), plural(len(v.index), "variable"))
	f := newFigure(what, func(s *style, width float64, letters bool) *sheet {
		return q.layout(s).sheet(s, width, letters)
	})
	f.numbers, f.vega = v.numbers, v.brushing
	return f
}

// pairPlot is what a pair plot shows, estimated once and drawn in any size.
type pairPlot struct {
	*chosen
	levels  []float64
	summary string
	joint   map[[3]int][][]density.Loop // series, row, column → loops of each level; none where no density is to be drawn
	beyond  map[[3]int]([2][]float64)   // samples outside the outermost level, or all where there are no levels
	shares  map[[3]int][]float64        // of the weight that values of two discrete variables hold, in place of samples
}

func newPair(v *chosen, c *settings) *pairPlot {
	q := &pairPlot{chosen: v, levels: c.levels, summary: c.summary}
	if q.levels == nil {
		q.levels = []float64{.5, .9}
	}
	return q
}

func (q *pairPlot) prepare() {
	q.joint, q.beyond, q.shares = map[[3]int][][]density.Loop{}, map[[3]int][2][]float64{}, map[[3]int][]float64{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	gate := make(chan struct{}, 4)
	for k, s := range q.series {
		if !s.many() {
			continue
		}
		for i := range q.index { // looked at once each, before pairs ask for them at the same time
			wg.Go(func() { q.curve(k, i) })
		}
	}
	wg.Wait()
	for k, s := range q.series {
		if !s.many() {
			continue
		}
		for i := range q.index {
			for j := range i {
				wg.Go(func() {
					gate <- struct{}{}
					defer func() { <-gate }()
					loops, points, shares := q.panel(k, i, j)
					mu.Lock()
					q.joint[[3]int{k, i, j}], q.beyond[[3]int{k, i, j}], q.shares[[3]int{k, i, j}] = loops, points, shares
					mu.Unlock()
				})
			}
		}
	}
	wg.Wait()
}

// panel is what one series shows of two variables.
func (q *pairPlot) panel(k, i, j int) (loops [][]density.Loop, points [2][]float64, shares []float64) {
	s := q.series[k]
	cx, cy := s.table.column(q.index[j]), s.table.column(q.index[i])
	switch {
	case cx.Kind == density.Discrete && cy.Kind == density.Discrete && cx.Size >= fewest:
		held := map[[2]float64]float64{}
		for n, w := range cx.W {
			held[[2]float64{cx.X[n], cy.X[n]}] += w
		}
		for _, a := range cx.Atoms {
			for _, b := range cy.Atoms {
				if w := held[[2]float64{a.At, b.At}]; w > 0 {
					points[0], points[1], shares = append(points[0], a.At), append(points[1], b.At), append(shares, w)
				}
			}
		}
		return nil, points, shares
	case cx.Kind != density.Smooth || cy.Kind != density.Smooth:
		points[0], points[1] = draw(mostDots, cx.W, cx.X, cy.X)
		if cx.Size < fewest { // all, whatever their weight
			points[0], points[1] = cx.X, cy.X
			if slices.Max(cx.W) > 1.01/float64(len(cx.W)) {
				shares = cx.W
			}
		}
		return nil, points, shares
	}
	var levels []float64
	var g *density.Grid
	var e *density.Joint
	if known := knownGrid(s); known != nil {
		if g = known; q.index[j] == 1 {
			g = g.Transposed()
		}
		levels = g.Levels(q.levels...)
	} else {
		e = density.Estimate2(cx, cy, 128)
		g, levels = e.Grid, e.Levels(q.levels...)
	}
	for _, l := range levels {
		loops = append(loops, g.Contour(l))
	}
	if outer := levels[len(levels)-1]; s.role == sampler && posteriors(q.series) == 1 {
		var w []float64
		beyond := func(n int, z float64) {
			if z < outer {
				points[0], points[1], w = append(points[0], cx.X[n]), append(points[1], cy.X[n]), append(w, cx.W[n])
			}
		}
		if e != nil {
			for k, n := range e.Index {
				beyond(n, e.Full[k])
			}
		} else {
			for n := range cx.X {
				beyond(n, g.Interpolate(cx.X[n], cy.X[n]))
			}
		}
		points[0], points[1] = draw(mostBeyond, w, points[0], points[1])
	}
	return loops, points, nil
}

// mostDots is how many samples a panel shows where it shows samples only.
const mostDots = 1000

func (q *pairPlot) layout(s *style) *layout {
	n := len(q.index)
	l := &layout{gap: .3, aspect: 1, most: 62, notes: q.notes, corner: n > 1, legend: q.legend()}
	if n > 1 {
		l.most = max(100/float64(n), 25)
	}
	order := drawOrder(q.series)
	for i := range n {
		row := make([]*panel, n)
		for j := range i + 1 {
			p := &panel{x: newAxis(q.scales[j], q.names[j]), y: newAxis(q.scales[i], q.names[i]), aspect: 1}
			p.x.most, p.y.most = 4, 4
			p.x.edge, p.y.edge = .07, .07
			p.x.numbers, p.y.numbers = i == n-1, j == 0
			p.x.quiet, p.y.quiet = true, true
			if i == j {
				q.marginal(p, i, order)
				if q.summary != "" {
					p.title = q.summaryOf(i, q.summary)
				}
			} else {
				q.offDiagonal(p, i, j, order)
			}
			row[j] = p
		}
		l.panels = append(l.panels, row)
	}
	return l
}

func (q *pairPlot) offDiagonal(p *panel, i, j int, order []int) {
	several := posteriors(q.series)
	p.add(func(v *view) {
		for _, k := range order {
			s, c := q.series[k], colourOf(v.s, q.series, k)
			if s.point != nil {
				pen := penOf(v.s, q.series, k, .7)
				v.vertical(pen, s.point[q.index[j]])
				v.horizontal(pen, s.point[q.index[i]])
				continue
			}
			key := [3]int{k, i, j}
			loops, points, shares := q.joint[key], q.beyond[key], q.shares[key]
			last := len(loops) - 1
			switch {
			case shares != nil:
				v.bubbles(c, several, points[0], points[1], shares)
			case loops == nil:
				v.samples(c, points[0], points[1])
			case s.role == prior:
				if v.holds(loops[last]) { // else its fill would pass for the panel's ground
					for m := last; m >= 0; m-- {
						v.fillLoops(fade(c, .07), loops[m])
					}
				}
				v.strokeLoops(v.s.pen(c, .6), loops[last])
				v.strokeLoops(v.s.pen(fade(c, .6), .5), loops[0])
			case s.role == truth:
				for m := range loops {
					v.strokeLoops(v.s.dashed(c, .8), loops[m])
				}
			case several == 1:
				v.cloud(c, .4, .6, points[0], points[1], nil)
				for m := last; m >= 0; m-- {
					share := .2 + .4*float64(last-m)/math.Max(1, float64(last))
					v.fillLoops(v.s.tint(c, share), loops[m])
					v.strokeLoops(v.s.pen(c, .8), loops[m])
				}
			case several <= 4:
				v.fillLoops(fade(c, .3), loops[0])
				for m := range loops {
					v.strokeLoops(penOf(v.s, q.series, k, .9), loops[m])
				}
			default:
				v.strokeLoops(penOf(v.s, q.series, k, .9), loops[last])
			}
		}
	})
}

func (q *pairPlot) legend() []entry {
	es := seriesEntries(q.series)
	if len(q.index) < 2 {
		return es
	}
	contours, dots := false, false
	for key, loops := range q.joint {
		contours = contours || loops != nil
		dots = dots || loops != nil && q.series[key[0]].role == sampler && len(q.beyond[key][0]) > 0
	}
	if dots {
		i := slices.IndexFunc(q.series, func(s Series) bool { return s.role == sampler })
		es = append(es, dotEntry("samples beyond "+percent(q.levels[len(q.levels)-1:]), func(s *style) color.NRGBA { return fade(colourOf(s, q.series, i), .8) }))
	}
	if contours {
		levels := q.levels
		if posteriors(q.series) > 4 {
			levels = levels[len(levels)-1:]
		}
		es = append(es, noteEntry("Contours hold "+percent(levels)+" of the mass"))
	}
	return es
}

// samples draws points that stand for themselves: larger the fewer there are.
func (v *view) samples(c color.NRGBA, x, y []float64) {
	radius, alpha := 1.4, .9
	switch n := len(x); {
	case n > 400:
		radius, alpha = .5, .5
	case n > 60:
		radius, alpha = .8, .7
	}
	v.cloud(c, radius, alpha, x, y, nil)
}

// bubbles draws discs whose area is a share.
func (v *view) bubbles(c color.NRGBA, several int, x, y, share []float64) {
	top := slices.Max(share)
	most := .07 * min(v.box.W, v.box.H)
	if len(x) > 40 {
		most *= .5
	}
	for i := range x {
		if p := v.at(x[i], y[i]); v.box.Holds(p) {
			v.page.Disc(fade(c, .75/math.Sqrt(float64(max(1, several)))), p, most*math.Sqrt(share[i]/top))
		}
	}
}

// holds tells whether contours lie within the panel.
func (v *view) holds(ls []density.Loop) bool {
	for _, l := range ls {
		for _, q := range l {
			if p := v.at(q[0], q[1]); !v.box.Holds(p) {
				return false
			}
		}
	}
	return true
}
