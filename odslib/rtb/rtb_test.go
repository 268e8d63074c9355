package rtb_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"odslab/odslib"
	"odslab/odslib/balance"
	"odslab/odslib/compare"
	"odslab/odslib/constraint"
	"odslab/odslib/diffusion"
	"odslab/odslib/engine"
	_ "odslab/odslib/engine/xla"
	"odslab/odslib/exact"
	"odslab/odslib/nn"
	"odslab/odslib/priors"
	"odslab/odslib/rtb"
)

// small is quick to train; slow says that the engine is.
func small(t *testing.T) (s balance.Settings, slow bool) {
	t.Helper()
	e, err := engine.Open()
	if err != nil {
		t.Fatal(err)
	}
	s = balance.Settings{Net: nn.MLP{Hidden: 64, Layers: 2}, Chain: diffusion.Chain{Steps: 50}, Batch: 128}
	return s, !e.Loops()
}

// chainVariance is the variance that the reverse chain gives N(0, 1) data, by its linear recursion in float64.
func chainVariance(steps int) float64 {
	sch := diffusion.VPLinear{}
	grid := diffusion.Uniform(sch, steps)
	v := sch.Sigma(grid[0]) * sch.Sigma(grid[0])
	for i := range steps {
		a, b, std := diffusion.Noisy{}.Coefficients(sch, grid[i], grid[i+1])
		c := a + b*sch.Alpha(grid[i]) // x̂0 = α·x for this prior
		v = c*c*v + std*std
	}
	return v
}

// Under a linear tilt the exact posterior chain has the prior's variances, so the loss can reach 0, and log Z_T is known
// in closed form: λ²/2 times the variance that the discretised chain gives.
func TestTilt(t *testing.T) {
	s, slow := small(t)
	c := exact.T12(2, 1)
	budget, margin, loss := odslib.Budget{Steps: 300}, .02, 1e-3
	if slow {
		budget.Steps, margin, loss = 60, .1, .1
	}
	p, err := rtb.Sampler{Settings: s}.Train(context.Background(), c.Post, budget, 1)
	if err != nil {
		t.Fatal(err)
	}
	want := .5 * chainVariance(50)
	last := 0.
	for _, it := range p.Trace[len(p.Trace)-10:] {
		last += it.Loss / 10
	}
	t.Logf("loss %.2g, log Z %.4f, log Z_T %.4f, log Z %.4f", last, p.LogZ, want, c.LogZ)
	if last > loss {
		t.Errorf("loss %.2g, want below %.2g", last, loss)
	}
	if math.Abs(p.LogZ-want) > margin {
		t.Errorf("learned log Z %.4f, want %.4f", p.LogZ, want)
	}
	r, err := p.Sample(context.Background(), c.Post, 4000, 2)
	if err != nil {
		t.Fatal(err)
	}
	if math.Abs(r.LogZ-want) > 3*r.LogZError+margin/2 {
		t.Errorf("corrected log Z %.4f ± %.4f, want %.4f", r.LogZ, r.LogZError, want)
	}
	if m := r.Mean(); math.Abs(m[0]-2*want) > .08+margin || math.Abs(m[1]) > .08+margin { // λ times the chain's variance
		t.Errorf("mean %.3f, want [%.3f 0]", m, 2*want)
	}
}

// With the same seed the variance form and the squared form see the same paths; where log Z is the batch's own they agree.
func TestVarGradAgrees(t *testing.T) {
	s, _ := small(t)
	s.Anneal = -1
	post := exact.T6().Post
	a, err := rtb.Sampler{Settings: s}.Train(context.Background(), post, odslib.Budget{Steps: 1}, 4)
	if err != nil {
		t.Fatal(err)
	}
	s.VarGrad = true
	b, err := rtb.Sampler{Settings: s}.Train(context.Background(), post, odslib.Budget{Steps: 1}, 4)
	if err != nil {
		t.Fatal(err)
	}
	if a.Trace[0].Loss != b.Trace[0].Loss || a.Trace[0].Loss == 0 {
		t.Errorf("first loss %g, of the variance form %g", a.Trace[0].Loss, b.Trace[0].Loss)
	}
}

