package measure

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat"
)

// ESS returns the effective sample size of log-weights, (Σw)²/Σw² (Kong, 1992),
// which is between 1 and their number. It is 0 when no weight is above 0, and
// NaN when one is NaN or infinite.
func ESS(logWeights []float64) float64 {
	s1, s2, m := sums(logWeights)
	if math.IsInf(m, -1) {
		return 0
	}
	return s1 * s1 / s2
}

// LogMeanExp returns log (1/n)Σ exp(l_i), the usual estimate of log Z from
// log-weights, and its standard error by the delta method,
// √((n·Σw²/(Σw)² − 1)/(n−1)). The error is itself an estimate from the weights:
// it is too small when the large ones have not been drawn. It is NaN for fewer
// than two weights and when all are 0, as both are when a weight is NaN or
// infinite.
func LogMeanExp(logWeights []float64) (mean, se float64) {
	s1, s2, m := sums(logWeights)
	n := float64(len(logWeights))
	if math.IsInf(m, -1) {
		return m, math.NaN()
	}
	if n < 2 {
		return m + math.Log(s1/n), math.NaN()
	}
	// Rounding can leave equal weights with a variance just below 0.
	return m + math.Log(s1/n), math.Sqrt(max(0, n*s2/(s1*s1)-1) / (n - 1))
}

// sums returns Σw and Σw² of w = exp(l−m), m the largest log-weight: −∞ when
// there is no weight above 0. All are NaN when a log-weight is NaN or +∞.
func sums(logWeights []float64) (s1, s2, m float64) {
	m = math.Inf(-1)
	for _, l := range logWeights {
		if math.IsNaN(l) || math.IsInf(l, 1) {
			return math.NaN(), math.NaN(), math.NaN()
		}
		m = max(m, l)
	}
	if math.IsInf(m, -1) {
		return 0, 0, m
	}
	for _, l := range logWeights {
		w := math.Exp(l - m)
		s1 += w
		s2 += w * w
	}
	return s1, s2, m
}

// normalised returns weights of sum 1 for n samples; nil log-weights are equal.
func normalised(logWeights []float64, n int) ([]float64, error) {
	if logWeights == nil {
		logWeights = make([]float64, n)
	}
	if len(logWeights) != n {
		return nil, fmt.Errorf("measure: %d log-weights for %d samples", len(logWeights), n)
	}
	s1, _, m := sums(logWeights)
	if math.IsNaN(m) {
		return nil, fmt.Errorf("measure: log-weight %d is NaN or infinite; remove that sample and count it as lost",
			slices.IndexFunc(logWeights, func(l float64) bool { return math.IsNaN(l) || math.IsInf(l, 1) }))
	}
	if math.IsInf(m, -1) {
		return nil, fmt.Errorf("measure: none of the %d weights is above 0", n)
	}
	w := make([]float64, n)
	for i, l := range logWeights {
		w[i] = math.Exp(l-m) / s1
	}
	return w, nil
}

// Quantiles returns the p-quantiles of weighted numbers: the least x whose share
// of weight at or below is p or more.
func Quantiles(x, logWeights []float64, p ...float64) ([]float64, error) {
	if len(x) == 0 {
		return nil, fmt.Errorf("measure: quantiles of no samples")
	}
	w, err := normalised(logWeights, len(x))
	if err != nil {
		return nil, err
	}
	if i := slices.IndexFunc(x, math.IsNaN); i >= 0 {
		return nil, fmt.Errorf("measure: sample %d is NaN; remove it and count it as lost", i)
	}
	sorted := slices.Clone(x)
	if logWeights == nil {
		slices.Sort(sorted)
		w = nil // whole counts add up without rounding
	} else {
		stat.SortWeighted(sorted, w)
	}
	q := make([]float64, len(p))
	for i, p := range p {
		if !(p >= 0 && p <= 1) {
			return nil, fmt.Errorf("measure: quantile of %v; want 0 to 1", p)
		}
		q[i] = stat.Quantile(p, stat.Empirical, sorted, w)
	}
	return q, nil
}
