package smc

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/floats"

	"odslab/odslib"
)

// errExtinct is a cloud in which no particle has any weight.
var errExtinct = errors.New("no particle has a positive weight: the reward is 0 wherever the particles are; take more Particles or a reward that falls off gently")

// population is the host side of a particle method: log-weights in float64, who descends from whom, and the evidence.
type population struct {
	logw      []float64 // since the last resampling
	past      float64   // log Ẑ up to the last resampling
	eve       []int32   // the particle at the start that each descends from
	ancestors [][]int32
}

func newPopulation(k int) *population {
	return &population{logw: make([]float64, k), eve: identity(k)}
}

func identity(k int) []int32 {
	index := make([]int32, k)
	for i := range index {
		index[i] = int32(i)
	}
	return index
}

// logZ is log Ẑ so far.
func (p *population) logZ() float64 {
	if slices.Max(p.logw) == math.Inf(-1) {
		return math.Inf(-1)
	}
	return p.past + floats.LogSumExp(p.logw) - math.Log(float64(len(p.logw)))
}

// weights are normalised; they fail when all of them are 0.
func (p *population) weights() ([]float64, error) {
	if slices.Max(p.logw) == math.Inf(-1) {
		return nil, errExtinct
	}
	return odslib.NormalisedWeights(p.logw), nil
}

// ess is the effective number of particles, 1/Σw².
func ess(w []float64) float64 { return 1 / floats.Dot(w, w) }

// resample renews the cloud and returns the parents.
func (p *population) resample(w []float64, rule Resampling, rng *rand.Rand) []int32 {
	parents := rule.Parents(w, len(w), rng)
	p.past = p.logZ()
	p.eve = take(p.eve, parents)
	p.ancestors = append(p.ancestors, parents)
	clear(p.logw)
	return parents
}

func take[T any](v []T, index []int32) []T {
	out := make([]T, len(index))
	for i, k := range index {
		out[i] = v[k]
	}
	return out
}

// standardError estimates the standard deviation of log Ẑ from this one run by its genealogy. The final weight S_e of all
// descendants of particle e would be 1/K each if Ẑ had no noise, and se² = Σ_e (S_e−1/K)² (Chan & Lai 2013); without
// resampling it is the usual error of importance sampling, 1/ESS−1/K. Multinomial parents add noise of their own, which
// se² = 1−(K/(K−1))^{n+1}·(1−Σ_e S_e²) after n resamplings takes out again (Lee & Whiteley 2018). families is how many of
// the first particles have descendants with weight; with few of them left the estimate means little.
func (p *population) standardError(w []float64, rule Resampling) (se float64, families int) {
	sums, k := make([]float64, len(w)), float64(len(w))
	for i, e := range p.eve {
		sums[e] += w[i]
	}
	squares, v := 0., 0.
	for _, s := range sums {
		if s > 0 {
			families++
		}
		squares += s * s
		v += (s - 1/k) * (s - 1/k)
	}
	if rule == Multinomial && k > 1 {
		if u := 1 - math.Pow(k/(k-1), float64(len(p.ancestors)+1))*(1-squares); u > 0 {
			v = u
		}
	}
	return math.Sqrt(v), families
}
