package plotting

import (
	"errors"
	"fmt"
	"image/color"

	"odslab/odslib"
	"odslab/plotting/internal/density"
)

const trajectoryOptions = "Count Names XLabel YLabel XLimits YLimits Variables Levels"

// Trajectories draws the way of samples from noise to data: in two variables as lines in the plane that gain colour on
// their way, in one variable as lines over the steps. Give it the states at successive steps (a *odslib.Result with
// Draws, or []odslib.Array), the noise first. A Field or a Truth draws the target behind.
func Trajectories(args ...any) *Figure {
	c := newSettings()
	var states []odslib.Array
	var target *Series
	for i, a := range args {
		switch a := a.(type) {
		case Option:
			if err := c.apply(a, trajectoryOptions); err != nil {
				return failed("Trajectories", err)
			}
		case []odslib.Array:
			states = a
		case Series:
			if a.err != nil {
				return failed("Trajectories", fmt.Errorf("argument %d: %w", i+1, a.err))
			}
			target = &a
		case *odslib.Result:
			if a == nil || len(a.States) < 2 {
				return failed("Trajectories", errors.New("the result holds no states on the way; ask its sampler to observe them"))
			}
			states = a.States
		default:
			return failed("Trajectories", fmt.Errorf("argument %d is a %T, neither states nor an option", i+1, a))
		}
	}
	if len(states) < 2 {
		return failed("Trajectories", fmt.Errorf("%d states are not a way; there must be two or more", len(states)))
	}
	for i, a := range states {
		if err := check(a); err != nil {
			return failed("Trajectories", fmt.Errorf("state %d: %w", i, err))
		}
		if a.Len() != states[0].Len() || a.Dim() != states[0].Dim() {
			return failed("Trajectories", fmt.Errorf("state %d has shape %v and state 0 has %v", i, a.Shape, states[0].Shape))
		}
	}
	if states[0].Dim() == 1 {
		return overSteps(states, &c)
	}
	return inPlane(states, target, &c)
}

// overSteps draws one variable: time runs to the right, from noise to data.
func overSteps(states []odslib.Array, c *settings) *Figure {
	n := paths(states, c, 60)
	xs, _ := run(states, 0, 0)
	var all []float64
	for _, a := range states {
		all = append(all, toFloats(a.Data)...)
	}
	if c.xLabel == "" {
		c.xLabel = "step"
	}
	if c.yLabel == "" {
		c.yLabel = "x"
		if c.names != nil {
			c.yLabel = c.names[0]
		}
	}
	y := around(.04, false, all...)
	if c.y != nil {
		y = scale{min: c.y[0], max: c.y[1]}
	}
	paths := func(until int) *panel {
		p := &panel{x: newAxis(scale{min: 0, max: xs[len(xs)-1]}, c.xLabel), y: newAxis(y, c.yLabel), aspect: .55}
		p.add(func(v *view) {
			for i := range n {
				x, y := run(states, i, 0)
				v.fading(x, y, until, v.s.prior, v.s.colour(0), .75)
			}
		})
		return p
	}
	// The samples that came out, as a density on the right.
	last := states[len(states)-1].Column(0)
	d := density.NewColumn(last, equal(len(last))).Curve()
	top := 0.
	for _, h := range d.Y {
		top = max(top, h)
	}
	side := &panel{x: axis{scale: scale{min: 0, max: 1.05 * top}, off: true}, y: axis{scale: y, off: true}}
	side.add(func(v *view) {
		loop := append(v.all(d.Y, d.X), v.at(0, d.X[len(d.X)-1]), v.at(0, d.X[0]))
		v.page.Area(fade(v.s.colour(0), .15), clipArea(v.box, thin(loop)))
		v.line(v.s.pen(v.s.colour(0), 1.1), d.Y, d.X)
	})
	side.aspect = .55 / .18
	blank := &panel{x: side.x, y: side.y, aspect: side.aspect}
	draw := func(until int, s *style, width float64, letters bool) *sheet {
		end := side
		if until < len(states) {
			end = blank
		}
		return (&layout{panels: [][]*panel{{paths(until), end}}, widths: []float64{1, .18}, gap: .3, most: 90}).sheet(s, width, letters)
	}
	return moving(fmt.Sprintf("%d paths from noise to data in one variable", n), len(states), draw)
}

// moving is a figure of states that can be drawn up to any of them.
func moving(what string, states int, draw func(until int, s *style, width float64, letters bool) *sheet) *Figure {
	f := newFigure(what, func(s *style, width float64, letters bool) *sheet { return draw(states, s, width, letters) })
	f.frames = func() (out []frame) {
		for k := 1; k <= states; k++ {
			out = append(out, frame{fmt.Sprintf("step %d", k-1), func(s *style, width float64) *sheet { return draw(k, s, width, false) }})
		}
		return out
	}
	return f
}

func paths(states []odslib.Array, c *settings, most int) int {
	if c.count > 0 {
		most = c.count
	}
	return min(most, states[0].Len())
}

