package plotting

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"odslab/plotting/internal/ink"
)

// Bar is one row of a comparison; Low and High, where they differ, are the ends of its interval.
type Bar struct {
	Name      string
	Value     float64
	Low, High float64
}

const barOptions = "Floor XLabel XLimits LogX"

// Bars compares one number of several samplers, a row each with the number written out. Floor draws the value of two sets
// of exact samples, below which nothing means anything. With LogX bars become points, because a bar needs a zero.
func Bars(args ...any) *Figure {
	c := newSettings()
	c.xLabel = "distance"
	var bars []Bar
	for i, a := range args {
		switch a := a.(type) {
		case Option:
			if err := c.apply(a, barOptions); err != nil {
				return failed("Bars", err)
			}
		case Bar:
			bars = append(bars, a)
		case []Bar:
			bars = append(bars, a...)
		default:
			return failed("Bars", fmt.Errorf("argument %d is a %T, neither a Bar nor an option", i+1, a))
		}
	}
	if len(bars) == 0 {
		return failed("Bars", errors.New("nothing to draw: give it a Bar"))
	}
	at := []float64{}
	if !c.logX {
		at = append(at, 0)
	}
	for _, b := range bars {
		if math.IsNaN(b.Value) || math.IsInf(b.Value, 0) {
			return failed("Bars", fmt.Errorf("the value of %s is %v", b.Name, b.Value))
		}
		if c.logX && b.Value <= 0 {
			return failed("Bars", fmt.Errorf("the value of %s is %v, which has no place on a logarithmic axis", b.Name, b.Value))
		}
		at = append(at, b.Value)
		if b.Low != b.High {
			at = append(at, b.Low, b.High)
		}
	}
	if !math.IsNaN(c.floor) {
		at = append(at, c.floor)
	}
	sc := around(.02, c.logX, at...)
	if !c.logX && sc.min > -.05*sc.max {
		sc.min = 0
	}
	if c.logX {
		sc = around(.1, true, at...)
	}
	if c.x != nil {
		sc = scale{min: c.x[0], max: c.x[1], log: c.logX}
	}
	n := float64(len(bars))
	p := &panel{x: newAxis(sc, c.xLabel), y: newAxis(scale{min: n - .4, max: -.6}, "")}
	p.y.names = make([]string, len(bars))
	for i, b := range bars {
		p.y.names[i] = b.Name
	}
	p.add(func(v *view) {
		cols := v.s.colours(p.y.names)
		for i, b := range bars {
			y, col := float64(i), cols[i]
			from, to := v.at(max(sc.min, 0), y), v.at(b.Value, y)
			h := .27 * v.box.H / n
			if c.logX {
				v.page.Disc(col, to, 2.2*lineScale(v.s.k))
			} else if to.X != from.X {
				v.page.Box(fade(col, .85), ink.Rect{X: min(from.X, to.X), Y: to.Y - h, W: math.Abs(to.X - from.X), H: 2 * h})
			}
			end := max(from.X, to.X)
			if c.logX {
				end = to.X
			}
			if b.Low != b.High {
				v.line(v.s.pen(v.s.ink, .9), []float64{b.Low, b.High}, []float64{y, y})
				end = max(end, v.at(b.High, y).X)
			}
			v.page.Text(ink.Pt{X: end + 3*v.s.k, Y: to.Y}, short(b.Value), v.s.tick, v.s.ink, 0, .5, 0)
		}
		if !math.IsNaN(c.floor) {
			v.vertical(v.s.dashed(v.s.ink, .9), c.floor)
		}
	})
	what := fmt.Sprintf("%s of %d samplers", c.xLabel, len(bars))
	return newFigure(what, func(s *style, width float64, letters bool) *sheet {
		w := min(width, 130*mm*s.k)
		if !s.loose {
			w = width
		}
		l := &layout{panels: [][]*panel{{p}}, aspect: (n*2.1 + .6) * s.label.Size / (w * .75), most: 95}
		// Room for the numbers at the bars' ends.
		longest := 0.
		for _, b := range bars {
			longest = max(longest, ink.Width(short(b.Value), s.tick)+4*s.k)
		}
		q := *p
		if c.x == nil && !c.logX {
			q.x.max = sc.min + (sc.max-sc.min)/(1-longest/(w*.8))
		} else if c.x == nil {
			q.x.max = sc.min * math.Pow(sc.max/sc.min, 1/(1-longest/(w*.8)))
		}
		q.y.edge = 0
		q.y.names = make([]string, len(bars))
		for i, b := range bars {
			q.y.names[i], _ = ink.Fit(b.Name, s.tick, w/3)
		}
		l.panels[0][0] = &q
		if !math.IsNaN(c.floor) {
			l.legend = []entry{lineEntry("floor: two sets of exact samples", func(s *style) ink.Pen { return s.dashed(s.ink, .9) })}
		}
		return l.sheet(s, width, letters)
	})
}

// short writes a number in at most three digits.
func short(v float64) string {
	switch {
	case v == 0:
		return "0"
	case math.IsNaN(v):
		return "–"
	case math.IsInf(v, 1):
		return "∞"
	case math.IsInf(v, -1):
		return "−∞"
	}
	e := math.Floor(math.Log10(math.Abs(v)))
	if e < -3 || e > 4 {
		return fmt.Sprintf("%s×10^{%d}", number(v/math.Pow(10, e), 1), int(e))
	}
	d := int(max(0, min(2-e, 4)))
	s := number(v, d)
	if d > 0 {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s
}
