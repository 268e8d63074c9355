package plotting

import (
	"math"
	"strconv"
	"strings"

	"odslab/plotting/internal/ink"
)

// axis is one side of a panel.
type axis struct {
	scale
	label   string
	most    int      // ticks; 0 means 5
	edge    float64  // share of the axis at each end that stays free of ticks
	numbers bool     // numbers and label are shown
	off     bool     // neither line nor ticks
	quiet   bool     // a line without ticks where there are no numbers: they are on the outer panels
	names   []string // of rows 0, 1, 2…, in place of numbers
}

func newAxis(s scale, label string) axis {
	if b := s.base(); b != 0 { // the axis counts from a number that its name carries
		sign := " − "
		if b < 0 {
			sign = " + "
		}
		exact := strconv.FormatFloat(math.Abs(b), 'f', -1, 64)
		if !strings.Contains(exact, ".") {
			exact = grouped(math.Abs(b))
		}
		label = strings.TrimSpace(label + sign + exact)
	}
	return axis{scale: s, label: label, numbers: true}
}

// panel is one pair of axes and what is drawn in it.
type panel struct {
	x, y   axis
	title  string
	aspect float64 // height by width; 0 leaves it to the layout
	layers []func(v *view)
}

func (p *panel) add(l func(v *view)) { p.layers = append(p.layers, l) }

// view is a panel in its place on the page.
type view struct {
	page *ink.Page
	*panel
	box ink.Rect
	s   *style
	few int // dots that the panel may draw one by one
}

// at is a data point's place on the page.
func (v *view) at(x, y float64) ink.Pt {
	return ink.Pt{X: v.box.X + v.box.W*v.x.to(x), Y: v.box.Y + v.box.H*v.y.to(y)}
}

func (v *view) all(x, y []float64) []ink.Pt {
	pts := make([]ink.Pt, len(x))
	for i := range x {
		pts[i] = v.at(x[i], y[i])
	}
	return pts
}

// line strokes a polyline in data coordinates, cut at the frame and broken where a value is not finite; a point that
// stands alone between breaks is a dot.
func (v *view) line(pen ink.Pen, x, y []float64) {
	start := 0
	pts := v.all(x, y)
	for i := 0; i <= len(pts); i++ {
		if i == len(pts) || math.IsNaN(pts[i].X+pts[i].Y) || math.IsInf(pts[i].X+pts[i].Y, 0) {
			if i == start+1 && v.box.Holds(pts[start]) {
				v.page.Disc(pen.Color, pts[start], max(1.2*pen.Width, 1.1*lineScale(v.s.k)))
			}
			for _, piece := range clipLine(v.box, pts[start:i]) {
				v.page.Line(pen, thin(piece)...)
			}
			start = i + 1
		}
	}
}

// whisker draws an interval upright at x; an end that has no place on a logarithmic axis is the axis's own end.
func (v *view) whisker(pen ink.Pen, x, low, high float64) {
	if v.y.log && !(low > 0) {
		low = v.y.min
	}
	v.line(pen, []float64{x, x}, []float64{low, high})
}

// thin drops points that would not be seen: a line through what is left is nowhere .03 pt off (Douglas and Peucker).
func thin(pts []ink.Pt) []ink.Pt {
	if len(pts) < 3 {
		return pts
	}
	const tolerance = .03
	keep := make([]bool, len(pts))
	keep[0], keep[len(pts)-1] = true, true
	for todo := [][2]int{{0, len(pts) - 1}}; len(todo) > 0; {
		a, b := todo[len(todo)-1][0], todo[len(todo)-1][1]
		todo = todo[:len(todo)-1]
		far, most := 0, tolerance
		dx, dy := pts[b].X-pts[a].X, pts[b].Y-pts[a].Y
		n := math.Hypot(dx, dy)
		for i := a + 1; i < b; i++ {
			ex, ey := pts[i].X-pts[a].X, pts[i].Y-pts[a].Y
			d := math.Hypot(ex, ey)
			if n > 0 {
				d = math.Abs(dx*ey-dy*ex) / n
			}
			if d > most {
				far, most = i, d
			}
		}
		if far > 0 {
			keep[far] = true
			todo = append(todo, [2]int{a, far}, [2]int{far, b})
		}
	}
	var out []ink.Pt
	for i, k := range keep {
		if k {
			out = append(out, pts[i])
		}
	}
	return out
}

