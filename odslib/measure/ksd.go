package measure

import (
	"fmt"
	"math"
	"slices"

	"odslab/odslib"
)

// KSD is the squared kernel Stein discrepancy between a sample and a law that is
// known by its score s = ∇ log p alone (Q. Liu, J. Lee, M. Jordan, ICML 2016),
// with the kernel (1+‖x−y‖²/h²)^−½, which sees tails that a Gaussian one does
// not (J. Gorham and L. Mackey, ICML 2017). The estimator leaves out each
// point's pair with itself: its mean is 0 for samples of the law, so it can be
// negative. It is in units of 1/x².
//
// It needs neither exact samples nor log Z, and does not see a mode that is
// missing, nor wrong weights of modes far apart: there the scores are right.
// Copies, as resampling makes, count as error: give the weights instead.
type KSD struct {
	Bandwidth  float64   // h; 0 means the median distance, as for [MMD]
	LogWeights []float64 // of the sample; nil means equal
}

// Distance compares a sample [n, shape…] with its scores [n, shape…], those of
// [Score] or of a closed form, so that [Interval] takes it; for a floor, sample
// the law and take the scores there.
func (s KSD) Distance(x, scores odslib.Array) (float64, error) {
	p, err := newPoints("the sample", x)
	if err != nil {
		return 0, err
	}
	g, err := newPoints("the array of scores", scores)
	if err != nil {
		return 0, err
	}
	if !slices.Equal(x.Shape, scores.Shape) {
		return 0, fmt.Errorf("measure: KSD: scores of shape %v for samples of shape %v", scores.Shape, x.Shape)
	}
	w, pairs, err := pairWeights("the sample", s.LogWeights, p.n)
	if err != nil {
		return 0, err
	}
	h := s.Bandwidth
	if h == 0 {
		h = medianDistance(p, points{d: p.d})
	}
	if !(h > 0) || math.IsInf(h, 0) {
		return 0, fmt.Errorf("measure: KSD: bandwidth %v; want a positive number (the median distance is 0 when most points are equal)", h)
	}
	var sum float64
	for i := range p.n {
		var row float64
		for j := range i {
			row += w[j] * stein(p.row(i), p.row(j), g.row(i), g.row(j), h)
		}
		sum += w[i] * row
	}
	return 2 * sum / pairs, nil
}

// stein is s(x)·s(y)k + s(x)·∇_y k + s(y)·∇_x k + tr ∇_x∇_y k of the kernel
// k = φ(‖x−y‖²), φ(r) = (1+r/h²)^−½.
func stein(x, y, sx, sy []float64, h float64) float64 {
	var r, dot, along float64
	for i, v := range x {
		d := v - y[i]
		r += d * d
		dot += sx[i] * sy[i]
		along += d * (sy[i] - sx[i])
	}
	base := 1 + r/(h*h)
	k := 1 / math.Sqrt(base)
	k1 := -k / base / (2 * h * h)    // φ'
	k2 := -1.5 * k1 / base / (h * h) // φ''
	return k*dot + 2*k1*along - 4*k2*r - 2*float64(len(x))*k1
}
