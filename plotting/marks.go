package plotting

import (
	"image"
	"image/color"
	"math"
	"slices"

	"odslab/plotting/internal/density"
	"odslab/plotting/internal/ink"
)

// manyDots is the number in a figure above which clouds in SVG or PDF become pictures inside the vector frame.
const manyDots = 1500

// cloudDPI is the resolution of such a picture: that of print.
const cloudDPI = 300

// cloud draws points; weights, where given, are their opacity relative to the heaviest.
func (v *view) cloud(c color.NRGBA, radius, alpha float64, x, y, w []float64) {
	radius *= lineScale(v.s.k)
	top := 0.
	for _, m := range w {
		top = max(top, m)
	}
	type dot struct {
		at ink.Pt
		c  color.NRGBA
	}
	dots := make([]dot, 0, len(x))
	for i := range x {
		p := v.at(x[i], y[i])
		if !(p.X >= v.box.X && p.X <= v.box.Right() && p.Y >= v.box.Y && p.Y <= v.box.Top()) {
			continue
		}
		a := alpha
		if w != nil && top > 0 {
			a *= w[i] / top
		}
		if a*255 >= 1 {
			dots = append(dots, dot{p, fade(c, a)})
		}
	}
	page, dx, dy := v.page, 0., 0.
	var done func() image.Image
	if len(dots) > v.few && !v.page.Pixels() {
		page, done = ink.Pixels(v.box.W, v.box.H, cloudDPI, color.NRGBA{c.R, c.G, c.B, 0})
		dx, dy = v.box.X, v.box.Y
	}
	for _, d := range dots {
		page.Disc(d.c, ink.Pt{X: d.at.X - dx, Y: d.at.Y - dy}, radius)
	}
	if done != nil {
		v.page.Picture(v.box, done())
	}
}

// marker draws a point in one of four shapes, so that series can be told apart without colour.
func marker(page *ink.Page, c color.NRGBA, at ink.Pt, r float64, n int) {
	shape := func(pts ...float64) {
		var loop []ink.Pt
		for i := 0; i < len(pts); i += 2 {
			loop = append(loop, ink.Pt{X: at.X + r*pts[i], Y: at.Y + r*pts[i+1]})
		}
		page.Area(c, loop)
	}
	switch n % 4 {
	case 1:
		shape(-.9, -.9, .9, -.9, .9, .9, -.9, .9)
	case 2:
		shape(-1.15, -.8, 1.15, -.8, 0, 1.2)
	case 3:
		shape(-1.25, 0, 0, -1.25, 1.25, 0, 0, 1.25)
	default:
		page.Disc(c, at, r)
	}
}

// markers draws a few points in the n-th shape.
func (v *view) markers(c color.NRGBA, radius float64, n int, x, y []float64) {
	for i := range x {
		if p := v.at(x[i], y[i]); v.box.Holds(p) {
			marker(v.page, c, p, radius*lineScale(v.s.k), n)
		}
	}
}

// loops maps contours to the page.
func (v *view) loops(ls []density.Loop) [][]ink.Pt {
	out := make([][]ink.Pt, len(ls))
	for i, l := range ls {
		out[i] = make([]ink.Pt, len(l))
		for j, p := range l {
			out[i][j] = v.at(p[0], p[1])
		}
	}
	return out
}

// fillLoops fills the area that the contours of one level enclose.
func (v *view) fillLoops(c color.NRGBA, ls []density.Loop) {
	all := v.loops(ls)
	for i := range all {
		all[i] = clipArea(v.box, thin(all[i]))
	}
	v.page.Area(c, all...)
}

// strokeLoops draws the contours of one level.
func (v *view) strokeLoops(pen ink.Pen, ls []density.Loop) {
	for _, l := range v.loops(ls) {
		pieces := clipLine(v.box, append(l, l[0]))
		if len(pieces) == 1 && len(pieces[0]) > len(l) {
			v.page.Loop(pen, thin(pieces[0][:len(l)])...)
			continue
		}
		for _, p := range pieces {
			v.page.Line(pen, thin(p)...)
		}
	}
}

// band fills between two curves, in pieces where a value is not a number; what has no place on a logarithmic axis lies
// below it.
func (v *view) band(c color.NRGBA, x, low, high []float64) {
	place := func(y float64) float64 {
		f := v.y.to(y)
		if v.y.log && y <= 0 {
			f = -1
		}
		return v.box.Y + v.box.H*min(max(f, -1), 2)
	}
	var loop, upper []ink.Pt
	fill := func() {
		loop, upper = thin(loop), thin(upper)
		slices.Reverse(upper)
		v.page.Area(c, clipArea(v.box, append(loop, upper...)))
		loop, upper = nil, nil
	}
	for i := range x {
		at, a, b := v.box.X+v.box.W*v.x.to(x[i]), place(low[i]), place(high[i])
		if math.IsNaN(at+a+b) || math.IsInf(at, 0) {
			fill()
			continue
		}
		loop, upper = append(loop, ink.Pt{X: at, Y: a}), append(upper, ink.Pt{X: at, Y: b})
	}
	fill()
}

// vertical and horizontal draw a line across the panel, if the value is on it.
func (v *view) vertical(pen ink.Pen, x float64) {
	if f := v.x.to(x); f >= 0 && f <= 1 {
		p := v.at(x, v.y.min)
		v.page.Line(pen, p, ink.Pt{X: p.X, Y: v.box.Top()})
	}
}

func (v *view) horizontal(pen ink.Pen, y float64) {
	if f := v.y.to(y); f >= 0 && f <= 1 {
		p := v.at(v.x.min, y)
		v.page.Line(pen, p, ink.Pt{X: v.box.Right(), Y: p.Y})
	}
}

// heat draws a grid as an image over the part of the panel that it covers.
func (v *view) heat(g *density.Grid, colour func(z float64) color.NRGBA) {
	img := image.NewNRGBA(image.Rect(0, 0, g.NX, g.NY))
	for j := range g.NY {
		for i := range g.NX {
			img.SetNRGBA(i, g.NY-1-j, colour(g.Z[j*g.NX+i]))
		}
	}
	a, b := v.at(g.X.Min, g.Y.Min), v.at(g.X.Max, g.Y.Max)
	v.page.Picture(ink.Rect{X: a.X, Y: a.Y, W: b.X - a.X, H: b.Y - a.Y}, img)
}

// arrow draws a line with a filled head.
func (v *view) arrow(pen ink.Pen, from, to ink.Pt, head float64) {
	dx, dy := to.X-from.X, to.Y-from.Y
	n := math.Hypot(dx, dy)
	if n == 0 {
		return
	}
	dx, dy = dx/n, dy/n
	head = min(head, n)
	neck := ink.Pt{X: to.X - head*dx, Y: to.Y - head*dy}
	v.page.Line(pen, from, neck)
	v.page.Area(pen.Color, []ink.Pt{to, {X: neck.X - .4*head*dy, Y: neck.Y + .4*head*dx}, {X: neck.X + .4*head*dy, Y: neck.Y - .4*head*dx}})
}
