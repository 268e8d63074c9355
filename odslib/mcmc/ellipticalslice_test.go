package mcmc

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/graph"

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
	if testing.Short() {
		t.Skip("compiles for seconds")
	}
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
	if c := float64(chains); !(res.ESS > 2*c && res.ESS < 6*c) || len(res.Figures) != 1 || !strings.Contains(res.Figures[0], "R̂ ≤ 1.") {
		t.Errorf("ESS %.0f, figures %q", res.ESS, res.Figures)
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
	if testing.Short() {
		t.Skip("compiles for seconds")
	}
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

func (hostNormal) LogRHost(_ context.Context, x odslib.Array) ([]float64, error) {
	out := make([]float64, x.Len())
	for i := range out {
		for _, v := range x.Row(i) {
			out[i] -= .5*float64(v)*float64(v) + .5*math.Log(2*math.Pi)
		}
	}
	return out, nil
}

type reward func(x []float32) float64

func (f reward) LogRHost(_ context.Context, x odslib.Array) ([]float64, error) {
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
	if res.NonFinite == 0 || !strings.Contains(strings.Join(res.Notes, "\n"), "NaN or infinite") {
		t.Errorf("NaN went uncounted or without a note: %q", res.Notes)
	}
	if res.LogWeights != nil {
		t.Error("all chains are in the support, yet the draws are weighted")
	}
}

// TestNeverMet: a reward whose support no chain finds is an error; one that some find gives their draws alone, and says so.
func TestNeverMet(t *testing.T) {
	prior := priors.Affine{W: [][]float64{{1, 0}, {0, 1}}}
	beyond := func(edge float64) odslib.Posterior {
		return odslib.Given(prior, reward(func(x []float32) float64 {
			if float64(x[0]) < edge {
				return math.Inf(-1)
			}
			return 0
		}))
	}
	res, err := EllipticalSlice{Chains: 50, Burn: 100}.Sample(context.Background(), beyond(40), 400, 1)
	if err == nil || !strings.Contains(err.Error(), "no chain met a sample with r > 0") || strings.Contains(err.Error(), "\n") || res == nil || res.Samples.Len() > 0 {
		t.Errorf("%v, %v", res, err)
	}
	nan := odslib.Given(prior, reward(func([]float32) float64 { return math.NaN() }))
	if res, err := (EllipticalSlice{Chains: 5, Burn: 10}).Sample(context.Background(), nan, 40, 1); err == nil || res.NonFinite == 0 || len(res.Notes) == 0 {
		t.Errorf("%v, %v", res, err)
	}
	for _, edge := range []float64{2.8, 3.4, 3.9} {
		res, err := EllipticalSlice{Chains: 100, Burn: 100, Thin: 5}.Sample(context.Background(), beyond(edge), 1000, 1)
		if err != nil {
			if !strings.Contains(err.Error(), "no chain met") {
				t.Error(err)
			}
			continue
		}
		outside := 0
		w := res.Weights()
		for i := range res.Samples.Len() {
			if float64(res.Samples.Row(i)[0]) < edge-1e-6 {
				outside++
				if w[i] != 0 {
					t.Fatalf("edge %g: a draw outside the support has weight %g", edge, w[i])
				}
			}
		}
		note := strings.Contains(strings.Join(res.Notes, "\n"), fmt.Sprintf("%d of 1000 draws are of chains that had not met", outside))
		if (outside > 0) != note || outside == 0 && res.LogWeights != nil {
			t.Errorf("edge %g: %d draws outside, notes %q", edge, outside, res.Notes)
		}
		t.Logf("edge %g: %d draws outside the support", edge, outside)
	}
}

// decoded is the latent prior x = 3·z + 1 over an affine generator.
type decoded struct{ priors.Affine }

func (d decoded) Inner() odslib.Prior { return d.Affine }

func (decoded) Decode(_ *odslib.Scope, z *odslib.Node) *odslib.Node {
	return graph.AddScalar(graph.MulScalar(z, 3), 1)
}

// TestLevels: noise is found through a latent space and its generator, and where the prior is N(0, I) itself.
func TestLevels(t *testing.T) {
	c := constraint.Gaussian{A: constraint.Identity{}, Y: []float64{4}, Sigma: 1}
	for name, c := range map[string]struct {
		post           odslib.Posterior
		mean, variance float64
	}{
		"latent":    {odslib.Given(decoded{priors.Affine{W: [][]float64{{.5}}, B: []float64{1}}}, c), 4, 2.25 / 3.25}, // x ~ N(4, 1.5²)
		"itself":    {odslib.Given(odslib.Normal{Dims: []int{1}}, c), 2, .5},
		"inside":    {inside(t, odslib.Given(priors.Affine{W: [][]float64{{2}}}, c)), 8. / 5, 1. / 5},
		"unchanged": {odslib.Given(odslib.Normal{Dims: []int{1}}, nil), 0, 1},
	} {
		res, err := EllipticalSlice{Chains: 200, Burn: 50}.Sample(context.Background(), c.post, 4000, 1)
		if err != nil {
			t.Fatal(name, err)
		}
		mean, variance := moments(res.Samples, 0)
		near(t, name+": mean", mean, c.mean, .08)
		near(t, name+": variance", variance, c.variance, .1*max(1, c.variance))
		if name == "latent" {
			x, z := float64(res.Samples.Data[7]), float64(res.Noise.Data[7])
			near(t, "x of z", x, 3*(.5*z+1)+1, 1e-5)
		}
	}
}

func inside(t *testing.T, post odslib.Posterior) odslib.Posterior {
	t.Helper()
	in, err := post.Inside()
	if err != nil {
		t.Fatal(err)
	}
	return in.Posterior
}

// TestFailingBatches: a host function that fails now and then costs its rows, a note and nothing more; one that is down ends
// the run.
func TestFailingBatches(t *testing.T) {
	calls := 0
	f := func(_ context.Context, x odslib.Array) ([]float64, error) {
		if calls++; calls%7 == 0 {
			return nil, errors.New("the node is busy")
		}
		out := make([]float64, x.Len())
		for i := range out {
			out[i] = -.5 * float64(x.Data[i]-2) * float64(x.Data[i]-2)
		}
		return out, nil
	}
	post := odslib.Given(odslib.Normal{Dims: []int{1}}, constraint.Batched{F: f, Chunk: 10})
	res, err := EllipticalSlice{Chains: 50, Burn: 50}.Sample(context.Background(), post, 2000, 1)
	if err != nil {
		t.Fatal(err)
	}
	mean, _ := moments(res.Samples, 0)
	near(t, "mean", mean, 1, .1)
	if notes := strings.Join(res.Notes, "\n"); strings.Count(notes, "the node is busy") != 1 || res.NonFinite == 0 {
		t.Errorf("%d not finite, notes %q", res.NonFinite, res.Notes)
	}
	down := constraint.Batched{F: func(context.Context, odslib.Array) ([]float64, error) { return nil, errors.New("down") }}
	if _, err := (EllipticalSlice{}).Sample(context.Background(), odslib.Given(post.Prior, down), 10, 1); err == nil || !strings.Contains(err.Error(), "down") {
		t.Errorf("a function that is down: %v", err)
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
		{EllipticalSlice{}, odslib.Given(priors.Grid25(), nil), 1, "there is no inside: the prior must be a generator x = f(z) or have a latent; got *priors.Mixture"},
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
