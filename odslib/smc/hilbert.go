package smc

import (
	"math"
	"slices"
	"sort"

	"odslab/odslib"
)

// hilbertOrder sorts particles along a Hilbert curve through their ranks in each value, so that neighbours in the order are
// neighbours in space. Beyond 16 values it looks at the first 16.
func hilbertOrder(x odslib.Array) []int {
	n, d := x.Len(), min(x.Dim(), 16)
	bits := min(16, 64/d)
	cells := make([][]uint32, n)
	for i := range cells {
		cells[i] = make([]uint32, d)
	}
	for j := range d {
		column, order := x.Column(j), make([]int, n)
		for i := range order {
			order[i] = i
		}
		slices.SortStableFunc(order, func(a, b int) int { return compare(column[a], column[b]) })
		for rank, i := range order {
			cells[i][j] = uint32(float64(rank) / float64(n) * math.Exp2(float64(bits)))
		}
	}
	keys, order := make([]uint64, n), make([]int, n)
	for i, c := range cells {
		keys[i], order[i] = hilbertKey(c, bits), i
	}
	sort.SliceStable(order, func(a, b int) bool { return keys[order[a]] < keys[order[b]] })
	return order
}

func compare(a, b float64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// hilbertKey is the place along the curve of a cell of 2^bits a side (Skilling, AIP Conference Proceedings 707, 2004). It uses
// the cell up.
func hilbertKey(x []uint32, bits int) (key uint64) {
	n := len(x)
	for q := uint32(1) << (bits - 1); q > 1; q >>= 1 {
		p := q - 1
		for i := range n {
			if x[i]&q != 0 {
				x[0] ^= p
			} else {
				t := (x[0] ^ x[i]) & p
				x[0] ^= t
				x[i] ^= t
			}
		}
	}
	for i := 1; i < n; i++ {
		x[i] ^= x[i-1]
	}
	t := uint32(0)
	for q := uint32(1) << (bits - 1); q > 1; q >>= 1 {
		if x[n-1]&q != 0 {
			t ^= q - 1
		}
	}
	for b := bits - 1; b >= 0; b-- {
		for i := range n {
			key = key<<1 | uint64((x[i]^t)>>b&1)
		}
	}
	return key
}
