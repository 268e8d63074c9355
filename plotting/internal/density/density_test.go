package density

import (
	"math"
	"math/rand/v2"
	"testing"
)

func ones(n int) []float64 {
	w := make([]float64, n)
	for i := range w {
		w[i] = 1
	}
	return w
}

func mixture(n int, sd float64, seed uint64, means ...float64) []float64 {
	r, x := rand.New(rand.NewPCG(seed, 0)), make([]float64, n)
	for i := range x {
		x[i] = means[r.IntN(len(means))] + sd*r.NormFloat64()
	}
	return x
}

func normal(x, m, s float64) float64 {
	return math.Exp(-(x-m)*(x-m)/2/s/s) / s / math.Sqrt(2*math.Pi)
}

// The integrated absolute error against the true mixture must be small, which no single-mode bandwidth rule manages.
func TestEstimate1KeepsModes(t *testing.T) {
	means := []float64{-10, -5, 0, 5, 10}
	c := NewColumn(mixture(2000, .5, 1, means...), ones(2000)).Curve()
	dx, err, mass := c.X[1]-c.X[0], 0., 0.
	for i, x := range c.X {
		p := 0.
		for _, m := range means {
			p += normal(x, m, .5) / 5
		}
		err += math.Abs(c.Y[i]-p) * dx
		mass += c.Y[i] * dx
	}
	if err > .12 || math.Abs(mass-1) > .01 {
		t.Errorf("absolute error %.3f (want < .12), mass %.4f, bandwidth %.3f", err, mass, c.Bandwidth)
	}
}

func TestEstimate1ReflectsAtHardEdge(t *testing.T) {
	r, x := rand.New(rand.NewPCG(2, 0)), make([]float64, 5000)
	for i := range x {
		x[i] = r.ExpFloat64()
	}
	c := NewColumn(x, ones(len(x))).Curve()
	if c.X[0] < 0 || math.Abs(c.Y[0]-1) > .15 {
		t.Errorf("density of an exponential at %.3f is %.3f, want about 1", c.X[0], c.Y[0])
	}
	n := NewColumn(mixture(5000, 1, 3, 0), ones(5000)).Curve()
	if n.Y[0] > .002 || n.X[0] > -3.5 {
		t.Errorf("a Gaussian's tail was taken for an edge: %.4f at %.2f", n.Y[0], n.X[0])
	}
}

func TestWeightsAreHonoured(t *testing.T) {
	// Samples of N(0,1) with weights exp(x) stand for N(1,1).
	x := mixture(40000, 1, 4, 0)
	w := make([]float64, len(x))
	for i := range x {
		w[i] = math.Exp(x[i])
	}
	c := NewColumn(x, w).Curve()
	mean := 0.
	for i := range c.X {
		mean += c.X[i] * c.Y[i] * (c.X[1] - c.X[0])
	}
	if math.Abs(mean-1) > .05 {
		t.Errorf("mean of the weighted estimate %.3f, want 1", mean)
	}
	if n := NewColumn(x, w).Size; n < 8000 || n > 20000 {
		t.Errorf("effective size %.0f of 40000, want about 14700", n)
	}
}

// The area inside the 50 % contour of a standard Gaussian is that of a circle of radius √(2 ln 2).
func TestContourByMass(t *testing.T) {
	d := Domain{-5, 5}
	g := NewGrid(d, d, 160, 160).Fill(func(x, y float64) float64 { return normal(x, 0, 1) * normal(y, 0, 1) })
	for _, mass := range []float64{.5, .9} {
		loops := g.Contours(mass)[0]
		if len(loops) != 1 {
			t.Fatalf("%d loops, want 1", len(loops))
		}
		want := math.Pi * -2 * math.Log(1-mass)
		if got := area(loops[0]); math.Abs(got/want-1) > .02 {
			t.Errorf("%g: signed area %.3f, want %.3f", mass, got, want)
		}
	}
}

func TestContourHoleTurnsTheOtherWay(t *testing.T) {
	d := Domain{-3, 3}
	g := NewGrid(d, d, 90, 90).Fill(func(x, y float64) float64 { return normal(math.Hypot(x, y), 1.5, .2) })
	loops := g.Contour(.5)
	if len(loops) != 2 || area(loops[0])*area(loops[1]) >= 0 {
		t.Fatalf("ring gave %d loops, areas %v", len(loops), loops)
	}
}

func TestContourClosesAtTheEdge(t *testing.T) {
	d := Domain{0, 1}
	g := NewGrid(d, d, 10, 10).Fill(func(x, y float64) float64 { return 1 })
	loops := g.Contour(.5)
	if len(loops) != 1 || math.Abs(area(loops[0])-1) > .01 {
		t.Fatalf("a flat density has loops %v, want the unit square", loops)
	}
}

func TestEstimate2(t *testing.T) {
	n := 4000
	x, y := mixture(n, .5, 5, -5, 0, 5), mixture(n, .5, 6, -5, 0, 5)
	g := Estimate2(NewColumn(x, ones(n)), NewColumn(y, ones(n)), 128)
	err, cell := 0., (g.X.Max-g.X.Min)*(g.Y.Max-g.Y.Min)/float64(g.NX*g.NY)
	for j := range g.NY {
		for i := range g.NX {
			a, b := g.At(i, j)
			px, py := 0., 0.
			for _, m := range []float64{-5, 0, 5} {
				px, py = px+normal(a, m, .5)/3, py+normal(b, m, .5)/3
			}
			err += math.Abs(g.Z[j*g.NX+i]-px*py) * cell
		}
	}
	if err > .3 {
		t.Errorf("absolute error %.3f, want < .3", err)
	}
	if loops := g.Contours(.7)[0]; len(loops) != 9 {
		t.Errorf("%d modes at 70 %% mass, want 9", len(loops))
	}
}

func area(l Loop) float64 {
	s := 0.
	for i, p := range l {
		q := l[(i+1)%len(l)]
		s += (p[0]*q[1] - q[0]*p[1]) / 2
	}
	return s
}

func BenchmarkEstimate2(b *testing.B) {
	x, y, w := mixture(4000, .5, 5, -5, 0, 5), mixture(4000, .5, 6, -5, 0, 5), ones(4000)
	for b.Loop() {
		Estimate2(NewColumn(x, w), NewColumn(y, w), 128)
	}
}
