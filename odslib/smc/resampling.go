package smc

import (
	"fmt"
	"math"
	"math/rand/v2"

	"odslab/odslib"
)

// Resampling is a rule that draws the parents of a new, equally weighted cloud. Every rule is unbiased: particle i has
// n·w_i children on average.
type Resampling int

const (
	Systematic  Resampling = iota // one uniform for all n strata: the least noise, and what most people use
	Stratified                    // one uniform for each stratum (Kitagawa 1996)
	Residual                      // ⌊n·w_i⌋ children for certain, the rest multinomial (Liu & Chen 1998)
	Multinomial                   // independent parents (Gordon et al. 1993)
	SSP                           // Srinivasan's pairwise rounding of n·w_i: consistent in any order (Gerber, Chopin & Whiteley 2019)
	Hilbert                       // Stratified along a Hilbert curve through the particles (Gerber & Chopin 2015; same paper)
)

var resamplingNames = [...]string{"systematic", "stratified", "residual", "multinomial", "SSP", "Hilbert"}

func (r Resampling) String() string {
	if r < 0 || int(r) >= len(resamplingNames) {
		return fmt.Sprintf("Resampling(%d)", int(r))
	}
	return resamplingNames[r]
}

func (r Resampling) check() error {
	if r < 0 || int(r) >= len(resamplingNames) {
		return fmt.Errorf("no resampling rule %v; use smc.Systematic, Stratified, Residual, Multinomial, SSP or Hilbert", r)
	}
	return nil
}

// parents are those of as many new particles as there are; x are the old ones.
func (r Resampling) parents(weights []float64, x odslib.Array, rng *rand.Rand) []int32 {
	if r != Hilbert {
		return r.Parents(weights, len(weights), rng)
	}
	order := hilbertOrder(x)
	sorted := make([]float64, len(weights))
	for i, k := range order {
		sorted[i] = weights[k]
	}
	parents := Stratified.Parents(sorted, len(weights), rng)
	for i, k := range parents {
		parents[i] = int32(order[k])
	}
	return parents
}

// Parents draws n indices from the weights, which sum to one. The indices come in rising order. Hilbert, which has no particles
// to sort here, is Stratified.
func (r Resampling) Parents(weights []float64, n int, rng *rand.Rand) []int32 {
	switch r {
	case Stratified, Hilbert:
		return invert(weights, n, func(i int) float64 { return (float64(i) + rng.Float64()) / float64(n) })
	case Residual:
		return residual(weights, n, rng)
	case SSP:
		return ssp(weights, n, rng)
	case Multinomial:
		return invert(weights, n, sortedUniforms(n, rng))
	}
	u := rng.Float64()
	return invert(weights, n, func(i int) float64 { return (float64(i) + u) / float64(n) })
}

// invert walks once through the cumulative weights; u must rise with i.
func invert(weights []float64, n int, u func(i int) float64) []int32 {
	parents, last := make([]int32, n), lastPositive(weights)
	k, cum := 0, weights[0]
	for i := range parents {
		for v := u(i); cum <= v && k < last; { // a particle of weight 0 has no children
			k++
			cum += weights[k]
		}
		parents[i] = int32(k)
	}
	return parents
}

// lastPositive is where rounding of the cumulative sum must stop.
func lastPositive(weights []float64) int {
	for i := len(weights) - 1; i > 0; i-- {
		if weights[i] > 0 {
			return i
		}
	}
	return 0
}

// sortedUniforms are n uniforms in rising order: normalised partial sums of exponentials.
func sortedUniforms(n int, rng *rand.Rand) func(i int) float64 {
	sums, sum := make([]float64, n), 0.
	for i := range sums {
		sum += rng.ExpFloat64()
		sums[i] = sum
	}
	sum += rng.ExpFloat64()
	return func(i int) float64 { return sums[i] / sum }
}

func residual(weights []float64, n int, rng *rand.Rand) []int32 {
	rest, certain, sum := make([]float64, len(weights)), make([]int, len(weights)), 0.
	left := n
	for i, w := range weights {
		// Rounding must not take a sure child: 49·(1/49) is less than 1 in float64.
		whole := math.Floor(float64(n)*w + 1e-9)
		certain[i], rest[i] = int(whole), math.Max(0, float64(n)*w-whole)
		left -= certain[i]
		sum += rest[i]
	}
	if left > 0 {
		for i := range rest {
			rest[i] /= sum
		}
		for _, k := range invert(rest, left, sortedUniforms(left, rng)) {
			certain[k]++
		}
	}
	parents := make([]int32, 0, n)
	for i, c := range certain {
		for range c {
			parents = append(parents, int32(i))
		}
	}
	return parents
}
