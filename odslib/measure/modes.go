package measure

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat"

	"odslab/odslib"
)

// ModeWeights returns the share of weight of the samples x [n, shape…] that are
// nearest to each of the centres [k, shape…]. To see mass outside the modes of a
// posterior, give the modes of the prior as centres.
func ModeWeights(x odslib.Array, logWeights []float64, centres odslib.Array) ([]float64, error) {
	p, err := newPoints("the sample", x)
	if err != nil {
		return nil, err
	}
	c, err := newPoints("the array of centres", centres)
	if err != nil {
		return nil, err
	}
	if p.d != c.d {
		return nil, fmt.Errorf("measure: samples of shape %v and centres of shape %v have %d and %d coordinates", x.Shape, centres.Shape, p.d, c.d)
	}
	w, err := normalised(logWeights, p.n)
	if err != nil {
		return nil, err
	}
	weights := make([]float64, c.n)
	for i := range p.n {
		nearest, at := math.Inf(1), 0
		for k := range c.n {
			if d := squared(p.row(i), c.row(k)); d < nearest {
				nearest, at = d, k
			}
		}
		weights[at] += w[i]
	}
	return weights, nil
}

// TotalVariation returns ½Σ|p−q| of two discrete laws over the same outcomes:
// the largest difference in the probability of any event.
func TotalVariation(p, q []float64) (float64, error) {
	if len(p) != len(q) {
		return 0, fmt.Errorf("measure: total variation of laws over %d and %d outcomes", len(p), len(q))
	}
	var sum float64
	for i := range p {
		sum += math.Abs(p[i] - q[i])
	}
	return sum / 2, nil
}

// Entropy returns −Σ p log p of a discrete law, in nats.
func Entropy(p []float64) float64 { return stat.Entropy(p) }
