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

// merge finds equal rows.
func (t *table) merge() {
	if t.dim == 0 || len(t.weights) == 0 {
		return
	}
	sorted := t.columns(0)
	slices.Sort(sorted)
	ties := false
	for i := 1; i < len(sorted) && !ties; i++ {
		ties = sorted[i] == sorted[i-1]
	}
	if !ties {
		return
	}
	dim, weights, column := t.dim, t.weights, t.columns
	// Rows are told apart by two sums over their bits, which do not meet by chance.
	type key [2]uint64
	keys := make([]key, len(weights))
	for j := range dim {
		for i, v := range column(j) {
			b := math.Float64bits(v + 0) // −0 is 0
			k := &keys[i]
			k[0] = (k[0]^b)*0x9e3779b97f4a7c15 + b>>29
			k[1] = (k[1]+b)*0xbf58476d1ce4e5b9 ^ b>>31
		}
	}
	place := make(map[key]int, len(weights))
	for i, k := range keys {
		if weights[i] == 0 {
			continue
		}
		p, ok := place[k]
		if !ok {
			p = len(t.keep)
			place[k] = p
			t.keep, t.merged = append(t.keep, i), append(t.merged, 0)
		}
		t.merged[p] += weights[i]
	}
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
