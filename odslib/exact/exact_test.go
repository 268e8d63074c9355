package exact_test

import (
	"context"
	"math"
	"strings"
	"testing"

	"odslab/odslib"
	"odslab/odslib/constraint"
	"odslab/odslib/exact"
	"odslab/odslib/priors"
)

// The kept log Z of T2 was computed elsewhere (numpy, component by component).
func TestT2Evidence(t *testing.T) {
	for _, size := range [][3]int{{8, 1, 30}, {8, 2, 10}, {8, 4, 10}, {80, 1, 10}, {80, 4, 10}} {
		for seed := range size[2] {
			c, err := exact.T2(size[0], size[1], seed)
			if err != nil {
				t.Fatal(err)
			}
			_, logZ, err := c.Post.Exact()
			if err != nil {
				t.Fatal(err)
			}
			if math.Abs(logZ-c.LogZ) > 1e-6*(1+math.Abs(c.LogZ)) {
				t.Errorf("%s seed %d: log Z %.9f, want %.9f", c.Name, seed, logZ, c.LogZ)
			}
		}
	}
	if _, err := exact.T2(3, 1, 0); err == nil {
		t.Error("an instance that is not kept was found")
	}
}

// New instances: the kept one's numbers give the kept answer, drawn ones depend on their seed alone and are of the benchmark's
// kind; bad numbers are refused in a line.
func TestNewInstancesOfT2(t *testing.T) {
	kept, err := exact.T2(8, 2, 3)
	if err != nil {
		t.Fatal(err)
	}
	prior, c := kept.Post.Prior.(*priors.Mixture), kept.Post.Constraint.(constraint.Gaussian)
	again, err := exact.NewT2(prior.Weights, c.A.(constraint.Matrix), c.Y, c.Sigma)
	if err != nil || math.Abs(again.LogZ-kept.LogZ) > 1e-6 || again.Name != kept.Name {
		t.Errorf("%s, log Z %g, %v; want %g", again.Name, again.LogZ, err, kept.LogZ)
	}
	last := 0.
	for _, size := range [][2]int{{1, 1}, {3, 1}, {8, 4}, {12, 12}, {80, 3}} {
		for seed := range uint64(3) {
			a, err := exact.RandomT2(size[0], size[1], seed)
			if err != nil {
				t.Fatal(err)
			}
			b, err := exact.RandomT2(size[0], size[1], seed)
			if err != nil || a.LogZ != b.LogZ || math.IsNaN(a.LogZ) || a.LogZ == last {
				t.Errorf("%v, seed %d: log Z %g and %g, %v", size, seed, a.LogZ, b.LogZ, err)
			}
			last = a.LogZ
		}
	}
	for _, bad := range []func() (exact.Case, error){
		func() (exact.Case, error) { return exact.RandomT2(2, 3, 1) },
		func() (exact.Case, error) { return exact.RandomT2(2, 0, 1) },
		func() (exact.Case, error) { return exact.NewT2(nil, nil, nil, 1) },
		func() (exact.Case, error) { return exact.NewT2([]float64{1}, [][]float64{{1}}, []float64{1}, 1) },
		func() (exact.Case, error) { return exact.NewT2(nil, [][]float64{{1}}, []float64{1}, 0) },
		func() (exact.Case, error) { return exact.NewT2(nil, [][]float64{{1}, {1, 2}}, []float64{1, 2}, 1) },
	} {
		if _, err := bad(); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("bad numbers: %v", err)
		}
	}
}

// The sampler draws from what the constraint knows too, and counts and notes values that are not finite.
func TestSampler(t *testing.T) {
	post := odslib.Given(priors.Grid25(), constraint.Known{Constraint: constraint.Tilt{Linear: []float64{1, 0}}, Is: broken{}, LogZ: 3})
	r, err := exact.Sampler{}.Sample(context.Background(), post, 10, 1)
	if err != nil || r.LogZ != 3 || r.NonFinite != 1 || len(r.Notes) != 1 {
		t.Errorf("%v, %v, notes %q", r, err, r.Notes)
	}
}

type broken struct{}

func (broken) Shape() []int { return []int{2} }

func (broken) Sample(_ context.Context, n int, _ uint64) (odslib.Array, error) {
	x := odslib.Array{Shape: []int{n, 2}, Data: make([]float32, 2*n)}
	x.Data[3] = float32(math.NaN())
	return x, nil
}

