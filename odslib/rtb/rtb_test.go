package rtb_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"slices"
	"testing"

	"odslab/odslib"
	"odslab/odslib/balance"
	"odslab/odslib/constraint"
	"odslab/odslib/engine"
	_ "odslab/odslib/engine/xla"
	"odslab/odslib/exact"
	"odslab/odslib/measure"
	"odslab/odslib/nn"
	"odslab/odslib/rtb"
)

// TestMain runs short tests on the pure-Go engine, which compiles nothing.
func TestMain(m *testing.M) {
	if flag.Parse(); testing.Short() {
		os.Setenv(engine.EnvEngine, "go")
	}
	os.Exit(m.Run())
}

// small is quick to train; slow says that the engine is.
func small(t *testing.T) (s rtb.Sampler, slow bool) {
	t.Helper()
	e, err := engine.Open()
	if err != nil {
		t.Fatal(err)
	}
	return rtb.Sampler{Net: nn.MLP{Hidden: 64, Layers: 2}, Steps: 50, Paths: 128}, !e.Loops()
}

// Under a linear tilt the exact posterior chain has the prior's variances, so the loss can reach 0; and the default chain is
// exact for N(0, I), so that log Z_T is log Z.
func TestTilt(t *testing.T) {
	if testing.Short() {
		t.Skip("it trains")
	}
	s, slow := small(t)
	c := exact.T12(2, 1)
	budget, margin, loss := odslib.Budget{Steps: 300}, .02, 1e-3
	if slow {
		budget.Steps, margin, loss = 60, .1, .1
	}
	p, err := s.Train(context.Background(), c.Post, budget, 1)
	if err != nil {
		t.Fatal(err)
	}
	last := 0.
	for _, it := range p.Trace[len(p.Trace)-10:] {
		last += it.Loss / 10
	}
	t.Logf("loss %.2g, log Z %.4f, exact %.4f, notes %q", last, p.LogZ, c.LogZ, p.Notes)
	if last > loss {
		t.Errorf("loss %.2g, want below %.2g", last, loss)
	}
	if math.Abs(p.LogZ-c.LogZ) > margin {
		t.Errorf("learned log Z %.4f, want %.4f", p.LogZ, c.LogZ)
	}
	r, err := p.Sample(context.Background(), c.Post, 4000, 2)
	if err != nil {
		t.Fatal(err)
	}
	if math.Abs(r.LogZ-c.LogZ) > 3*r.LogZError+margin/2 {
		t.Errorf("corrected log Z %.4f ± %.4f, want %.4f", r.LogZ, r.LogZError, c.LogZ)
	}
	if m := r.Mean(); math.Abs(m[0]-1) > .08+margin || math.Abs(m[1]) > .08+margin {
		t.Errorf("mean %.3f, want [1 0]", m)
	}
}

// With the same seed the variance form and the squared form see the same paths; where log Z is the batch's own they agree.
func TestVarGradAgrees(t *testing.T) {
	s, _ := small(t)
	s.Anneal = -1
	post := exact.T12(2, 1).Post
	a, err := s.Train(context.Background(), post, odslib.Budget{Steps: 1}, 4)
	if err != nil {
		t.Fatal(err)
	}
	s.VarGrad = true
	b, err := s.Train(context.Background(), post, odslib.Budget{Steps: 1}, 4)
	if err != nil {
		t.Fatal(err)
	}
	// The squared form begins with the log of the mean of r, ½ above the mean of log r here.
	if d := a.Trace[0].Loss - b.Trace[0].Loss - math.Pow(a.Trace[0].LogZ-b.Trace[0].LogZ, 2); b.Trace[0].Loss == 0 || math.Abs(d) > .2*b.Trace[0].Loss {
		t.Errorf("first loss %g, of the variance form %g, apart by more than their log Z %g and %g", a.Trace[0].Loss, b.Trace[0].Loss, a.Trace[0].LogZ, b.Trace[0].LogZ)
	}
}

