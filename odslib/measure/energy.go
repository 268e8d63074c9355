package measure

import (
	"fmt"
	"math"

	"odslab/odslib"
)

// Energy is the energy distance 2·E‖X−Y‖ − E‖X−X'‖ − E‖Y−Y'‖ (G. J. Székely and
// M. L. Rizzo, J. Stat. Plan. Inference 143, 1249–1272, 2013), in the units of x.
// It is 0 for equal laws alone and has nothing to tune. The estimator leaves out
// each point's pair with itself, so that its mean is 0 between samples of the
// same law, and it can be negative.
type Energy struct {
	A, B []float64 // log-weights of the two samples; nil means equal
}

// Distance compares samples [n, shape…] and [m, shape…] of at least 2 rows.
func (s Energy) Distance(a, b odslib.Array) (float64, error) {
	p, q, err := newPair(a, b)
	if err != nil {
		return 0, err
	}
	u, uu, err := pairWeights("the first sample", s.A, p.n)
	if err != nil {
		return 0, err
	}
	v, vv, err := pairWeights("the second sample", s.B, q.n)
	if err != nil {
		return 0, err
	}
	inside := func(p points, w []float64, pairs float64) float64 {
		var sum float64
		for i := range p.n {
			var row float64
			for j := range i {
				row += w[j] * math.Sqrt(squared(p.row(i), p.row(j)))
			}
			sum += w[i] * row
		}
		return 2 * sum / pairs
	}
	var cross float64
	for i := range p.n {
		var row float64
		for j := range q.n {
			row += v[j] * math.Sqrt(squared(p.row(i), q.row(j)))
		}
		cross += u[i] * row
	}
	return 2*cross - inside(p, u, uu) - inside(q, v, vv), nil
}

// pairWeights returns weights of sum 1 and the weight 1−Σw² of all pairs of two
// different points, which there must be.
func pairWeights(name string, logWeights []float64, n int) (w []float64, pairs float64, err error) {
	if w, err = normalised(logWeights, n); err != nil {
		return nil, 0, err
	}
	pairs = 1
	for _, v := range w {
		pairs -= v * v
	}
	if pairs < 1e-12 { // rounding of 1 − 1
		return nil, 0, fmt.Errorf("measure: %s has all of its weight on one row of %d; want at least 2", name, n)
	}
	return w, pairs, nil
}
