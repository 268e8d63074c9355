package plotting

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"odslab/plotting/internal/ink"
)

// CostPoint is what one run of a sampler cost and how far from the truth it came out.
type CostPoint struct {
	Name        string
	Distance    float64
	Low, High   float64 // ends of the distance's interval, where they differ
	Seconds     float64
	Evaluations float64 // of the network
}

const costOptions = "Floor XLabel YLabel XLimits YLimits"

// Cost draws accuracy against cost on logarithmic axes, with the area of a marker proportional to the number of network
// evaluations. Points of one name are joined: the same sampler on several budgets. Where no point has Seconds, the x axis
// is the number of evaluations. Floor draws the distance between two sets of exact samples.
func Cost(args ...any) *Figure {
	c := newSettings()
	c.xLabel, c.yLabel = "seconds", "distance"
	var points []CostPoint
	for i, a := range args {
		switch a := a.(type) {
		case Option:
			if err := c.apply(a, costOptions); err != nil {
				return failed("Cost", err)
			}
		case CostPoint:
			points = append(points, a)
		case []CostPoint:
			points = append(points, a...)
		default:
			return failed("Cost", fmt.Errorf("argument %d is a %T, neither a CostPoint nor an option", i+1, a))
		}
	}
	if len(points) == 0 {
		return failed("Cost", errors.New("nothing to draw: give it a CostPoint"))
	}
	x := func(p CostPoint) float64 { return p.Seconds }
	if !slices.ContainsFunc(points, func(p CostPoint) bool { return p.Seconds > 0 }) {
		x = func(p CostPoint) float64 { return p.Evaluations }
		if c.xLabel == "seconds" {
			c.xLabel = "network evaluations"
		}
	}
	var xs, ys []float64
	var names []string
	most := 0.
	for _, p := range points {
		if !(x(p) > 0 && p.Distance > 0) || math.IsInf(x(p)+p.Distance, 0) {
			return failed("Cost", fmt.Errorf("%s: cost %v and distance %v must be positive for logarithmic axes", p.Name, x(p), p.Distance))
		}
		xs, ys = append(xs, x(p)), append(ys, p.Distance)
		if p.Low != p.High {
			ys = append(ys, p.Low, p.High)
		}
		if !slices.Contains(names, p.Name) {
			names = append(names, p.Name)
		}
		most = max(most, p.Evaluations)
	}
	if !math.IsNaN(c.floor) {
		ys = append(ys, c.floor)
	}
	sx, sy := around(.14, true, xs...), around(.12, true, ys...)
	if c.x != nil {
		sx = scale{min: c.x[0], max: c.x[1], log: true}
	}
	if c.y != nil {
		sy = scale{min: c.y[0], max: c.y[1], log: true}
	}
	p := &panel{x: newAxis(sx, c.xLabel), y: newAxis(sy, c.yLabel)}
	p.add(func(v *view) {
		if !math.IsNaN(c.floor) {
			v.horizontal(v.s.dashed(v.s.ink, .9), c.floor)
		}
		radius := func(q CostPoint) float64 {
			r := 2.2
			if most > 0 {
				r = max(1.3, 6*math.Sqrt(q.Evaluations/most))
			}
			return r * lineScale(v.s.k)
		}
		var taken []ink.Rect
		for _, q := range points {
			at, r := v.at(x(q), q.Distance), radius(q)
			taken = append(taken, ink.Rect{X: at.X - r, Y: at.Y - r, W: 2 * r, H: 2 * r})
		}
		for _, name := range names { // names keep off the joining lines too
			var way []ink.Pt
			for _, q := range points {
				if q.Name == name {
					way = append(way, v.at(x(q), q.Distance))
				}
			}
			for i := 1; i < len(way); i++ {
				const parts = 40
				for k := range parts {
					f := float64(k) / parts
					taken = append(taken, ink.Rect{X: way[i-1].X + f*(way[i].X-way[i-1].X) - 1, Y: way[i-1].Y + f*(way[i].Y-way[i-1].Y) - 1, W: 2, H: 2})
				}
			}
		}
		for k, name := range names {
			col := v.s.colours(names)[k]
			var px, py []float64
			last, lastAt := CostPoint{}, ink.Pt{}
			for _, q := range points {
				if q.Name != name {
					continue
				}
				px, py = append(px, x(q)), append(py, q.Distance)
				if q.Low != q.High {
					v.whisker(v.s.pen(col, .9), x(q), q.Low, q.High)
				}
				marker(v.page, fade(col, .75), v.at(x(q), q.Distance), radius(q), k)
				last, lastAt = q, v.at(x(q), q.Distance)
			}
			v.line(v.s.pen(fade(col, .6), 1), px, py)
			v.place(name, lastAt, radius(last)+2*v.s.k, &taken)
		}
	})
	return newFigure(fmt.Sprintf("distance against cost of %d runs", len(points)), func(s *style, width float64, letters bool) *sheet {
		l := &layout{panels: [][]*panel{{p}}, aspect: .72, most: 85}
		if most > 0 {
			l.legend = append(l.legend, entry{fmt.Sprintf("area: network evaluations (largest %s)", grouped(most)), func(page *ink.Page, s *style, r ink.Rect) {
				page.Disc(s.faint, ink.Pt{X: r.X + .3*r.W, Y: r.Y + r.H/2}, 1.5*lineScale(s.k))
				page.Disc(s.faint, ink.Pt{X: r.X + .72*r.W, Y: r.Y + r.H/2}, 3.6*lineScale(s.k))
			}})
		}
		if !math.IsNaN(c.floor) {
			l.legend = append(l.legend, lineEntry("floor", func(s *style) ink.Pen { return s.dashed(s.ink, .9) }))
		}
		return l.sheet(s, width, letters)
	})
}

