package measure

import (
	"fmt"
	"math"
	"slices"

	"odslab/odslib"
)

// CRPS returns the continuous ranked probability score E|X−x*| − ½E|X−X'| of
// posterior draws X beside the true value x*, crps[j][s] for coordinate j of
// simulation s, in the units of x: T. Gneiting and A. E. Raftery, JASA 102,
// 359–378, 2007. Smaller is better, and over many simulations the right
// posterior has the least mean; that mean is the floor. [Mean] gives it with its
// interval.
//
// It is the fair form, E|X−X'| over different draws (C. A. T. Ferro, Q. J. R.
// Meteorol. Soc. 140, 1917–1923, 2014), whose mean does not depend on the
// number of draws; a single score can be negative.
//
// truths is [S, shape…], draws has S arrays [L, shape…], L at least 2. logWeights
// has those of each simulation's draws; nil means equal.
func CRPS(truths odslib.Array, draws []odslib.Array, logWeights [][]float64) (crps [][]float64, err error) {
	sims, err := newSimulations(truths, draws)
	if err != nil {
		return nil, err
	}
	if logWeights == nil {
		logWeights = make([][]float64, len(draws))
	}
	if len(logWeights) != len(draws) {
		return nil, fmt.Errorf("measure: CRPS: log-weights of %d simulations for %d", len(logWeights), len(draws))
	}
	crps = make([][]float64, sims.truths.d)
	for j := range crps {
		crps[j] = make([]float64, sims.truths.n)
	}
	for s, p := range sims.draws {
		w, pairs, err := pairWeights(fmt.Sprintf("simulation %d", s), logWeights[s], p.n)
		if err != nil {
			return nil, err
		}
		order := make([]int, p.n)
		for j, truth := range sims.truths.row(s) {
			for l := range order {
				order[l] = l
			}
			at := func(l int) float64 { return p.x[l*p.d+j] }
			slices.SortFunc(order, func(a, b int) int {
				switch {
				case at(a) < at(b):
					return -1
				case at(a) > at(b):
					return 1
				}
				return 0
			})
			// Between neighbours of the sorted draws lie F·(1−F) of the pairs.
			var away, within, below float64
			for k, l := range order {
				away += w[l] * math.Abs(at(l)-truth)
				if k > 0 {
					within += below * (1 - below) * (at(l) - at(order[k-1]))
				}
				below += w[l]
			}
			crps[j][s] = away - within/pairs
		}
	}
	return crps, nil
}
