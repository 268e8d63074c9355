package density

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"testing"
)

// laws are what the contours must hold 50 and 90 % of, in two variables.
var laws = []struct {
	name string
	draw func(r *rand.Rand) (x, y float64)
}{
	{"Gaussian", func(r *rand.Rand) (float64, float64) { return r.NormFloat64(), r.NormFloat64() }},
	{"banana", func(r *rand.Rand) (float64, float64) {
		x := r.NormFloat64()
		return x, x*x + .5*r.NormFloat64()
	}},
	{"t(2)", func(r *rand.Rand) (float64, float64) {
		s := math.Sqrt(r.ExpFloat64())
		return r.NormFloat64() / s, r.NormFloat64() / s
	}},
	{"uniform", func(r *rand.Rand) (float64, float64) { return r.Float64(), r.Float64() }},
	{"25 modes", func(r *rand.Rand) (float64, float64) {
		return 5*float64(r.IntN(5)-2) + math.Sqrt(.3)*r.NormFloat64(), 5*float64(r.IntN(5)-2) + math.Sqrt(.3)*r.NormFloat64()
	}},
	{"Cauchy", func(r *rand.Rand) (float64, float64) {
		s := r.NormFloat64()
		return r.NormFloat64() / s, r.NormFloat64() / s
	}},
	{"uniform × exponential", func(r *rand.Rand) (float64, float64) { return r.Float64(), r.ExpFloat64() }},
	{"narrow beside wide", func(r *rand.Rand) (float64, float64) {
		if r.Float64() < .3 {
			return -3 + .05*r.NormFloat64(), -3 + .05*r.NormFloat64()
		}
		return r.NormFloat64(), r.NormFloat64()
	}},
	{"Gaussian, one in 500 of sd 300", func(r *rand.Rand) (float64, float64) {
		s := 1.
		if r.IntN(500) == 0 {
			s = 300
		}
		return s * r.NormFloat64(), s * r.NormFloat64()
	}},
	{"log-normal", func(r *rand.Rand) (float64, float64) {
		return math.Exp(r.NormFloat64()), math.Exp(r.NormFloat64())
	}},
	{"Dirichlet", func(r *rand.Rand) (float64, float64) {
		a, b, c := r.ExpFloat64(), r.ExpFloat64(), r.ExpFloat64()
		return a / (a + b + c), b / (a + b + c)
	}},
}

// inside tells whether a point is in the area of a set of loops, by its winding number.
func inside(loops []Loop, x, y float64) bool {
	n := 0
	for _, l := range loops {
		for i, p := range l {
			q := l[(i+1)%len(l)]
			side := (q[0]-p[0])*(y-p[1]) - (x-p[0])*(q[1]-p[1])
			switch {
			case p[1] <= y && q[1] > y && side > 0:
				n++
			case p[1] > y && q[1] <= y && side < 0:
				n--
			}
		}
	}
	return n != 0
}

// masses are the mean shares of fresh samples inside the 50 and the 90 % contours, as drawn.
func masses(n, cells, seeds int, draw func(r *rand.Rand) (x, y float64)) (m50, m90 float64) {
	for seed := range seeds {
		r := rand.New(rand.NewPCG(uint64(seed), 77))
		x, y := make([]float64, n), make([]float64, n)
		for i := range x {
			x[i], y[i] = draw(r)
		}
		w := ones(n)
		loops := Estimate2(NewColumn(x, w), NewColumn(y, w), cells).Contours(.5, .9)
		const fresh = 4000
		for range fresh {
			a, b := draw(r)
			if inside(loops[0], a, b) {
				m50 += 100. / fresh / float64(seeds)
			}
			if inside(loops[1], a, b) {
				m90 += 100. / fresh / float64(seeds)
			}
		}
	}
	return m50, m90
}

