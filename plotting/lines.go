package plotting

import (
	"errors"
	"fmt"
	"image/color"
	"math"
	"slices"

	"odslab/plotting/internal/ink"
)

type kind int

const (
	lineMark kind = iota
	pointMark
	bandMark
)

// Mark is one thing in a plot of numbers: a line, points or a band, made by [Line], [Function], [Points] or [Band].
type Mark struct {
	name      string
	kind      kind
	role      role
	x, y, top []float64
	sameAs    bool // takes the colour of the mark before it
	upright   bool // a line across the panel at x
	level     bool // a line across the panel at y
}

// Vertical is a reference line at a value of x, dotted across the panel.
func Vertical(name string, x float64) Mark {
	return Mark{name: name, role: reference, upright: true, x: []float64{x}, y: []float64{math.NaN()}}
}

// Horizontal is a reference line at a value of y, dotted across the panel.
func Horizontal(name string, y float64) Mark {
	return Mark{name: name, role: reference, level: true, x: []float64{math.NaN()}, y: []float64{y}}
}

// Line joins points. x may be nil: 0, 1, 2…
func Line(name string, x, y []float64) Mark { return Mark{name: name, x: counted(x, y), y: y} }

// Function samples f at 400 points.
func Function(name string, f func(x float64) float64, from, to float64) Mark {
	const n = 400
	m := Mark{name: name}
	for i := range n + 1 {
		x := from + (to-from)*float64(i)/n
		m.x, m.y = append(m.x, x), append(m.y, f(x))
	}
	return m
}

// Points are not joined.
func Points(name string, x, y []float64) Mark {
	return Mark{name: name, kind: pointMark, x: counted(x, y), y: y}
}

// Band fills between two curves.
func Band(name string, x, low, high []float64) Mark {
	return Mark{name: name, kind: bandMark, x: counted(x, low), y: low, top: high}
}

// AsTruth draws the mark as the truth is drawn everywhere: black, dashed.
func (m Mark) AsTruth() Mark { m.role = truth; return m }

// AsPrior draws the mark as the prior is drawn everywhere: grey.
func (m Mark) AsPrior() Mark { m.role = prior; return m }

// Along gives the mark the colour of the one before it.
func (m Mark) Along() Mark { m.sameAs = true; return m }

func counted(x, y []float64) []float64 {
	if x != nil {
		return x
	}
	x = make([]float64, len(y))
	for i := range x {
		x[i] = float64(i)
	}
	return x
}

func (m Mark) check() error {
	switch {
	case len(m.y) == 0:
		return fmt.Errorf("%q has no points", m.name)
	case len(m.x) != len(m.y) || m.kind == bandMark && len(m.top) != len(m.y):
		return fmt.Errorf("%q has %d x values and %d y values", m.name, len(m.x), len(m.y))
	}
	for i, v := range m.y {
		if m.upright {
			v = m.x[i]
		}
		if !math.IsNaN(v) && !math.IsInf(v, 0) {
			return nil
		}
	}
	return fmt.Errorf("%q has no finite value", m.name)
}

const lineOptions = "XLabel YLabel XLimits YLimits LogX LogY"

// Lines draws marks on one pair of axes.
//
//	plotting.Lines(plotting.Function("α_t", s.Alpha, 0, 1), plotting.Function("σ_t", s.Sigma, 0, 1), plotting.XLabel("t"))
func Lines(args ...any) *Figure {
	c := newSettings()
	var marks []Mark
	for i, a := range args {
		switch a := a.(type) {
		case Option:
			if err := c.apply(a, lineOptions); err != nil {
				return failed("Lines", err)
			}
		case Mark:
			if err := a.check(); err != nil {
				return failed("Lines", err)
			}
			marks = append(marks, a)
		default:
			return failed("Lines", fmt.Errorf("argument %d is a %T, neither a Mark (Line, Function, Points, Band) nor an option", i+1, a))
		}
	}
	if len(marks) == 0 {
		return failed("Lines", errors.New("nothing to draw: give it a Line, Function, Points or Band"))
	}
	p, err := linePanel(marks, &c)
	if err != nil {
		return failed("Lines", err)
	}
	notes := leftOut(marks, &c)
	what := "plot of"
	for i, m := range marks {
		if m.name != "" {
			if i > 0 {
				what += ","
			}
			what += " " + m.name
		}
	}
	return newFigure(what, func(s *style, width float64, letters bool) *sheet {
		l := &layout{panels: [][]*panel{{p}}, aspect: .62, most: 85, legend: markLegend(marks), notes: notes}
		return l.sheet(s, width, letters)
	})
}

