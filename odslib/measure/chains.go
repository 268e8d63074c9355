package measure

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/dsp/fourier"
	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

// RHat returns the rank-normalised split-R̂ of chains [chain][draw] of one
// quantity, the larger of that of the values and that of their distances from
// the median: A. Vehtari, A. Gelman, D. Simpson, B. Carpenter, P.-C. Bürkner,
// Bayesian Analysis 16, 667–718, 2021. Chains that agree give 1; above 1.01
// they have not mixed. It is NaN when all draws are equal.
func RHat(chains [][]float64) (float64, error) {
	if err := checkChains(chains); err != nil {
		return 0, err
	}
	half := split(chains)
	r := rhat(normalScores(half))
	// Chains that stand still at two places have no spread of the distances.
	if f := rhat(normalScores(folded(half))); f > r || math.IsNaN(r) {
		r = f
	}
	return r, nil
}

// BulkESS returns the effective number of draws in chains [chain][draw] for
// the middle of the distribution: that of the rank-normalised values of the
// split chains (same reference as [RHat]). Fewer than 100 a chain are too few
// to trust the chains. It is NaN when all draws are equal.
func BulkESS(chains [][]float64) (float64, error) {
	if err := checkChains(chains); err != nil {
		return 0, err
	}
	return chainESS(normalScores(split(chains))), nil
}

// TailESS returns the effective number of draws for the 5 % and 95 % quantiles,
// the smaller of both.
func TailESS(chains [][]float64) (float64, error) {
	if err := checkChains(chains); err != nil {
		return 0, err
	}
	all := slices.Concat(chains...)
	slices.Sort(all)
	ess := math.Inf(1)
	for _, p := range []float64{0.05, 0.95} {
		at := p * float64(len(all)-1)
		i := int(at)
		q := all[i]
		if i+1 < len(all) {
			q += (at - float64(i)) * (all[i+1] - all[i])
		}
		below := make([][]float64, len(chains))
		for c, chain := range chains {
			below[c] = make([]float64, len(chain))
			for t, x := range chain {
				if x <= q {
					below[c][t] = 1
				}
			}
		}
		ess = min(ess, chainESS(split(below)))
	}
	return ess, nil
}

func checkChains(chains [][]float64) error {
	if len(chains) == 0 {
		return fmt.Errorf("measure: no chains")
	}
	for c, chain := range chains {
		if len(chain) != len(chains[0]) {
			return fmt.Errorf("measure: chain %d has %d draws and chain 0 has %d", c, len(chain), len(chains[0]))
		}
		if len(chain) < 4 {
			return fmt.Errorf("measure: chains of %d draws; want at least 4", len(chain))
		}
		for t, x := range chain {
			if math.IsNaN(x) || math.IsInf(x, 0) {
				return fmt.Errorf("measure: draw %d of chain %d is %v", t, c, x)
			}
		}
	}
	return nil
}

// split cuts each chain in two halves, without the middle draw of an odd number.
func split(chains [][]float64) [][]float64 {
	var out [][]float64
	for _, c := range chains {
		n := len(c) / 2
		out = append(out, c[:n], c[len(c)-n:])
	}
	return out
}

// folded returns the distances from the median of all draws.
func folded(chains [][]float64) [][]float64 {
	all := slices.Concat(chains...)
	slices.Sort(all)
	mid := len(all) / 2
	median := (all[mid] + all[(len(all)-1)/2]) / 2
	return each(chains, func(x float64) float64 { return math.Abs(x - median) })
}

func each(chains [][]float64, f func(float64) float64) [][]float64 {
	out := make([][]float64, len(chains))
	for c, chain := range chains {
		out[c] = make([]float64, len(chain))
		for t, x := range chain {
			out[c][t] = f(x)
		}
	}
	return out
}

// normalScores replaces each draw by Φ⁻¹((r−3/8)/(S+1/4)), r its rank among all S
// draws, equal draws sharing their mean rank.
func normalScores(chains [][]float64) [][]float64 {
	all := slices.Concat(chains...)
	slices.Sort(all)
	score := make(map[float64]float64, len(all))
	for i := 0; i < len(all); {
		j := i
		for j < len(all) && all[j] == all[i] {
			j++
		}
		rank := float64(i+j+1) / 2 // mean of i+1 … j
		score[all[i]] = distuv.UnitNormal.Quantile((rank - 3./8) / (float64(len(all)) + 1./4))
		i = j
	}
	return each(chains, func(x float64) float64 { return score[x] })
}

// rhat is √(V̂/W), V̂ = W·(n−1)/n + B/n.
func rhat(chains [][]float64) float64 {
	n := float64(len(chains[0]))
	means, variances := moments(chains)
	within := stat.Mean(variances, nil)
	return math.Sqrt((n-1)/n + stat.Variance(means, nil)/within)
}

func moments(chains [][]float64) (means, variances []float64) {
	for _, c := range chains {
		m, v := stat.MeanVariance(c, nil)
		means, variances = append(means, m), append(variances, v)
	}
	return means, variances
}

// chainESS is S/τ̂, with τ̂ = −1 + 2Σρ̂_t summed over Geyer's initial monotone
// sequence of pairs ρ̂_2k + ρ̂_2k+1 (Statistical Science 7, 473–483, 1992), ρ̂ from
// the autocovariances within and the variance between chains.
func chainESS(chains [][]float64) float64 {
	n, m := len(chains[0]), len(chains)
	means, variances := moments(chains)
	within := stat.Mean(variances, nil)
	total := within*float64(n-1)/float64(n) + stat.Variance(means, nil)
	if total == 0 {
		return math.NaN()
	}
	acov := make([]float64, n)
	for c, chain := range chains {
		addAutocovariance(acov, chain, means[c], 1/float64(m))
	}
	rho := func(t int) float64 {
		if t == 0 {
			return 1
		}
		return 1 - (within-acov[t])/total
	}
	tau, previous := -1.0, math.Inf(1)
	t := 0
	for ; ; t += 2 {
		pair := rho(t) + rho(t+1)
		if !(pair >= 0) || t >= n-4 { // the last lags rest on a draw or two
			break
		}
		previous = min(previous, pair)
		tau += 2 * previous
	}
	// Of the pair that ends the sequence the even lag counts once if positive:
	// it makes the estimate of antithetic chains better (Vehtari et al., §3.2).
	tau += max(0, rho(t))
	draws := float64(n * m)
	// Estimates above S·log₁₀S are noise.
	return draws / max(tau, 1/math.Log10(draws))
}

// addAutocovariance adds weight·(1/n)Σ (x_s−mean)(x_{s+t}−mean) to acov[t], by a
// Fourier transform of the chain padded with zeros.
func addAutocovariance(acov, chain []float64, mean, weight float64) {
	n := len(chain)
	padded := make([]float64, 2*n)
	for i, x := range chain {
		padded[i] = x - mean
	}
	fft := fourier.NewFFT(2 * n)
	c := fft.Coefficients(nil, padded)
	for i, v := range c {
		c[i] = complex(real(v)*real(v)+imag(v)*imag(v), 0)
	}
	fft.Sequence(padded, c)
	// The transform is not normalised: it multiplies by its length, 2n.
	for t := range acov {
		acov[t] += weight * padded[t] / (float64(2*n) * float64(n))
	}
}
