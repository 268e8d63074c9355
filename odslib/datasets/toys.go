package datasets

import (
	"math"
	"math/rand/v2"

	"odslab/odslib"
)

// TwoMoons draws n points [n, 2] from two half circles of radius 1 that hold
// each other, with Gaussian noise of standard deviation 0.1.
func TwoMoons(n int, seed uint64) odslib.Array {
	return toy(n, seed, func(rng *rand.Rand) (x, y float64) {
		s, c := math.Sincos(math.Pi * rng.Float64())
		x, y = c, s
		if rng.IntN(2) == 1 {
			x, y = 1-c, 0.5-s
		}
		return x + 0.1*rng.NormFloat64(), y + 0.1*rng.NormFloat64()
	})
}

// Rings draws n points [n, 2] from two circles around 0 of radius 1 and 2.5, twice as many from the outer one, with Gaussian noise
// of standard deviation 0.1.
func Rings(n int, seed uint64) odslib.Array {
	return toy(n, seed, func(rng *rand.Rand) (x, y float64) {
		s, c := math.Sincos(2 * math.Pi * rng.Float64())
		r := 2.5
		if rng.IntN(3) == 0 {
			r = 1
		}
		return r*c + 0.1*rng.NormFloat64(), r*s + 0.1*rng.NormFloat64()
	})
}

// Checkerboard draws n points [n, 2] uniformly from the eight dark squares, of
// side 2, of a board that fills [-4, 4]².
func Checkerboard(n int, seed uint64) odslib.Array {
	return toy(n, seed, func(rng *rand.Rand) (x, y float64) {
		column, row := rng.IntN(4), rng.IntN(2)
		return 2*(float64(column)+rng.Float64()) - 4, 2*(float64(2*row+column%2)+rng.Float64()) - 4
	})
}

// Spiral draws n points [n, 2] from two arms that wind one and a half times
// around 0 out to radius 3, with Gaussian noise of standard deviation 0.1.
func Spiral(n int, seed uint64) odslib.Array {
	return toy(n, seed, func(rng *rand.Rand) (x, y float64) {
		// The square root makes the density along the arm even.
		u := math.Sqrt(rng.Float64())
		s, c := math.Sincos(3 * math.Pi * u)
		r := 3 * u
		if rng.IntN(2) == 1 {
			r = -r
		}
		return r*c + 0.1*rng.NormFloat64(), r*s + 0.1*rng.NormFloat64()
	})
}

// Pinwheel draws n points [n, 2] from five bent blades around 0, as in Johnson
// et al., arXiv:1603.06277: a Gaussian at (1, 0) with standard deviations 0.3
// and 0.05, turned by 2πk/5 + 0.25·exp(x).
func Pinwheel(n int, seed uint64) odslib.Array {
	return toy(n, seed, func(rng *rand.Rand) (x, y float64) {
		u, v := 1+0.3*rng.NormFloat64(), 0.05*rng.NormFloat64()
		s, c := math.Sincos(2*math.Pi*float64(rng.IntN(5))/5 + 0.25*math.Exp(u))
		return u*c - v*s, u*s + v*c
	})
}

// toy calls draw n times, not at all if n is negative.
func toy(n int, seed uint64, draw func(*rand.Rand) (x, y float64)) odslib.Array {
	n = max(n, 0)
	rng := rand.New(rand.NewPCG(seed, 0x70e5))
	a := odslib.Array{Shape: []int{n, 2}, Data: make([]float32, 0, 2*n)}
	for range n {
		x, y := draw(rng)
		a.Data = append(a.Data, float32(x), float32(y))
	}
	return a
}