// leftOut counts what has no place on the axes.
func leftOut(marks []Mark, c *settings) (notes []string) {
	bad, log, all := 0, 0, 0
	for _, m := range marks {
		if m.upright || m.level {
			continue
		}
		for i := range m.y {
			vs := []float64{m.x[i], m.y[i]}
			if m.top != nil {
				vs = append(vs, m.top[i])
			}
			all++
			switch {
			case slices.ContainsFunc(vs, func(v float64) bool { return math.IsNaN(v) || math.IsInf(v, 0) }):
				bad++
			case c.logX && vs[0] <= 0, c.logY && slices.Min(vs[1:]) <= 0:
				log++
			}
		}
	}
	if bad > 0 {
		notes = append(notes, fmt.Sprintf("%d of %d values are not finite", bad, all))
	}
	if log > 0 {
		notes = append(notes, fmt.Sprintf("%d of %d values are not positive and have no place on a logarithmic axis", log, all))
	}
	return notes
}

// linePanel is a panel whose limits take in all marks.
func linePanel(marks []Mark, c *settings) (*panel, error) {
	var xs, ys []float64
	for _, m := range marks {
		xs, ys = append(xs, m.x...), append(append(ys, m.y...), m.top...)
	}
	x, y := around(0, c.logX, xs...), around(.04, c.logY, ys...)
	for _, m := range marks {
		if m.kind == pointMark {
			x = around(.04, c.logX, xs...)
		}
	}
	if c.x != nil {
		x = scale{min: c.x[0], max: c.x[1], log: c.logX}
	}
	if c.y != nil {
		y = scale{min: c.y[0], max: c.y[1], log: c.logY}
	}
	if c.logX && x.min <= 0 || c.logY && y.min <= 0 {
		return nil, errors.New("a logarithmic axis cannot start at or below 0")
	}
	p := &panel{x: newAxis(x, c.xLabel), y: newAxis(y, c.yLabel)}
	for _, kind := range []kind{bandMark, lineMark, pointMark} {
		for i, m := range marks {
			if m.kind == kind {
				p.add(func(v *view) { drawMark(v, m, markColour(v.s, marks, i), markNumber(marks, i)) })
			}
		}
	}
	return p, nil
}

func drawMark(v *view, m Mark, c color.NRGBA, n int) {
	switch {
	case m.upright:
		v.vertical(v.s.dotted(c, .9), m.x[0])
	case m.level:
		v.horizontal(v.s.dotted(c, .9), m.y[0])
	case m.kind == bandMark:
		v.band(fade(c, .22), m.x, m.y, m.top)
	case m.kind == pointMark:
		alpha := 1.
		if len(m.x) > 200 {
			alpha = .5
		}
		r := 1.5
		if len(m.x) > 500 {
			r = .7
		}
		if len(m.x) <= 200 {
			v.markers(c, r, n, m.x, m.y)
			return
		}
		v.cloud(c, r, alpha, m.x, m.y, nil)
	case m.role == truth:
		v.line(v.s.dashed(c, 1), m.x, m.y)
	default:
		pen := v.s.line(c, 1.2, n)
		if m.role == prior {
			pen = v.s.pen(c, 1.2)
		}
		v.line(pen, m.x, m.y)
	}
}

func markColour(s *style, marks []Mark, i int) color.NRGBA {
	switch marks[i].role {
	case prior:
		return s.prior
	case truth:
		return s.ink
	case reference:
		return s.axis
	}
	var names []string
	place := 0
	for k, m := range marks {
		if m.role == sampler && (!m.sameAs || len(names) == 0) {
			names = append(names, m.name)
		}
		if k == i {
			place = len(names) - 1
		}
	}
	return s.assigned(names, false)[place]
}

// markNumber is a mark's place among those with a colour of their own.
func markNumber(marks []Mark, i int) int {
	n := -1
	for _, m := range marks[:i+1] {
		if m.role == sampler && (!m.sameAs || n < 0) && m.kind == marks[i].kind {
			n++
		}
	}
	return max(n, 0)
}

func markLegend(marks []Mark) (es []entry) {
	named := 0
	for _, m := range marks {
		if m.name != "" {
			named++
		}
	}
	for i, m := range marks {
		if m.name == "" || named == 1 && len(marks) == 1 {
			continue
		}
		switch {
		case m.kind == bandMark:
			es = append(es, boxEntry(m.name, func(s *style) color.NRGBA { return s.tint(markColour(s, marks, i), .22) }))
		case m.kind == pointMark:
			es = append(es, entry{m.name, func(page *ink.Page, s *style, r ink.Rect) {
				marker(page, markColour(s, marks, i), ink.Pt{X: r.X + r.W/2, Y: r.Y + r.H/2}, 1.6*lineScale(s.k), markNumber(marks, i))
			}})
		default:
			es = append(es, lineEntry(m.name, func(s *style) ink.Pen {
				switch c := markColour(s, marks, i); {
				case m.upright || m.level:
					return s.dotted(c, .9)
				case m.role == truth:
					return s.dashed(c, 1)
				case m.role == prior:
					return s.pen(c, 1.2)
				default:
					return s.line(c, 1.2, markNumber(marks, i))
				}
			}))
		}
	}
	return es
}
