package measure

import (
	"fmt"
	"math"
	"math/rand/v2"

	"odslab/odslib"
)

// Coverage returns how often the central credible interval of each level holds
// the true value: coverage[j][i] for coordinate j and levels[i], over S
// simulations with L posterior draws each, as [Ranks] takes them. A right
// posterior covers with the probability levels[i], up to 1/L; its standard error
// is √(level(1−level)/S).
func Coverage(truths odslib.Array, draws []odslib.Array, levels ...float64) (coverage [][]float64, err error) {
	if err := checkLevels(levels); err != nil {
		return nil, err
	}
	ranks, err := Ranks(truths, draws)
	if err != nil {
		return nil, err
	}
	return Ranking{Ranks: ranks, Draws: draws[0].Len()}.Coverage(levels...), nil
}

// Ranking is what simulations have shown of a sampler: ranks of true values among the draws, and TARP.
type Ranking struct {
	Names        []string // of the quantities that were ranked; nil: x_1, x_2, …
	Ranks        [][]int  // [quantity][simulation], 0 … Draws
	Draws        int
	Levels, TARP []float64 // expected coverage at levels
}

// Coverage is that of central intervals, [quantity][level].
func (r Ranking) Coverage(levels ...float64) [][]float64 {
	coverage := make([][]float64, len(r.Ranks))
	for j, ranks := range r.Ranks {
		// The place of the truth among the draws, in (0, 1), and twice its distance
		// from the middle: the smallest interval that reaches it.
		reach := make([]float64, len(ranks))
		for s, k := range ranks {
			reach[s] = math.Abs(2*(float64(k)+0.5)/float64(r.Draws+1) - 1)
		}
		coverage[j] = shares(reach, levels)
	}
	return coverage
}

func checkLevels(levels []float64) error {
	if len(levels) == 0 {
		return fmt.Errorf("measure: coverage at no levels; name some, such as 0.5 and 0.9")
	}
	for _, l := range levels {
		if !(l >= 0 && l <= 1) {
			return fmt.Errorf("measure: coverage at level %v; want 0 to 1", l)
		}
	}
	return nil
}

// shares returns the share of x that is ≤ each level.
func shares(x, levels []float64) []float64 {
	out := make([]float64, len(levels))
	for i, l := range levels {
		n := 0
		for _, v := range x {
			if v <= l {
				n++
			}
		}
		out[i] = float64(n) / float64(len(x))
	}
	return out
}

// TARP tests coverage with random reference points, in all coordinates at once:
// P. Lemos, A. Coogan, Y. Hezaveh, L. Perreault-Levasseur, ICML 2023,
// arXiv:2302.03026.
type TARP struct {
	Seed uint64 // of the reference points
}

// Coverage returns, for each level, the share of simulations in which the ball
// around the reference point that reaches to the truth holds at most that share
// of the posterior draws: the expected coverage. truths is [S, shape…], draws
// has S arrays [L, shape…]; a right posterior gives the levels back. Reference
// points are uniform in the box of the true values; distances are Euclidean, in
// coordinates scaled by the standard deviation of the true values.
func (t TARP) Coverage(truths odslib.Array, draws []odslib.Array, levels ...float64) ([]float64, error) {
	if err := checkLevels(levels); err != nil {
		return nil, err
	}
	sims, err := newSimulations(truths, draws)
	if err != nil {
		return nil, err
	}
	d := sims.truths.d
	low, high, scale := sims.truths.box()
	rng := rand.New(rand.NewPCG(t.Seed, 0x7a59))
	reference := make([]float64, d)
	distance := func(x []float64) float64 {
		var s float64
		for j, v := range x {
			s += (v - reference[j]) * (v - reference[j]) * scale[j]
		}
		return s
	}
	within := make([]float64, len(sims.draws))
	for s, p := range sims.draws {
		for j := range reference {
			reference[j] = low[j] + rng.Float64()*(high[j]-low[j])
		}
		reach, n := distance(sims.truths.row(s)), 0
		for l := range p.n {
			if distance(p.row(l)) < reach {
				n++
			}
		}
		within[s] = (float64(n) + 0.5) / float64(p.n+1)
	}
	return shares(within, levels), nil
}

// box returns the range of each coordinate and one over its variance, 0 where it
// does not vary.
func (p points) box() (low, high, scale []float64) {
	low, high, scale = make([]float64, p.d), make([]float64, p.d), make([]float64, p.d)
	for j := range p.d {
		low[j], high[j] = math.Inf(1), math.Inf(-1)
		for i := range p.n {
			v := p.row(i)[j]
			low[j], high[j] = min(low[j], v), max(high[j], v)
		}
		if _, variance := p.moments(j); variance > 0 {
			scale[j] = 1 / variance
		}
	}
	return low, high, scale
}
