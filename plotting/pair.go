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
