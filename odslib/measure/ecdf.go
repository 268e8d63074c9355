package measure

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"
)

// Band is a region for the empirical distribution function of uniform ranks.
type Band struct {
	At        []int     // ranks r at which it is given
	Low, High []float64 // least and largest share of ranks ≤ r
}

// bandPoints is the number of ranks at which a band is given: neighbours on a
// finer grid are all but the same event.
const bandPoints = 100

// ECDFBand returns the region that holds the whole distribution function of S
// uniform ranks on 0 … L with the probability level: T. Säilynoja, P.-C.
// Bürkner, A. Vehtari, Statistics and Computing 32, 32, 2022. Each point's
// binomial interval is widened alike, by as much as 2000 simulations of uniform
// ranks show to be needed.
func ECDFBand(S, L int, level float64) (Band, error) {
	if S < 1 || L < 1 || !(level > 0 && level < 1) {
		return Band{}, fmt.Errorf("measure: ECDF band of %d ranks on 0 … %d at level %v; want 1 or more ranks, L of 1 or more, and a level between 0 and 1", S, L, level)
	}
	k := min(L, bandPoints)
	band := Band{At: make([]int, k), Low: make([]float64, k), High: make([]float64, k)}
	// below[i][c] = P(count ≤ c) for the count of ranks ≤ At[i].
	below := make([][]float64, k)
	for i := range band.At {
		band.At[i] = (i+1)*L/k - 1
		law := distuv.Binomial{N: float64(S), P: float64(band.At[i]+1) / float64(L+1)}
		below[i] = make([]float64, S+1)
		for c := range below[i] {
			below[i][c] = law.CDF(float64(c))
		}
	}
	// The tail probability that the worst point of a simulated set has.
	const simulations = 2000
	rng := rand.New(rand.NewPCG(uint64(S), uint64(L))) // the same band each time
	worst := make([]float64, simulations)
	ranks := make([]int, S)
	for m := range worst {
		for s := range ranks {
			ranks[s] = rng.IntN(L + 1)
		}
		worst[m] = 1
		for i, c := range band.counts(ranks) {
			upper := 1.0
			if c > 0 {
				upper = 1 - below[i][c-1]
			}
			worst[m] = min(worst[m], 2*below[i][c], 2*upper)
		}
	}
	slices.Sort(worst)
	gamma := worst[min(int((1-level)*simulations), simulations-1)]
	for i := range band.At {
		// The counts whose tails both have at least γ/2.
		low, _ := slices.BinarySearch(below[i], gamma/2)
		high := low
		for high < S && 2*(1-below[i][high]) >= gamma {
			high++
		}
		band.Low[i], band.High[i] = float64(low)/float64(S), float64(high)/float64(S)
	}
	return band, nil
}

// counts returns how many ranks are ≤ each of b.At.
func (b Band) counts(ranks []int) []int {
	n := make([]int, len(b.At))
	for _, r := range ranks {
		if i, _ := slices.BinarySearch(b.At, r); i < len(n) {
			n[i]++
		}
	}
	for i := 1; i < len(n); i++ {
		n[i] += n[i-1]
	}
	return n
}

// Holds reports whether the distribution function of ranks stays in the band:
// whether they pass for uniform.
func (b Band) Holds(ranks []int) bool {
	for i, c := range b.counts(ranks) {
		f := float64(c) / math.Max(1, float64(len(ranks)))
		if f < b.Low[i] || f > b.High[i] {
			return false
		}
	}
	return true
}