// A reward that runs on the host has no gradient and needs none: T6 by a Go function finds the three modes on the axis.
func TestHostRewardFindsModes(t *testing.T) {
	s, slow := small(t)
	if slow {
		s.Chain.Steps = 20
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
	p, err := rtb.Sampler{Settings: s}.Train(context.Background(), post, budget, 1)
	if err != nil {
		t.Fatal(err)
	}
	r, err := p.Sample(context.Background(), post, 4000, 2)
	if err != nil {
		t.Fatal(err)
	}
	modes, _, err := compare.ModesOf(c, r.Samples)
	if err != nil {
		t.Fatal(err)
	}
	prior, err := c.Post.Prior.Sample(context.Background(), 4000, 1)
	if err != nil {
		t.Fatal(err)
	}
	were, _, err := compare.ModesOf(c, prior)
	if err != nil {
		t.Fatal(err)
	}
	tv, before := modes.TV, were.TV
	t.Logf("total variation of mode weights %.3f, prior %.3f; log Z %.3f ± %.3f, exact %.3f", tv, before, r.LogZ, r.LogZError, c.LogZ)
	if tv > margin || tv > before {
		t.Errorf("total variation of mode weights %.3f (prior %.3f), want below %.2f", tv, before, margin)
	}
	// The weights mend what the policy lacks; .1 allows for Z_T − Z.
	if math.Abs(r.LogZ-c.LogZ) > 4*r.LogZError+.1 {
		t.Errorf("corrected log Z %.3f ± %.3f, exact %.3f", r.LogZ, r.LogZError, c.LogZ)
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
	p, err := rtb.Sampler{Settings: s}.Train(ctx, exact.T6().Post, odslib.Budget{Steps: 100}, 1)
	if !errors.Is(err, context.Canceled) || p == nil || p.Iterations != 3 || len(p.Notes) != 1 {
		t.Fatalf("policy %v, error %v", p, err)
	}
	if _, err := p.Sample(context.Background(), exact.T6().Post, 10, 1); err != nil {
		t.Errorf("the partial policy does not sample: %v", err)
	}
}

func TestOneLineErrors(t *testing.T) {
	tilt := constraint.Tilt{Linear: []float64{1, 0}}
	grid := priors.Grid25()
	for want, c := range map[string]struct {
		s    balance.Settings
		post odslib.Posterior
	}{
		"needs a diffusion prior": {balance.Settings{}, odslib.Given(priors.Affine{W: [][]float64{{1}, {2}}, B: []float64{0, 0}}, tilt)},
		"needs a constraint":      {balance.Settings{}, odslib.Given(grid, nil)},
		"has no noise":            {balance.Settings{Chain: diffusion.Chain{Kernel: diffusion.DDIM{}}}, odslib.Given(grid, tilt)},
		"at least 2":              {balance.Settings{Batch: 1}, odslib.Given(grid, tilt)},
		"Linear has 3 numbers":    {balance.Settings{}, odslib.Given(grid, constraint.Tilt{Linear: []float64{1, 0, 0}})},
		"check the reward":        {balance.Settings{Batch: 4, Chain: diffusion.Chain{Steps: 3}}, odslib.Given(grid, constraint.HostReward{F: func([]float32) float64 { return math.NaN() }})},
	} {
		_, err := rtb.Sampler{Settings: c.s}.Train(context.Background(), c.post, odslib.Budget{Steps: 2}, 1)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("want one line with %q, got %v", want, err)
		}
	}
}

func ExampleSampler() {
	c := exact.T12(2, 1)
	short := balance.Settings{Net: nn.MLP{Hidden: 32, Layers: 2}, Chain: diffusion.Chain{Steps: 20}, Batch: 64}
	policy, err := rtb.Sampler{Settings: short}.Train(context.Background(), c.Post, odslib.Budget{Steps: 20}, 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	draws, err := policy.Sample(context.Background(), c.Post, 500, 2)
	fmt.Println(draws.Samples.Shape, len(draws.Particles.LogWeights), err)
	// Output: [500 2] 500 <nil>
}
