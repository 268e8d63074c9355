package plotting

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"odslab/odslib"
)

// Curve is a quantity followed over steps: one run, or the same with several seeds.
type Curve struct {
	name string
	runs [][]float64
	at   []float64 // steps; nil means 1, 2, 3…
}

// Runs names a quantity followed over steps, once per seed.
func Runs(name string, runs ...[]float64) Curve { return Curve{name: name, runs: runs} }

// Every says which steps the values stand for: every n-th, beginning with the n-th.
func (c Curve) Every(n int) Curve {
	longest := 0
	for _, r := range c.runs {
		longest = max(longest, len(r))
	}
	c.at = nil
	for i := range longest {
		c.at = append(c.at, float64((i+1)*n))
	}
	return c
}

const trainingOptions = "XLabel YLabel XLimits YLimits LogX LogY Exact"

// Training draws losses over steps: []float64, a Curve with several runs, a *odslib.Result or its trace. One run is pale
// with its running median in ink; several runs are their median over the quartiles, smoothed likewise. Exact draws a known optimum. The y
// axis is logarithmic where the values span more than a factor of 30 and at most one in twenty, left out then, is not positive.
func Training(args ...any) *Figure {
	c := newSettings()
	c.xLabel, c.yLabel = "step", "loss"
	var curves []Curve
	for i, a := range args {
		if o, ok := a.(Option); ok {
			if err := c.apply(o, trainingOptions); err != nil {
				return failed("Training", err)
			}
			continue
		}
		k, err := curveOf(a)
		if err != nil {
			return failed("Training", fmt.Errorf("argument %d: %w", i+1, err))
		}
		curves = append(curves, k)
	}
	if len(curves) == 0 {
		return failed("Training", errors.New("nothing to draw: give it losses"))
	}
	var marks []Mark
	longest := 0
	for _, k := range curves {
		for _, r := range k.runs {
			longest = max(longest, len(r))
		}
	}
	c.logY = c.logY || (math.IsNaN(c.exact) || c.exact > 0) && spansDecades(curves)
	pale := map[int]bool{}
	for _, k := range curves {
		x := k.at
		if x == nil {
			x = counted(nil, make([]float64, longest))
			for i := range x {
				x[i]++
			}
		}
		if len(k.runs) == 1 {
			r := k.runs[0]
			x := x[:len(r)]
			if c.logY {
				x, r = above0(x, r)
			}
			if len(r) >= 100 {
				pale[len(marks)] = true
				marks = append(marks, Line("", x, r), Line(k.name+", running median", x, runningMedian(r, len(r)/25|1)).Along())
			} else {
				marks = append(marks, Line(k.name, x, r))
			}
			continue
		}
		q1, q2, q3 := quartiles(k.runs)
		if n := len(q2); n >= 100 {
			w := n/40 | 1
			q1, q2, q3 = runningMedian(q1, w), runningMedian(q2, w), runningMedian(q3, w)
		}
		marks = append(marks, Band("", x[:len(q1)], q1, q3), Line(fmt.Sprintf("%s (median, quartiles of %d)", k.name, len(k.runs)), x[:len(q2)], q2).Along())
	}
	if !math.IsNaN(c.exact) {
		last := float64(longest)
		if a := curves[0].at; a != nil {
			last = a[len(a)-1]
		}
		marks = append(marks, Line("exact", []float64{0, last}, []float64{c.exact, c.exact}).AsTruth())
	}
	for _, m := range marks {
		if err := m.check(); err != nil {
			return failed("Training", err)
		}
	}
	p, err := linePanel(marks, &c)
	if err != nil {
		return failed("Training", err)
	}
	if c.x == nil {
		p.x.min = 0
	}
	// Pale runs are drawn below everything, in place of what linePanel made of them.
	draw := func(until float64, s *style, width float64, letters bool) *sheet {
		q := &panel{x: p.x, y: p.y}
		for _, want := range []int{0, 1} {
			for i, m := range marks {
				if pale[i] == (want == 0) {
					q.add(func(v *view) {
						m := m.upTo(until)
						if col := markColour(v.s, marks, i); pale[i] {
							v.line(v.s.pen(fade(col, .3), .6), m.x, m.y)
						} else {
							drawMark(v, m, col, markNumber(marks, i))
						}
					})
				}
			}
		}
		l := &layout{panels: [][]*panel{{q}}, aspect: .62, most: 85}
		l.legend, l.notes = markLegend(marks), leftOut(marks, &c)
		return l.sheet(s, width, letters)
	}
	f := newFigure(fmt.Sprintf("training curve of %d steps", longest), func(s *style, width float64, letters bool) *sheet {
		return draw(math.Inf(1), s, width, letters)
	})
	f.frames = func() (out []frame) {
		const moments = 60
		for k := 1; k <= moments; k++ {
			until := p.x.max * float64(k) / moments
			out = append(out, frame{fmt.Sprintf("step %.0f", until), func(s *style, width float64) *sheet { return draw(until, s, width, false) }})
		}
		return out
	}
	f.numbers = func() string {
		var b strings.Builder
		for _, k := range curves {
			for i, r := range k.runs {
				name := k.name
				if len(k.runs) > 1 {
					name = fmt.Sprintf("%s, run %d", k.name, i+1)
				}
				last := r[len(r)-max(1, len(r)/20):]
				fmt.Fprintf(&b, "%s: first %s, median of the last %s %s\n", name, short(r[0]), plural(len(last), "value"), short(quantile(last, .5)))
			}
		}
		return strings.TrimSuffix(b.String(), "\n")
	}
	return f
}