// run is the way of sample i in one variable.
func run(states []odslib.Array, i, variable int) (step, x []float64) {
	for t, a := range states {
		step, x = append(step, float64(t)), append(x, float64(a.Row(i)[variable]))
	}
	return step, x
}

// fading draws the first points of a line whose colour goes from one to another, in a few pieces: a segment each would make
// heavy files.
func (v *view) fading(x, y []float64, until int, from, to color.NRGBA, width float64) {
	pieces := min(8, len(x)-1)
	for k := range pieces {
		a, b := k*(len(x)-1)/pieces, (k+1)*(len(x)-1)/pieces
		f := (float64(k) + .5) / float64(pieces)
		c := fade(tint(to, from, f), .25+.6*f)
		if b = min(b, until-1); b > a {
			v.line(v.s.pen(c, width), x[a:b+1], y[a:b+1])
		}
	}
}

func inPlane(states []odslib.Array, target *Series, c *settings) *Figure {
	d := states[0].Dim()
	if c.variables == nil {
		c.variables = []any{0, 1}
	}
	if len(c.variables) != 2 {
		return failed("Trajectories", fmt.Errorf("Variables: a plane has two, not %d", len(c.variables)))
	}
	all, err := allNames(nil, c, d)
	if err != nil {
		return failed("Trajectories", err)
	}
	var index [2]int
	var names [2]string
	for i, which := range c.variables {
		if index[i], err = variable(which, all, d); err != nil {
			return failed("Trajectories", fmt.Errorf("Variables: %w", err))
		}
		names[i] = all[index[i]]
		if len(c.names) == 2 {
			names[i] = c.names[i]
		}
	}
	n := paths(states, c, 80)
	var at [2][]float64
	for axis, v := range index {
		for _, a := range states {
			at[axis] = append(at[axis], a.Column(v)[:n]...)
		}
		if target != nil && target.many() && target.dim() == d {
			at[axis] = append(at[axis], target.column(v)...)
		}
	}
	x, y := around(.04, false, at[0]...), around(.04, false, at[1]...)
	if c.x != nil {
		x = scale{min: c.x[0], max: c.x[1]}
	}
	if c.y != nil {
		y = scale{min: c.y[0], max: c.y[1]}
	}
	var loops [][]density.Loop
	levels := c.levels
	if levels == nil {
		levels = []float64{.5, .9}
	}
	if target != nil {
		var g *density.Grid
		switch {
		case target.log != nil:
			g = exponentiated(density.NewGrid(density.Domain{Min: x.min, Max: x.max}, density.Domain{Min: y.min, Max: y.max}, 400, 400).Fill(target.log))
			if g == nil {
				return failed("Trajectories", errors.New("the target's log-density is not finite anywhere in the panel"))
			}
		case target.many() && target.dim() == d:
			loops = density.Estimate2(target.table.column(index[0]), target.table.column(index[1]), 192).Contours(levels...)
		default:
			return failed("Trajectories", errors.New("the target must have the states' variables or a log-density"))
		}
		if g != nil {
			loops = g.Contours(levels...)
		}
	}
	wayTo := func(v *view, until int) {
		for m := len(loops) - 1; m >= 0; m-- {
			v.fillLoops(v.s.tint(v.s.faint, .45+.3*float64(len(loops)-1-m)), loops[m])
		}
		var end, start [2][]float64
		for i := range n {
			_, px := run(states, i, index[0])
			_, py := run(states, i, index[1])
			v.fading(px, py, until, v.s.prior, v.s.colour(0), .6)
			start[0], start[1] = append(start[0], px[0]), append(start[1], py[0])
			end[0], end[1] = append(end[0], px[until-1]), append(end[1], py[until-1])
		}
		v.cloud(v.s.prior, .9, .9, start[0], start[1], nil)
		v.cloud(v.s.colour(0), 1.2, 1, end[0], end[1], nil)
	}
	draw := func(until int, s *style, width float64, letters bool) *sheet {
		p := &panel{x: newAxis(x, names[0]), y: newAxis(y, names[1])}
		p.add(func(v *view) { wayTo(v, until) })
		a := (y.max - y.min) / (x.max - x.min)
		if a < .5 || a > 2 {
			a = 1
		}
		l := &layout{panels: [][]*panel{{p}}, aspect: a, most: 70, legend: []entry{
			dotEntry("noise", func(s *style) color.NRGBA { return s.prior }),
			dotEntry("sample", func(s *style) color.NRGBA { return s.colour(0) }),
		}}
		if loops != nil {
			l.legend = append(l.legend, boxEntry("target", func(s *style) color.NRGBA { return s.tint(s.faint, .6) }))
		}
		if n < states[0].Len() {
			l.notes = []string{fmt.Sprintf("%d of %d paths", n, states[0].Len())}
		}
		return l.sheet(s, width, letters)
	}
	f := moving(fmt.Sprintf("%d paths from noise to data in the plane", n), len(states), draw)
	f.vega = func() map[string]any {
		return stepping(f.what, names, x, y, n, len(states), func(path, step int) (x, y float64) {
			row := states[step].Row(path)
			return float64(row[index[0]]), float64(row[index[1]])
		})
	}
	return f
}