// Quadrature on a fine grid shares nothing with the closed forms.
func TestClosedFormsAgainstQuadrature(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles for seconds")
	}
	ring := odslib.Given(priors.Grid25(), constraint.Gaussian{A: constraint.Matrix{{1, -1}}, Y: []float64{3}, Sigma: .5})
	logRing := func(x, y float64) float64 {
		r := 3 - (x - y)
		return -.5*r*r/.25 - .5*math.Log(2*math.Pi*.25)
	}
	t13 := func(x, y float64) float64 {
		r := 1.5 - (x + .5*y)
		return -.5*r*r/.25 - .5*math.Log(2*math.Pi*.25)
	}
	for _, c := range []struct {
		name string
		post odslib.Posterior
		logR func(x, y float64) float64
	}{
		{"grid", ring, logRing},
		{"T6", exact.T6().Post, func(x, y float64) float64 { return -x*x/100 - y*y }},
		{"T12", exact.T12(2, 1).Post, func(x, _ float64) float64 { return x }},
		{"T13", exact.T13(2).Post, t13},
	} {
		const h = .04 // the integrands are smooth over .3: the trapezoid sum is exact to 1e-9 here
		var z, mx, my, mxx float64
		prior := c.post.Prior.(*priors.Mixture)
		for x := -16.; x < 16; x += h {
			for y := -16.; y < 16; y += h {
				p := math.Exp(prior.LogDensityHost([]float64{x, y}, 1, 0)+c.logR(x, y)) * h * h
				z, mx, my, mxx = z+p, mx+p*x, my+p*y, mxx+p*x*x
			}
		}
		got, logZ, err := c.post.Exact()
		if err != nil {
			t.Fatal(err)
		}
		if math.Abs(logZ-math.Log(z)) > 1e-5 {
			t.Errorf("%s: log Z %.7f, quadrature %.7f", c.name, logZ, math.Log(z))
		}
		m := got.(*priors.Mixture)
		var ex, ey, exx float64
		for k, w := range m.Probabilities() {
			ex, ey = ex+w*m.Means[k][0], ey+w*m.Means[k][1]
			v := m.Means[k][0] * m.Means[k][0]
			for e, l := range m.Variances[k] {
				a := m.Axes[k][e]
				v += a * a * l
			}
			exx += w * v
		}
		for i, pair := range [][2]float64{{ex, mx / z}, {ey, my / z}, {exx, mxx / z}} {
			if math.Abs(pair[0]-pair[1]) > 1e-4*(1+math.Abs(pair[1])) {
				t.Errorf("%s: moment %d is %.6f, quadrature %.6f", c.name, i, pair[0], pair[1])
			}
		}
	}
}

func TestKnownCases(t *testing.T) {
	c := exact.T6()
	_, logZ, err := c.Post.Exact()
	if err != nil || math.Abs(logZ-c.LogZ) > 1e-6 {
		t.Errorf("T6: log Z %.6f (%v), want %.6f", logZ, err, c.LogZ)
	}
	for _, c := range []exact.Case{exact.T10(), exact.T11(1), exact.T11(2), exact.Sharp(.5), exact.Sharp(.1)} {
		if _, logZ, err := c.Post.Exact(); err != nil || math.Abs(logZ-c.LogZ) > 2e-6*(1+math.Abs(c.LogZ)) {
			t.Errorf("%s: log Z %.6f (%v), want %.6f", c.Name, logZ, err, c.LogZ)
		}
	}
	c = exact.T1()
	r, err := exact.Sampler{}.Sample(context.Background(), c.Post, 61000, 1)
	if err != nil {
		t.Fatal(err)
	}
	count := make([]float64, 9)
	for i := range r.Samples.Len() {
		best, at := math.Inf(1), 0
		for k, m := range c.Modes {
			dx, dy := float64(r.Samples.Row(i)[0])-m[0], float64(r.Samples.Row(i)[1])-m[1]
			if d := dx*dx + dy*dy; d < best {
				best, at = d, k
			}
		}
		count[at] += 1. / 61000
	}
	for k := range count {
		// Three standard errors of a share near .25 at this size.
		if math.Abs(count[k]-c.ModeWeights[k]) > .0055 {
			t.Errorf("T1 mode %d: %.4f, want %.4f", k, count[k], c.ModeWeights[k])
		}
	}
	if _, _, err := odslib.Given(priors.Grid25(), constraint.StudentT{A: constraint.Identity{}, Y: []float64{0, 0}, Nu: 3, Scale: 1}).Exact(); err == nil {
		t.Error("a Student-t measurement has no closed form, but one was returned")
	}
}