// upTo is the part of a mark that lies at or before x; a line given for the whole stays.
func (m Mark) upTo(x float64) Mark {
	if m.role != sampler || math.IsInf(x, 1) {
		return m
	}
	n := 0
	for n < len(m.x) && m.x[n] <= x {
		n++
	}
	m.x, m.y = m.x[:n], m.y[:n]
	if m.top != nil {
		m.top = m.top[:n]
	}
	return m
}

func curveOf(v any) (Curve, error) {
	switch v := v.(type) {
	case Curve:
		if len(v.runs) == 0 {
			return v, fmt.Errorf("%q has no runs", v.name)
		}
		for _, r := range v.runs {
			if len(r) == 0 {
				return v, fmt.Errorf("a run of %q is empty", v.name)
			}
		}
		return v, nil
	case []float64:
		return curveOf(Runs("loss", v))
	case []float32:
		return curveOf(Runs("loss", toFloats(v)))
	case []odslib.TraceStep:
		var loss []float64
		c := Curve{name: "loss"}
		for _, t := range v {
			loss, c.at = append(loss, t.Loss), append(c.at, float64(t.Step))
		}
		c.runs = [][]float64{loss}
		return curveOf(c)
	case *odslib.Result:
		if v == nil {
			return Curve{}, errors.New("a Result is nil")
		}
		c, err := curveOf(v.Trace)
		if err != nil {
			return c, fmt.Errorf("%s has no trace of its training", v.Sampler)
		}
		c.name = v.Sampler
		return c, nil
	}
	return Curve{}, fmt.Errorf("%T is not a loss (numbers, Runs, a Result) nor an option", v)
}

// runningMedian is the median over a window of w values, fewer at the ends.
func runningMedian(y []float64, w int) []float64 {
	out := make([]float64, len(y))
	for i := range y {
		out[i] = quantile(y[max(0, i-w/2):min(len(y), i+w/2+1)], .5)
	}
	return out
}

// quantile interpolates between sorted values, leaving out what is not finite.
func quantile(y []float64, q float64) float64 {
	s := slices.DeleteFunc(slices.Clone(y), func(v float64) bool { return math.IsNaN(v) || math.IsInf(v, 0) })
	if len(s) == 0 {
		return math.NaN()
	}
	slices.Sort(s)
	at := q * float64(len(s)-1)
	i := int(at)
	if i+1 >= len(s) {
		return s[len(s)-1]
	}
	return s[i] + (at-float64(i))*(s[i+1]-s[i])
}

// quartiles are taken over runs at each step that all runs reached.
func quartiles(runs [][]float64) (q1, q2, q3 []float64) {
	n := len(runs[0])
	for _, r := range runs {
		n = min(n, len(r))
	}
	for i := range n {
		var at []float64
		for _, r := range runs {
			at = append(at, r[i])
		}
		q1, q2, q3 = append(q1, quantile(at, .25)), append(q2, quantile(at, .5)), append(q3, quantile(at, .75))
	}
	return q1, q2, q3
}

// spansDecades says whether losses are to be seen on a logarithmic axis. A tempered training begins with a few of 0.
func spansDecades(curves []Curve) bool {
	low, high := math.Inf(1), math.Inf(-1)
	all, rest := 0, 0
	for _, k := range curves {
		for _, r := range k.runs {
			for _, v := range r {
				all++
				if v <= 0 {
					rest++
				} else if !math.IsNaN(v) && !math.IsInf(v, 0) {
					low, high = min(low, v), max(high, v)
				}
			}
		}
	}
	return 20*rest <= all && high > 30*low
}

// above0 leaves out what a logarithmic axis can't show.
func above0(x, y []float64) (px, py []float64) {
	for i, v := range y {
		if !(v <= 0) {
			px, py = append(px, x[i]), append(py, v)
		}
	}
	return px, py
}
