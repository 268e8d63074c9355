package compare

import (
	"math"
	"slices"

	"odslab/odslib/engine"
)

// Curvature is what a log-density looks like to a chain: along the line between two hills, and at draws of the law.
type Curvature struct {
	Barrier     float64 // nats from the lower of the two tops down to the lowest point between them; 0 where there is no dip
	Hollow      float64 // share of the draws where the log-density is not concave in every coordinate
	Condition   float64 // median over the draws of the Hessian's largest over its least |eigenvalue|; NaN in one dimension
	Stiff, Soft float64 // the 99 % and the 1 % quantile of |eigenvalue| over draws: what bounds a step, and what a step must cover
}

// difference is the distance of second differences: wide enough for values that are float32 somewhere below.
const difference = .02

// CurvatureOf looks at a log-density of independent coordinates, f of one, at draws x [n, d] and between two hills.
func CurvatureOf(f func(x float64) float64, x engine.Array, from, to float64) (c Curvature) {
	line := make([]float64, 1001)
	for k := range line {
		line[k] = f(from + (to-from)*float64(k)/float64(len(line)-1))
	}
	for k, v := range line { // a dip below the highest point on either side
		c.Barrier = math.Max(c.Barrier, math.Min(slices.Max(line[:k+1]), slices.Max(line[k:]))-v)
	}
	var all, conditions []float64
	for i := range x.Len() {
		least, most, hollow := math.Inf(1), 0., false
		for _, v := range x.Row(i) {
			u := float64(v)
			h := (f(u+difference) - 2*f(u) + f(u-difference)) / (difference * difference)
			least, most, hollow = math.Min(least, math.Abs(h)), math.Max(most, math.Abs(h)), hollow || h > 0
			all = append(all, math.Abs(h))
		}
		conditions = append(conditions, most/least)
		if hollow {
			c.Hollow += 1 / float64(x.Len())
		}
	}
	slices.Sort(all)
	slices.Sort(conditions)
	c.Stiff, c.Soft = all[len(all)*99/100], all[len(all)/100]
	if c.Condition = conditions[len(conditions)/2]; x.Dim() == 1 {
		c.Condition = math.NaN()
	}
	return c
}

// Visited is how many of the hills that coordinates have together a chain meets, mean over chains, of draws that stand slot by slot
// (as those of mcmc do), and how many there are that hold CountedShare or more.
func Visited(x engine.Array, chains int, borders, shares []float64) (mean float64, counted int) {
	hill := func(row []float32) (code int, share float64) {
		share = 1
		for _, v := range row {
			i, _ := slices.BinarySearch(borders, float64(v))
			code, share = code*len(shares)+i, share*shares[i]
		}
		return code, share
	}
	for c := range chains {
		met := map[int]bool{}
		for i := c; i < x.Len(); i += chains {
			if code, share := hill(x.Row(i)); share >= CountedShare {
				met[code] = true
			}
		}
		mean += float64(len(met)) / float64(chains)
	}
	products := []float64{1}
	for range x.Dim() {
		var next []float64
		for _, p := range products {
			for _, s := range shares {
				if p*s >= CountedShare {
					next = append(next, p*s)
				}
			}
		}
		products = next
	}
	return mean, len(products)
}
