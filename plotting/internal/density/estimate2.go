package density

import (
	"math"

	"gonum.org/v1/gonum/mat"
)

// Estimate2 estimates the joint density of two weighted variables on n × n cells.
func Estimate2(x, y, w []float64, n int) *Grid {
	return Estimate2On(x, y, w, DomainOf(x, w), DomainOf(y, w), n)
}

// Estimate2On is Estimate2 on given domains.
func Estimate2On(x, y, w []float64, dx, dy Domain, n int) *Grid {
	rx, ry := dx.Max-dx.Min, dy.Max-dy.Min
	hist := mat.NewDense(n, n, nil) // rows are y
	mx, my := make([]float64, n), make([]float64, n)
	total := 0.
	for _, v := range w {
		total += v
	}
	for i := range x {
		ax, ay := (x[i]-dx.Min)/rx*float64(n)-.5, (y[i]-dy.Min)/ry*float64(n)-.5
		kx, ky := int(math.Floor(ax)), int(math.Floor(ay))
		fx, fy := ax-float64(kx), ay-float64(ky)
		for jx, sx := range [2]float64{1 - fx, fx} {
			for jy, sy := range [2]float64{1 - fy, fy} {
				cx, cy := reflect(kx+jx, n), reflect(ky+jy, n)
				if cx < 0 || cy < 0 {
					continue
				}
				m := w[i] / total * sx * sy
				hist.Set(cy, cx, hist.At(cy, cx)+m)
				mx[cx] += m
				my[cy] += m
			}
		}
	}
	c := basis(n)
	var half, a mat.Dense
	half.Mul(c, hist)
	a.Mul(&half, c.T())

	size := EffectiveSize(w, x, y)
	p := newPlugIn(&a, size)
	tx, ty := silverman(mx, size, 6), silverman(my, size, 6)
	if t, ok := firstRoot(finest(n)/4, p.gap); ok {
		p02, p20, p11 := p.functional(0, 2, t), p.functional(2, 0, t), p.functional(1, 1, t)
		cross := p11 + math.Sqrt(p20*p02)
		sy := math.Cbrt(math.Pow(p02, .75) / (4 * math.Pi * size * math.Pow(p20, .75) * cross))
		sx := math.Cbrt(math.Pow(p20, .75) / (4 * math.Pi * size * math.Pow(p02, .75) * cross))
		if sx > 0 && sy > 0 && !math.IsInf(sx+sy, 0) {
			tx, ty = floor(sx, tx, n), floor(sy, ty, n)
		}
	}
	for k := range n {
		for l := range n {
			f := math.Exp(-math.Pi * math.Pi / 2 * (float64(k*k)*ty + float64(l*l)*tx))
			if k > 0 {
				f *= 2
			}
			if l > 0 {
				f *= 2
			}
			a.Set(k, l, a.At(k, l)*f)
		}
	}
	var out mat.Dense
	half.Mul(c.T(), &a)
	out.Mul(&half, c)
	g := NewGrid(dx, dy, n, n)
	for i, v := range out.RawMatrix().Data {
		g.Z[i] = max(0, v/(rx*ry))
	}
	return g
}

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
	for k := range n {
		q := float64(k * k)
		x := q * math.Pi * math.Pi * t
		if x > 100 { // what follows adds nothing, whatever its power of q
			break
		}
		e := math.Exp(-x)
		wy, wx = append(wy, e*power(q, i)), append(wx, e*power(q, j))
	}
	sum := 0.
	for k, a := range wy {
		row, s := p.squares.RawRowView(k), 0.
		for l, b := range wx {
			s += row[l] * b
		}
		sum += a * s
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
