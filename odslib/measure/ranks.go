package measure

import (
	"fmt"

	"gonum.org/v1/gonum/stat/distuv"

	"odslab/odslib"
)

// Ranks returns the ranks of simulation-based calibration (Talts et al.,
// arXiv:1804.06788): for S simulations x_s from the prior, y_s from x_s, and L
// posterior draws given y_s each, ranks[j][s] is how many draws of coordinate j
// are below that of x_s. If the posterior is right they are uniform on 0 … L.
//
// truths is [S, shape…], draws has S arrays [L, shape…]. Of draws that equal
// the truth every second counts as below.
func Ranks(truths odslib.Array, draws []odslib.Array) (ranks [][]int, err error) {
	sims, err := newSimulations(truths, draws)
	if err != nil {
		return nil, err
	}
	ranks = make([][]int, sims.truths.d)
	for j := range ranks {
		ranks[j] = make([]int, sims.truths.n)
	}
	for s, p := range sims.draws {
		for j, truth := range sims.truths.row(s) {
			below, equal := 0, 0
			for l := range p.n {
				switch v := p.row(l)[j]; {
				case v < truth:
					below++
				case v == truth:
					equal++
				}
			}
			ranks[j][s] = below + equal/2
		}
	}
	return ranks, nil
}

// simulations are true values and the posterior draws that belong to them.
type simulations struct {
	truths points
	draws  []points
}

func newSimulations(truths odslib.Array, draws []odslib.Array) (simulations, error) {
	t, err := newPoints("the array of true values", truths)
	if err != nil {
		return simulations{}, err
	}
	if len(draws) != t.n {
		return simulations{}, fmt.Errorf("measure: posterior draws of %d simulations for %d true values", len(draws), t.n)
	}
	sims := simulations{t, make([]points, t.n)}
	for s := range draws {
		p, err := newPoints(fmt.Sprintf("the draws of simulation %d", s), draws[s])
		if err != nil {
			return simulations{}, err
		}
		if p.d != t.d || p.n != sims.draws[0].n && s > 0 {
			return simulations{}, fmt.Errorf("measure: the draws of simulation %d have shape %v; simulation 0 has %v and the true values %v", s, draws[s].Shape, draws[0].Shape, truths.Shape)
		}
		sims.draws[s] = p
	}
	return sims, nil
}

// UniformChi2 tests whether ranks on 0 … L are uniform, by Pearson's χ² over
// bins, each of as nearly as possible the same number of ranks. It returns the
// statistic and its p-value. 0 bins means 20, or fewer where a bin would expect
// less than 5 ranks.
func UniformChi2(ranks []int, L, bins int) (chi2, p float64, err error) {
	if bins == 0 {
		bins = max(2, min(20, len(ranks)/5, L+1))
	}
	if len(ranks) == 0 || L < 1 || bins < 2 || bins > L+1 {
		return 0, 0, fmt.Errorf("measure: χ² of %d ranks on 0 … %d in %d bins; want ranks, and 2 to L+1 bins", len(ranks), L, bins)
	}
	observed := make([]float64, bins)
	width := make([]float64, bins)
	for r := range L + 1 {
		width[r*bins/(L+1)]++
	}
	for s, r := range ranks {
		if r < 0 || r > L {
			return 0, 0, fmt.Errorf("measure: rank %d of simulation %d is not in 0 … %d", r, s, L)
		}
		observed[r*bins/(L+1)]++
	}
	for b := range observed {
		expected := float64(len(ranks)) * width[b] / float64(L+1)
		chi2 += (observed[b] - expected) * (observed[b] - expected) / expected
	}
	return chi2, distuv.ChiSquared{K: float64(bins - 1)}.Survival(chi2), nil
}
