package density

import (
	"math"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// Joint is the estimated density of two variables on a grid, with what is needed to cut it at shares of mass.
type Joint struct {
	*Grid
	heights, weights []float64 // as in a Curve, at the samples of Index
	Index            []int     // samples at which the density was looked up: all, or some of very many
	Full             []float64 // the density there, the sample's own share included; 0 beyond the grid
}

// enough samples fix a level to a third of a per cent; of more, as many are picked by a hash of their place.
const enough = 25000

func (c *Column) looked() []int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.index != nil {
		return c.index
	}
	n := len(c.X)
	out := make([]int, 0, min(n, enough+enough/10))
	for i := range n {
		if n <= enough*6/5 || uint64(uint32(i)*2654435761)*uint64(n) < enough<<32 {
			out = append(out, i)
		}
	}
	c.index = out
	return out
}

// Estimate2 estimates the joint density of two variables on n × n cells of their domains; it integrates to the share of the
// weight that lies there. More cells are taken where the bulk would fill few of them.
func Estimate2(cx, cy *Column, n int) *Joint {
	if cx.coarse(n) || cy.coarse(n) {
		n *= 2
	}
	dx, dy, w := cx.Domain, cy.Domain, cx.W
	rx, ry := dx.Max-dx.Min, dy.Max-dy.Min
	hist := mat.NewDense(n, n, nil) // rows are y
	raw := hist.RawMatrix().Data
	mx, my := make([]float64, n), make([]float64, n)
	px, py := cx.places(n), cy.places(n)
	for i, p := range px {
		q := py[i]
		if p.cell < outside || q.cell < outside {
			continue
		}
		x0, x1, y0, y1 := p.low(n), p.high(n), q.low(n), q.high(n)
		a, b := w[i]*(1-p.share), w[i]*p.share
		raw[y0*n+x0] += a * (1 - q.share)
		raw[y0*n+x1] += b * (1 - q.share)
		raw[y1*n+x0] += a * q.share
		raw[y1*n+x1] += b * q.share
	}
	for k := range n {
		row := raw[k*n : (k+1)*n]
		my[k] = floats.Sum(row)
		floats.Add(mx, row)
	}
	c := basis(n)
	a := transformed(hist)

	p := newPlugIn(a, cx.Size)
	tx, ty := silverman(mx, cx.Size, 6), silverman(my, cx.Size, 6)
	if t, ok := firstRoot(finest(n)/4, p.gap); ok {
		p02, p20, p11 := p.functional(0, 2, t), p.functional(2, 0, t), p.functional(1, 1, t)
		cross := p11 + math.Sqrt(p20*p02)
		sy := math.Cbrt(math.Pow(p02, .75) / (4 * math.Pi * cx.Size * math.Pow(p20, .75) * cross))
		sx := math.Cbrt(math.Pow(p20, .75) / (4 * math.Pi * cx.Size * math.Pow(p02, .75) * cross))
		if sx > 0 && sy > 0 && !math.IsInf(sx+sy, 0) {
			tx, ty = floor(sx, tx, n), floor(sy, ty, n)
		}
	} else if t == 0 && max(cx.repeated, cy.repeated) < copies {
		tx, ty = floor(0, tx, n), floor(0, ty, n)
	}
	tx, ty = max(tx, squared(.8*cx.pitch/rx)), max(ty, squared(.8*cy.pitch/ry))
	total := a.At(0, 0)
	last := 0 // the highest frequency that is left; all above is nothing
	fx, fy := damping(n, tx), damping(n, ty)
	for k := range n {
		row := a.RawRowView(k)
		for l := range n {
			if float64(k*k)*ty+float64(l*l)*tx > 15 {
				row[l] = 0
				continue
			}
			row[l] *= fy[k] * fx[l]
			last = max(last, k, l)
		}
	}
	m := last + 1
	low, few := c.Slice(0, m, 0, n), a.Slice(0, m, 0, m)
	var half, out mat.Dense
	half.Mul(low.T(), few)
	out.Mul(&half, low)
	g := &Joint{Grid: NewGrid(dx, dy, n, n), Index: cx.looked()}
	g.heights, g.Full, g.weights = make([]float64, len(g.Index)), make([]float64, len(g.Index)), make([]float64, len(g.Index))
	cell, sum := rx*ry/float64(n*n), 0.
	for i, v := range out.RawMatrix().Data {
		g.Z[i] = max(0, v/(rx*ry))
		sum += g.Z[i] * cell
	}
	if sum > 0 {
		for i := range g.Z {
			g.Z[i] *= total / sum // what cutting off below 0 added
		}
	}
	kx, ky := newKernel(n, tx), newKernel(n, ty)
	for k, i := range g.Index {
		p, q := px[i], py[i]
		g.weights[k] = w[i]
		if p.cell < outside || q.cell < outside {
			continue
		}
		own := w[i] * kx.share(p) * ky.share(q) / cell
		g.Full[k] = g.value(p, q)
		g.heights[k] = max(0, (g.Full[k]-own)/max(1-w[i], 1e-12))
	}
	return g
}

