package measure

import (
	"math"
	"math/rand/v2"
	"testing"

	"odslab/odslib"
)

func TestWassersteinScipy(t *testing.T) {
	a, b := uniform(1, 60, 3, 1), uniform(2, 60, 3, 2)
	for _, c := range []struct {
		name string
		d    Distance
		want float64
	}{{"W1", W1, 1.0765975368415448}, {"W2", W2, 1.1240158049456699}} {
		got, err := c.d(a, b)
		if err != nil {
			t.Fatal(err)
		}
		near(t, c.name, got, c.want, 1e-12)
	}
	// POT's sliced distance with 200 000 directions.
	got, err := SlicedW1{Projections: 20000}.Distance(a, b)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "SlicedW1", got, .5322691403481487, .006) // its spread over directions, .24, over √20000, three times
}

func TestWasserstein1DScipy(t *testing.T) {
	a, b := uniform(3, 7, 1, 1), uniform(4, 5, 1, 2) // unequal sizes
	got, err := SlicedW1{}.Distance(a, b)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "SlicedW1 in one dimension", got, 0.39223027059010096, 1e-14)
}

// TestAssignmentBruteForce compares with the best of all permutations, with and
// without ties.
func TestAssignmentBruteForce(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for trial := range 400 {
		n := 1 + trial%7
		cost := make([]float64, n*n)
		for i := range cost {
			cost[i] = 10 * rng.Float64()
			if trial%2 == 1 {
				cost[i] = math.Floor(cost[i] / 3)
			}
		}
		var got float64
		taken := make([]bool, n)
		for i, j := range assign(cost, n) {
			if taken[j] {
				t.Fatalf("trial %d: column %d is taken twice", trial, j)
			}
			taken[j] = true
			got += cost[i*n+j]
		}
		near(t, "cost", got, bruteForce(cost, n, 0, make([]bool, n)), 1e-9)
	}
}

func bruteForce(cost []float64, n, i int, taken []bool) float64 {
	if i == n {
		return 0
	}
	best := math.Inf(1)
	for j := range n {
		if !taken[j] {
			taken[j] = true
			best = min(best, cost[i*n+j]+bruteForce(cost, n, i+1, taken))
			taken[j] = false
		}
	}
	return best
}

// TestAssignmentLine compares the solver, on points of a line in the plane, with
// the pairing in sorted order that one dimension allows: with equal laws, laws
// apart (a degenerate case for W1, in which many pairings are best), and equal
// points.
func TestAssignmentLine(t *testing.T) {
	for name, b := range map[string]odslib.Array{
		"same": gaussian(2, 300, 1, 0, 1), "apart": gaussian(2, 300, 1, 5, 2), "equal points": gaussian(2, 300, 1, 1, 0),
	} {
		a := gaussian(1, 300, 1, 0, 1)
		for i := range a.Data {
			// Whole multiples of 1/32 and 3-4-5 triangles: lengths in the plane are exact.
			a.Data[i], b.Data[i] = float32(math.Round(float64(a.Data[i]*32))/32), float32(math.Round(float64(b.Data[i]*32))/32)
		}
		plane := func(x odslib.Array) odslib.Array {
			out := odslib.Array{Shape: []int{300, 2}}
			for _, v := range x.Data {
				out.Data = append(out.Data, 3*v, 4*v)
			}
			return out
		}
		for what, f := range map[string]Distance{"W1": W1, "W2": W2} {
			want, err := f(a, b)
			if err != nil {
				t.Fatal(err)
			}
			for _, swap := range []bool{false, true} {
				x, y := plane(a), plane(b)
				if swap {
					x, y = y, x
				}
				got, err := f(x, y)
				if err != nil {
					t.Fatal(err)
				}
				near(t, name+": "+what, got, 5*want, 1e-9)
			}
		}
	}
}

// TestTranslation: moving every point by c moves a sample by |c| in W1 and W2,
// and by |c|·E|θ₁| = |c|·Γ(d/2)/(√π·Γ((d+1)/2)) in SlicedW1.
func TestTranslation(t *testing.T) {
	const d, n = 5, 200
	a := gaussian(1, n, d, 0, 1)
	b := odslib.Array{Shape: a.Shape, Data: make([]float32, len(a.Data))}
	for i, v := range a.Data {
		b.Data[i] = v
		if i%d == 0 {
			b.Data[i] += 4
		}
	}
	for name, f := range map[string]Distance{"W1": W1, "W2": W2} {
		got, err := f(a, b)
		if err != nil {
			t.Fatal(err)
		}
		near(t, name, got, 4, 1e-6)
	}
	got, err := SlicedW1{Projections: 20000}.Distance(a, b)
	if err != nil {
		t.Fatal(err)
	}
	want := 4 * math.Gamma(d/2.) / (math.Sqrt(math.Pi) * math.Gamma((d+1)/2.))
	near(t, "SlicedW1", got, want, .025) // three times the spread .29·4 over √20000
	for name, f := range map[string]Distance{"W1": W1, "W2": W2, "SlicedW1": SlicedW1{}.Distance} {
		if got, err := f(a, a); got != 0 || err != nil {
			t.Errorf("%s of a sample with itself: %v (error %v)", name, got, err)
		}
	}
}

