package measure

import (
	"encoding/binary"
	"fmt"
	"math"

	"odslab/odslib"
)

// points is a sample in float64: n rows of d coordinates.
type points struct {
	n, d int
	x    []float64
}

func (p points) row(i int) []float64 { return p.x[i*p.d : (i+1)*p.d] }

// distinct returns how many rows differ.
func (p points) distinct() int {
	seen := make(map[string]bool, p.n)
	key := make([]byte, 0, 8*p.d)
	for i := range p.n {
		key = key[:0]
		for _, v := range p.row(i) {
			key = binary.LittleEndian.AppendUint64(key, math.Float64bits(v))
		}
		seen[string(key)] = true
	}
	return len(seen)
}

// moments returns mean and variance of coordinate j.
func (p points) moments(j int) (mean, variance float64) {
	var m2 float64 // Welford's sums
	for i := range p.n {
		v := p.x[i*p.d+j]
		delta := v - mean
		mean += delta / float64(i+1)
		m2 += delta * (v - mean)
	}
	return mean, m2 / float64(p.n)
}

// newPoints refuses what no measure can use: no rows, a shape that does not
// fit, numbers that are not finite.
func newPoints(name string, a odslib.Array) (points, error) {
	if len(a.Shape) == 0 || a.Shape[0] < 1 {
		return points{}, fmt.Errorf("measure: %s has shape %v; want at least one sample, [n, shape…]", name, a.Shape)
	}
	p := points{n: a.Shape[0], d: 1, x: make([]float64, len(a.Data))}
	for _, s := range a.Shape[1:] {
		p.d *= s
	}
	if p.n*p.d != len(a.Data) || p.d < 1 {
		return points{}, fmt.Errorf("measure: %s has %d numbers for shape %v", name, len(a.Data), a.Shape)
	}
	first, lost := -1, 0
	for i, v := range a.Data {
		if p.x[i] = float64(v); !finite(p.x[i]) {
			if lost++; first < 0 {
				first = i
			}
		}
	}
	if lost > 0 {
		return points{}, fmt.Errorf("measure: sample %d of %s is %v at coordinate %d, the first of %d values that are not finite; remove such samples and count them as lost",
			first/p.d, name, p.x[first], first%p.d, lost)
	}
	return p, nil
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

// newPair reads two samples of the same space.
func newPair(a, b odslib.Array) (p, q points, err error) {
	if p, err = newPoints("the first sample", a); err != nil {
		return p, q, err
	}
	if q, err = newPoints("the second sample", b); err != nil {
		return p, q, err
	}
	if p.d != q.d {
		return p, q, fmt.Errorf("measure: samples of shapes %v and %v have %d and %d coordinates", a.Shape, b.Shape, p.d, q.d)
	}
	return p, q, nil
}

// squared returns ‖a−b‖².
func squared(a, b []float64) float64 {
	var s float64
	for i, v := range a {
		d := v - b[i]
		s += d * d
	}
	return s
}
