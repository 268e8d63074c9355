package measure

import (
	"fmt"
	"math"
	"slices"

	"odslab/odslib"
)

// MMD is the squared maximum mean discrepancy with the kernel
// exp(−‖x−y‖²/2h²), by the unbiased estimator (Gretton et al., JMLR 13, 2012,
// eq. 3): its mean is 0 between samples of the same law, so it can be negative.
type MMD struct {
	// Bandwidth is h. 0 means the median distance between two points of the
	// samples taken together, of which at most 1000 are looked at.
	Bandwidth float64
}

// Distance compares samples [n, shape…] and [m, shape…] of at least 2 rows.
func (s MMD) Distance(a, b odslib.Array) (float64, error) {
	p, q, err := newPair(a, b)
	if err != nil {
		return 0, err
	}
	if p.n < 2 || q.n < 2 {
		return 0, fmt.Errorf("measure: MMD needs at least 2 samples on both sides; got %d and %d", p.n, q.n)
	}
	h := s.Bandwidth
	if h == 0 {
		h = medianDistance(p, q)
	}
	if !(h > 0) || math.IsInf(h, 0) {
		return 0, fmt.Errorf("measure: MMD: bandwidth %v; want a positive number (the median distance is 0 when most points are equal)", h)
	}
	scale := -1 / (2 * h * h)
	inside := func(p points) float64 {
		var sum float64
		for i := range p.n {
			for j := range i {
				sum += math.Exp(scale * squared(p.row(i), p.row(j)))
			}
		}
		return 2 * sum / (float64(p.n) * float64(p.n-1))
	}
	var cross float64
	for i := range p.n {
		for j := range q.n {
			cross += math.Exp(scale * squared(p.row(i), q.row(j)))
		}
	}
	return inside(p) + inside(q) - 2*cross/(float64(p.n)*float64(q.n)), nil
}

// medianDistance is the median of ‖x−y‖ over the pairs of at most 1000 points
// that lie evenly in the two samples, taken one after the other.
func medianDistance(p, q points) float64 {
	total := p.n + q.n
	n := min(total, 1000)
	at := func(k int) []float64 {
		if i := k * total / n; i < p.n {
			return p.row(i)
		} else {
			return q.row(i - p.n)
		}
	}
	d := make([]float64, 0, n*(n-1)/2)
	for i := range n {
		for j := range i {
			d = append(d, squared(at(i), at(j)))
		}
	}
	slices.Sort(d)
	mid := len(d) / 2
	if len(d)%2 == 1 {
		return math.Sqrt(d[mid])
	}
	return (math.Sqrt(d[mid-1]) + math.Sqrt(d[mid])) / 2
}
