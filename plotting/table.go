package plotting

import (
	"fmt"
	"math"
	"slices"
	"sync"

	"odslab/plotting/internal/density"
)

// table is a set of samples as plots of distributions see it: columns of distinct rows, since copies, which resampling
// makes, tell nothing new. Rows are compared and columns looked at when they are first asked for.
type table struct {
	dim     int
	columns func(j int) []float64 // of all samples
	weights []float64             // of all samples

	once   sync.Once
	keep   []int     // the first of each group of equal rows; nil keeps all
	merged []float64 // weights of those

	mu     sync.Mutex
	looked map[int]*density.Column

	exact sync.Once
	grid  *density.Grid // the known density in two variables
}

func newTable(dim int, weights []float64, column func(j int) []float64) *table {
	return &table{dim: dim, columns: column, weights: weights, looked: map[int]*density.Column{}}
}

// merge finds equal rows, and makes one of them unless they are equal because their values are few.
func (t *table) merge() {
	if t.dim == 0 || len(t.weights) == 0 {
		return
	}
	first := t.columns(0)
	order := density.Ordered(first, nil)
	var rows []int // whose value of the first variable others have too: the rest are no copies
	for n, i := range order {
		v := first[i]
		if n > 0 && first[order[n-1]] == v || n+1 < len(order) && first[order[n+1]] == v {
			rows = append(rows, int(i))
		}
	}
	if len(rows) == 0 {
		return
	}
	slices.Sort(rows)
	// Rows are told apart by two sums over their bits, which do not meet by chance.
	type key [2]uint64
	keys := make([]key, len(rows))
	for j := range t.dim {
		x := t.columns(j)
		for n, i := range rows {
			b := math.Float64bits(x[i] + 0) // −0 is 0
			k := &keys[n]
			k[0] = (k[0]^b)*0x9e3779b97f4a7c15 + b>>29
			k[1] = (k[1]+b)*0xbf58476d1ce4e5b9 ^ b>>31
		}
	}
	place, into := make(map[key]int, len(rows)), make(map[int]int, len(rows)) // first row of a key; row → first row
	copies := 0
	for n, i := range rows {
		p, ok := place[keys[n]]
		if !ok {
			p, place[keys[n]] = i, i
		} else {
			copies++
		}
		into[i] = p
	}
	if copies == 0 {
		return
	}
	at := make(map[int]int, len(place))
	var keep []int
	var merged []float64
	top, total := 0., 0.
	for i, w := range t.weights {
		if w == 0 {
			continue
		}
		p := i
		if f, ok := into[i]; ok {
			p = f
		}
		k, ok := at[p]
		if !ok {
			k = len(keep)
			at[p], keep, merged = k, append(keep, p), append(merged, 0)
		}
		merged[k] += w
		total += w
		top = max(top, merged[k])
	}
	if t.copied(keep) && !(t.dim == 1 && top > .05*total) {
		t.keep, t.merged = keep, merged
	}
}

// copied tells whether equal rows are copies of one draw: some variable has a value of its own in each distinct row, and
// these are not the even steps of a count or of rounding.
func (t *table) copied(keep []int) bool {
	for j := range t.dim {
		x := t.columns(j)
		v := make([]float64, len(keep))
		for k, i := range keep {
			v[k] = x[i]
		}
		slices.Sort(v)
		gap := math.Inf(1)
		for i := 1; i < len(v); i++ {
			gap = min(gap, v[i]-v[i-1])
		}
		if gap == 0 {
			continue
		}
		for i := 1; i < len(v); i++ {
			if steps := (v[i] - v[i-1]) / gap; math.Abs(steps-math.Round(steps)) > .02 {
				return true
			}
		}
	}
	return false
}

// size is Kish's effective number of distinct samples.
func (t *table) size() float64 {
	s, q := 0., 0.
	for _, w := range t.shares() {
		s += w
		q += w * w
	}
	return s * s / q
}

// shares are the weights of the distinct rows.
func (t *table) shares() []float64 {
	t.once.Do(t.merge)
	if t.keep != nil {
		return t.merged
	}
	return t.weights
}

// column is a variable of the distinct rows.
func (t *table) column(j int) *density.Column {
	w := t.shares()
	t.mu.Lock()
	c, ok := t.looked[j]
	t.mu.Unlock()
	if ok {
		return c
	}
	x := t.columns(j)
	if t.keep != nil {
		for k, i := range t.keep {
			x[k] = x[i]
		}
		x = x[:len(t.keep)]
	}
	c = density.NewColumn(x, w)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.looked[j] = c
	return c
}

// ofSamples writes "3 of 2 000 samples".
func ofSamples(n, of int) string {
	return fmt.Sprintf("%s of %s samples", grouped(float64(n)), grouped(float64(of)))
}