// A reward that runs on the host has no gradient and needs none: T6 by a Go function finds the three modes on the axis.
func TestHostRewardFindsModes(t *testing.T) {
	if testing.Short() {
		t.Skip("it trains")
	}
	s, slow := small(t)
	if slow {
		s.Steps = 20
	}
	c := exact.T6()
	reward := constraint.HostReward{F: func(x []float32) float64 {
		return -float64(x[0])*float64(x[0])/100 - float64(x[1])*float64(x[1])
	}}
	budget, margin := odslib.Budget{Steps: 400}, .12
	if slow {
		budget.Steps, margin = 60, .6
	}
	post := odslib.Given(c.Post.Prior, reward)
	p, err := s.Train(context.Background(), post, budget, 1)
	if err != nil {
		t.Fatal(err)
	}
	r, err := p.Sample(context.Background(), post, 4000, 2)
	if err != nil {
		t.Fatal(err)
	}
	apart := func(x odslib.Array) float64 {
		w, err := measure.ModeWeights(x, nil, engine.FromRows(c.Modes))
		if err != nil {
			t.Fatal(err)
		}
		tv, err := measure.TotalVariation(w, c.ModeWeights)
		if err != nil {
			t.Fatal(err)
		}
		return tv
	}
	prior, err := c.Post.Prior.Sample(context.Background(), 4000, 1)
	if err != nil {
		t.Fatal(err)
	}
	tv, before := apart(r.Samples), apart(prior)
	t.Logf("total variation of mode weights %.3f, prior %.3f; log Z %.3f ± %.3f, exact %.3f", tv, before, r.LogZ, r.LogZError, c.LogZ)
	if tv > margin || tv > before {
		t.Errorf("total variation of mode weights %.3f (prior %.3f), want below %.2f", tv, before, margin)
	}
	// The weights mend what the policy lacks; .1 allows for Z_T − Z.
	if math.Abs(r.LogZ-c.LogZ) > 4*r.LogZError+.1 {
		t.Errorf("corrected log Z %.3f ± %.3f, exact %.3f", r.LogZ, r.LogZError, c.LogZ)
	}
}

// Tokens: the policy's own samples, without their weights, have the positional marginals of the exact infilling posterior,
// although no sample in sixty of the prior's has a reward.
func TestTokens(t *testing.T) {
	if testing.Short() {
		t.Skip("it trains")
	}
	s, slow := small(t)
	if slow {
		t.Skip("the pure-Go engine takes minutes")
	}
	c := exact.Infilling()
	p, err := s.Train(context.Background(), c.Post, odslib.Budget{Steps: 600}, 1)
	if err != nil {
		t.Fatal(err)
	}
	r, err := p.Sample(context.Background(), c.Post, 10000, 2)
	if err != nil {
		t.Fatal(err)
	}
	truth, logZ, err := c.Post.Exact()
	if err != nil {
		t.Fatal(err)
	}
	worst := 0.
	for i, law := range truth.(exact.MaskedChain).Marginals() {
		share := make([]float64, len(law))
		for _, v := range r.Samples.Column(i) {
			share[int(v)] += 1e-4
		}
		for v, want := range law {
			worst = math.Max(worst, math.Abs(share[v]-want))
		}
	}
	t.Logf("largest error of a marginal %.4f; log Z %.3f ± %.3f, exact %.3f; ESS %.0f; notes %q", worst, r.LogZ, r.LogZError, logZ, r.ESS, p.Notes)
	if worst > .02 {
		t.Errorf("largest error of a marginal %.3f, want at most .02", worst)
	}
	if math.Abs(r.LogZ-logZ) > 4*r.LogZError+.01 {
		t.Errorf("log Z %.3f ± %.3f, exact %.3f", r.LogZ, r.LogZError, logZ)
	}
}