// grouped writes a whole number with thin gaps between its thousands.
func grouped(v float64) string {
	s := fmt.Sprintf("%.0f", v)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "\u00a0" + s[i:]
	}
	return s
}

// place writes a name beside a point where it covers nothing: right, left, above or below.
func (v *view) place(name string, at ink.Pt, r float64, taken *[]ink.Rect) {
	name, font := ink.Fit(name, v.s.label, v.box.W/2)
	w, h := ink.Width(name, font), .75*font.Size
	var best ink.Rect
	least := math.Inf(1)
	for i, b := range []ink.Rect{
		{X: at.X + r, Y: at.Y - h/2, W: w, H: h},
		{X: at.X - w/2, Y: at.Y + r, W: w, H: h},
		{X: at.X - r - w, Y: at.Y - h/2, W: w, H: h},
		{X: at.X - w/2, Y: at.Y - r - h, W: w, H: h},
		{X: at.X + .7*r, Y: at.Y + .7*r, W: w, H: h},
		{X: at.X - .7*r - w, Y: at.Y + .7*r, W: w, H: h},
		{X: at.X + .7*r, Y: at.Y - .7*r - h, W: w, H: h},
		{X: at.X - .7*r - w, Y: at.Y - .7*r - h, W: w, H: h},
	} {
		bad := float64(i) * .01
		for _, t := range *taken {
			dx, dy := min(b.Right(), t.Right())-max(b.X, t.X), min(b.Top(), t.Top())-max(b.Y, t.Y)
			if dx > 0 && dy > 0 {
				bad += dx * dy
			}
		}
		if b.X < v.box.X || b.Right() > v.box.Right() || b.Y < v.box.Y || b.Top() > v.box.Top() {
			bad += 1e3
		}
		if bad < least {
			best, least = b, bad
		}
	}
	*taken = append(*taken, best)
	v.page.Text(ink.Pt{X: best.X, Y: best.Y}, name, font, v.s.ink, 0, 0, 0)
}
