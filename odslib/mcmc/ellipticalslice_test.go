package mcmc

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"odslab/odslib"
	"odslab/odslib/constraint"
	"odslab/odslib/engine"
	_ "odslab/odslib/engine/xla"
	"odslab/odslib/priors"
)

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance) {
		t.Errorf("%s = %.5f, want %.5f ± %.2g", what, got, want, tolerance)
	} else {
		t.Logf("%s is off by %.4f, at most %.2g", what, got-want, tolerance)
	}
}

func moments(x odslib.Array, j int) (mean, variance float64) {
	c := x.Column(j)
	for _, v := range c {
		mean += v / float64(len(c))
	}
	for _, v := range c {
		variance += (v - mean) * (v - mean) / float64(len(c))
	}
	return mean, variance
}

// affine is W_ij = cos((i+1)(j+1))/√8, b_i = sin(i/2), six exact observations of even coordinates under σ = .1.
func affine() odslib.Posterior {
	a := priors.Affine{}
	for i := range 16 {
		row := make([]float64, 8)
		for j := range row {
			row[j] = math.Cos(float64((i+1)*(j+1))) / math.Sqrt(8)
		}
		a.W, a.B = append(a.W, row), append(a.B, math.Sin(.5*float64(i)))
	}
	c := constraint.Gaussian{A: constraint.Mask{Keep: make([]bool, 16)}, Sigma: .1}
	for i := 0; i <= 10; i += 2 {
		c.A.(constraint.Mask).Keep[i] = true
		y := a.B[i]
		for j, w := range a.W[i] {
			y += w * math.Sin(float64(j+1))
		}
		c.Y = append(c.Y, y)
	}
	return odslib.Given(a, c)
}

// TestAffine: all means and variances of the noise, and the mean of x, against the closed form. Under so strong a
// likelihood (σ = .1) the ellipses are left by small angles, and draws are independent only after some 400 moves; the
// margin is .02, or three standard errors by the ESS that the sampler itself claims.
func TestAffine(t *testing.T) {
	post := affine()
	chains := 250
	if e, err := engine.Open(); err == nil && e.Loops() { // the pure-Go engine takes four times as long
		chains = 1000
	}
	res, err := EllipticalSlice{Chains: chains, Burn: 1000, Thin: 60}.Sample(context.Background(), post, 20*chains, 1)
	if err != nil {
		t.Fatal(err)
	}
	t.Log(res.Report())
	exact, _, err := post.Prior.(priors.Affine).ExactNoise(post.Constraint.(odslib.Constraint))
	if err != nil {
		t.Fatal(err)
	}
	if c := float64(chains); !(res.ESS > 2*c && res.ESS < 6*c) || len(res.Notes) != 1 || !strings.Contains(res.Notes[0], "R̂ ≤ 1.") {
		t.Errorf("ESS %.0f, notes %q", res.ESS, res.Notes)
	}
	for j := range 8 {
		mean, variance := moments(*res.Noise, j)
		want := 0.
		for _, w := range exact.W[j] {
			want += w * w
		}
		near(t, fmt.Sprintf("mean of z[%d]", j), mean, exact.B[j], max(.02, 3*math.Sqrt(want/res.ESS)))
		near(t, fmt.Sprintf("variance of z[%d]", j), variance, want, max(.02, 3*math.Sqrt2*want/math.Sqrt(res.ESS)))
	}
	x, _, err := post.Prior.(priors.Affine).Exact(post.Constraint.(odslib.Constraint))
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range x.(priors.Affine).B {
		mean, variance := moments(res.Samples, i)
		near(t, fmt.Sprintf("mean of x[%d]", i), mean, want, max(.02, 3*math.Sqrt(variance/res.ESS)))
	}
}

func hills() odslib.Posterior {
	return odslib.Given(priors.InverseCDF{Weights: []float64{.3, .7}, Means: []float64{-2, 1.5}, Variances: []float64{.25, .64}, Dim: 2},
		constraint.Gaussian{A: constraint.Identity{}, Y: []float64{0, 0}, Sigma: 1})
}

