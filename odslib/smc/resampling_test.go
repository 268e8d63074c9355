package smc

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"odslab/odslib/engine"
)

var rules = []Resampling{Systematic, Stratified, Residual, Multinomial, SSP, Hilbert}

// TestParentsAreUnbiased: the mean number of children is n·w_i, for more and for fewer children than parents.
func TestParentsAreUnbiased(t *testing.T) {
	w := []float64{.31, 0, .04, .25, .1, 1e-9, .3 - 1e-9, 0}
	const runs = 20000
	for _, rule := range rules {
		for _, n := range []int{3, 8, 20} {
			rng := rand.New(rand.NewPCG(1, 2))
			sum, square := make([]float64, len(w)), make([]float64, len(w))
			for range runs {
				count := make([]float64, len(w))
				parents := rule.Parents(w, n, rng)
				if len(parents) != n || !slices.IsSorted(parents) {
					t.Fatalf("%v: %v", rule, parents)
				}
				for _, p := range parents {
					count[p]++
				}
				for i, c := range count {
					sum[i] += c / runs
					square[i] += c * c / runs
				}
			}
			for i := range w {
				want := float64(n) * w[i]
				se := math.Sqrt(max(0, square[i]-sum[i]*sum[i])/runs) + 1e-6
				if math.Abs(sum[i]-want) > 4.5*se {
					t.Errorf("%v, n=%d: particle %d has %.4f children, want %.4f ± %.4f", rule, n, i, sum[i], want, se)
				}
				if w[i] == 0 && sum[i] > 0 {
					t.Errorf("%v: particle %d of weight 0 has children", rule, i)
				}
				// Systematic, residual and SSP resampling never give fewer than ⌊n·w⌋.
				if (rule == Systematic || rule == Residual || rule == SSP) && sum[i] < math.Floor(want+1e-12)-1e-9 {
					t.Errorf("%v: particle %d has %.4f children, at least %.0f are due", rule, i, sum[i], math.Floor(want))
				}
			}
		}
	}
}

// TestParentsNoise: the variance of the children falls from multinomial to systematic; equal weights copy the cloud.
func TestParentsNoise(t *testing.T) {
	const n, runs = 50, 4000
	w, rng := make([]float64, n), rand.New(rand.NewPCG(3, 4))
	sum := 0.
	for i := range w {
		w[i] = rng.Float64()
		sum += w[i]
	}
	for i := range w {
		w[i] /= sum
	}
	noise := map[Resampling]float64{}
	for _, rule := range rules {
		for range runs {
			count := make([]float64, n)
			for _, p := range rule.Parents(w, n, rng) {
				count[p]++
			}
			for i := range w {
				d := count[i] - n*w[i]
				noise[rule] += d * d / runs
			}
		}
	}
	if !(noise[Systematic] < noise[Multinomial] && noise[Stratified] < noise[Multinomial] && noise[Residual] < noise[Multinomial] && noise[SSP] < noise[Stratified]) {
		t.Errorf("squared noise of the children: %v", noise)
	}
	equal := make([]float64, n)
	for i := range equal {
		equal[i] = 1. / n
	}
	for _, rule := range []Resampling{Stratified, Residual, SSP} {
		if got := rule.Parents(equal, n, rng); !slices.Equal(got, identity(n)) {
			t.Errorf("%v of equal weights: %v", rule, got)
		}
	}
}

// TestSureChildren: n·w = 1 for all, as equal weights have it, is a child for each, whatever 1/K rounds to. Stratified and
// residual resampling copy such a cloud; so do integer multiples.
func TestSureChildren(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for k := 1; k <= 400; k++ {
		w := make([]float64, k)
		for i := range w {
			w[i] = 1 / float64(k)
		}
		for _, times := range []int{1, 3} {
			got := Residual.Parents(w, times*k, rng)
			for i, p := range got {
				if int(p) != i/times {
					t.Fatalf("residual, K=%d, n=%d: child %d has parent %d", k, times*k, i, p)
				}
			}
		}
	}
	for range 200 {
		w := make([]float64, 98)
		sum := 0.
		for i := range w {
			w[i] = float64(1 + i%3)
			sum += w[i]
		}
		for i := range w {
			w[i] /= sum
		}
		count := make([]int, len(w))
		for _, p := range Residual.Parents(w, int(sum), rng) {
			count[p]++
		}
		for i, c := range count {
			if c != 1+i%3 {
				t.Fatalf("particle %d has %d children, due are exactly %d", i, c, 1+i%3)
			}
		}
	}
}

// TestHilbert: on a grid of cells the curve visits every cell once and goes from neighbour to neighbour; sorted along it, the
// mean of a smooth function over the resampled cloud is nearer to the weighted mean than in the order of chance.
func TestHilbert(t *testing.T) {
	for _, c := range []struct{ d, bits int }{{1, 5}, {2, 4}, {3, 3}} {
		side := 1 << c.bits
		n := int(math.Pow(float64(side), float64(c.d)))
		at := make([][]uint32, n)
		for i := range n {
			cell, rest := make([]uint32, c.d), i
			for j := range cell {
				cell[j] = uint32(rest % side)
				rest /= side
			}
			k := hilbertKey(slices.Clone(cell), c.bits)
			if k >= uint64(n) || at[k] != nil {
				t.Fatalf("d=%d: cell %v has the key %d", c.d, cell, k)
			}
			at[k] = cell
		}
		for k := 1; k < n; k++ {
			steps := 0
			for j, v := range at[k] {
				d := int(v) - int(at[k-1][j])
				steps += d * d
			}
			if steps != 1 {
				t.Fatalf("d=%d: from %v to %v", c.d, at[k-1], at[k])
			}
		}
	}
	const k, runs = 400, 300
	rng := rand.New(rand.NewPCG(1, 2))
	noise := map[Resampling]float64{}
	for range runs {
		x, w, sum, want := engine.NewArray(k, 2), make([]float64, k), 0., 0.
		f := func(i int) float64 { return math.Sin(float64(x.Row(i)[0])) * float64(x.Row(i)[1]) }
		for i := range w {
			x.Row(i)[0], x.Row(i)[1] = float32(rng.NormFloat64()), float32(rng.NormFloat64())
			w[i] = math.Exp(float64(x.Row(i)[0]))
			sum += w[i]
		}
		for i := range w {
			w[i] /= sum
			want += w[i] * f(i)
		}
		for _, rule := range []Resampling{Stratified, Hilbert} {
			got := 0.
			for _, p := range rule.parents(w, x, rng) {
				got += f(int(p)) / k
			}
			noise[rule] += (got - want) * (got - want)
		}
	}
	if noise[Hilbert] > .25*noise[Stratified] {
		t.Errorf("squared error along the curve %.4g, in the order of chance %.4g", noise[Hilbert], noise[Stratified])
	}
}

func TestParentsOfOneParticle(t *testing.T) {
	for _, rule := range rules {
		for _, p := range rule.Parents([]float64{0, 1, 0}, 5, rand.New(rand.NewPCG(1, 1))) {
			if p != 1 {
				t.Errorf("%v chose particle %d of weight 0", rule, p)
			}
		}
	}
}
