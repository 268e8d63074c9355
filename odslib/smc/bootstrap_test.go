package smc

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/gomlx/gomlx/core/graph"

	"odslab/odslib"
	"odslab/odslib/constraint"
	"odslab/odslib/diffusion"
	"odslab/odslib/engine"
	"odslab/odslib/exact"
	"odslab/odslib/priors"
	"odslab/odslib/twist"
)

// long leaves a test out of short runs.
func long(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("takes long")
	}
}

func smaller(full, small int) int {
	if e, err := engine.Open(); err == nil && e.Loops() {
		return full
	}
	return small
}

func TestBootstrapNineGaussians(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles for seconds")
	}
	ctx := context.Background()
	want, weights := chainEvidence(100)
	k := smaller(12000, 4000)
	for seed, p := range []Potential{Difference, Terminal} {
		start := time.Now()
		res, err := Bootstrap{Particles: k, Potential: p}.Sample(ctx, nine(), 10000, uint64(seed))
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%v: %v; log Z_T = %.4f, %d resamplings, %v", p, res, want, len(res.Ancestors), time.Since(start))
		if !(res.LogZError > 0 && res.LogZError < .1) || math.Abs(res.LogZ-want) > 3*res.LogZError {
			t.Errorf("%v: log Z %.4f ± %.4f, want %.4f", p, res.LogZ, res.LogZError, want)
		}
		tolerance := max(.02, 3*math.Sqrt(.24/res.ESS)) // three standard errors of a share of .38
		var got [3][3]float64
		for i := range res.Samples.Len() {
			row := res.Samples.Row(i)
			got[modeOf(float64(row[0]))][modeOf(float64(row[1]))] += 1 / float64(res.Samples.Len())
		}
		for i := range got {
			for j := range got[i] {
				if math.Abs(got[i][j]-weights[i][j]) > tolerance {
					t.Errorf("%v: weight of mode (%d, %d) is %.4f, want %.4f", p, 4*(i-1), 4*(j-1), got[i][j], weights[i][j])
				}
			}
		}
	}
}

// TestEvidenceIsUnbiased: the mean of Ẑ/Z_T over 200 runs of 16 particles is 1 within 3 standard errors, for every rule,
// potential and twist, with and without adaptive resampling. The cases have relative variance below 1: of an unbiased
// but heavy-tailed estimator 200 runs say nothing. Hence few steps for max and sum, and no point twist on nine modes.
func TestEvidenceIsUnbiased(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles for seconds")
	}
	const k, runs = 16, 200
	for _, c := range []struct {
		name       string
		twist      twist.Twist
		potential  Potential
		steps      int
		thresholds []float64
		tilt       bool
	}{
		{"nine", twist.Tempered{}, Difference, 20, []float64{.5, 1}, false},
		{"nine", twist.Tempered{}, Terminal, 20, []float64{.5}, false},
		{"tilt", twist.Point{}, Max, 5, []float64{.5, 1}, true},
		{"tilt", twist.Point{}, Sum, 5, []float64{.5, 1}, true},
	} {
		post, want := tilted(c.steps)
		if !c.tilt {
			post = nine()
			want, _ = chainEvidence(c.steps)
		}
		r, err := Bootstrap{Particles: k, Twist: c.twist, Potential: c.potential, Chain: diffusion.Chain{Steps: c.steps}}.core().open(post, 1, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, rule := range rules {
			for _, threshold := range c.thresholds {
				if c.potential == Terminal && rule != Systematic {
					continue // nothing to resample before the end
				}
				r.resampling, r.threshold = rule, threshold
				unbiased(t, fmt.Sprintf("%s, %v, %v, threshold %g", c.name, c.potential, rule, threshold), r, want, runs)
			}
		}
		r.close()
	}
}

