package constraint_test

import (
	"context"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"

	"odslab/odslib"
	"odslab/odslib/constraint"
	"odslab/odslib/engine"
	"odslab/odslib/priors"
)

// rewardsAt evaluates a constraint at rows.
func rewardsAt(t *testing.T, c any, d int, rows ...[]float64) []float64 {
	t.Helper()
	post := odslib.Given(priors.Gaussian(make([]float64, d), 1), c)
	if err := post.Check(); err != nil {
		t.Fatal(err)
	}
	out, err := post.Rewards(context.Background(), engine.FromRows(rows))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestErrorModelsAreDensities: Laplace and outliers integrate to 1, are what the formula says, and their draws have the variance
// that the density has.
func TestErrorModelsAreDensities(t *testing.T) {
	for name, c := range map[string]struct {
		e        constraint.ErrorModel
		log      func(r float64) float64
		variance float64
	}{
		"Laplace": {constraint.Laplace{Scale: .7}, func(r float64) float64 { return -math.Abs(r)/.7 - math.Log(1.4) }, 2 * .49},
		"outliers": {constraint.Outliers{Sigma: .3, Share: .2, Wide: 2}, func(r float64) float64 {
			return math.Log(.8*distuv.Normal{Sigma: .3}.Prob(r) + .2*distuv.Normal{Sigma: 2}.Prob(r))
		}, .8*.09 + .2*4},
	} {
		var rows [][]float64
		for i := range 2001 {
			rows = append(rows, []float64{float64(i-1000) / 50})
		}
		sum, second := 0., 0.
		for i, l := range rewardsAt(t, constraint.Measurement{A: constraint.Identity{}, Y: []float64{0}, Error: c.e}, 1, rows...) {
			r := rows[i][0]
			if want := c.log(r); math.Abs(l-want) > 1e-4*(1+math.Abs(want)) {
				t.Fatalf("%s at %g: %g, want %g", name, r, l, want)
			}
			sum += math.Exp(l) / 50
			second += r * r * math.Exp(l) / 50
		}
		if math.Abs(sum-1) > 2e-3 || math.Abs(second/c.variance-1) > .01 {
			t.Errorf("%s: integral %.4f, variance %.4f, not %.4f", name, sum, second, c.variance)
		}
		rng, drawn := rand.New(rand.NewPCG(1, 2)), 0.
		const n = 40000
		for _, y := range c.e.Draw(make([]float64, n), rng) {
			drawn += y * y / n
		}
		if math.Abs(drawn/c.variance-1) > .06 { // the kurtosis is below 20: four errors of √(19/40000)
			t.Errorf("%s: draws have the variance %.3f, not %.3f", name, drawn, c.variance)
		}
	}
}

// TestPoisson: counts from 0 to thousands have the probability of the textbook, rates that are not positive none.
func TestPoisson(t *testing.T) {
	for _, y := range []float64{0, 1, 7, 8, 40, 3000} {
		c := constraint.Poisson{A: constraint.Identity{}, Y: []float64{y}, Gain: 2, Background: .5}
		x := [][]float64{{.2}, {3}, {20}, {1500}, {-1}}
		for i, l := range rewardsAt(t, c, 1, x...) {
			rate := 2*x[i][0] + .5
			want := math.Inf(-1)
			if rate > 0 {
				want = distuv.Poisson{Lambda: rate}.LogProb(y)
			}
			if l != want && !(math.Abs(l-want) < 1e-5*(20+math.Abs(want)+y*math.Log(1+y))) {
				t.Errorf("y=%g at rate %g: %g, want %g", y, rate, l, want)
			}
		}
	}
	rng, sum := rand.New(rand.NewPCG(1, 2)), 0.
	for _, y := range (constraint.Poisson{Gain: 2}).DrawY([]float64{1, 1, 1, 1, 50, 50, 50, 50}, rng) {
		sum += y
	}
	if math.Abs(sum-408) > 4*math.Sqrt(408) {
		t.Errorf("eight counts add up to %g, their rates to 408", sum)
	}
	half := constraint.Poisson{A: constraint.Identity{}, Y: []float64{1.5}}
	if err := half.Check([]int{1}); err == nil || !strings.Contains(err.Error(), "whole numbers") {
		t.Errorf("half a count: %v", err)
	}
}

// TestModulus: |A·x| of a Fourier matrix by hand, the same for −x, with a finite gradient at 0 as well.
func TestModulus(t *testing.T) {
	a := constraint.Fourier(3, 4)
	x := []float64{.5, -1, 2, .3}
	var want []float64
	for k := range 3 {
		re, im := 0., 0.
		for j, v := range x {
			s, c := math.Sincos(-2 * math.Pi * float64(k*j) / 4)
			re, im = re+v*c/2, im+v*s/2
		}
		want = append(want, math.Hypot(re, im))
	}
	flip := []float64{-.5, 1, -2, -.3}
	sharp := constraint.Measurement{A: a, Y: want, Error: constraint.Normal{Sigma: .1}}
	best := -1.5*math.Log(2*math.Pi) - 3*math.Log(.1)
	l := rewardsAt(t, sharp, 4, x, flip, make([]float64, 4))
	off := 0.
	for _, v := range want {
		off += v * v / .02
	}
	if math.Abs(l[0]-best) > 1e-3 || math.Abs(l[1]-best) > 1e-3 || math.Abs(l[2]-best+off) > 1e-2*off {
		t.Errorf("log r %v, want %g, %g and %g", l, best, best, best-off)
	}
}

// TestImageOperators: masks see what they should, a motion blur keeps the brightness and spreads along its line alone, and the
// projections at 0 and 90 degrees are the sums of columns and rows.
func TestImageOperators(t *testing.T) {
	shape := []int{6, 5, 2}
	seen := 0
	for _, k := range constraint.Box(shape, 1, 2, 3, 2).Keep {
		if k {
			seen++
		}
	}
	if seen != 2*(30-6) {
		t.Errorf("a box of 3×2 leaves %d values of 60", seen)
	}
	m := constraint.RandomMask([]int{40, 40, 2}, .3, 1)
	share := 0.
	for k, v := range m.Keep {
		if v {
			share += 1. / 3200
		}
		if v != m.Keep[k^1] {
			t.Fatal("a pixel is seen in one channel alone")
		}
	}
	if math.Abs(share-.3) > 4*math.Sqrt(.21/1600) {
		t.Errorf("a share of %.3f is seen, not .3", share)
	}
	flatLine := constraint.MotionBlur([]int{5, 7}, 3, 0)
	for i, row := range flatLine {
		sum := 0.
		for k, v := range row {
			sum += v
			if v != 0 && k/7 != i/7 {
				t.Fatalf("a blur along rows takes pixel %d into %d", k, i)
			}
		}
		if math.Abs(sum-1) > 1e-12 {
			t.Errorf("row %d of the blur sums to %g", i, sum)
		}
	}
	x := make([]float64, 36)
	for k := range x {
		x[k] = float64(k%7) + .1*float64(k)
	}
	p := constraint.Projection([]int{6, 6}, []float64{0, math.Pi / 2})
	y := p.ApplyHost([]int{6, 6}, x)
	for l := range 6 {
		across, down := 0., 0.
		for k := range 6 {
			across += x[l*6+k]
			down += x[k*6+5-l]
		}
		if len(y) != 12 || math.Abs(y[l]-across) > 1e-9*across || math.Abs(y[6+l]-down) > 1e-6*down {
			t.Errorf("line %d: %.4f and %.4f, the image's row and column have %.4f and %.4f", l, y[l], y[6+l], across, down)
		}
	}
}

// TestWidthsOfFloat32: a σ whose square float32 does not hold is refused where it stands.
func TestWidthsOfFloat32(t *testing.T) {
	for _, s := range []float64{1e-25, 1e-19, 1e20, 1e30} {
		for _, e := range []constraint.ErrorModel{constraint.Normal{Sigma: s}, constraint.Normal{Sigmas: []float64{s}}, constraint.Laplace{Scale: s}, constraint.Outliers{Sigma: s}} {
			if err := e.Check(1); err == nil || !strings.Contains(err.Error(), "float32") {
				t.Errorf("%T of %g: %v", e, s, err)
			}
		}
	}
}
