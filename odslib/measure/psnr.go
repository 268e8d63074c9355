package measure

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat"

	"odslab/odslib"
)

// imageRange is the range of images that lie between −1 and 1, as those of
// datasets do.
const imageRange = 2

// PSNR is the peak signal-to-noise ratio 10·log₁₀(range²/mean squared error) of
// images or any other arrays beside the true ones, in dB; larger is nearer, and
// +Inf is equality.
//
// It asks for the posterior's mean and not for its draws: a draw of the right
// posterior has twice the squared error of the mean, 3 dB less. Its floor is that of exact draws.
type PSNR struct {
	Range float64 // largest value less the least that there can be; 0 means 2
}

// Each returns the ratio of each row of x [n, shape…] beside the same row of
// truth, [n, shape…], or beside the one of [1, shape…].
func (s PSNR) Each(x, truth odslib.Array) ([]float64, error) {
	p, q, span, err := imagePair("PSNR", s.Range, x, truth)
	if err != nil {
		return nil, err
	}
	each := make([]float64, p.n)
	for i := range each {
		each[i] = 10 * math.Log10(span*span*float64(p.d)/squared(p.row(i), q.row(i%q.n)))
	}
	return each, nil
}

// Distance is the mean of Each, in the form that [Floor] and [Interval] take.
func (s PSNR) Distance(x, truth odslib.Array) (float64, error) {
	each, err := s.Each(x, truth)
	return stat.Mean(each, nil), err
}

// imagePair reads x and truth, row by row the same, or one truth for all.
func imagePair(name string, span float64, x, truth odslib.Array) (p, q points, _ float64, err error) {
	if p, q, err = newPair(x, truth); err != nil {
		return p, q, 0, err
	}
	if !slices.Equal(x.Shape[1:], truth.Shape[1:]) || q.n != p.n && q.n != 1 {
		return p, q, 0, fmt.Errorf("measure: %s of shapes %v and %v; want the same, or one true row", name, x.Shape, truth.Shape)
	}
	if span == 0 {
		span = imageRange
	}
	if !(span > 0) || math.IsInf(span, 0) {
		return p, q, 0, fmt.Errorf("measure: %s: range %v; want a positive number", name, span)
	}
	return p, q, span, nil
}
