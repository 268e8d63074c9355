package smc

import (
	"math"
	"math/rand/v2"
)

// ssp rounds n·w_i up or down, pair by pair: of two fractions one is pushed to 0 or 1 and the other takes what that leaves, with
// the chances that keep both means (Srinivasan 2001; algorithm 1 of Gerber, Chopin & Whiteley, Annals of Statistics 47, 2019).
func ssp(weights []float64, n int, rng *rand.Rand) []int32 {
	children, rest := make([]int, len(weights)), make([]float64, len(weights))
	left := n
	for i, w := range weights {
		whole := math.Floor(float64(n)*w + 1e-9)
		children[i], rest[i] = int(whole), math.Max(0, float64(n)*w-whole)
		left -= children[i]
	}
	i, j := 0, 1
	for next := 2; next <= len(weights); next++ {
		up, down := math.Min(rest[j], 1-rest[i]), math.Min(rest[i], 1-rest[j]) // from j to i, and from i to j
		if rng.Float64()*(up+down) < up {                                      // up has the chance down/(up+down)
			i, j, up = j, i, down
		}
		if rest[j] < 1-rest[i] { // j is emptied
			rest[i] += up
			j = next
			continue
		}
		rest[j] -= up // i is filled
		children[i]++
		left--
		i = next
	}
	if left > 0 { // but for rounding, of the one that remains
		children[min(i, j)] += left
	}
	parents := make([]int32, 0, n)
	for i, c := range children {
		for range c {
			parents = append(parents, int32(i))
		}
	}
	return parents[:n]
}
