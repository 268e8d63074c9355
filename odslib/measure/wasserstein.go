package measure

import (
	"fmt"
	"math"
	"slices"

	"odslab/odslib"
)

// maxAssignment is the largest sample that W1 and W2 accept: the costs of 5000
// points are 200 MB, and the time grows with the cube.
const maxAssignment = 5000

// W1 returns the Wasserstein-1 distance between two samples of the same size n,
// by exact optimal transport: the least mean of ‖a_i − b_π(i)‖ over all pairings
// π. It takes a second or a few at n=2000; n is at most 5000.
func W1(a, b odslib.Array) (float64, error) {
	return transport("W1", a, b, math.Sqrt)
}

// W2 is as [W1] for the Wasserstein-2 distance, the square root of the least
// mean of ‖a_i − b_π(i)‖².
func W2(a, b odslib.Array) (float64, error) {
	mean, err := transport("W2", a, b, func(squared float64) float64 { return squared })
	return math.Sqrt(mean), err
}

// transport returns the mean cost of the best pairing, the cost being a
// function of the squared distance.
func transport(name string, a, b odslib.Array, cost func(squared float64) float64) (float64, error) {
	p, q, err := newPair(a, b)
	if err != nil {
		return 0, err
	}
	if p.n != q.n {
		return 0, fmt.Errorf("measure: %s pairs samples of the same size; got %d and %d: take a subset, or use SlicedW1 or Sinkhorn", name, p.n, q.n)
	}
	if p.n > maxAssignment {
		return 0, fmt.Errorf("measure: %s of %d samples; want at most %d: take a subset, or use SlicedW1 or Sinkhorn", name, p.n, maxAssignment)
	}
	if p.d == 1 { // both costs are convex: sorted order is the best pairing
		slices.Sort(p.x)
		slices.Sort(q.x)
		var sum float64
		for i, x := range p.x {
			sum += cost((x - q.x[i]) * (x - q.x[i]))
		}
		return sum / float64(p.n), nil
	}
	// Equal rows outbid each other in small steps; equal columns do not matter.
	// Samplers that resample return many equal points.
	if p.distinct() < q.distinct() {
		p, q = q, p
	}
	c := make([]float64, p.n*q.n)
	for i := range p.n {
		for j := range q.n {
			c[i*q.n+j] = cost(squared(p.row(i), q.row(j)))
		}
	}
	var sum float64
	for i, j := range assign(c, p.n) {
		sum += c[i*p.n+j]
	}
	return sum / float64(p.n), nil
}
