package plotting

import (
	"errors"
	"fmt"
	"image/color"
	"math"
	"slices"

	"odslab/plotting/internal/density"
	"odslab/plotting/internal/ink"
)

const densityOptions = "Names Variables Levels XLimits YLimits Limits Columns Count Cividis"

// nats is how far below its top a log-density is coloured.
const nats = 10

// Density2D draws sets of samples in two variables, a panel each on shared axes: the exact log-density in colour where it
// is known (LogDensity of a Series, a Field; that of the Truth serves all panels), contours that enclose 50 % and 90 % of
// the mass, and the samples as dots. Where no density is known, the contours are estimated from the samples and filled.
//
//	plotting.Density2D(dps, tds, plotting.Truth(exact).LogDensity(logp))
func Density2D(args ...any) *Figure {
	series, c, err := collect(args, densityOptions)
	if err != nil {
		return failed("Density2D", err)
	}
	d, err := newDensityPlot(series, &c)
	if err != nil {
		return failed("Density2D", err)
	}
	what := fmt.Sprintf("density of %s in two variables", seriesNames(series))
	f := newFigure(what, func(s *style, width float64, letters bool) *sheet {
		return d.layout(s).sheet(s, width, letters)
	})
	if d.chosen != nil {
		f.numbers = d.numbers
	}
	return f
}

// densityPlot is the content of a Density2D.
type densityPlot struct {
	*chosen // of the series with samples or a point; nil where there are Fields alone
	series  []Series
	c       *settings
	names   []string
	shown   []int // series with a panel
	x, y    scale
	levels  []float64
	fields  map[int]*density.Grid // log-densities, by panel's series
	top     float64
	loops   map[int][][]density.Loop
	truths  []int
}

func newDensityPlot(series []Series, c *settings) (*densityPlot, error) {
	d := &densityPlot{series: series, c: c, levels: c.levels, fields: map[int]*density.Grid{}, loops: map[int][][]density.Loop{}, top: math.Inf(-1)}
	if d.levels == nil {
		d.levels = []float64{.5, .9}
	}
	if c.variables == nil {
		c.variables = []any{0, 1}
	}
	if len(c.variables) != 2 {
		return nil, fmt.Errorf("Variables: a density in the plane needs two, not %d", len(c.variables))
	}
	if c.x != nil {
		c.limits = append(c.limits, variableLimits{c.variables[0], c.x[0], c.x[1]})
	}
	if c.y != nil {
		c.limits = append(c.limits, variableLimits{c.variables[1], c.y[0], c.y[1]})
	}
	some := slices.DeleteFunc(slices.Clone(series), func(s Series) bool { return !s.many() && s.point == nil })
	if slices.ContainsFunc(some, Series.many) {
		for _, s := range some {
			if s.dim() < 2 {
				return nil, fmt.Errorf("%s has %s, so there is no plane", s.name, plural(s.dim(), "variable"))
			}
		}
		// Each series has a panel of its own, the prior too: its limits count as much as any.
		same := slices.Clone(some)
		for i := range same {
			if same[i].role == prior {
				same[i].role = sampler
			}
		}
		var err error
		if d.chosen, err = choose(same, c, 2); err != nil {
			return nil, err
		}
		d.notes = slices.DeleteFunc(d.notes, func(n string) bool { return n == fmt.Sprintf("2 of %d variables", some[0].dim()) })
		d.x, d.y, d.names = d.scales[0], d.scales[1], d.chosen.names
		if n := some[0].dim(); n > 2 && c.names == nil {
			d.names = []string{d.names[0] + fmt.Sprintf(" (of %d variables)", n), d.names[1]}
		}
	} else {
		if c.x == nil || c.y == nil {
			return nil, errors.New("a Field alone has no limits; give XLimits and YLimits")
		}
		d.x, d.y, d.names = scale{min: c.x[0], max: c.x[1]}, scale{min: c.y[0], max: c.y[1]}, c.names
		if d.names == nil {
			d.names = []string{"x_1", "x_2"}
		}
		if len(d.names) != 2 {
			return nil, fmt.Errorf("Names: %d names for two variables", len(d.names))
		}
	}
	var known func(x, y float64) float64
	for k, s := range series {
		if s.role == truth || s.role == reference {
			d.truths = append(d.truths, k)
			if s.log != nil {
				known = s.log
			}
		} else {
			d.shown = append(d.shown, k)
		}
	}
	if len(d.shown) == 0 { // the truth alone is worth a look too
		d.shown, d.truths = d.truths, nil
	}
	for _, k := range d.shown {
		s := series[k]
		f := s.log
		if f == nil && s.role == sampler {
			f = known
		}
		if f != nil {
			const n = 400
			g := density.NewGrid(density.Domain{Min: d.x.min, Max: d.x.max}, density.Domain{Min: d.y.min, Max: d.y.max}, n, n).Fill(f)
			p := exponentiated(g)
			if p == nil {
				return nil, fmt.Errorf("%s: the log-density is not finite anywhere in the panel", s.name)
			}
			d.fields[k], d.top, d.loops[k] = g, max(d.top, highest(g)), d.cut(p)
		} else if s.many() {
			d.loops[k] = d.estimate(s)
		}
	}
	for _, k := range d.truths {
		if s := series[k]; s.many() && len(d.fields) == 0 {
			d.loops[k] = d.estimate(s)
		}
	}
	return d, nil
}