// One policy for every measurement: trained on measurements of samples of the prior, it is put to rows of others, each of which
// gets its own posterior. N(0, I) in two dimensions, the sum measured with σ=.5: the sum's posterior is N(8/9·y, 2/9).
func TestConditionsAmortise(t *testing.T) {
	if testing.Short() {
		t.Skip("it trains")
	}
	s, slow := small(t)
	if slow {
		t.Skip("the pure-Go engine takes minutes")
	}
	ctx := context.Background()
	at := odslib.Given(odslib.Normal{Dims: []int{2}}, constraint.Gaussian{A: constraint.Matrix{{1, 1}}, Y: []float64{0}, Sigma: .5})
	family, err := odslib.FamilyOf(at)
	if err != nil {
		t.Fatal(err)
	}
	x, err := at.Prior.Sample(ctx, 1000, 1)
	if err != nil {
		t.Fatal(err)
	}
	y, err := family.Y(ctx, x, 2)
	if err != nil {
		t.Fatal(err)
	}
	p, err := s.Train(ctx, family.Rows(y), odslib.Budget{Steps: 400}, 3)
	if err != nil {
		t.Fatal(err)
	}
	const each = 2000
	asked := []float64{-2.5, 0, 1, 2.5}
	rows := engine.NewArray(len(asked)*each, 1)
	for i := range rows.Data {
		rows.Data[i] = float32(asked[i/each])
	}
	r, err := p.Sample(ctx, family.Rows(rows), rows.Len(), 4)
	if err != nil {
		t.Fatal(err)
	}
	t.Log(r, p.Notes, r.Notes)
	if !math.IsNaN(r.LogZ) {
		t.Errorf("log Z %g of four posteriors at once", r.LogZ)
	}
	for k, y := range asked {
		// The weights of a condition are relative to its own; those of its draws sum to each.
		var mean, square, shift float64
		for i := range each {
			row, w := r.Samples.Row(k*each+i), math.Exp(r.Particles.LogWeights[k*each+i])/each
			v := float64(row[0] + row[1])
			mean, square, shift = mean+w*v, square+w*v*v, shift+v/each
		}
		t.Logf("y=%g: mean %.3f, weighted %.3f, weighted variance %.3f", y, shift, mean, square-mean*mean)
		// Standard errors are .011 for the mean and .007 for the variance, half more for weighted ones.
		if want := 8. / 9 * y; math.Abs(shift-want) > .1 || math.Abs(mean-want) > .06 || math.Abs(square-mean*mean-2./9) > .04 {
			t.Errorf("y=%g: the sum has mean %.3f, weighted %.3f and variance %.3f; want %.3f and .222", y, shift, mean, square-mean*mean, want)
		}
	}
}

func TestCancelKeepsThePolicy(t *testing.T) {
	s, _ := small(t)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	ctx = odslib.WithObserver(ctx, func(p odslib.Progress) {
		if p.Step == 3 {
			cancel()
		}
	})
	p, err := s.Train(ctx, exact.T6().Post, odslib.Budget{Steps: 100}, 1)
	if !errors.Is(err, context.Canceled) || p == nil || p.Iterations != 3 || len(p.Notes) == 0 {
		t.Fatalf("policy %v, error %v", p, err)
	}
	if _, err := p.Sample(context.Background(), exact.T6().Post, 10, 1); err != nil {
		t.Errorf("the partial policy does not sample: %v", err)
	}
}

func ExampleSampler() {
	c := exact.T12(2, 1)
	short := rtb.Sampler{Net: nn.MLP{Hidden: 32, Layers: 2}, Steps: 20, Paths: 64}
	policy, err := short.Train(context.Background(), c.Post, odslib.Budget{Steps: 20}, 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	draws, err := policy.Sample(context.Background(), c.Post, 500, 2)
	fmt.Println(draws.Samples.Shape, len(draws.Particles.LogWeights), err)
	// Output: [500 2] 500 <nil>
}

// One policy for every measurement: the posterior's Given has a row of y for each draw.
func ExampleSampler_conditions() {
	ctx := context.Background()
	post := odslib.Given(odslib.Normal{Dims: []int{2}}, constraint.Gaussian{A: constraint.Matrix{{1, 1}}, Y: []float64{0}, Sigma: .5})
	family, err := odslib.FamilyOf(post)
	if err != nil {
		fmt.Println(err)
		return
	}
	x, _ := post.Prior.Sample(ctx, 200, 1)
	y, _ := family.Y(ctx, x, 2)
	var policy *balance.Policy
	policy, err = rtb.Sampler{Steps: 20, Paths: 64}.Train(ctx, family.Rows(y), odslib.Budget{Steps: 5}, 3)
	if err != nil {
		fmt.Println(err)
		return
	}
	draws, err := policy.Sample(ctx, family.Rows(engine.FromRows([][]float64{{1}, {1}, {-2}})), 3, 4)
	fmt.Println(draws.Samples.Shape, err)
	alone, err := policy.At(1).Sample(ctx, post, 3, 4) // at one of them
	fmt.Println(alone.Samples.Shape, slices.Equal(alone.Samples.Row(1), draws.Samples.Row(1)), alone.ESS > 0, err)
	// Output:
	// [3 2] <nil>
	// [3 2] true true <nil>
}
