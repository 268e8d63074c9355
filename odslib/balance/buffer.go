package balance

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"

	"odslab/odslib"
	"odslab/odslib/engine"
)

// Buffer keeps end points of paths and their log r for replay. When it is full the oldest go first.
type Buffer struct {
	Ranked bool // draw better rewards more often (rank^-1 of a random order broken by log r), else uniformly

	x    odslib.Array
	logr []float64
	next int
	size int
}

// NewBuffer returns an empty buffer for size samples of the shape.
func NewBuffer(size int, shape []int, ranked bool) *Buffer {
	return &Buffer{Ranked: ranked, x: engine.NewArray(append([]int{0}, shape...)...), size: size}
}

// Len is how many samples the buffer holds.
func (b *Buffer) Len() int { return len(b.logr) }

// Add keeps samples; those whose log r is not finite are left out.
func (b *Buffer) Add(x odslib.Array, logr []float64) {
	for i, l := range logr {
		if math.IsInf(l, 0) || math.IsNaN(l) {
			continue
		}
		if len(b.logr) < b.size {
			b.x.Data = append(b.x.Data, x.Row(i)...)
			b.x.Shape[0]++
			b.logr = append(b.logr, l)
			continue
		}
		copy(b.x.Row(b.next), x.Row(i))
		b.logr[b.next] = l
		b.next = (b.next + 1) % b.size
	}
}

// DrawTempered returns n kept samples, each drawn in proportion to r^beta: from samples of the prior, approximately the
// tempered posterior by sampling importance resampling (Rubin 1988), with all the modes that the samples have seen.
func (b *Buffer) DrawTempered(n int, beta float64, rng *rand.Rand) (odslib.Array, []float64) {
	cum, top, sum := make([]float64, b.Len()), slices.Max(b.logr), 0.
	for i, l := range b.logr {
		sum += math.Exp(beta * (l - top))
		cum[i] = sum
	}
	index, logr := make([]int, n), make([]float64, n)
	for i := range index {
		k, _ := slices.BinarySearch(cum, sum*rng.Float64())
		index[i] = min(k, b.Len()-1)
		logr[i] = b.logr[index[i]]
	}
	return b.x.Take(index), logr
}

// ess is the effective sample size of the kept samples under weights r^beta.
func (b *Buffer) ess(beta float64) float64 {
	top, s1, s2 := slices.Max(b.logr), 0., 0.
	for _, l := range b.logr {
		w := math.Exp(beta * (l - top))
		s1, s2 = s1+w, s2+w*w
	}
	return s1 * s1 / s2
}

// Draw returns n kept samples and their log r, with replacement.
func (b *Buffer) Draw(n int, rng *rand.Rand) (odslib.Array, []float64) {
	order := make([]int, b.Len())
	for i := range order {
		order[i] = i
	}
	if b.Ranked {
		slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(b.logr[j], b.logr[i]) })
	}
	index, logr := make([]int, n), make([]float64, n)
	for i := range index {
		u := rng.Float64()
		if b.Ranked {
			u *= u // the rank's density falls as 1/√rank
		}
		index[i] = order[int(u*float64(len(order)))]
		logr[i] = b.logr[index[i]]
	}
	return b.x.Take(index), logr
}
