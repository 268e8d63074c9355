package measure

import (
	"fmt"
	"math"
	"slices"

	"odslab/odslib"
)

// PrecisionRecall are the shares of drawn samples that lie within the manifold of the real ones, and of real ones within that of the
// drawn (Kynkäänniemi et al. 1904.06991): the balls around each sample that reach to its k-th nearest neighbour of its own kind, 0
// meaning 3. Precision falls where samples look wrong, recall where modes are missing.
func PrecisionRecall(real, drawn odslib.Array, k int) (precision, recall float64, err error) {
	p, q, err := newPair(real, drawn)
	if err != nil {
		return 0, 0, err
	}
	if k == 0 {
		k = 3
	}
	if k < 1 || p.n <= k || q.n <= k {
		return 0, 0, fmt.Errorf("measure: precision and recall by neighbour %d need more samples than that on both sides; got %d and %d", k, p.n, q.n)
	}
	return covered(p, q, k), covered(q, p, k), nil
}

// covered is the share of q in the balls of p.
func covered(p, q points, k int) float64 {
	radius := make([]float64, p.n)
	distances := make([]float64, p.n)
	for i := range p.n {
		for j := range p.n {
			distances[j] = squared(p.row(i), p.row(j))
		}
		distances[i] = math.Inf(1)
		slices.Sort(distances)
		radius[i] = distances[k-1]
	}
	in := 0
	for j := range q.n {
		for i := range p.n {
			if squared(p.row(i), q.row(j)) <= radius[i] {
				in++
				break
			}
		}
	}
	return float64(in) / float64(q.n)
}
