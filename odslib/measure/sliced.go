package measure

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"

	"odslab/odslib"
)

// SlicedW1 is the mean, over random directions θ on the unit sphere, of the
// Wasserstein-1 distance between the samples' projections on θ (Bonneel et al.,
// J. Math. Imaging Vis. 51, 2015).
type SlicedW1 struct {
	Projections int    // number of directions; 0 means 500
	Seed        uint64 // of the directions
}

// Distance compares samples [n, shape…] and [m, shape…].
func (s SlicedW1) Distance(a, b odslib.Array) (float64, error) {
	p, q, err := newPair(a, b)
	if err != nil {
		return 0, err
	}
	if s.Projections < 0 {
		return 0, fmt.Errorf("measure: SlicedW1: %d projections; want at least 1", s.Projections)
	}
	k := s.Projections
	if k == 0 {
		k = 500 // the error of the mean over directions is then below the floor at n=1000
	}
	rng := rand.New(rand.NewPCG(s.Seed, 0x511ced))
	theta := make([]float64, k*p.d)
	for i := range k {
		direction(rng, theta[i*p.d:(i+1)*p.d])
	}
	// Each direction has a place of its own, and the sum is taken in their order: the same on any number of processors.
	each := make([]float64, k)
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(k, runtime.GOMAXPROCS(0)) {
		wg.Go(func() {
			u, v, sorter := make([]float64, p.n), make([]float64, q.n), radix{}
			for i := next.Add(1) - 1; i < int64(k); i = next.Add(1) - 1 {
				on := theta[int(i)*p.d : int(i+1)*p.d]
				p.project(on, u)
				q.project(on, v)
				sorter.sort(u)
				sorter.sort(v)
				each[i] = wasserstein1D(u, v)
			}
		})
	}
	wg.Wait()
	var sum float64
	for _, v := range each {
		sum += v
	}
	return sum / float64(k), nil
}

// direction draws a uniform unit vector.
func direction(rng *rand.Rand, theta []float64) {
	for {
		var norm float64
		for i := range theta {
			theta[i] = rng.NormFloat64()
			norm += theta[i] * theta[i]
		}
		if norm > 0 {
			norm = math.Sqrt(norm)
			for i := range theta {
				theta[i] /= norm
			}
			return
		}
	}
}

// project sets u to the products of p's rows with theta.
func (p points) project(theta, u []float64) {
	for i := range u {
		var s float64
		for j, v := range p.row(i) {
			s += v * theta[j]
		}
		u[i] = s
	}
}

// wasserstein1D returns ∫|F⁻¹−G⁻¹| for the empirical laws of u and v, which are
// sorted.
func wasserstein1D(u, v []float64) float64 {
	n, m := len(u), len(v)
	// Both quantile functions are steps: at the multiples of 1/n and of 1/m. In
	// units of 1/(n·m) the steps are whole numbers.
	var sum float64
	for i, j, at := 0, 0, 0; i < n && j < m; {
		next := min((i+1)*m, (j+1)*n)
		sum += float64(next-at) * math.Abs(u[i]-v[j])
		if at = next; at == (i+1)*m {
			i++
		}
		if at == (j+1)*n {
			j++
		}
	}
	return sum / (float64(n) * float64(m))
}