func (d *densityPlot) cut(g *density.Grid) [][]density.Loop { return g.Contours(d.levels...) }

// estimate is nil where the samples are no draws from a smooth density: then they stand for themselves.
func (d *densityPlot) estimate(s Series) [][]density.Loop {
	cx, cy := s.table.column(d.index[0]), s.table.column(d.index[1])
	if cx.Kind != density.Smooth || cy.Kind != density.Smooth {
		return nil
	}
	return density.Estimate2(cx, cy, 192).Contours(d.levels...)
}

func (d *densityPlot) layout(s *style) *layout {
	cols := d.c.columns
	if cols == 0 {
		cols = min(len(d.shown), 3)
		if len(d.shown) == 4 {
			cols = 2
		}
	}
	l := &layout{gap: .4, aspect: (d.y.max - d.y.min) / (d.x.max - d.x.min), most: 62}
	if d.chosen != nil {
		l.notes = d.notes
	}
	if l.aspect < .5 || l.aspect > 2 { // variables of different kinds
		l.aspect = 1
	}
	for i := 0; i < len(d.shown); i += cols {
		row := make([]*panel, cols)
		for j := range min(cols, len(d.shown)-i) {
			p := &panel{x: newAxis(d.x, d.names[0]), y: newAxis(d.y, d.names[1])}
			p.y.numbers = j == 0
			p.x.numbers = i+j+cols >= len(d.shown)
			if len(d.shown) > 1 || d.series[d.shown[0]].role == sampler {
				p.title = d.series[d.shown[i+j]].name
			}
			d.fill(p, d.shown[i+j])
			row[j] = p
		}
		l.panels = append(l.panels, row)
	}
	if len(d.fields) > 0 {
		m := d.c.magnitudes()
		l.bar = mapBar(m, scale{min: 0, max: nats}, "")
		l.bar = &colourBar{scale: scale{min: d.top - nats, max: d.top}, label: "log density", colours: func(f float64) (r, g, b, a uint8) {
			c := nightfall(m, f)
			return c.R, c.G, c.B, c.A
		}}
	}
	l.legend = d.legend()
	return l
}

// nightfall is a colour map without its darkest end, which fades into the page: ink where there is mass only.
func nightfall(m *colourMap, f float64) color.NRGBA {
	if !(f > 0) {
		return color.NRGBA{}
	}
	return fade(m.at(.12+.88*f), min(1, f/.18))
}

