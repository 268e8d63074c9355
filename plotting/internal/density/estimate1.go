package density

import "math"

// Curve is a density on an even grid of cell centres.
type Curve struct {
	X, Y      []float64
	Bandwidth float64
}

// Estimate1 estimates the density of weighted samples of one variable.
func Estimate1(x, w []float64) Curve {
	const n = 512
	d := DomainOf(x, w)
	r := d.Max - d.Min
	hist := make([]float64, n)
	total := 0.
	for _, v := range w {
		total += v
	}
	for i, v := range x {
		// Linear binning: each sample is shared between the two nearest cells.
		at := (v-d.Min)/r*n - .5
		k := int(math.Floor(at))
		for j, share := range [2]float64{1 - (at - float64(k)), at - float64(k)} {
			if c := reflect(k+j, n); c >= 0 {
				hist[c] += w[i] * share / total
			}
		}
	}
	c := basis(n)
	a := make([]float64, n)
	for k := range a {
		row := c.RawRowView(k)
		for j, h := range hist {
			a[k] += row[j] * h
		}
	}
	size := EffectiveSize(w, x)
	thumb := silverman(hist, size, 5)
	t, ok := firstRoot(finest(n)/4, func(t float64) float64 { return t - fixedPoint(t, size, a) })
	if !ok {
		t = thumb / smoother
	}
	t = floor(t, thumb, n)
	out := Curve{X: make([]float64, n), Y: make([]float64, n), Bandwidth: math.Sqrt(t) * r}
	for k := range a {
		a[k] *= math.Exp(-float64(k*k) * math.Pi * math.Pi * t / 2)
	}
	for j := range n {
		out.X[j] = d.Min + (float64(j)+.5)*r/n
		s := a[0]
		for k := 1; k < n; k++ {
			s += 2 * a[k] * c.At(k, j)
		}
		out.Y[j] = max(0, s/r)
	}
	return out
}

// reflect is the cell that a sample just over the edge belongs to, −1 for what lies further out.
func reflect(k, n int) int {
	switch {
	case k == -1:
		return 0
	case k == n:
		return n - 1
	case k < 0 || k > n:
		return -1
	}
	return k
}

// fixedPoint is Botev's map whose fixed point is the best bandwidth, in seven stages.
func fixedPoint(t, n float64, a []float64) float64 {
	sum := func(s int, t float64) float64 {
		f := 0.
		for k := 1; k < len(a); k++ {
			i := float64(k * k)
			f += power(i, s) * a[k] * a[k] * math.Exp(-i*math.Pi*math.Pi*t)
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
