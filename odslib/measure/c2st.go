package measure

import (
	"fmt"
	"math"
	"math/rand/v2"

	"odslab/odslib"
)

// C2ST is the classifier two-sample test: how often a classifier that has seen
// other points of two samples tells which one a point is from (Lopez-Paz and
// Oquab, arXiv:1610.06545). Chance, 0.5, is the best value and 1 the worst.
//
// The classifier is the vote of the k nearest neighbours, in coordinates scaled
// to unit variance, by cross-validation. It needs no training and is exact, but
// learns little in more than some tens of dimensions.
type C2ST struct {
	Neighbours int    // k, odd; 0 means about √n
	Folds      int    // of the cross-validation; 0 means 5
	Seed       uint64 // of the division into folds
}

// Distance returns the accuracy on samples [n, shape…] of the same size.
func (s C2ST) Distance(a, b odslib.Array) (float64, error) {
	p, q, err := newPair(a, b)
	if err != nil {
		return 0, err
	}
	folds := s.Folds
	if folds == 0 {
		folds = 5
	}
	if p.n != q.n || folds < 2 || p.n < folds {
		return 0, fmt.Errorf("measure: C2ST of %d and %d samples with %d folds; want equal numbers and 2 or more folds, each with a sample", p.n, q.n, folds)
	}
	n := p.n
	training := 2*n - 2*((n+folds-1)/folds) // points of the smallest training set
	k := s.Neighbours
	if k == 0 {
		k = min(int(math.Sqrt(float64(n)))/2*2+1, training-1)
	}
	if k < 1 || k%2 == 0 || k > training {
		return 0, fmt.Errorf("measure: C2ST: %d neighbours; want an odd number, at most the %d points of a training set", k, training)
	}
	// Point 2i is row i of a, point 2i+1 row i of b. Both are in the same fold,
	// so that each training set has equal numbers of both.
	all := points{n: 2 * n, d: p.d, x: make([]float64, 0, 2*len(p.x))}
	for i := range n {
		all.x = append(append(all.x, p.row(i)...), q.row(i)...)
	}
	all.standardise()
	fold := make([]int, n)
	for place, i := range rand.New(rand.NewPCG(s.Seed, 0xc257)).Perm(n) {
		fold[i] = place % folds
	}
	right := 0
	near := newNearest(k)
	for i := range all.n {
		near.clear()
		for j := range all.n {
			if fold[i/2] != fold[j/2] {
				near.add(squared(all.row(i), all.row(j)), j)
			}
		}
		same := 0
		for _, j := range near.index {
			if j%2 == i%2 {
				same++
			}
		}
		if 2*same > k {
			right++
		}
	}
	return float64(right) / float64(all.n), nil
}

// standardise gives each coordinate mean 0 and variance 1; one that does not
// vary becomes 0.
func (p points) standardise() {
	for j := range p.d {
		mean, variance := p.moments(j)
		for i := range p.n {
			v := &p.x[i*p.d+j]
			if *v -= mean; variance > 0 {
				*v /= math.Sqrt(variance)
			}
		}
	}
}

// nearest keeps the k smallest distances, sorted, and whose they are.
type nearest struct {
	k        int
	distance []float64
	index    []int
}

func newNearest(k int) *nearest {
	return &nearest{k: k, distance: make([]float64, 0, k), index: make([]int, 0, k)}
}

func (n *nearest) clear() { n.distance, n.index = n.distance[:0], n.index[:0] }

func (n *nearest) add(d float64, j int) {
	if len(n.distance) == n.k {
		if d >= n.distance[n.k-1] {
			return
		}
	} else {
		n.distance, n.index = append(n.distance, 0), append(n.index, 0)
	}
	i := len(n.distance) - 1
	for ; i > 0 && n.distance[i-1] > d; i-- {
		n.distance[i], n.index[i] = n.distance[i-1], n.index[i-1]
	}
	n.distance[i], n.index[i] = d, j
}