func (d *densityPlot) fill(p *panel, k int) {
	s, field := d.series[k], d.fields[k]
	p.add(func(v *view) {
		c := colourOf(v.s, d.series, k)
		if field != nil {
			m := d.c.magnitudes()
			v.heat(field, func(z float64) color.NRGBA { return nightfall(m, 1+(z-d.top)/nats) })
		} else {
			for m := len(d.loops[k]) - 1; m >= 0; m-- {
				share := .16 + .3*float64(len(d.levels)-1-m)/math.Max(1, float64(len(d.levels)-1))
				v.fillLoops(v.s.tint(c, share), d.loops[k][m])
			}
		}
		if s.many() {
			x, y := s.column(d.index[0]), s.column(d.index[1])
			n := d.c.count
			if n == 0 { // as many as a panel of this size can hold
				n = int(1000 * min(1, max(.2, v.box.W*v.box.H/(150*150))))
			}
			if s.table.size() >= fewest {
				x, y = draw(n, s.weights, x, y)
			}
			switch {
			case field != nil:
				v.cloud(color.NRGBA{A: 255}, .42, .3, x, y, nil)
			case d.loops[k] == nil:
				v.samples(c, x, y)
			default:
				v.cloud(c, .42, .3, x, y, nil)
			}
		}
		for m, loops := range d.loops[k] {
			pen := massPen(v.s, m)
			pen.Width *= min(1, max(.5, v.box.W/150)) // small panels hold small rings
			if field == nil {
				pen.Color = c
			}
			v.strokeLoops(pen, loops)
		}
		for _, t := range d.truths {
			if q := d.series[t].point; q != nil {
				v.vertical(penOf(v.s, d.series, t, .8), q[d.index[0]])
				v.horizontal(penOf(v.s, d.series, t, .8), q[d.index[1]])
			}
			for _, loops := range d.loops[t] {
				v.strokeLoops(v.s.dashed(v.s.ink, .8), loops)
			}
		}
	})
}

// massPen draws the contour of the m-th level: the innermost is the strongest.
func massPen(s *style, m int) ink.Pen {
	return s.pen(color.NRGBA{255, 255, 255, 255}, []float64{1, .5}[min(m, 1)])
}

func (d *densityPlot) legend() []entry {
	var es []entry
	if len(d.fields) > 0 {
		for m, share := range d.levels {
			name := percent([]float64{share})
			if m == len(d.levels)-1 {
				name += " of the exact mass"
			}
			es = append(es, entry{name, func(page *ink.Page, s *style, r ink.Rect) {
				page.Box(d.c.magnitudes().at(.5), r)
				page.Line(massPen(s, m), ink.Pt{X: r.X, Y: r.Y + r.H/2}, ink.Pt{X: r.Right(), Y: r.Y + r.H/2})
			}})
		}
	} else if k := d.shown[0]; slices.ContainsFunc(d.shown, func(k int) bool { return d.loops[k] != nil }) {
		if len(d.shown) > 1 {
			es = append(es, noteEntry("Contours hold "+percent(d.levels)+" of the mass"))
		} else {
			es = append(es, boxEntryEdge(percent(d.levels)+" of the mass", func(s *style) (color.NRGBA, ink.Pen) {
				c := colourOf(s, d.series, k)
				return c, s.pen(c, .8)
			}, .35))
		}
	}
	if slices.ContainsFunc(d.shown, func(k int) bool { return d.series[k].many() }) {
		es = append(es, dotEntry("samples", func(s *style) color.NRGBA {
			if len(d.fields) > 0 {
				return fade(s.ink, .7)
			}
			return fade(colourOf(s, d.series, d.shown[0]), .8)
		}))
	}
	for _, t := range d.truths {
		if len(d.loops[t]) > 0 || d.series[t].point != nil {
			es = append(es, seriesEntry(d.series, t, d.series[t].name))
		}
	}
	return es
}
