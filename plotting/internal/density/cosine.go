package density

import (
	"math"
	"sync"

	"gonum.org/v1/gonum/dsp/fourier"
	"gonum.org/v1/gonum/mat"
)

var bases sync.Map // int → *mat.Dense

// basis is the matrix of the discrete cosine transform (type II, unnormalised): C[k][j] = cos(πk(2j+1)/2n).
func basis(n int) *mat.Dense {
	if b, ok := bases.Load(n); ok {
		return b.(*mat.Dense)
	}
	table := make([]float64, 4*n)
	for i := range table {
		table[i] = math.Cos(math.Pi * float64(i) / float64(2*n))
	}
	b := mat.NewDense(n, n, nil)
	for k := range n {
		for j := range n {
			b.Set(k, j, table[k*(2*j+1)%(4*n)])
		}
	}
	bases.Store(n, b)
	return b
}

// transformed is the cosine transform of both indices: C·h·Cᵀ for C of basis.
func transformed(h *mat.Dense) *mat.Dense {
	n, _ := h.Dims()
	fft, column := fourier.NewQuarterWaveFFT(n), make([]float64, n)
	rows := func(m *mat.Dense) *mat.Dense { // of each row, as a column
		out := mat.NewDense(n, n, nil)
		raw := out.RawMatrix().Data
		for i := range n {
			fft.CosSequence(column, m.RawRowView(i)) // four times the sum
			for k, v := range column {
				raw[k*n+i] = v / 4
			}
		}
		return out
	}
	return rows(rows(h))
}

// firstRoot finds the smallest t in [from, .1] at which f goes from negative to positive, or reports false.
func firstRoot(from float64, f func(t float64) float64) (float64, bool) {
	const ratio = 2.
	a := from
	fa := f(a)
	if fa > 0 {
		return 0, false
	}
	for a < .1 {
		b := a * ratio
		fb := f(b)
		if fb > 0 {
			// By the line between the ends; one that stays twice counts half (Illinois). To some tenths of a per cent.
			m, side := b, 0
			for range 7 {
				before := m
				if m = a * math.Pow(b/a, fa/(fa-fb)); math.Abs(m/before-1) < .002 {
					break
				}
				if v := f(m); v > 0 {
					b, fb = m, v
					if side > 0 {
						fa /= 2
					}
					side = 1
				} else {
					a, fa = m, v
					if side < 0 {
						fb /= 2
					}
					side = -1
				}
			}
			return m, true
		}
		a, fa = b, fb
	}
	return math.Inf(1), false
}

// silverman is the rule-of-thumb variance of the kernel on [0, 1], from a histogram: fallback and yardstick.
func silverman(hist []float64, n, power float64) float64 {
	mean, square := 0., 0.
	for i, h := range hist {
		x := (float64(i) + .5) / float64(len(hist))
		mean += h * x
		square += h * x * x
	}
	s := .9 * math.Sqrt(max(square-mean*mean, 1e-12)) * math.Pow(n, -1/power)
	return s * s
}

// smoother widens the kernel's variance: the plug-in rule minimises the squared error, which leaves ripples that a reader
// takes for structure.
const smoother = 1.5

// floor keeps the plug-in rule from taking copies or rounding for structure: no kernel narrower than a twelfth of the
// rule of thumb, or than a cell of the grid.
func floor(t, thumb float64, cells int) float64 {
	return max(smoother*t, thumb/144, finest(cells))
}

// copies is the share of values that others have too below which samples whose plug-in rule asks for a kernel narrower than
// the grid can hold have such a narrow mode; above it they are copies or were rounded.
const copies = .05

// finest is the variance of the narrowest kernel that the grid can hold.
func finest(cells int) float64 { return .36 / float64(cells*cells) }
