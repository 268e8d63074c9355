package plotting

import (
	"cmp"
	"errors"
	"fmt"
	"image/color"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"

	"odslab/odslib"
	"odslab/plotting/internal/ink"
)

const backboneOptions = "Count Cividis"

// Backbone draws the trace of a chain of points in space, such as a protein's Cα atoms, as a ribbon that is lit from the
// front: near parts are wide and cover far ones, and the colour runs from the first point to the last. It takes one chain
// [m, 3], or samples [n, m, 3] (an Array or a Result): then the first is the ribbon, turned so that the two widest directions
// lie in the page, and the others (Count, 20) are thin lines laid over it by rotation and shift.
func Backbone(v any, options ...Option) *Figure {
	c := newSettings()
	c.count = 20
	for _, o := range options {
		if err := c.apply(o, backboneOptions); err != nil {
			return failed("Backbone", err)
		}
	}
	if a, ok := v.(odslib.Array); ok && len(a.Shape) == 2 && a.Shape[1] == 3 {
		v = odslib.Array{Shape: []int{1, a.Shape[0], 3}, Data: a.Data}
	}
	s := seriesOf(v)
	if s.err != nil {
		return failed("Backbone", s.err)
	}
	if sh := s.samples.Shape; len(sh) != 3 || sh[2] != 3 || sh[1] < 4 {
		return failed("Backbone", fmt.Errorf("samples of shape %v are no chains; [n, points, 3] with four points or more are", sh))
	}
	m := s.samples.Shape[1]
	chains := make([][][3]float64, 0, c.count+1)
	for _, i := range pick(c.count+1, s) {
		chain := make([][3]float64, m)
		for k, x := range s.samples.Row(i) {
			chain[k/3][k%3] = float64(x)
		}
		chains = append(chains, centred(chain))
	}
	if extent2(chains[0]) == 0 {
		return failed("Backbone", errors.New("all points of the chain are in one place"))
	}
	turn(chains[0])
	for _, other := range chains[1:] {
		superpose(other, chains[0])
	}
	main := smoothChain(chains[0], 8)
	var lines [][][3]float64
	for _, o := range chains[1:] {
		lines = append(lines, smoothChain(o, 4))
	}
	lo, hi := [2]float64{math.Inf(1), math.Inf(1)}, [2]float64{math.Inf(-1), math.Inf(-1)}
	depth := 0.
	for _, chain := range append([][][3]float64{main}, lines...) {
		for _, p := range chain {
			for k := range 2 {
				lo[k], hi[k] = min(lo[k], p[k]), max(hi[k], p[k])
			}
			depth = max(depth, math.Abs(p[2]))
		}
	}
	what := fmt.Sprintf("backbone of %d points", m)
	if len(lines) > 0 {
		what = fmt.Sprintf("backbones of %d points, one and %d more", m, len(lines))
	}
	colours := c.magnitudes()
	return newFigure(what, func(s *style, width float64, letters bool) *sheet {
		bar := &colourBar{scale: scale{min: 1, max: float64(m)}, label: "place in the chain", colours: func(f float64) (r, g, b, a uint8) {
			c := nightless(colours, f)
			return c.R, c.G, c.B, c.A
		}}
		margin := .3*s.label.Size + 4*s.k
		w := width
		if s.loose {
			w = min(w, 110*mm*s.k)
		}
		room := w - 2*margin - bar.width(s) - margin
		unit := min(room/(hi[0]-lo[0]), 1.1*room/max(hi[1]-lo[1], 1e-9))
		h := unit*(hi[1]-lo[1]) + 2*margin
		h = max(h, 11*s.label.Size)
		return &sheet{w, h, margin, func(page *ink.Page) {
			place := func(p [3]float64) ink.Pt {
				return ink.Pt{X: margin + room/2 + unit*(p[0]-(lo[0]+hi[0])/2), Y: h/2 + unit*(p[1]-(lo[1]+hi[1])/2)}
			}
			type part struct {
				a, b  [3]float64
				z     float64
				c     color.NRGBA
				w     float64
				ended bool
			}
			var parts []part
			for _, l := range lines {
				for i := range len(l) - 1 {
					z := (l[i][2] + l[i+1][2]) / 2
					f := float64(i) / float64(len(l)-2)
					parts = append(parts, part{l[i], l[i+1], z, fade(nightless(colours, f), .55+.25*z/depth), .7, false})
				}
			}
			for i := range len(main) - 1 {
				z := (main[i][2] + main[i+1][2]) / 2
				f := float64(i) / float64(len(main)-2)
				parts = append(parts, part{main[i], main[i+1], z, nightless(colours, f), 3.4 + 1.2*z/depth, true})
			}
			slices.SortStableFunc(parts, func(a, b part) int { return cmp.Compare(a.z, b.z) })
			for _, q := range parts {
				a, b := place(q.a), place(q.b)
				if !q.ended {
					page.Line(s.pen(q.c, q.w), a, b)
					continue
				}
				// A dark rim sets a near part off from a far one, a light line along its middle makes it round.
				r := q.w * lineScale(s.k) / 2
				page.Line(ink.Pen{Color: dim(q.c, .45), Width: 2 * (r + .5*s.k)}, a, b)
				ribbon(page, dim(q.c, .82+.18*q.z/depth), a, b, r)
				page.Line(ink.Pen{Color: fade(color.NRGBA{255, 255, 255, 255}, .3), Width: .6 * r}, a, b)
			}
			over := .5 * s.tick.Size
			bar.draw(page, s, ink.Rect{X: w - bar.width(s) - margin + bar.gap(s), Y: margin + over, W: bar.thick(s), H: h - 2*margin - 2*over})
		}}
	})
}

