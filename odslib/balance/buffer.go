package balance

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/floats"

	"odslab/odslib"
	"odslab/odslib/engine"
	"odslab/odslib/measure"
)

// Buffer keeps end points of paths for replay, with log r and the number of the condition of each. When it is full the oldest
// go first.
type Buffer struct {
	Ranked bool // draw better rewards more often (rank^-1 of a random order broken by log r), else uniformly

	kept Batch
	next int
	size int
}

// Batch is samples with what is known of them.
type Batch struct {
	X    odslib.Array
	LogR []float64
	Cond []int // 0 where all have the same condition, or none
}

// NewBuffer returns an empty buffer for size samples of the shape.
func NewBuffer(size int, shape []int, ranked bool) *Buffer {
	return &Buffer{Ranked: ranked, kept: Batch{X: engine.NewArray(append([]int{0}, shape...)...)}, size: size}
}

// Len is how many samples the buffer holds.
func (b *Buffer) Len() int { return len(b.kept.LogR) }

// Add keeps samples; those whose log r is not finite are left out.
func (b *Buffer) Add(in Batch) {
	k := &b.kept
	for i, l := range in.LogR {
		if math.IsInf(l, 0) || math.IsNaN(l) || b.size <= 0 {
			continue
		}
		if b.Len() < b.size {
			k.X.Data = append(k.X.Data, in.X.Row(i)...)
			k.X.Shape[0]++
			k.LogR, k.Cond = append(k.LogR, l), append(k.Cond, in.Cond[i])
			continue
		}
		copy(k.X.Row(b.next), in.X.Row(i))
		k.LogR[b.next], k.Cond[b.next] = l, in.Cond[i]
		b.next = (b.next + 1) % b.size
	}
}

// put replaces the kept samples of these numbers, but by none whose log r is not finite.
func (b *Buffer) put(index []int, in Batch) {
	for i, k := range index {
		if l := in.LogR[i]; !math.IsInf(l, 0) && !math.IsNaN(l) {
			copy(b.kept.X.Row(k), in.X.Row(i))
			b.kept.LogR[k] = l
		}
	}
}

func (b *Buffer) take(index []int) Batch {
	out := Batch{X: b.kept.X.Take(index), LogR: make([]float64, len(index)), Cond: make([]int, len(index))}
	for i, k := range index {
		out.LogR[i], out.Cond[i] = b.kept.LogR[k], b.kept.Cond[k]
	}
	return out
}

// DrawTempered returns n kept samples, each drawn in proportion to r^beta: from samples of the prior, approximately the
// tempered posterior by sampling importance resampling (Rubin 1988), with all the modes that the samples have seen.
func (b *Buffer) DrawTempered(n int, beta float64, rng *rand.Rand) Batch {
	cum, top, sum := make([]float64, b.Len()), slices.Max(b.kept.LogR), 0.
	for i, l := range b.kept.LogR {
		sum += math.Exp(beta * (l - top))
		cum[i] = sum
	}
	index := make([]int, n)
	for i := range index {
		k, _ := slices.BinarySearch(cum, sum*rng.Float64())
		index[i] = min(k, b.Len()-1)
	}
	return b.take(index)
}

// ess is the effective sample size of the kept samples under weights r^beta.
func (b *Buffer) ess(beta float64) float64 {
	logw := slices.Clone(b.kept.LogR)
	floats.Scale(beta, logw)
	return measure.ESS(logw)
}

// Draw returns n kept samples, with replacement: in groups of one condition each, which is drawn as often as it was kept, or
// all alike where group is 0.
func (b *Buffer) Draw(n, group int, rng *rand.Rand) Batch {
	order := make([]int, b.Len())
	for i := range order {
		order[i] = i
	}
	if b.Ranked {
		slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(b.kept.LogR[j], b.kept.LogR[i]) })
	}
	of := order // in the same order, of the condition at hand
	index := make([]int, n)
	for i := range index {
		if group > 0 && i%group == 0 {
			cond := b.kept.Cond[rng.IntN(b.Len())]
			of = nil
			for _, k := range order {
				if b.kept.Cond[k] == cond {
					of = append(of, k)
				}
			}
		}
		u := rng.Float64()
		if b.Ranked {
			u *= u // the rank's density falls as 1/√rank
		}
		index[i] = of[int(u*float64(len(of)))]
	}
	return b.take(index)
}
