package density

import (
	"math"

	"gonum.org/v1/gonum/floats"
)

// Curve is a density on an even grid of cell centres.
type Curve struct {
	X, Y      []float64
	Bandwidth float64

	at *Column // whose samples it was made of; nil: not of samples
	d  Domain  // of X
	t  float64 // the kernel's variance, as a share of the domain
}

const cells1 = 512

// Curve estimates the density of a Smooth variable. It integrates to the share of the weight that lies in the domain.
func (c *Column) Curve() Curve {
	if c.pilot != nil {
		return *c.pilot
	}
	e := c.estimate()
	c.pilot = &e
	return e
}

func (c *Column) estimate() Curve {
	const n = cells1
	d := c.Domain
	r := d.Max - d.Min
	hist := make([]float64, n)
	for i, v := range c.X {
		b := placed(v, d, n)
		if b.cell < outside {
			continue
		}
		hist[b.low(n)] += c.W[i] * (1 - b.share)
		hist[b.high(n)] += c.W[i] * b.share
	}
	basis := basis(n)
	a := make([]float64, n)
	for k := range a {
		a[k] = floats.Dot(basis.RawRowView(k), hist)
	}
	thumb := silverman(hist, c.Size, 5)
	t, ok := firstRoot(finest(n)/4, func(t float64) float64 { return t - fixedPoint(t, c.Size, a) })
	switch {
	case t == 0 && c.repeated < copies: // a mode that is narrower than the grid can hold
		t = finest(n)
	case !ok:
		t = thumb / smoother
	}
	t = max(floor(t, thumb, n), squared(.8*c.pitch/r))
	out := Curve{X: make([]float64, n), Y: make([]float64, n), Bandwidth: math.Sqrt(t) * r}
	for k := range a {
		a[k] *= math.Exp(-float64(k*k) * math.Pi * math.Pi * t / 2)
	}
	floats.AddConst(a[0], out.Y)
	for k := 1; k < n && float64(k*k)*t < 15; k++ {
		floats.AddScaled(out.Y, 2*a[k], basis.RawRowView(k))
	}
	sum := 0.
	for j := range n {
		out.X[j] = d.Min + (float64(j)+.5)*r/n
		out.Y[j] = max(0, out.Y[j]/r)
		sum += out.Y[j] * r / n
	}
	if sum > 0 {
		for j := range out.Y {
			out.Y[j] *= a[0] / sum // what cutting off below 0 added
		}
	}
	out.at, out.d, out.t = c, d, t
	return out
}

// heights are the density at each sample without that sample's own share; 0 beyond the grid.
func (c Curve) heights() []float64 {
	const n = cells1
	r, own, out := c.d.Max-c.d.Min, newKernel(n, c.t), make([]float64, len(c.at.X))
	for i, v := range c.at.X {
		b := placed(v, c.d, n)
		if b.cell < outside {
			continue
		}
		f, w := b.share, c.at.W[i]
		h := (1-f)*c.Y[b.low(n)] + f*c.Y[b.high(n)]
		h -= w * own.share(b) * n / r
		out[i] = max(0, h/max(1-w, 1e-12))
	}
	return out
}

func squared(v float64) float64 { return v * v }

// Levels are the heights above which a fresh sample lies with the given probabilities, rising shares: quantiles of the
// density at each sample without the sample's own share, which would lift it.
func (c Curve) Levels(mass ...float64) []float64 {
	if c.at == nil {
		return levels(c.Y, nil, mass)
	}
	return levels(c.heights(), c.at.W, mass)
}

// place is where a sample lies on a grid: between the centres of cell and cell + 1.
type place struct {
	cell  int
	share float64 // that the right one has
}

// outside is the cell below which a place stands for a sample beyond the grid.
const outside = -1

func (p place) low(n int) int  { return max(p.cell, 0) }
func (p place) high(n int) int { return min(p.cell+1, n-1) }

// bin shares each sample between the two nearest cells.
func bin(x []float64, d Domain, n int) []place {
	out := make([]place, len(x))
	for i, v := range x {
		out[i] = placed(v, d, n)
	}
	return out
}

// placed is bin for one value.
func placed(v float64, d Domain, n int) place {
	if !(v >= d.Min && v <= d.Max) {
		return place{cell: outside - 1}
	}
	at := (v-d.Min)/(d.Max-d.Min)*float64(n) - .5
	k := int(at+1) - 1
	return place{k, at - float64(k)}
}

// kernel is what a unit of weight in a cell gives to that cell and to the next: the diagonals of the smoothing matrix.
type kernel struct{ diagonal, beside []float64 }

func newKernel(n int, t float64) kernel {
	b := basis(n)
	k := kernel{make([]float64, n), make([]float64, n)}
	for j := range n {
		k.diagonal[j], k.beside[j] = 1/float64(n), 1/float64(n)
	}
	for m := 1; m < n && float64(m*m)*t < 15; m++ {
		e := 2 * math.Exp(-float64(m*m)*math.Pi*math.Pi*t/2) / float64(n)
		row := b.RawRowView(m)
		for j, c := range row {
			k.diagonal[j] += e * c * c
			if j+1 < n {
				k.beside[j] += e * c * row[j+1]
			}
		}
	}
	return k
}

// share is what a sample of weight one adds to the smoothed and interpolated value at its own place.
func (k kernel) share(p place) float64 {
	n := len(k.diagonal)
	lo, hi, f := p.low(n), p.high(n), p.share
	if lo == hi {
		return k.diagonal[lo]
	}
	return (1-f)*(1-f)*k.diagonal[lo] + f*f*k.diagonal[hi] + 2*f*(1-f)*k.beside[lo]
}

// fixedPoint is Botev's map whose fixed point is the best bandwidth, in seven stages.
func fixedPoint(t, n float64, a []float64) float64 {
	sum := func(s int, t float64) float64 {
		f := 0.
		for k := 1; k < len(a); k++ {
			i := float64(k * k)
			x := i * math.Pi * math.Pi * t
			if x > 100 {
				break
			}
			f += power(i, s) * a[k] * a[k] * math.Exp(-x)
		}
		return 2 * math.Pow(math.Pi, float64(2*s)) * f
	}
	f := sum(7, t)
	for s := 6; s >= 2; s-- {
		odd := 1.
		for k := 3; k <= 2*s-1; k += 2 {
			odd *= float64(k)
		}
		k0 := odd / math.Sqrt(2*math.Pi)
		c := (1 + math.Pow(.5, float64(s)+.5)) / 3
		f = sum(s, math.Pow(2*c*k0/n/f, 2/float64(3+2*s)))
	}
	return math.Pow(2*n*math.Sqrt(math.Pi)*f, -.4)
}

// Above are the intervals on which the density is above a level.
func (c Curve) Above(level float64) (out [][2]float64) {
	half := (c.X[1] - c.X[0]) / 2
	for i := 0; i < len(c.Y); i++ {
		if !(c.Y[i] > level) {
			continue
		}
		j := i
		for j+1 < len(c.Y) && c.Y[j+1] > level {
			j++
		}
		// Ends lie where the line between two cells crosses the level; at a wall they are the wall.
		lo, hi := c.X[i]-half, c.X[j]+half
		if i > 0 {
			lo = c.X[i-1] + 2*half*(level-c.Y[i-1])/(c.Y[i]-c.Y[i-1])
		}
		if j+1 < len(c.Y) {
			hi = c.X[j] + 2*half*(c.Y[j]-level)/(c.Y[j]-c.Y[j+1])
		}
		out = append(out, [2]float64{lo, hi})
		i = j
	}
	return out
}
