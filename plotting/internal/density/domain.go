package density

import (
	"math"
	"slices"
)

// Domain is the interval on which a variable's density is estimated.
type Domain struct{ Min, Max float64 }

// DomainOf takes in all but the last half per mille of the weight on either side, and leaves room for the kernel's tail
// except where the samples stop at a hard edge.
func DomainOf(x, w []float64) Domain {
	order := make([]int, len(x))
	total := 0.
	for i := range order {
		order[i] = i
		total += w[i]
	}
	slices.SortFunc(order, func(a, b int) int {
		switch {
		case x[a] < x[b]:
			return -1
		case x[a] > x[b]:
			return 1
		}
		return a - b
	})
	quantile := func(q float64) float64 {
		cum := 0.
		for _, i := range order {
			if cum += w[i]; cum >= q*total {
				return x[i]
			}
		}
		return x[order[len(order)-1]]
	}
	lo, hi := quantile(.0005), quantile(.9995)
	first, last := x[order[0]], x[order[len(order)-1]]
	if !(hi > lo) { // all in one place
		r := max(math.Abs(lo)*.05, 1e-3)
		return Domain{lo - r, lo + r}
	}
	r := hi - lo
	share := func(a, b float64) float64 {
		s := 0.
		for i, v := range x {
			if v >= a && v <= b {
				s += w[i]
			}
		}
		return s / total
	}
	// At a hard edge the outer 2 % of the range hold nearly as much as each 2 % of the next 6; a tail thins out. Enough
	// samples must lie there for the comparison to mean something.
	hard := func(from, step float64) bool {
		outer := share(min(from, from+step), max(from, from+step))
		inner := share(min(from, from+4*step), max(from, from+4*step)) - outer
		return float64(len(x))*outer > 25 && outer > .01 && outer > .8*inner/3
	}
	d := Domain{lo - .2*r, hi + .2*r}
	if hard(first, .02*r) {
		d.Min = first
	}
	if hard(last, -.02*r) {
		d.Max = last
	}
	return d
}

// EffectiveSize is Kish's number of equally weighted samples, after samples that stand in the same place were counted as
// one: resampling makes copies, and copies tell nothing new.
func EffectiveSize(w []float64, columns ...[]float64) float64 {
	type key [2]float64
	merged := make(map[key]float64, len(w))
	for i := range w {
		var k key
		for j, c := range columns[:min(2, len(columns))] {
			k[j] = c[i]
		}
		merged[k] += w[i]
	}
	all := make([]float64, 0, len(merged))
	for _, v := range merged {
		all = append(all, v)
	}
	slices.Sort(all) // a map has no order, and sums depend on it
	s, q := 0., 0.
	for _, v := range all {
		s += v
		q += v * v
	}
	return s * s / q
}
