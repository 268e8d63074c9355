package density

import (
	"math"
	"sync"

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

// firstRoot finds the smallest t in [from, .1] at which f goes from negative to positive, or reports false.
func firstRoot(from float64, f func(t float64) float64) (float64, bool) {
	const ratio = 2.
	a := from
	if f(a) > 0 {
		return 0, false
	}
	for a < .1 {
		b := a * ratio
		if f(b) > 0 {
			for range 7 { // to a relative precision of half a per cent
				if m := math.Sqrt(a * b); f(m) > 0 {
					b = m
				} else {
					a = m
				}
			}
			return math.Sqrt(a * b), true
		}
		a = b
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