// TestW2Gaussians: between N(0, 1) and N(m, s²) the distance is √(m²+(1−s)²).
func TestW2Gaussians(t *testing.T) {
	got, err := W2(gaussian(1, 1500, 1, 0, 1), gaussian(2, 1500, 1, 2, 3))
	if err != nil {
		t.Fatal(err)
	}
	near(t, "W2", got, math.Sqrt(4+4), .2) // the standard error of a mean difference is .08
}

func TestMMDScipy(t *testing.T) {
	a, b := uniform(5, 30, 2, 1), uniform(6, 20, 2, 2)
	for _, c := range []struct{ h, want float64 }{{0, 0.4285652618228176}, {.5, 0.4144294283802295}} {
		got, err := MMD{Bandwidth: c.h}.Distance(a, b)
		if err != nil {
			t.Fatal(err)
		}
		near(t, "MMD", got, c.want, 1e-12)
	}
}

// TestMMDGaussians: between N(0, I) and N(m, I) the squared MMD is
// 2(h²/(h²+2))^{d/2}·(1−exp(−|m|²/2(h²+2))).
func TestMMDGaussians(t *testing.T) {
	const h, m, d = 1.5, 1.0, 2
	want := 2 * math.Pow(h*h/(h*h+2), d/2.) * (1 - math.Exp(-m*m*d/(2*(h*h+2))))
	got, err := MMD{Bandwidth: h}.Distance(gaussian(1, 1500, d, 0, 1), gaussian(2, 1500, d, m, 1))
	if err != nil {
		t.Fatal(err)
	}
	near(t, "MMD", got, want, .05)
	// Without bias: the mean between samples of one law is 0.
	mean, se, err := Floor(MMD{Bandwidth: h}.Distance, func(seed uint64) (odslib.Array, error) { return gaussian(seed, 20, d, 0, 1), nil }, 400)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "floor", mean, 0, 4*se)
	if se > .003 {
		t.Errorf("standard error %v is too large for the test to mean anything", se)
	}
}

// TestC2ST: the best classifier between N(0,1) and N(1,1) is right with
// probability Φ(½) = .6915, which the neighbours nearly reach; between equal
// laws it guesses, and far-apart ones it cannot mistake.
func TestC2ST(t *testing.T) {
	for _, c := range []struct{ mean, want, tolerance float64 }{
		{0, .5, .04}, // the standard error of a share of 2000 is .011
		{1, .6915, .04},
		{20, 1, 0},
	} {
		got, err := C2ST{}.Distance(gaussian(1, 1000, 1, 0, 1), gaussian(2, 1000, 1, c.mean, 1))
		if err != nil {
			t.Fatal(err)
		}
		near(t, "accuracy", got, c.want, c.tolerance)
	}
	// Scale of a coordinate does not matter.
	a, b := gaussian(1, 100, 2, 0, 1), gaussian(2, 100, 2, 1, 1)
	before, err := C2ST{}.Distance(a, b)
	if err != nil {
		t.Fatal(err)
	}
	for i := range a.Data {
		if i%2 == 0 {
			a.Data[i] *= 1024
			b.Data[i] *= 1024
		}
	}
	if after, err := (C2ST{}).Distance(a, b); err != nil || after != before {
		t.Errorf("accuracy %v, after scaling %v (error %v)", before, after, err)
	}
	// Few samples: the default number of neighbours still fits.
	for n := 5; n < 30; n++ {
		if _, err := (C2ST{}).Distance(uniform(1, n, 2, 1), uniform(2, n, 2, 1)); err != nil {
			t.Errorf("%d samples: %v", n, err)
		}
	}
}

// BenchmarkW2 pairs 2000 points of mixtures of far-apart Gaussians: of one law,
// and of laws with different modes, which is harder.
func BenchmarkW2(b *testing.B) {
	modes := func(seed uint64, k int) odslib.Array {
		a := gaussian(seed, 2000, 2, 0, .55)
		rng := rand.New(rand.NewPCG(seed, 5))
		for i := range a.Data {
			a.Data[i] += float32(5*rng.IntN(k) - 10)
		}
		return a
	}
	for _, c := range []struct {
		name string
		k    int
	}{{"same", 5}, {"apart", 3}} {
		x, y := modes(1, 5), modes(2, c.k)
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := W2(x, y); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkSlicedW1(b *testing.B) {
	x, y := gaussian(1, 1000, 8, 0, 1), gaussian(2, 1000, 8, 0, 1)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := (SlicedW1{}).Distance(x, y); err != nil {
			b.Fatal(err)
		}
	}
}
