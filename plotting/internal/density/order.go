package density

import (
	"cmp"
	"math"
	"slices"
)

// Ordered are the indices of x, rising, of those with weight: by the leading 33 bits in three passes (Knuth, vol. 3, 5.2.5) and
// by comparison where these agree.
func Ordered(x, w []float64) []int32 {
	const bits, parts = 11, 3
	const low = 64 - bits*parts
	type keyed struct {
		key uint64
		i   int32
	}
	from := make([]keyed, 0, len(x))
	var counts [parts][1 << bits]int32
	for i, v := range x {
		if w != nil && !(w[i] > 0) {
			continue
		}
		b := math.Float64bits(v + 0)
		b ^= uint64(int64(b)>>63) | 1<<63
		from = append(from, keyed{b, int32(i)})
		for p := range parts {
			counts[p][b>>(low+bits*p)&(1<<bits-1)]++
		}
	}
	to := make([]keyed, len(from))
	for p := range parts {
		c, shift, at := &counts[p], low+bits*p, int32(0)
		for k, n := range c {
			c[k] = at
			at += n
		}
		for _, q := range from {
			k := q.key >> shift & (1<<bits - 1)
			to[c[k]] = q
			c[k]++
		}
		from, to = to, from
	}
	out := make([]int32, len(from))
	for i := 0; i < len(from); {
		j := i + 1
		for j < len(from) && from[j].key>>low == from[i].key>>low {
			j++
		}
		if j > i+1 {
			slices.SortStableFunc(from[i:j], func(a, b keyed) int { return cmp.Compare(a.key, b.key) })
		}
		for ; i < j; i++ {
			out[i] = from[i].i
		}
	}
	return out
}

// levels are the heights above which the given shares of weight lie. Without weights the heights are those of even cells
// and count by themselves. Heights are not negative.
func levels(heights, weights, mass []float64) []float64 {
	if weights == nil {
		weights = heights
	}
	// The weight of heights with the same leading bits; only those are sorted in which a share is reached.
	const low = 48
	held := make([]float64, 1<<(64-low))
	total, top, bottom := 0., 0, len(held)
	for i, h := range heights {
		k := int(math.Float64bits(h) >> low)
		held[k] += weights[i]
		total += weights[i]
		top, bottom = max(top, k), min(bottom, k)
	}
	out := make([]float64, len(mass))
	for m, share := range mass {
		want, cum, k := share*total, 0., top
		for k > bottom && cum+held[k] < want {
			cum += held[k]
			k--
		}
		var in []int32
		above, next := -1, math.Inf(1) // the lowest of those before
		for i, h := range heights {
			switch b := int(math.Float64bits(h) >> low); {
			case b == k:
				in = append(in, int32(i))
			case b > k && h < next:
				above, next = i, h
			}
		}
		slices.SortFunc(in, func(a, b int32) int {
			switch {
			case heights[a] > heights[b]:
				return -1
			case heights[a] < heights[b]:
				return 1
			}
			return int(a - b)
		})
		for _, i := range in {
			cum += weights[i]
			out[m] = heights[i]
			if cum >= want {
				// Between the sample that reaches the share and the one before it.
				if above >= 0 && weights[i] > 0 {
					out[m] += min(1, max(0, (cum-want)/weights[i])) * (heights[above] - heights[i])
				}
				break
			}
			above = int(i)
		}
	}
	return out
}
