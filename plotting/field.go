package plotting

import (
	"errors"
	"fmt"
	"image/color"
	"math"

	"odslab/plotting/internal/density"
	"odslab/plotting/internal/ink"
)

const fieldOptions = "Names XLimits YLimits Count Cividis"

// Score draws a vector field in the plane, such as ∇ log p: arrows whose length grows with the logarithm of the vector's,
// on the log-density where one is given (nil leaves it out). XLimits and YLimits are needed; Count is the number of arrows
// along an axis.
func Score(f func(x, y float64) (u, v float64), logp func(x, y float64) float64, options ...Option) *Figure {
	c := newSettings()
	c.names, c.count = []string{"x_1", "x_2"}, 19
	for _, o := range options {
		if err := c.apply(o, fieldOptions); err != nil {
			return failed("Score", err)
		}
	}
	if f == nil || c.x == nil || c.y == nil || len(c.names) != 2 {
		return failed("Score", errors.New("it needs a field, XLimits, YLimits and no or two Names"))
	}
	x, y := scale{min: c.x[0], max: c.x[1]}, scale{min: c.y[0], max: c.y[1]}
	var at, to [][2]float64
	longest := 0.
	n := c.count
	for j := range n {
		for i := range n {
			px, py := x.min+(float64(i)+.5)*(x.max-x.min)/float64(n), y.min+(float64(j)+.5)*(y.max-y.min)/float64(n)
			u, v := f(px, py)
			l := math.Hypot(u, v)
			if math.IsNaN(l) || math.IsInf(l, 0) {
				return failed("Score", fmt.Errorf("the field is %v, %v at (%.4g, %.4g)", u, v, px, py))
			}
			longest = max(longest, l)
			at, to = append(at, [2]float64{px, py}), append(to, [2]float64{u, v})
		}
	}
	p := &panel{x: newAxis(x, c.names[0]), y: newAxis(y, c.names[1])}
	if logp != nil {
		g := density.NewGrid(density.Domain{Min: x.min, Max: x.max}, density.Domain{Min: y.min, Max: y.max}, 400, 400).Fill(logp)
		top := highest(g)
		p.add(func(v *view) {
			m := c.magnitudes()
			v.heat(g, func(z float64) color.NRGBA {
				out := nightfall(m, 1+(z-top)/nats)
				out.A = uint8(.55 * float64(out.A))
				return out
			})
		})
	}
	p.add(func(v *view) {
		cell := min(v.box.W, v.box.H) / float64(n)
		for i := range at {
			l := math.Hypot(to[i][0], to[i][1])
			if l == 0 {
				continue
			}
			// From a third of a cell to nine tenths over three powers of ten.
			size := cell * (.3 + .6*max(0, 1+math.Log10(l/longest)/3))
			a := v.at(at[i][0], at[i][1])
			dx, dy := to[i][0]/(x.max-x.min)*v.box.W, to[i][1]/(y.max-y.min)*v.box.H
			h := math.Hypot(dx, dy)
			dx, dy = dx/h*size/2, dy/h*size/2
			v.arrow(v.s.pen(v.s.ink, .55), ink.Pt{X: a.X - dx, Y: a.Y - dy}, ink.Pt{X: a.X + dx, Y: a.Y + dy}, 2.6*lineScale(v.s.k))
		}
	})
	return newFigure(fmt.Sprintf("vector field of %d arrows", n*n), func(s *style, width float64, letters bool) *sheet {
		a := (y.max - y.min) / (x.max - x.min)
		if a < .5 || a > 2 {
			a = 1
		}
		return (&layout{panels: [][]*panel{{p}}, aspect: a, most: 70}).sheet(s, width, letters)
	})
}