// TestTwoHills: a non-linear generator; each coordinate's posterior is .164441·N(−1.6, .2) + .835559·N(.914634, .390244).
func TestTwoHills(t *testing.T) {
	for name, post := range map[string]odslib.Posterior{
		"graph": hills(),
		"host":  odslib.Given(hostOnly{hills().Prior.(priors.InverseCDF)}, hostNormal{}),
		"mixed": odslib.Given(hostOnly{hills().Prior.(priors.InverseCDF)}, hills().Constraint),
	} {
		n, chains := 30000, 500
		if name != "graph" {
			n, chains = 4000, 200
		}
		res, err := EllipticalSlice{Chains: chains, Burn: 200, Thin: 5}.Sample(context.Background(), post, n, 2)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: %s", name, res.Report())
		tolerance := max(.02, 3*1.2/math.Sqrt(res.ESS))
		for j := range 2 {
			mean, variance := moments(res.Samples, j)
			near(t, name+": mean", mean, .501124, tolerance)
			near(t, name+": variance", variance, 1.227796, 1.5*tolerance)
			// Which hill a sample came from: its share in the posterior density.
			weight := 0.
			for _, x := range res.Samples.Column(j) {
				a := .164441 / math.Sqrt(.2) * math.Exp(-.5*(x+1.6)*(x+1.6)/.2)
				b := .835559 / math.Sqrt(.390244) * math.Exp(-.5*(x-.914634)*(x-.914634)/.390244)
				weight += a / (a + b) / float64(n)
			}
			near(t, name+": weight of the lower hill", weight, .164441, tolerance)
		}
	}
}

type hostOnly struct{ priors.InverseCDF }

func (hostOnly) Generate() {} // hides the graph: this is no odslib.Generator

func (hostOnly) Params() {} // nor are there numbers for a graph

type hostNormal struct{}

func (hostNormal) LogRHost(x odslib.Array) ([]float64, error) {
	out := make([]float64, x.Len())
	for i := range out {
		for _, v := range x.Row(i) {
			out[i] -= .5*float64(v)*float64(v) + .5*math.Log(2*math.Pi)
		}
	}
	return out, nil
}

type reward func(x []float32) float64

func (f reward) LogRHost(x odslib.Array) ([]float64, error) {
	out := make([]float64, x.Len())
	for i := range out {
		out[i] = f(x.Row(i))
	}
	return out, nil
}

// TestHardReward: chains that start where r = 0 find the support and stay; NaN is never accepted.
func TestHardReward(t *testing.T) {
	prior := priors.Affine{W: [][]float64{{1, 0}, {0, 1}}}
	res, err := EllipticalSlice{Chains: 100, Burn: 200}.Sample(context.Background(), odslib.Given(prior, reward(func(x []float32) float64 {
		switch {
		case x[1] > 2:
			return math.NaN()
		case x[0] < 1:
			return math.Inf(-1)
		}
		return 0
	})), 4000, 1)
	if err != nil {
		t.Fatal(err)
	}
	for i := range res.Samples.Len() {
		if row := res.Samples.Row(i); row[0] < 1 || row[1] > 2 {
			t.Fatalf("draw %v is forbidden", row)
		}
	}
	mean, _ := moments(res.Samples, 0)
	near(t, "mean of the tail", mean, 1.525135, .05) // φ(1)/(1−Φ(1))
	if res.NonFinite == 0 {
		t.Error("NaN went uncounted")
	}
}

// TestWithoutConstraint: every move is accepted at once and the draws are the prior's.
func TestWithoutConstraint(t *testing.T) {
	res, err := EllipticalSlice{Chains: 200, Burn: 10}.Sample(context.Background(), odslib.Given(priors.Affine{W: [][]float64{{2}}, B: []float64{3}}, nil), 4000, 1)
	if err != nil {
		t.Fatal(err)
	}
	mean, variance := moments(res.Samples, 0)
	near(t, "mean", mean, 3, .15)
	near(t, "variance", variance, 4, .4)
	for _, s := range res.Trace {
		if s.Accepted != 1 {
			t.Errorf("step %d accepted %.2f", s.Step, s.Accepted)
		}
	}
}