// ribbon is a segment with round ends, as one shape.
func ribbon(page *ink.Page, c color.NRGBA, a, b ink.Pt, r float64) {
	n := math.Hypot(b.X-a.X, b.Y-a.Y)
	if n == 0 {
		page.Disc(c, a, r)
		return
	}
	at := math.Atan2(b.Y-a.Y, b.X-a.X)
	var loop []ink.Pt
	const steps = 5
	for i := range steps + 1 {
		t := at - math.Pi/2 + math.Pi*float64(i)/steps
		loop = append(loop, ink.Pt{X: b.X + r*math.Cos(t), Y: b.Y + r*math.Sin(t)})
	}
	for i := range steps + 1 {
		t := at + math.Pi/2 + math.Pi*float64(i)/steps
		loop = append(loop, ink.Pt{X: a.X + r*math.Cos(t), Y: a.Y + r*math.Sin(t)})
	}
	page.Area(c, loop)
}

func dim(c color.NRGBA, f float64) color.NRGBA {
	return color.NRGBA{uint8(f * float64(c.R)), uint8(f * float64(c.G)), uint8(f * float64(c.B)), c.A}
}

func centred(chain [][3]float64) [][3]float64 {
	var mean [3]float64
	for _, p := range chain {
		for k := range 3 {
			mean[k] += p[k] / float64(len(chain))
		}
	}
	for i := range chain {
		for k := range 3 {
			chain[i][k] -= mean[k]
		}
	}
	return chain
}

func extent2(chain [][3]float64) (s float64) {
	for _, p := range chain {
		s += p[0]*p[0] + p[1]*p[1] + p[2]*p[2]
	}
	return s
}

// turn lays the widest directions of a centred chain along x and y.
func turn(chain [][3]float64) {
	cov := mat.NewSymDense(3, nil)
	for _, p := range chain {
		for i := range 3 {
			for j := i; j < 3; j++ {
				cov.SetSym(i, j, cov.At(i, j)+p[i]*p[j])
			}
		}
	}
	var e mat.EigenSym
	if !e.Factorize(cov, true) {
		return
	}
	var v mat.Dense
	e.VectorsTo(&v)
	for j := range 3 { // a sign that does not depend on the library
		big := 0
		for i := range 3 {
			if math.Abs(v.At(i, j)) > math.Abs(v.At(big, j))+1e-12 {
				big = i
			}
		}
		if v.At(big, j) < 0 {
			for i := range 3 {
				v.Set(i, j, -v.At(i, j))
			}
		}
	}
	if mat.Det(&v) > 0 { // they are taken in the order 2, 1, 0, which must not be a mirror image
		for i := range 3 {
			v.Set(i, 0, -v.At(i, 0))
		}
	}
	rotate(chain, func(p [3]float64, k int) float64 {
		return p[0]*v.At(0, 2-k) + p[1]*v.At(1, 2-k) + p[2]*v.At(2, 2-k)
	})
}

func rotate(chain [][3]float64, row func(p [3]float64, k int) float64) {
	for i, p := range chain {
		chain[i] = [3]float64{row(p, 0), row(p, 1), row(p, 2)}
	}
}

// superpose turns a centred chain so that it is nearest to another (W. Kabsch, Acta Cryst. A 32, 1976).
func superpose(chain, onto [][3]float64) {
	h := mat.NewDense(3, 3, nil)
	for i, p := range chain {
		for a := range 3 {
			for b := range 3 {
				h.Set(a, b, h.At(a, b)+p[a]*onto[i][b])
			}
		}
	}
	var svd mat.SVD
	if !svd.Factorize(h, mat.SVDFull) {
		return
	}
	var u, v, r mat.Dense
	svd.UTo(&u)
	svd.VTo(&v)
	r.Mul(&v, u.T())
	if mat.Det(&r) < 0 { // no mirror image
		for i := range 3 {
			v.Set(i, 2, -v.At(i, 2))
		}
		r.Mul(&v, u.T())
	}
	rotate(chain, func(p [3]float64, k int) float64 { return p[0]*r.At(k, 0) + p[1]*r.At(k, 1) + p[2]*r.At(k, 2) })
}

// smoothChain runs a Catmull–Rom curve through the points.
func smoothChain(p [][3]float64, per int) (out [][3]float64) {
	at := func(i int) [3]float64 { return p[min(max(i, 0), len(p)-1)] }
	for i := range len(p) - 1 {
		a, b, c, d := at(i-1), at(i), at(i+1), at(i+2)
		for s := range per {
			t := float64(s) / float64(per)
			var q [3]float64
			for k := range 3 {
				q[k] = .5 * (2*b[k] + (c[k]-a[k])*t + (2*a[k]-5*b[k]+4*c[k]-d[k])*t*t + (3*b[k]-a[k]-3*c[k]+d[k])*t*t*t)
			}
			out = append(out, q)
		}
	}
	return append(out, p[len(p)-1])
}
