package measure

import (
	"math"
	"slices"
)

// radix sorts numbers by the leading 33 of their bits, eleven at a time (Knuth, vol. 3, 5.2.5), and the few that share
// them by comparison: the order of slices.Sort, several times faster at the thousands of numbers that a sample has. It
// keeps its memory from call to call.
type radix struct{ keys, other []uint64 }

const (
	radixBits  = 11
	radixSize  = 1 << radixBits
	radixParts = 3
	radixLow   = 64 - radixBits*radixParts // bits that are left to comparison
)

// sort sorts u, which has no NaN.
func (r *radix) sort(u []float64) {
	if cap(r.keys) < len(u) {
		r.keys, r.other = make([]uint64, len(u)), make([]uint64, len(u))
	}
	from, to := r.keys[:len(u)], r.other[:len(u)]
	var counts [radixParts][radixSize]uint32
	for i, x := range u {
		// Bits order as numbers once the sign is turned, and for negative ones all the rest.
		b := math.Float64bits(x)
		b ^= uint64(int64(b)>>63) | 1<<63
		from[i] = b
		for p := range radixParts {
			counts[p][b>>(radixLow+radixBits*p)&(radixSize-1)]++
		}
	}
	for p := range radixParts {
		c, shift, at := &counts[p], radixLow+radixBits*p, uint32(0)
		for k, n := range c {
			c[k] = at
			at += n
		}
		for _, b := range from {
			k := b >> shift & (radixSize - 1)
			to[c[k]] = b
			c[k]++
		}
		from, to = to, from
	}
	for i := 0; i < len(from); {
		j := i + 1
		for j < len(from) && from[j]>>radixLow == from[i]>>radixLow {
			j++
		}
		if j > i+1 {
			slices.Sort(from[i:j])
		}
		i = j
	}
	for i, b := range from {
		u[i] = math.Float64frombits(b ^ (^uint64(int64(b)>>63) | 1<<63))
	}
}
