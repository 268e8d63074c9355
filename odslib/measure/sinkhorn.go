package measure

import (
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync"

	"odslab/odslib"
)

// Sinkhorn is the Wasserstein-2 distance with an entropic penalty: the square root of
// OT(a, b) − ½·OT(a, a) − ½·OT(b, b), where OT is the least Σπ‖a_i−b_j‖² +
// ε·KL(π ‖ a⊗b). The last two terms take the bias of the penalty off, so that
// equal samples are at 0: J. Feydy et al., AISTATS 2019, arXiv:1810.08278. It is
// in the units of x. Small ε is near W2 and slow; large ε has a lower floor and
// sees the means alone in the end.
//
// It is for samples of more than 5000 rows, of different sizes or with weights: up
// to there [W2] is exact and faster (go test -bench 'W2|Sinkhorn'). It needs no n²
// of memory; time grows with n², about as 1/ε.
type Sinkhorn struct {
	// Epsilon is ε, in squared units of x. 0 means 5 % of the mean squared
	// distance between two points of a sample, the mean over both samples.
	Epsilon    float64
	Iterations int       // at most; 0 means 2000
	A, B       []float64 // log-weights of the two samples; nil means equal
}

// Distance compares samples [n, shape…] and [m, shape…].
func (s Sinkhorn) Distance(a, b odslib.Array) (float64, error) {
	p, q, err := newPair(a, b)
	if err != nil {
		return 0, err
	}
	u, err := normalised(s.A, p.n)
	if err != nil {
		return 0, err
	}
	v, err := normalised(s.B, q.n)
	if err != nil {
		return 0, err
	}
	x, y := cloud{p, u}, cloud{q, v}
	eps, most := s.Epsilon, s.Iterations
	if eps == 0 {
		eps = .05 * (p.spread(u) + q.spread(v))
	}
	if most == 0 {
		most = 2000
	}
	if eps == 0 { // two points
		return math.Sqrt(squared(p.row(0), q.row(0))), nil
	}
	if !(eps > 0) || math.IsInf(eps, 0) || most < 1 {
		return 0, fmt.Errorf("measure: Sinkhorn: ε %v and %d iterations; want positive numbers", eps, most)
	}
	sum, err := penalised(x, y, eps, most)
	if err != nil {
		return 0, err
	}
	for _, c := range []cloud{x, y} { // what the penalty alone costs
		own, err := c.own(eps, most)
		if err != nil {
			return 0, err
		}
		sum -= own / 2
	}
	if sum < -.02*eps {
		return 0, fmt.Errorf("measure: Sinkhorn: squared distance %v; raise Epsilon, %v", sum, eps)
	}
	return math.Sqrt(math.Max(0, sum)), nil // it is known to ε/50
}

// spread is the sum over coordinates of the weighted variance: half of the mean
// squared distance between two points.
func (p points) spread(w []float64) (sum float64) {
	for j := range p.d {
		var mean, m2 float64
		for i := range p.n {
			mean += w[i] * p.x[i*p.d+j]
		}
		for i := range p.n {
			v := p.x[i*p.d+j] - mean
			m2 += w[i] * v * v
		}
		sum += m2
	}
	return sum
}

// cloud is a sample with weights of sum 1.
type cloud struct {
	points
	w []float64
}

// own is OT(c, c): both potentials are the same, and halfway steps reach it soon.
func (c cloud) own(eps float64, most int) (float64, error) {
	f, next := make([]float64, c.n), make([]float64, c.n)
	var off float64
	tolerance := accuracy(eps, c.apart(c))
	for range most {
		c.softmin(c, f, eps, next)
		if off = c.toward(f, next, eps, .5); off < tolerance {
			return 2 * c.mean(f), nil
		}
	}
	return 0, unfinished(most, off, eps)
}

// accuracy is the mass that may be in wrong places at the end, in proportion to
// the cost over ε or its inverse: it costs about its square times ε, and, where it
// has to go all the way, itself times the cost.
func accuracy(eps, cost float64) float64 {
	return math.Max(1e-9, .01*math.Min(.1, math.Min(eps/cost, cost/eps))) // of equal points the cost is 0
}

func unfinished(most int, off, eps float64) error {
	return fmt.Errorf("measure: Sinkhorn: after %d iterations %.2g of the mass is in the wrong place; raise Iterations or Epsilon, %.3g", most, off, eps)
}

// plan is the transport from x to y: potentials f and g, and its error so far.
type plan struct {
	x, y    cloud
	f, g    []float64
	fn, gn  []float64 // fitted to the other
	off     float64   // mass in wrong rows and columns
	steps   int
	allowed int
}