// damping is what a Gaussian of variance t leaves of each frequency, twice that of all but the first.
func damping(n int, t float64) []float64 {
	out := make([]float64, n)
	for k := range out {
		out[k] = 2 * math.Exp(-math.Pi*math.Pi/2*float64(k*k)*t)
	}
	out[0] = 1
	return out
}

// coarse tells whether the middle half of the weight would fill fewer than ten of n cells.
func (c *Column) coarse(n int) bool {
	return (c.Quantile(.75)-c.Quantile(.25))*float64(n) < 10*(c.Domain.Max-c.Domain.Min)
}

// Levels are the heights above which a fresh sample lies with the given probabilities, rising shares: quantiles of the
// density at each sample without the sample's own share of it, which would lift it.
func (j *Joint) Levels(mass ...float64) []float64 { return levels(j.heights, j.weights, mass) }

// Contours cuts the density at the levels of shares of mass.
func (j *Joint) Contours(mass ...float64) [][]Loop { return j.cut(j.Levels(mass...)) }

// plugIn holds what Botev's two-dimensional plug-in rule needs: squared cosine coefficients, and N.
type plugIn struct {
	squares *mat.Dense
	size    float64
	memo    map[[2]int]float64
	at      float64
}

func newPlugIn(a *mat.Dense, size float64) *plugIn {
	n, _ := a.Dims()
	s := mat.NewDense(n, n, nil)
	s.Apply(func(k, l int, v float64) float64 {
		// Coefficients of the basis with weight 2, squared; constant rows count in full, the others by half (∫cos² = ½).
		if k > 0 {
			v *= math.Sqrt2
		}
		if l > 0 {
			v *= math.Sqrt2
		}
		return v * v
	}, a)
	return &plugIn{squares: s, size: size}
}

// gap is t − γ(t): its root is the optimal squared bandwidth.
func (p *plugIn) gap(t float64) float64 {
	sum := p.functional(0, 2, t) + p.functional(2, 0, t) + 2*p.functional(1, 1, t)
	return t - math.Pow(2*math.Pi*p.size*sum, -1./3)
}

// functional estimates the integral of squared derivatives of order (i, j) in (y, x).
func (p *plugIn) functional(i, j int, t float64) float64 {
	if p.memo == nil || p.at != t {
		p.memo, p.at = map[[2]int]float64{}, t
	}
	if v, ok := p.memo[[2]int{i, j}]; ok {
		return v
	}
	v := 0.
	if i+j > 4 {
		v = p.psi(i, j, t)
	} else {
		s := float64(i + j)
		sum := p.functional(i+1, j, t) + p.functional(i, j+1, t)
		c := (1 + math.Pow(.5, s+1)) / 3
		v = p.psi(i, j, math.Pow(-2*c*moment(i)*moment(j)/p.size/sum, 1/(2+s)))
	}
	p.memo[[2]int{i, j}] = v
	return v
}

func (p *plugIn) psi(i, j int, t float64) float64 {
	n, _ := p.squares.Dims()
	wy, wx := make([]float64, 0, n), make([]float64, 0, n)
	x := math.Pi * math.Pi * t
	e, step, less := 1., math.Exp(-x), math.Exp(-2*x) // exp(−k²x), and its ratios
	for k := range n {
		q := float64(k * k)
		if q*x > 100 { // what follows adds nothing, whatever its power of q
			break
		}
		wy, wx = append(wy, e*power(q, i)), append(wx, e*power(q, j))
		e, step = e*step, step*less
	}
	sum := 0.
	for k, a := range wy {
		sum += a * floats.Dot(p.squares.RawRowView(k)[:len(wx)], wx)
	}
	sign := 1.
	if (i+j)%2 == 1 {
		sign = -1
	}
	return sign * sum * math.Pow(math.Pi, float64(2*(i+j)))
}

// moment is the s-th even derivative of the Gaussian at 0.
func moment(s int) float64 {
	v := 1 / math.Sqrt(2*math.Pi)
	for k := 1; k <= 2*s-1; k += 2 {
		v *= -float64(k)
	}
	return signed(v, s)
}

// signed makes the sign (−1)^s.
func signed(v float64, s int) float64 {
	if s%2 == 1 {
		return -math.Abs(v)
	}
	return math.Abs(v)
}

func power(q float64, n int) float64 {
	p := 1.
	for range n {
		p *= q
	}
	return p
}
