package measure

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"

	"odslab/odslib"
)

// TestSinkhornPOT compares with POT 0.9.7's sinkhorn_log, transport and penalty of the three plans, on samples of different sizes.
func TestSinkhornPOT(t *testing.T) {
	a, b := uniform(1, 60, 3, 1), uniform(2, 50, 3, 2)
	for _, c := range []struct{ eps, want float64 }{{.05, 1.1066888879}, {.5, 1.0649337107}} {
		got, err := Sinkhorn{Epsilon: c.eps}.Distance(a, b)
		if err != nil {
			t.Fatal(err)
		}
		near(t, "Sinkhorn", got, c.want, 1e-5)
	}
}

// TestSinkhornAssignment: as ε falls it comes to the exact assignment, from a distance that shrinks.
func TestSinkhornAssignment(t *testing.T) {
	for _, c := range []struct {
		name string
		b    odslib.Array
	}{{"same law", gaussian(2, 100, 2, 0, 1)}, {"apart", gaussian(3, 100, 2, 2, .5)}} {
		a := gaussian(1, 100, 2, 0, 1)
		want, err := W2(a, c.b)
		if err != nil {
			t.Fatal(err)
		}
		last := math.Inf(1)
		for _, eps := range []float64{2, .2, .02, .005} {
			got, err := Sinkhorn{Epsilon: eps, Iterations: 20000}.Distance(a, c.b)
			if err != nil {
				t.Fatal(err)
			}
			off := math.Abs(got - want)
			t.Logf("%s: ε %g: %.4f, exact %.4f", c.name, eps, got, want)
			if off > last {
				t.Errorf("%s: at ε %g it is off by %.3g, and by %.3g before", c.name, eps, off, last)
			}
			last = off
		}
		near(t, c.name, last, 0, .01*want)
	}
}

// normalGrid are n points of N(mean, sd²) at its quantiles (i+½)/n.
func normalGrid(n int, mean, sd float64) odslib.Array {
	a := odslib.Array{Shape: []int{n, 1}, Data: make([]float32, n)}
	for i := range a.Data {
		a.Data[i] = float32(mean + sd*distuv.UnitNormal.Quantile((float64(i)+.5)/float64(n)))
	}
	return a
}

// TestSinkhornGaussians: of N(0, 1) and N(m, s²) the value at ε is known (H. Janati, B. Muzellec, G. Peyré, M. Cuturi, NeurIPS
// 2020), and at small ε nearly √(m²+(1−s)²).
func TestSinkhornGaussians(t *testing.T) {
	const m, s = 1.5, 2.
	for _, c := range []struct {
		n   int
		eps float64
	}{{400, 4}, {400, .5}, {400, 0}, {2100, 4}} {
		if c.n > 2000 && testing.Short() {
			continue
		}
		got, err := Sinkhorn{Epsilon: c.eps}.Distance(normalGrid(c.n, 0, 1), normalGrid(c.n, m, s))
		if err != nil {
			t.Fatal(err)
		}
		eps := c.eps
		if eps == 0 {
			eps = .05 * (1 + s*s)
		}
		part := func(sd float64) float64 { // of OT, sd the product of both standard deviations
			v := eps / 2
			d := math.Sqrt(4*sd*sd + v*v)
			return -d + v*math.Log(d+v)
		}
		want := math.Sqrt(m*m + part(s) - part(1)/2 - part(s*s)/2)
		t.Logf("n %d, ε %g: %.4f, closed form %.4f, W2 %.4f", c.n, eps, got, want, math.Hypot(m, 1-s))
		near(t, "Sinkhorn", got, want, .01) // the grid has variance .995 at n=400
		if c.eps == 0 {
			near(t, "Sinkhorn by default and W2", got, math.Hypot(m, 1-s), .01)
		}
	}
}

// TestSinkhornWeights: two modes far apart, of weights ¼ and ¾ by number or by weight: the distance to the one is 0, and to equal
// weights √¼ of the way between.
func TestSinkhornWeights(t *testing.T) {
	modes := func(left, right int) odslib.Array {
		a := gaussian(1, left, 1, -10, .1)
		return a.Append(gaussian(2, right, 1, 10, .1))
	}
	w := make([]float64, 200)
	for i := 100; i < 200; i++ {
		w[i] = math.Log(3)
	}
	half, quarter := modes(100, 100), modes(50, 150)
	got, err := Sinkhorn{Epsilon: 2}.Distance(half, quarter)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "without weights", got, 20*math.Sqrt(.25), .1)
	if got, err = (Sinkhorn{Epsilon: 2, A: w}).Distance(half, quarter); err != nil {
		t.Fatal(err)
	}
	near(t, "with weights", got, 0, .1)
	if got, err = (Sinkhorn{}).Distance(half, half); err != nil || got > .01 {
		t.Errorf("of a sample with itself: %v (error %v)", got, err)
	}
	if got, err = (Sinkhorn{}).Distance(vector(1, 1), vector(4, 4, 4)); err != nil || got != 3 {
		t.Errorf("of two points: %v (error %v)", got, err)
	}
	// One of the hundred left points gone: the share .25 − 99/399 has to go all the way, however little it is.
	w[0] = math.Inf(-1)
	if got, err = (Sinkhorn{Epsilon: 2, A: w, Iterations: 1000}).Distance(half, quarter); err != nil {
		t.Fatal(err)
	}
	near(t, "with a weight of 0", got, 20*math.Sqrt(.25-99./399), .05)
	_, err = Sinkhorn{Iterations: 2}.Distance(half, quarter)
	refuses(t, "too few iterations", err, "2 iterations")
	_, err = Sinkhorn{Epsilon: -1}.Distance(half, quarter)
	refuses(t, "ε", err, "-1")
	_, err = Sinkhorn{B: w}.Distance(half, quarter.Slice(0, 20))
	refuses(t, "weights", err, "200 log-weights for 20")
}

// BenchmarkSinkhorn compares samples of five times five far-apart Gaussians, of 2500 rows, more than W2 takes in a few seconds.
func BenchmarkSinkhorn(b *testing.B) {
	modes := func(seed uint64) odslib.Array {
		a := gaussian(seed, 2500, 2, 0, .55)
		rng := rand.New(rand.NewPCG(seed, 5))
		for i := range a.Data {
			a.Data[i] += float32(5*rng.IntN(5) - 10)
		}
		return a
	}
	x, y := modes(1), modes(2)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := (Sinkhorn{}).Distance(x, y); err != nil {
			b.Fatal(err)
		}
	}
}