// Contours hold what they claim, of samples that they were not made from. The standard error of a mean over 20 seeds of
// 2,000 samples is ½·√(1/2000 + 1/4000)/√20 = .3 points at 50 %.
func TestContoursHoldTheirMass(t *testing.T) {
	for _, l := range laws {
		t.Run(l.name, func(t *testing.T) {
			t.Parallel()
			m50, m90 := masses(2000, 128, 20, l.draw)
			t.Logf("%-32s n=2000   %5.1f %5.1f", l.name, m50, m90)
			if math.Abs(m50-50) > 1 || math.Abs(m90-90) > 1 {
				t.Errorf("contours of 2,000 samples hold %.2f and %.2f %%, want 50 and 90 ± 1", m50, m90)
			}
			if testing.Short() {
				return
			}
			m50, m90 = masses(20000, 128, 20, l.draw)
			t.Logf("%-32s n=20000  %5.2f %5.2f", l.name, m50, m90)
			if math.Abs(m50-50) > .5 || math.Abs(m90-90) > .5 {
				t.Errorf("contours of 20,000 samples hold %.2f and %.2f %%, want 50 and 90 ± .5", m50, m90)
			}
		})
	}
}

func TestWalls(t *testing.T) {
	cases := []struct {
		name string
		draw func(r *rand.Rand) float64
		want [2]bool
	}{
		{"uniform", func(r *rand.Rand) float64 { return r.Float64() }, [2]bool{true, true}},
		{"exponential", func(r *rand.Rand) float64 { return r.ExpFloat64() }, [2]bool{true, false}},
		{"minus exponential", func(r *rand.Rand) float64 { return -r.ExpFloat64() }, [2]bool{false, true}},
		{"half normal", func(r *rand.Rand) float64 { return math.Abs(r.NormFloat64()) }, [2]bool{true, false}},
		{"arcsine", func(r *rand.Rand) float64 { return .5 + .5*math.Cos(math.Pi*r.Float64()) }, [2]bool{true, true}},
		{"cut normal", func(r *rand.Rand) float64 {
			for {
				if x := r.NormFloat64(); x > -1 {
					return x
				}
			}
		}, [2]bool{true, false}},
		{"normal", func(r *rand.Rand) float64 { return r.NormFloat64() }, [2]bool{}},
		{"t(3)", func(r *rand.Rand) float64 {
			return r.NormFloat64() / math.Sqrt((r.ExpFloat64()+.5*squared(r.NormFloat64()))*2/3)
		}, [2]bool{}},
		{"narrow beside wide", laws1(7), [2]bool{}},
		{"one narrow mode in 100", func(r *rand.Rand) float64 {
			if r.IntN(100) == 0 {
				return -5 + .01*r.NormFloat64()
			}
			return r.NormFloat64()
		}, [2]bool{}},
		{"25 modes", laws1(4), [2]bool{}},
		{"Laplace", func(r *rand.Rand) float64 { return r.ExpFloat64() - r.ExpFloat64() }, [2]bool{}},
		{"logistic", func(r *rand.Rand) float64 { u := r.Float64(); return math.Log(u / (1 - u)) }, [2]bool{}},
	}
	for _, n := range []int{200, 1000, 2000, 20000} {
		for _, c := range cases {
			wrong := [2]int{}
			const seeds = 50
			h := 0.
			for seed := range seeds {
				r := rand.New(rand.NewPCG(uint64(seed), uint64(n)))
				x := make([]float64, n)
				for i := range x {
					x[i] = c.draw(r)
				}
				col := NewColumn(x, ones(n))
				h += col.Curve().Bandwidth / seeds
				for k := range 2 {
					if col.Hard[k] != c.want[k] {
						wrong[k]++
					}
				}
			}
			t.Logf("n=%-6d %-24s wrong %v of %d  h=%.3f", n, c.name, wrong, seeds, h)
			if n >= 1000 && max(wrong[0], wrong[1]) > seeds/10 {
				t.Errorf("n=%d %s: walls wrong in %v of %d sets", n, c.name, wrong, seeds)
			}
		}
	}
}

func laws1(k int) func(r *rand.Rand) float64 {
	return func(r *rand.Rand) float64 { x, _ := laws[k].draw(r); return x }
}

func TestMain(m *testing.M) { fmt.Print(); os.Exit(m.Run()) }