// drawn is one of several runs of what was compiled once.
func drawn(t testing.TB, o *opened, seed uint64) *odslib.Result {
	t.Helper()
	r := o.begin(nil, time.Now(), seed)
	r.owner = false
	defer r.Close()
	res, err := r.finish(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// unbiased: the mean of Ẑ/Z over so many runs is 1 within 3 standard errors. Where it is not, which chance alone brings once
// in 370 times and there are dozens of these, three times as many runs more decide, under the same rule.
func unbiased(t *testing.T, what string, o *opened, logZ float64, runs int) (sd float64) {
	t.Helper()
	return unbiasedBy(t, what, runs, func(seed uint64) float64 { return drawn(t, o, seed).LogZ - logZ })
}

func unbiasedBy(t *testing.T, what string, runs int, logRatio func(seed uint64) float64) (sd float64) {
	t.Helper()
	if testing.Short() {
		runs /= 4
	}
	var ratios []float64
	for seed := range uint64(4 * runs) {
		ratios = append(ratios, math.Exp(logRatio(seed)))
		if len(ratios) != runs && len(ratios) != 4*runs {
			continue
		}
		var mean float64
		mean, sd = moments(ratios)
		se := sd / math.Sqrt(float64(len(ratios)))
		t.Logf("%s: mean of Ẑ/Z_T %.3f ± %.3f, relative variance %.2f", what, mean, se, sd*sd)
		if sd > 1 {
			t.Errorf("%s: relative variance %.2f, so its mean says nothing", what, sd*sd)
		}
		if math.Abs(mean-1) <= 3*se {
			break
		}
		if len(ratios) == 4*runs {
			t.Errorf("%s: mean of Ẑ/Z_T is %.3f ± %.3f", what, mean, se)
		}
	}
	return sd
}

func moments(v []float64) (mean, sd float64) {
	for _, x := range v {
		mean += x / float64(len(v))
	}
	for _, x := range v {
		sd += (x - mean) * (x - mean) / float64(len(v)-1)
	}
	return mean, math.Sqrt(sd)
}

// TestStandardError: what one run says of its own error is what many runs show.
func TestStandardError(t *testing.T) {
	long(t)
	const steps, k, runs = 20, 1000, 50
	r, err := Bootstrap{Particles: k, Chain: diffusion.Chain{Steps: steps}}.core().open(nine(), 1, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer r.close()
	for _, rule := range []Resampling{Systematic, Multinomial} {
		var logZ, said []float64
		r.resampling, r.threshold = rule, .9
		for seed := range uint64(runs) {
			res := drawn(t, r, seed)
			if res.LogZAtLeast {
				continue // it says that it does not know
			}
			logZ, said = append(logZ, res.LogZ), append(said, res.LogZError)
		}
		_, sd := moments(logZ)
		mean, _ := moments(said)
		t.Logf("%v: standard deviation of log Ẑ %.4f, said %.4f", rule, sd, mean)
		// The standard deviation of 50 runs is known to 10 %.
		if mean < .7*sd || mean > 1.6*sd {
			t.Errorf("%v: a run says ± %.4f, runs differ by %.4f", rule, mean, sd)
		}
	}
}

// TestConstantReward: adding a constant to log r moves log Z by it and nothing else.
func TestConstantReward(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles for seconds")
	}
	ctx, b := context.Background(), Bootstrap{Particles: 300, Chain: diffusion.Chain{Steps: 20}}
	prior := nine().Prior
	reward := func(shift float64) odslib.Posterior {
		return odslib.Given(prior, hostReward{shift})
	}
	a, err := b.Sample(ctx, reward(0), 100, 3)
	if err != nil {
		t.Fatal(err)
	}
	c, err := b.Sample(ctx, reward(1000), 100, 3)
	if err != nil {
		t.Fatal(err)
	}
	if math.Abs(c.LogZ-a.LogZ-1000) > 1e-9 {
		t.Errorf("log Z moved by %g, want 1000", c.LogZ-a.LogZ)
	}
	for i, v := range a.Samples.Data {
		if c.Samples.Data[i] != v {
			t.Fatalf("value %d moved from %g to %g", i, v, c.Samples.Data[i])
		}
	}
	// The same reward as graph code gives the same run up to float32.
	g, err := b.Sample(ctx, nine(), 100, 3)
	if err != nil {
		t.Fatal(err)
	}
	if math.Abs(g.LogZ-a.LogZ) > 1e-3 {
		t.Errorf("log Z %.6f on the host, %.6f in the graph", a.LogZ, g.LogZ)
	}
}

type hostReward struct{ shift float64 }

func (h hostReward) LogRHost(_ context.Context, x odslib.Array) ([]float64, error) {
	out := make([]float64, x.Len())
	for i := range out {
		u, v := float64(x.Row(i)[0]), float64(x.Row(i)[1])
		out[i] = -u*u/100 - v*v + h.shift
	}
	return out, nil
}

func TestWithoutConstraintItIsThePrior(t *testing.T) {
	res, err := Bootstrap{Particles: 8000, Chain: diffusion.Chain{Steps: 50}}.Sample(context.Background(), odslib.Given(priors.Gaussian([]float64{1, -2}, .5), nil), 8000, 5)
	if err != nil {
		t.Fatal(err)
	}
	if res.LogZ != 0 || res.LogZError != 0 || len(res.Ancestors) != 0 {
		t.Errorf("log Z %g ± %g, %d resamplings", res.LogZ, res.LogZError, len(res.Ancestors))
	}
	for j, want := range []float64{1, -2} {
		if got := res.Mean()[j]; math.Abs(got-want) > .04 {
			t.Errorf("mean %d is %.3f, want %g", j, got, want)
		}
	}
	if res.NetworkEvals != 8000*50 {
		t.Errorf("%d evaluations, want one a step", res.NetworkEvals)
	}
}

// TestShapes: samples of rank three run as flat ones do, number for number.
func TestShapes(t *testing.T) {
	b := Bootstrap{Particles: 300, Chain: diffusion.Chain{Steps: 10}}
	flat, err := b.Sample(context.Background(), nine(), 20, 1)
	if err != nil {
		t.Fatal(err)
	}
	post := nine()
	post.Prior = image{post.Prior.(*priors.Mixture)}
	cube, err := b.Sample(context.Background(), post, 20, 1)
	if err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(cube.Samples.Shape) != "[20 1 2 1]" || math.Abs(cube.LogZ-flat.LogZ) > 1e-5 {
		t.Errorf("shape %v, log Z %g; flat: %g", cube.Samples.Shape, cube.LogZ, flat.LogZ)
	}
	for i, v := range flat.Samples.Data {
		if math.Abs(float64(cube.Samples.Data[i]-v)) > 1e-4 {
			t.Fatalf("value %d is %g, flat %g", i, cube.Samples.Data[i], v)
		}
	}
}

// image gives the vectors of a mixture the shape of an image of 1×2 pixels.
type image struct{ *priors.Mixture }

func (image) Shape() []int { return []int{1, 2, 1} }

func (p image) Denoise(scope *odslib.Scope, x *odslib.Node, at odslib.Level) *odslib.Node {
	return graph.ReshapeWithShape(p.Mixture.Denoise(scope, graph.Reshape(x, -1, 2), at), x.Shape())
}

func TestHardRewards(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles for seconds")
	}
	// Half of the plane is forbidden: a particle whose guess lies there may still come home.
	post := odslib.Given(nine().Prior, host(func(x []float32) float64 {
		if x[0] < 2 {
			return math.Inf(-1)
		}
		return 0
	}))
	res, err := Bootstrap{Particles: 2000, Chain: diffusion.Chain{Steps: 30}}.Sample(context.Background(), post, 500, 1)
	if err != nil {
		t.Fatal(err)
	}
	for i := range res.Samples.Len() {
		if res.Samples.Row(i)[0] < 2 {
			t.Fatalf("sample %v is forbidden", res.Samples.Row(i))
		}
	}
	if math.Abs(res.LogZ-math.Log(1./3)) > 3*res.LogZError+.02 {
		t.Errorf("log Z %.3f, want log ⅓ = %.3f", res.LogZ, math.Log(1./3))
	}
	none := odslib.Given(nine().Prior, host(func([]float32) float64 { return math.Inf(-1) }))
	if _, err := (Bootstrap{Particles: 50, Chain: diffusion.Chain{Steps: 5}}).Sample(context.Background(), none, 5, 1); err == nil || !strings.Contains(err.Error(), "no particle has a positive weight") {
		t.Errorf("a reward of 0 everywhere: %v", err)
	}
	nan := odslib.Given(nine().Prior, host(func(x []float32) float64 {
		if x[1] > 2 {
			return math.NaN()
		}
		return 0
	}))
	res, err = Bootstrap{Particles: 2000, Chain: diffusion.Chain{Steps: 30}}.Sample(context.Background(), nan, 500, 1)
	if err != nil || res.NonFinite == 0 || math.Abs(res.LogZ-math.Log(2./3)) > 3*res.LogZError+.02 {
		t.Errorf("NaN for a third of the plane: %v, %v", res, err)
	}
}

type host func(x []float32) float64

func (h host) LogRHost(_ context.Context, x odslib.Array) ([]float64, error) {
	out := make([]float64, x.Len())
	for i := range out {
		out[i] = h(x.Row(i))
	}
	return out, nil
}

func TestCancelKeepsTheWork(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	ctx = odslib.WithObserver(ctx, func(p odslib.Progress) {
		if x, err := p.Samples(); err != nil || x.Len() != 200 {
			t.Errorf("samples on request: %v, %v", x.Shape, err)
		}
		if p.Step == 7 {
			cancel()
		}
	})
	res, err := Bootstrap{Particles: 200, Chain: diffusion.Chain{Observe: []int{0, 5}}}.Sample(ctx, nine(), 10, 1)
	if !errors.Is(err, context.Canceled) || res == nil || res.Samples.Len() != 200 || len(res.LogWeights) != 200 || len(res.Trace) != 8 || len(res.Notes) == 0 {
		t.Fatalf("%v, %v", res, err)
	}
	if len(res.States) != 2 {
		t.Errorf("%d observed states", len(res.States))
	}
}

func TestSameSeedSameDraws(t *testing.T) {
	b := Bootstrap{Particles: 100, Chain: diffusion.Chain{Steps: 10}}
	var last string
	for i, seed := range []uint64{1, 1, 2} {
		res, err := b.Sample(context.Background(), nine(), 10, seed)
		if err != nil {
			t.Fatal(err)
		}
		now := fmt.Sprint(res.Samples.Data, res.LogZ)
		if i > 0 && (now == last) != (i == 1) {
			t.Errorf("run %d, seed %d: %s after %s", i, seed, now, last)
		}
		last = now
	}
}

func TestRefusals(t *testing.T) {
	ctx := context.Background()
	for _, c := range []struct {
		b    Bootstrap
		post odslib.Posterior
		n    int
		want string
	}{
		{Bootstrap{}, nine(), 0, "at least one"},
		{Bootstrap{Particles: -3}, nine(), 1, "-3 particles"},
		{Bootstrap{Resampling: 9}, nine(), 1, "no resampling rule"},
		{Bootstrap{Potential: 9}, nine(), 1, "no potential"},
		{Bootstrap{Chain: diffusion.Chain{Kernel: diffusion.Heun{}}}, nine(), 1, "use diffusion.Matched{}"},
		{Bootstrap{Chain: diffusion.Chain{Kernel: diffusion.DDIM{}}}, nine(), 1, "deterministic kernel diffusion.DDIM"},
		{Bootstrap{Chain: diffusion.Chain{Steps: -1}}, nine(), 1, "-1 steps"},
		{Bootstrap{Twist: twist.Widened{By: diffusion.VPLinear{}.Sigma}}, odslib.Given(nine().Prior, hostReward{}), 1, "a host function"},
		{Bootstrap{Twist: twist.Widened{By: func(t float64) float64 { return 1 / (1 - t) }}}, exact.T13(1).Post, 1, "+Inf at t = 1"},
		{Bootstrap{Twist: twist.Covariance{Iterations: 4}}, exact.T13(1).Post, 1, "up to a factor"},
		{Bootstrap{Twist: twist.Tempered{}}, exact.Infilling().Post, 1, "reads a guess of the samples"},
		{Bootstrap{}, odslib.Given(onlySamples{}, nil), 1, "needs a diffusion prior"},
		{Bootstrap{}, odslib.Given(nine().Prior, constraint.Tilt{Linear: []float64{1, 2, 3}}), 1, "3 numbers"},
		{Bootstrap{}, odslib.Given(nine().Prior, constraint.Reward{F: func(x *odslib.Node) *odslib.Node { return x }}), 1, "one value a sample"},
	} {
		_, err := c.b.Sample(ctx, c.post, c.n, 1)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%+v: %v, want one line with %q", c.b, err, c.want)
		}
	}
}