func TestCancelKeepsTheDraws(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	ctx = odslib.WithObserver(ctx, func(p odslib.Progress) {
		if p.Step > p.Steps/2 {
			cancel()
		}
	})
	res, err := EllipticalSlice{Chains: 20, Burn: 20, Thin: 20}.Sample(ctx, affine(), 1000, 1)
	if !errors.Is(err, context.Canceled) || res == nil {
		t.Fatalf("%v, %v", res, err)
	}
	if n := res.Samples.Len(); n == 0 || n >= 1000 || res.Noise.Len() != n {
		t.Errorf("%d draws, want some", n)
	}
	ctx, cancel = context.WithCancel(context.Background())
	cancel()
	if res, err := (EllipticalSlice{}).Sample(ctx, affine(), 100, 1); !errors.Is(err, context.Canceled) || res == nil || res.String() == "" {
		t.Errorf("cancelled at once: %v, %v", res, err)
	}
}

func TestSameSeedSameDraws(t *testing.T) {
	var last string
	for i, seed := range []uint64{1, 1, 2} {
		res, err := EllipticalSlice{Burn: 5}.Sample(context.Background(), hills(), 10, seed)
		if err != nil {
			t.Fatal(err)
		}
		if res.Samples.Len() != 10 || res.Noise.Len() != 10 {
			t.Fatalf("%v, noise %v", res.Samples.Shape, res.Noise.Shape)
		}
		now := fmt.Sprint(res.Samples.Data)
		if i > 0 && (now == last) != (i == 1) {
			t.Errorf("run %d, seed %d: %s after %s", i, seed, now, last)
		}
		last = now
	}
}

func TestFewDrawsSayThatRHatIsMissing(t *testing.T) {
	res, err := EllipticalSlice{Chains: 50, Burn: 5}.Sample(context.Background(), hills(), 100, 1)
	if err != nil || len(res.Notes) != 1 || !strings.Contains(res.Notes[0], "too few") || res.ESS != 0 {
		t.Errorf("%v, %v", res, err)
	}
}

// TestSlotPlan: every chain gives its slots, the first after the burn-in, thin moves apart.
func TestSlotPlan(t *testing.T) {
	p, err := newPlan("x", 10, 3, 7, 4)
	if err != nil || p.slots != 4 || p.moves() != 7+1+3*4 {
		t.Fatalf("%+v, %v", p, err)
	}
	var at []int
	for m := 1; m <= p.moves(); m++ {
		if p.slot(m) >= 0 {
			at = append(at, m)
		}
	}
	if fmt.Sprint(at) != "[8 12 16 20]" {
		t.Errorf("draws at moves %v", at)
	}
}

func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		s    EllipticalSlice
		post odslib.Posterior
		n    int
		want string
	}{
		{EllipticalSlice{}, hills(), 0, "at least one"},
		{EllipticalSlice{Chains: -1}, hills(), 1, "Chains is -1"},
		{EllipticalSlice{Thin: -2}, hills(), 1, "Thin is -2"},
		{EllipticalSlice{}, odslib.Given(priors.Grid25(), nil), 1, "needs a generator x = f(z); got *priors.Mixture"},
		{EllipticalSlice{}, odslib.Given(priors.Affine{}, nil), 1, "W is empty"},
		{EllipticalSlice{}, odslib.Given(hills().Prior, constraint.Reward{F: func(x *odslib.Node) *odslib.Node { return x }}), 1, "one value a sample"},
	} {
		_, err := c.s.Sample(context.Background(), c.post, c.n, 1)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%+v: %v, want one line with %q", c.s, err, c.want)
		}
	}
}

func BenchmarkEllipticalSlice(b *testing.B) {
	e, err := engine.Open()
	if err != nil {
		b.Fatal(err)
	}
	b.Log(e.Why)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := (EllipticalSlice{}).Sample(context.Background(), affine(), 2000, 1); err != nil {
			b.Fatal(err)
		}
	}
}