// penalised is OT(x, y) to about 1 % of ε. ε is halved from the largest scale
// down; the potentials at the next are extrapolated from two, as between modes
// apart they move in proportion to ε, and Sinkhorn's own steps move them by the
// share of mass that is wrong.
func penalised(x, y cloud, eps float64, most int) (float64, error) {
	p := plan{x: x, y: y, allowed: most, f: make([]float64, x.n), g: make([]float64, y.n), fn: make([]float64, x.n), gn: make([]float64, y.n)}
	scale := x.apart(y)
	tolerance := accuracy(eps, scale)
	before, lastF, lastG := 0., slices.Clone(p.f), slices.Clone(p.g)
	for e := math.Max(eps, scale); ; {
		if err := p.level(e, tolerance); err != nil {
			return 0, err
		}
		if e == eps {
			return x.mean(p.fn) + y.mean(p.g), nil // fn fits g: no mass but y's is off
		}
		next := math.Max(eps, e/2)
		if before > 0 {
			extrapolate(p.f, lastF, (next-e)/(e-before))
			extrapolate(p.g, lastG, (next-e)/(e-before))
		} else {
			copy(lastF, p.f)
			copy(lastG, p.g)
		}
		before, e = e, next
	}
}

// extrapolate sets f to f + by·(f−last), and last to what f was.
func extrapolate(f, last []float64, by float64) {
	for i, v := range f {
		f[i] += by * (v - last[i])
		last[i] = v
	}
}

// level fits the potentials at ε. Steps are lengthened by what the first ones
// say of the rate: T. Lehmann, M.-K. von Renesse, A. Sambale, A. Uschmajew,
// Optim. Lett. 16, 2209–2220, 2022.
func (p *plan) level(eps, tolerance float64) error {
	long, last, best := 1., 0., math.Inf(1)
	for k := 1; ; k++ {
		if p.steps++; p.steps > p.allowed {
			return unfinished(p.allowed, p.off, eps)
		}
		p.y.softmin(p.x, p.f, eps, p.gn)
		columns := p.y.toward(p.g, p.gn, eps, long)
		p.x.softmin(p.y, p.g, eps, p.fn)
		rows := p.x.toward(p.f, p.fn, eps, long)
		if p.off = math.Max(rows, columns); p.off < tolerance {
			return nil
		}
		switch {
		case long > 1 && !(p.off < 10*best):
			long, last, k = 1, 0, 0 // too long: from anew
		case k%10 == 0 && long == 1 && rows < last:
			long = 2 / (1 + math.Sqrt(1-rows/last))
		}
		last, best = rows, math.Min(best, p.off)
	}
}

// toward moves f to next, by long times the way, and returns the mass that was
// in the wrong place, Σ w|exp((f−next)/ε) − 1|.
func (c cloud) toward(f, next []float64, eps, long float64) (off float64) {
	for i, w := range c.w {
		if w > 0 {
			off += w * math.Abs(math.Expm1((f[i]-next[i])/eps))
		}
		f[i] += long * (next[i] - f[i])
	}
	return off
}

// apart is the mean squared distance between a point of c and one of o, as far as some hundred of each say.
func (c cloud) apart(o cloud) (sum float64) {
	n, m := min(c.n, 100), min(o.n, 100)
	for i := range n {
		for j := range m {
			sum += squared(c.row(i*c.n/n), o.row(j*o.n/m)) / float64(n*m)
		}
	}
	return sum
}

// softmin sets f_i to −ε·log Σ_j w_j exp((g_j − ‖x_i−y_j‖²)/ε), j in o.
func (c cloud) softmin(o cloud, g []float64, eps float64, f []float64) {
	h := make([]float64, o.n)
	for j := range h {
		h[j] = g[j]/eps + math.Log(o.w[j])
	}
	workers := runtime.GOMAXPROCS(0)
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := w; i < c.n; i += workers {
				x, top, sum := c.row(i), math.Inf(-1), 0.
				for j, l := range h {
					// e⁻⁴⁰ is below the rounding of the sum.
					switch l -= squared(x, o.row(j)) / eps; {
					case l > top:
						sum, top = sum*math.Exp(top-l)+1, l
					case l > top-40:
						sum += math.Exp(l - top)
					}
				}
				f[i] = -eps * (top + math.Log(sum))
			}
		})
	}
	wg.Wait()
}

// mean is Σ w·f.
func (c cloud) mean(f []float64) (sum float64) {
	for i, w := range c.w {
		sum += w * f[i]
	}
	return sum
}
