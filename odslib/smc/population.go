package smc

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/floats"

	"odslab/odslib"
)

// errExtinct is a cloud in which no particle has any weight.
var errExtinct = errors.New("no particle has a positive weight: the reward is 0 wherever the particles are; take more Particles or a reward that falls off gently")

// group is a run of draws under the same conditions: what the same islands are for.
type group struct{ first, draws int }

// groupsOf parts n draws by their conditions, of which those that are alike stand together.
func groupsOf(given *odslib.Array, n int) ([]group, error) {
	if given == nil {
		return []group{{0, n}}, nil
	}
	if given.Len() != n {
		return nil, fmt.Errorf("conditions for %d draws, %d were asked for", given.Len(), n)
	}
	var groups []group
	for _, r := range given.Runs() {
		groups = append(groups, group{r.First, r.Rows})
	}
	return groups, nil
}

// population is the host side of an island: log-weights in float64, who descends from whom, and the evidence.
type population struct {
	logw    []float64 // since the last resampling
	w       []float64 // normalised; nil when all are 0
	past    float64   // log Ẑ up to the last resampling
	eve     []int32   // the particle at the start that each descends from
	renewed int       // how often it was resampled
	control *control  // of the drift, where there is one
	died    int       // the step at which the last weight was lost; 0 is none
}

func identity(k int) []int32 {
	index := make([]int32, k)
	for i := range index {
		index[i] = int32(i)
	}
	return index
}

// weigh normalises the weights after a step.
func (p *population) weigh(step int) {
	p.w = nil
	if slices.Max(p.logw) > math.Inf(-1) {
		p.w = odslib.NormalisedWeights(p.logw)
	} else if p.died == 0 {
		p.died = step
	}
}

// logZ is log Ẑ so far.
func (p *population) logZ() float64 {
	if p.w == nil {
		return math.Inf(-1)
	}
	return p.past + floats.LogSumExp(p.logw) - math.Log(float64(len(p.logw)))
}

// ess is the effective number of particles, 1/Σw².
func ess(w []float64) float64 { return 1 / floats.Dot(w, w) }

// resample renews the population and returns the parents; x are the particles, for the rule that looks at them.
func (p *population) resample(rule Resampling, x odslib.Array, rng *rand.Rand) []int32 {
	parents := rule.parents(p.w, x, rng)
	p.past = p.logZ()
	p.eve = take(p.eve, parents)
	p.renewed++
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

// ancestry is what the genealogy says of Ẑ and the draws. The final weight S_e of all descendants of particle e would be 1/K
// each if Ẑ had no noise: ESS is 1/Σ_e S_e², and se² = Σ_e (S_e−1/K)² estimates the variance of log Ẑ from this one run
// (Chan & Lai 2013); without resampling it is the usual error of importance sampling, 1/ESS−1/K. Multinomial parents add
// noise of their own, which se² = 1−(K/(K−1))^{n+1}·(1−Σ_e S_e²) after n resamplings takes out again (Lee & Whiteley 2018).
// Without resampling the families are independent, and two errors are made to hold 95 % of a skewed Ẑ too, to second order
// (Hall 1992, The Bootstrap and Edgeworth Expansion, §2.3). No run can say more than 1: where little is left of the first cloud se is a lower bound ([fewFamilies]), and of one particle
// nothing can be said.
func (p *population) ancestry(rule Resampling) (ess, se float64) {
	ess, se = p.genealogy(rule)
	if p.renewed == 0 && se > 0 {
		se *= skewed(p.families())
	}
	return ess, se
}

// genealogy is ancestry without the length that skewness adds.
func (p *population) genealogy(rule Resampling) (ess, se float64) {
	sums, k := p.families(), float64(len(p.w))
	if k == 1 {
		return 1, math.NaN()
	}
	squares, v := 0., 0.
	for _, s := range sums {
		squares += s * s
		v += (s - 1/k) * (s - 1/k)
	}
	if rule == Multinomial {
		if u := 1 - math.Pow(k/(k-1), float64(p.renewed+1))*(1-squares); u > 0 {
			v = u
		}
	}
	return 1 / squares, math.Sqrt(v)
}

// families are the final weights of the first particles' descendants.
func (p *population) families() []float64 {
	sums := make([]float64, len(p.w))
	for i, e := range p.eve {
		sums[e] += p.w[i]
	}
	return sums
}

// skewed is by how much two errors of the sum of v must be longer to hold 95 %, κ being the skewness of the sum. To second order it is
// 1 + κ²·(z⁴+2z²−3)/18, 1.2·κ² at z = 2; that of a sample is too small by about as much again.
func skewed(v []float64) float64 {
	variance, third, mean := 0., 0., 1/float64(len(v))
	for _, s := range v {
		variance += (s - mean) * (s - mean)
		third += (s - mean) * (s - mean) * (s - mean)
	}
	if variance == 0 {
		return 1
	}
	return 1 + 2*third*third/(variance*variance*variance)
}

// fewFamilies is the effective number of first particles below which a run does not know its own error.
const fewFamilies = 20