// draw puts the panel on the page: layers, then axes over them.
func (p *panel) draw(page *ink.Page, s *style, r ink.Rect, few int) {
	page.Mark("panel", r)
	v := &view{page: page, panel: p, box: r, s: s, few: few}
	for _, l := range p.layers {
		l(v)
	}
	pen := s.pen(s.axis, .8)
	long := p.tickLength(s)
	if !p.x.off {
		page.Line(pen, ink.Pt{X: r.X, Y: r.Y}, ink.Pt{X: r.Right(), Y: r.Y})
		for _, t := range p.x.marks(s, r.W, false) {
			x := v.at(t.at, 0).X
			n := long
			if t.label == "" {
				n *= .6
			}
			if p.x.names == nil {
				page.Line(pen, ink.Pt{X: x, Y: r.Y}, ink.Pt{X: x, Y: r.Y - n})
			}
			if p.x.numbers {
				page.Text(ink.Pt{X: x, Y: r.Y - long - 2*s.k}, t.label, s.tick, s.axis, .5, 1, 0)
			}
		}
	}
	if p.x.numbers && p.x.label != "" {
		label, font := ink.Fit(p.x.label, s.label, r.W)
		page.Text(ink.Pt{X: r.X + r.W/2, Y: r.Y - p.bottom(s) + .35*s.label.Size}, label, font, s.ink, .5, 0, 0)
	}
	if !p.y.off {
		page.Line(pen, ink.Pt{X: r.X, Y: r.Y}, ink.Pt{X: r.X, Y: r.Top()})
		for _, t := range p.y.marks(s, r.H, true) {
			y := v.at(p.x.min, t.at).Y
			n := long
			if t.label == "" {
				n *= .6
			}
			if p.y.names == nil {
				page.Line(pen, ink.Pt{X: r.X, Y: y}, ink.Pt{X: r.X - n, Y: y})
			}
			if p.y.numbers {
				page.Text(ink.Pt{X: r.X - long - 1.5*s.k, Y: y}, t.label, s.tick, s.axis, 1, .5, 0)
			}
		}
	}
	if p.y.numbers && p.y.label != "" {
		label, font := ink.Fit(p.y.label, s.label, r.H)
		page.Text(ink.Pt{X: r.X - p.left(s, r.H) + .8*s.label.Size, Y: r.Y + r.H/2}, label, font, s.ink, .5, 0, math.Pi/2)
	}
	if p.title != "" {
		title, font := ink.Fit(p.title, s.label, r.W)
		page.Text(ink.Pt{X: r.X + r.W/2, Y: r.Top() + 3*s.k}, title, font, s.ink, .5, 0, 0)
	}
}

func (p *panel) tickLength(s *style) float64 { return 2.5 * lineScale(s.k) }

// marks are the axis's ticks at a length on the page: as many as there is room for.
func (a *axis) marks(s *style, length float64, upright bool) []tick {
	if a.off || a.quiet && !a.numbers {
		return nil
	}
	if a.names != nil {
		out := make([]tick, len(a.names))
		for i, n := range a.names {
			out[i] = tick{float64(i), n}
		}
		return out
	}
	most := a.most
	if most == 0 {
		most = 5
	}
	var ts []tick
	for n := most; n > 0; n-- {
		ts = a.ticks(n, a.edge)
		last, free := math.Inf(-1), true
		for _, t := range ts {
			if t.label == "" {
				continue
			}
			half, at := ink.Width(t.label, s.tick)/2+1.5*s.k, a.to(t.at)*length
			if upright {
				half = .62 * s.tick.Size
			}
			free = free && at-half >= last-1e-9
			last = at + half
		}
		if free {
			return ts
		}
	}
	return ts[:min(1, len(ts))]
}

// left, bottom, top and right are the room that the panel's numbers and names need around it.
func (p *panel) left(s *style, height float64) float64 {
	if p.y.off {
		if p.y.numbers && p.y.label != "" {
			return 1.5 * s.label.Size
		}
		return 0
	}
	w := p.tickLength(s)
	if !p.y.numbers {
		if p.y.quiet {
			return 0
		}
		return w
	}
	most := 0.
	for _, t := range p.y.marks(s, height, true) {
		most = max(most, ink.Width(t.label, s.tick))
	}
	w += most + 1.5*s.k
	if p.y.label != "" {
		w += 1.3 * s.label.Size
	}
	return w
}

func (p *panel) bottom(s *style) float64 {
	h := 0.
	if !p.x.off {
		h = p.tickLength(s)
		if !p.x.numbers {
			if p.x.quiet {
				return 0
			}
			return h
		}
		h += 1.05*s.tick.Size + 1.5*s.k
	}
	if p.x.numbers && p.x.label != "" {
		h += 1.45 * s.label.Size
	}
	return h
}

func (p *panel) top(s *style) float64 {
	if p.title != "" {
		return 1.3*s.label.Size + 2*s.k
	}
	return .5 * s.tick.Size // half a number, where a tick stands at the very top
}

// right is how far the last number of the x axis reaches out.
func (p *panel) right(s *style, width float64) float64 {
	over := 0.
	if p.x.numbers {
		for _, t := range p.x.marks(s, width, false) {
			over = max(over, ink.Width(t.label, s.tick)/2-(1-p.x.to(t.at))*width)
		}
	}
	return over
}
