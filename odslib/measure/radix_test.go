package measure

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestRadixSorts(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var r radix // one for all: what is left of the last call must not show
	for _, n := range []int{1000, 0, 1, 2, 7, 3000} {
		for name, draw := range map[string]func() float64{
			"normal":     rng.NormFloat64,
			"all scales": func() float64 { return rng.NormFloat64() * math.Exp(200*rng.NormFloat64()) },
			"ties":       func() float64 { return float64(rng.IntN(5)) - 2 },
			"close":      func() float64 { return -1e6 + 1e-4*rng.NormFloat64() },
			"ends": func() float64 {
				return []float64{math.Inf(1), math.Inf(-1), math.MaxFloat64, -5e-324, 0, 5e-324}[rng.IntN(6)]
			},
		} {
			u := make([]float64, n)
			for i := range u {
				u[i] = draw()
			}
			want := slices.Clone(u)
			slices.Sort(want)
			r.sort(u)
			if !slices.Equal(u, want) {
				t.Errorf("%d numbers, %s: not sorted as slices.Sort does", n, name)
			}
		}
	}
}

func BenchmarkSort(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 2))
	x, u := make([]float64, 2000), make([]float64, 2000)
	for i := range x {
		x[i] = rng.NormFloat64()
	}
	b.Run("radix", func(b *testing.B) {
		var r radix
		for b.Loop() {
			copy(u, x)
			r.sort(u)
		}
	})
	b.Run("slices", func(b *testing.B) {
		for b.Loop() {
			copy(u, x)
			slices.Sort(u)
		}
	})
}