type onlySamples struct{}

func (onlySamples) Shape() []int { return []int{2} }
func (onlySamples) Sample(context.Context, int, uint64) (odslib.Array, error) {
	return odslib.Array{}, nil
}

func BenchmarkBootstrap(b *testing.B) {
	r, err := Bootstrap{Particles: 4000}.core().open(nine(), 1000, 0)
	if err != nil {
		b.Fatal(err)
	}
	defer r.close()
	b.ReportAllocs()
	for b.Loop() {
		drawn(b, r, 1)
	}
}

// BenchmarkTDS is a whole run for another measurement each time: T2 (8,1), K=1000, T=100. Nothing compiles after the first.
func BenchmarkTDS(b *testing.B) {
	var cases []exact.Case
	for i := range 30 {
		c, err := exact.T2(8, 1, i)
		if err != nil {
			b.Fatal(err)
		}
		cases = append(cases, c)
	}
	s, i := TDS{Twist: twist.Covariance{}, Particles: 1000}, 0
	if _, err := s.Sample(context.Background(), cases[0].Post, 1000, 0); err != nil {
		b.Fatal(err)
	}
	before, _ := engine.Compilations()
	for b.Loop() {
		if _, err := s.Sample(context.Background(), cases[i%30].Post, 1000, uint64(i)); err != nil {
			b.Fatal(err)
		}
		i++
	}
	after, _ := engine.Compilations()
	b.ReportMetric(float64(after-before), "compilations")
}
