package plotting

import (
	"errors"
	"fmt"
	"slices"

	"odslab/odslib"
	"odslab/plotting/internal/ink"
)

const genealogyOptions = "Count XLabel Cividis"

// Genealogy draws which particles descend from which over the steps at which a particle sampler resampled: lineages that
// reach the end in the colour of their final weight, the others pale. Particles are ordered so that lines do not cross. At
// most Count (200) particles of a generation are drawn. The upper panel counts how many particles of each generation have
// descendants at the end.
func Genealogy(r *odslib.Result, options ...Option) *Figure {
	c := newSettings()
	c.count, c.xLabel = 200, "step"
	for _, o := range options {
		if err := c.apply(o, genealogyOptions); err != nil {
			return failed("Genealogy", err)
		}
	}
	g, err := newGenealogy(r)
	if err != nil {
		return failed("Genealogy", err)
	}
	what := fmt.Sprintf("genealogy of %s particles of %s over %s", grouped(float64(g.n)), r.Sampler, plural(len(g.parents), "resampling"))
	f := newFigure(what, func(s *style, width float64, letters bool) *sheet {
		return g.layout(&c, len(g.at)).sheet(s, width, letters)
	})
	f.numbers = func() string {
		return fmt.Sprintf("of the first %s particles %s have descendants at the end", grouped(float64(g.n)), grouped(float64(g.alive[0])))
	}
	f.frames = func() []frame {
		var out []frame
		for k := 2; k <= len(g.at); k++ {
			out = append(out, frame{fmt.Sprintf("step %g", g.at[k-1]), func(s *style, width float64) *sheet { return g.layout(&c, k).sheet(s, width, false) }})
		}
		return out
	}
	return f
}

// genealogy has its generations in order of time: one before each resampling and the last.
type genealogy struct {
	n       int
	at      []float64 // step of each generation
	parents [][]int32
	place   [][]float64 // of each particle, 0 to 1
	weight  []float64   // of the last generation, relative to the largest
	heir    [][]float64 // largest final weight among a particle's descendants, −1 without
	alive   []int
}

func newGenealogy(r *odslib.Result) (*genealogy, error) {
	if r == nil {
		return nil, errors.New("a Result is nil")
	}
	if len(r.Ancestors) == 0 {
		return nil, fmt.Errorf("%s has no ancestors: it never resampled, or is no particle sampler", r.Sampler)
	}
	g := &genealogy{n: len(r.Ancestors[0]), parents: r.Ancestors}
	for i, a := range r.Ancestors {
		if len(a) != g.n || g.n == 0 {
			return nil, fmt.Errorf("resampling %d has %d particles and the first has %d", i+1, len(a), g.n)
		}
		for k, p := range a {
			if p < 0 || int(p) >= g.n {
				return nil, fmt.Errorf("resampling %d: particle %d descends from %d, and there are %d", i+1, k, p, g.n)
			}
		}
	}
	var steps []float64
	last := 0.
	for _, t := range r.Trace {
		if t.Resampled {
			steps = append(steps, float64(t.Step))
		}
		last = float64(t.Step)
	}
	g.at = append(g.at, 0)
	for i := range g.parents {
		step := float64(i + 1)
		if len(steps) == len(g.parents) {
			step = steps[i]
		}
		g.at = append(g.at, step)
	}
	if len(steps) == len(g.parents) && last > g.at[len(g.at)-1] { // after the last resampling particles live on by themselves
		self := make([]int32, g.n)
		for i := range self {
			self[i] = int32(i)
		}
		g.parents, g.at = append(slices.Clone(g.parents), self), append(g.at, last)
	}
	g.weight = make([]float64, g.n)
	for i := range g.weight {
		g.weight[i] = 1
	}
	if c := r.Particles; c != nil && len(c.LogWeights) == g.n {
		w := odslib.NormalisedWeights(c.LogWeights)
		if top := slices.Max(w); top > 0 {
			for i := range w {
				g.weight[i] = w[i] / top
			}
		}
	}
	g.order()
	return g, nil
}

