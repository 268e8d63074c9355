package compare

import (
	"math"
	"slices"

	"odslab/odslib"
	"odslab/odslib/exact"
)

// hills collects the shares of the hills of each coordinate, over seeds.
type hills struct {
	off   [][]float64 // [coordinate][hill] sum of share − exact share
	seeds int
}

func (h *hills) add(c exact.Case, x odslib.Array) {
	borders, shares, ok := c.Hills()
	if !ok {
		return
	}
	h.seeds++
	for len(h.off) < x.Dim() {
		h.off = append(h.off, make([]float64, len(shares)))
	}
	for j, off := range h.off {
		for i := range off {
			off[i] -= shares[i]
		}
		for _, v := range x.Column(j) {
			i, _ := slices.BinarySearch(borders, v)
			off[i] += 1 / float64(x.Len())
		}
	}
}

// worst is the largest |mean share − exact share|, NaN without hills.
func (h *hills) worst() float64 {
	if h.seeds == 0 {
		return math.NaN()
	}
	worst := 0.
	for _, off := range h.off {
		for _, v := range off {
			worst = math.Max(worst, math.Abs(v)/float64(h.seeds))
		}
	}
	return worst
}