// order places each generation by the places of its parents, and finds who lives on.
func (g *genealogy) order() {
	now := make([]int, g.n)
	for i := range now {
		now[i] = i
	}
	all := len(g.parents) + 1
	g.place = make([][]float64, all)
	for t := range all {
		if t > 0 {
			before := g.place[t-1]
			slices.SortStableFunc(now, func(a, b int) int {
				pa, pb := before[g.parents[t-1][a]], before[g.parents[t-1][b]]
				switch {
				case pa < pb:
					return -1
				case pa > pb:
					return 1
				}
				return a - b
			})
		}
		g.place[t] = make([]float64, g.n)
		for rank, i := range now {
			g.place[t][i] = (float64(rank) + .5) / float64(g.n)
		}
	}
	g.heir, g.alive = make([][]float64, all), make([]int, all)
	for t := all - 1; t >= 0; t-- {
		g.heir[t] = make([]float64, g.n)
		if t == all-1 {
			copy(g.heir[t], g.weight)
		} else {
			for i := range g.heir[t] {
				g.heir[t][i] = -1
			}
			for child, p := range g.parents[t] {
				g.heir[t][p] = max(g.heir[t][p], g.heir[t+1][child])
			}
		}
		for _, h := range g.heir[t] {
			if h >= 0 {
				g.alive[t]++
			}
		}
	}
}

// layout draws the first generations.
func (g *genealogy) layout(c *settings, until int) *layout {
	x := scale{min: 0, max: g.at[len(g.at)-1]}
	lines := &panel{x: newAxis(x, c.xLabel), y: newAxis(scale{min: 0, max: 1}, "particles"), aspect: .5}
	lines.y.names = []string{} // places are no numbers
	m := c.magnitudes()
	final := until == len(g.at)
	lines.add(func(v *view) {
		step := max(1, float64(g.n)/float64(c.count))
		shown := make([][]bool, len(g.place))
		for t := range shown { // even ranks, and whoever lives on, thinned likewise
			shown[t] = make([]bool, g.n)
			nextDead, nextLive, live := 0., 0., 0.
			ranked := make([]int, g.n)
			for i, y := range g.place[t] {
				ranked[int(y*float64(g.n))] = i
			}
			for rank, i := range ranked {
				if float64(rank) >= nextDead {
					shown[t][i] = true
					nextDead += step
				}
				if g.heir[t][i] >= 0 {
					if live >= nextLive {
						shown[t][i] = true
						nextLive += max(1, float64(g.alive[t])/float64(c.count))
					}
					live++
				}
			}
		}
		for _, ink := range []bool{false, true} {
			for t := 0; t+1 < until; t++ {
				for child, p := range g.parents[t] {
					lives := g.heir[t+1][child] >= 0
					if !final {
						lives = false
					}
					if lives != ink || !shown[t+1][child] {
						continue
					}
					pen := v.s.pen(fade(v.s.prior, .45), .5)
					if lives {
						pen = v.s.pen(nightless(m, g.heir[t+1][child]), 1)
					}
					v.line(pen, []float64{g.at[t], g.at[t+1]}, []float64{g.place[t][p], g.place[t+1][child]})
				}
			}
		}
		for _, at := range g.at[1 : len(g.at)-1] {
			p := v.at(at, 0)
			v.page.Line(v.s.pen(v.s.axis, .9), p, ink.Pt{X: p.X, Y: p.Y + 3.4*lineScale(v.s.k)})
		}
	})
	top := float64(g.n)
	count := &panel{x: newAxis(x, ""), y: newAxis(scale{min: .8, max: 1.3 * top, log: true}, "with heirs"), aspect: .2}
	count.x.numbers, count.y.most = false, 3
	count.add(func(v *view) {
		var sx, sy []float64
		for t := range g.alive[:until] {
			sx, sy = append(sx, g.at[t]), append(sy, float64(g.alive[t]))
			if t+1 < until {
				sx, sy = append(sx, g.at[t+1]), append(sy, float64(g.alive[t]))
			}
		}
		if final {
			v.line(v.s.pen(v.s.colour(0), 1.2), sx, sy)
		}
	})
	return &layout{
		panels: [][]*panel{{count}, {lines}}, gap: .9, most: 95,
		bar: &colourBar{scale: scale{min: 0, max: 1}, label: "final weight", colours: func(f float64) (r, g, b, a uint8) {
			c := nightless(m, f)
			return c.R, c.G, c.B, c.A
		}},
		legend: []entry{lineEntry("dies out", func(s *style) ink.Pen { return s.pen(fade(s.prior, .7), .8) }), {"resampled", func(page *ink.Page, s *style, r ink.Rect) {
			for i := range 3 {
				x := r.X + r.W*(.25+.25*float64(i))
				page.Line(s.pen(s.axis, .9), ink.Pt{X: x, Y: r.Y}, ink.Pt{X: x, Y: r.Y + .8*r.H})
			}
		}}},
	}
}
