package balance

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"

	"odslab/odslib"
	"odslab/odslib/constraint"
	"odslab/odslib/diffusion"
	"odslab/odslib/engine"
	"odslab/odslib/nn"
	"odslab/odslib/priors"
)

// small is quick to train.
func small() Settings {
	return Settings{Net: nn.MLP{Hidden: 32, Layers: 2, Time: 16}, Paths: 64, Steps: 20}
}

// host is a reward of the first coordinate as a Go function.
type host func(x float64) float64

func (f host) LogRHost(_ context.Context, x odslib.Array) ([]float64, error) {
	out := make([]float64, x.Len())
	for i := range out {
		out[i] = f(float64(x.Row(i)[0]))
	}
	return out, nil
}

// TestRobustLoss: near balance a path pulls with its δ, far from it with no more than the threshold, always towards δ = 0; a
// path that ended where r is 0 pulls as the farthest does, one without a number not at all. The variance form is left as it is.
func TestRobustLoss(t *testing.T) {
	const n = 6
	inf := math.Inf(1)
	for _, c := range []struct {
		name string
		s    Settings
		want [n]float64
	}{
		{"blunted", Settings{Robust: 4}, [n]float64{.1, -.1, 4, -4, 4, 0}},
		{"square", Settings{Robust: -1}, [n]float64{.1, -.1, 400, -400, 400, 0}},
		{"variance form", Settings{Robust: 4, VarGrad: true}, [n]float64{.1, -.1, 400, -400, 400, 0}},
	} {
		c.s.Paths = n
		tr := &Trainer{Settings: c.s, name: "test", trace: make([]Iteration, 1)}
		var it Iteration
		j := judge([]float64{.1, -.1, 400, -400, 0, 0}, []float64{0, 0, 0, 0, -inf, math.NaN()})
		weight := tr.balance(&it, j, &logZ{}, 1, .5)
		for i, want := range c.want {
			if got := weight[i] * n / 2; math.Abs(got-want) > 1e-3*math.Abs(want) {
				t.Errorf("%s: path %d pulls with %g, want %g", c.name, i, got, want)
			}
		}
		if math.Abs(it.Loss-(2*.01+2*160000)/4) > 1e-6*it.Loss || math.Abs(it.Outside-.2) > 1e-9 {
			t.Errorf("%s: the trace shows the loss %g, not the mean of δ² over the paths that count, and %g outside", c.name, it.Loss, it.Outside)
		}
	}
}

// TestGroupsHaveTheirOwnLogZ: where conditions differ, a constant that a condition adds to log r does not matter.
func TestGroupsHaveTheirOwnLogZ(t *testing.T) {
	tr := &Trainer{Settings: Settings{Robust: 4, Paths: 4}, group: 2}
	for _, shift := range []float64{0, 1e4} {
		var it Iteration
		weight := tr.balance(&it, judge([]float64{1, -1, 2, -2}, []float64{0, 0, shift, shift}), &logZ{}, 1, .5)
		if it.Loss != 2.5 || weight[0] != -weight[1] || weight[2] != -weight[3] || weight[2] <= weight[0] {
			t.Errorf("shift %g: loss %g, weights %g", shift, it.Loss, weight)
		}
	}
}

// TestPoolCounts: the effective size of the pool says how many of its samples count under r^β.
func TestPoolCounts(t *testing.T) {
	b := NewBuffer(100, []int{1}, false)
	in := Batch{X: engine.NewArray(100, 1), LogR: make([]float64, 100), Cond: make([]int, 100)}
	for i := range in.LogR {
		in.LogR[i] = -1000
	}
	in.LogR[3], in.LogR[7] = 5, 5
	b.Add(in)
	if e := b.ess(1); math.Abs(e-2) > 1e-9 {
		t.Errorf("two samples count, not %g", e)
	}
	if e := b.ess(0); math.Abs(e-100) > 1e-9 {
		t.Errorf("all count at β=0, not %g", e)
	}
}

// TestAnnealingPaces: a step of β is as large as the paths' effective size bears, whatever the scale of log r and a constant in
// it; a path with log r of −10⁹ holds nothing up; and log Z moves along.
func TestAnnealingPaces(t *testing.T) {
	const n = 1000
	ratio, logr, rng := make([]float64, n), make([]float64, n), engine.RNG(1, "test")
	for _, c := range []struct{ scale, shift float64 }{{1, 0}, {1e3, 0}, {1e-3, 1e4}} {
		for i := range logr {
			logr[i] = c.shift + c.scale*rng.NormFloat64()
		}
		logr[0] = -1e9
		j := judge(ratio, logr)
		beta := j.advance(0, 1)
		// For Gaussian log r the share exp(−β²s²) is kept; one path of a thousand is gone at once.
		if want := math.Min(1, math.Sqrt(-math.Log(keptByStep))/c.scale); math.Abs(beta-want) > .2*want {
			t.Errorf("scale %g: β goes to %g, want %g", c.scale, beta, want)
		}
		if got, want := j.gain(beta), beta*c.shift+.5*math.Pow(beta*c.scale, 2); math.Abs(got-want) > .02+1e-9*c.shift {
			t.Errorf("scale %g: log Z moves by %g, want %g", c.scale, got, want)
		}
		for i := range ratio {
			ratio[i] = 5 * rng.NormFloat64() // a policy that lags behind
		}
		if slow := judge(ratio, logr).advance(0, 1); c.scale >= 1 && !(slow < .5*beta) {
			t.Errorf("scale %g: a policy that lags behind goes to %g, one that does not to %g", c.scale, slow, beta)
		}
		clear(ratio)
	}
}

// Nothing that a user can give ends badly without a line: rewards that are sharp, far, shifted, zero on half of the space or
// everywhere, not a number at times, or without bound.
func TestUnfriendlyRewards(t *testing.T) {
	if testing.Short() {
		t.Skip("it trains")
	}
	inf := math.Inf(1)
	one := odslib.Normal{Dims: []int{1}}
	gauss := func(y, sigma float64) host {
		return func(x float64) float64 { return -.5 * (x - y) * (x - y) / sigma / sigma }
	}
	calls := 0
	for _, c := range []struct {
		name  string
		r     host
		note  string  // "" means none is asked for
		logZ  float64 // NaN: not asked
		worst float64 // error of log Ẑ by the weights
	}{
		{"easy", gauss(1, 1), "", -.5*.5 - .5*math.Log(2), .1},
		{"sharp", gauss(1, .03), "", -.5/1.0009 - .5*math.Log(1.0009) + math.Log(.03), .5},
		{"far", gauss(50, .01), "annealing stands at", math.NaN(), 0},
		{"plus 10⁴", func(x float64) float64 { return 1e4 + x }, "", 1e4 + .5, .1},
		{"minus 10⁴", func(x float64) float64 { return -1e4 + x }, "", -1e4 + .5, .1},
		{"zero on half of the space", func(x float64) float64 {
			if x < 0 {
				return -inf
			}
			return 0
		}, "", -math.Log(2), .1},
		{"zero but on a hundredth", func(x float64) float64 {
			if x < 2.326 {
				return -inf
			}
			return 0
		}, "", math.Log(.01), .5},
		{"zero everywhere", func(float64) float64 { return -inf }, "no path ever ended where r > 0", math.NaN(), 0},
		{"never a number", func(float64) float64 { return math.NaN() }, "had no weight", math.NaN(), 0},
		{"not a number at times", func(x float64) float64 {
			if calls++; calls%10 == 0 {
				return math.NaN()
			}
			return x
		}, "had no weight", math.NaN(), 0},
		{"without bound", func(x float64) float64 { return x * x * x * x }, "", math.NaN(), 0},
		{"more than exponential", func(x float64) float64 { return math.Exp(math.Min(600, x*x)) }, "", math.NaN(), 0},
		{"infinite", func(float64) float64 { return inf }, "had no weight", math.NaN(), 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := small()
			post := odslib.Given(one, c.r)
			p, err := Train(context.Background(), "test", s, post, odslib.Budget{Steps: 200}, 1)
			if err != nil {
				t.Fatal(err)
			}
			notes := strings.Join(p.Notes, "; ")
			first, last := math.NaN(), p.Trace[len(p.Trace)-1].Loss
			for i := 0; i < len(p.Trace) && (i < 10 || math.IsNaN(first)); i++ { // until some paths end where r > 0
				if l := p.Trace[i].Loss; !math.IsNaN(l) && !(l < first) {
					first = l
				}
			}
			t.Logf("loss %.3g → %.3g after %d iterations, log Z %.3f, notes %q", first, last, len(p.Trace), p.LogZ, notes)
			if !(last <= 1e3*first) && notes == "" {
				t.Errorf("the loss went from %g to %g without a line", first, last)
			}
			if c.note != "" && !strings.Contains(notes, c.note) {
				t.Errorf("want a note with %q", c.note)
			}
			for _, w := range p.Weights {
				if w.Value.NonFinite() > 0 {
					t.Fatalf("the weights %s are not finite", w.Name)
				}
			}
			if math.IsNaN(c.logZ) {
				return
			}
			r, err := p.Sample(context.Background(), post, 2000, 2)
			if err != nil {
				t.Fatal(err)
			}
			t.Log(r, r.Mean(), r.Std())
			if !(math.Abs(r.LogZ-c.logZ) < c.worst) {
				t.Errorf("log Ẑ %.3f, want %.3f", r.LogZ, c.logZ)
			}
		})
	}
}

// TestExplosionIsStopped: a network that is driven off, here by its learning rate, stops with a line and the best weights.
func TestExplosionIsStopped(t *testing.T) {
	if testing.Short() {
		t.Skip("it trains")
	}
	s := small()
	s.LR, s.Clip = 3, 1e6
	post := odslib.Given(priors.Grid25(), constraint.Tilt{Linear: []float64{1, 0}})
	p, err := Train(context.Background(), "test", s, post, odslib.Budget{Steps: 300}, 1)
	if err != nil {
		t.Fatal(err)
	}
	t.Log(p)
	if len(p.Trace) == 300 || len(p.Notes) == 0 || !strings.Contains(p.Notes[0], "the weights kept are those") {
		t.Errorf("%d iterations, notes %q", len(p.Trace), p.Notes)
	}
	r, err := p.Sample(context.Background(), post, 500, 1)
	if err != nil || r.NonFinite > 0 || len(r.Notes) < 1 {
		t.Errorf("%v, %v, notes %q", r, err, r.Notes)
	}
}

// TestStepByStep: a trainer's own loop gives what Train gives.
func TestStepByStep(t *testing.T) {
	ctx, post := context.Background(), odslib.Given(priors.Grid25(), constraint.Tilt{Linear: []float64{.2, 0}})
	s := small()
	s.Horizon = 8
	want, err := Train(ctx, "test", s, post, odslib.Budget{Steps: 8}, 3)
	if err != nil {
		t.Fatal(err)
	}
	tr, err := NewTrainer(ctx, "test", s, post, 3)
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	for range 8 {
		if _, err := tr.Step(ctx); err != nil {
			t.Fatal(err)
		}
	}
	got, err := tr.Policy()
	if err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(got.Weights[0].Value.Data) != fmt.Sprint(want.Weights[0].Value.Data) || fmt.Sprint(got.Trace) != fmt.Sprint(want.Trace) {
		t.Error("the steps end elsewhere")
	}
}

// TestEveryConditionIsTrained: also where a batch has room for one at a time.
func TestEveryConditionIsTrained(t *testing.T) {
	ctx, s := context.Background(), small()
	s.Paths = 10
	tr, err := NewTrainer(ctx, "test", s, measured(-1, -1, 1, 2), 1)
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	for range 12 {
		if _, err := tr.Step(ctx); err != nil {
			t.Fatal(err)
		}
	}
	seen := map[int]int{}
	for _, c := range tr.buffer.kept.Cond {
		seen[c]++
	}
	if tr.conditions.Len() != 3 || len(seen) != 3 {
		t.Errorf("of %v the buffer has %v", tr.conditions, seen)
	}
	if p, err := tr.Policy(); err != nil || !math.IsNaN(p.LogZ) {
		t.Errorf("log Z %g of three measurements, %v", p.LogZ, err)
	}
}

func TestOneLineErrors(t *testing.T) {
	tilt := constraint.Tilt{Linear: []float64{1, 0}}
	grid := priors.Grid25()
	given := engine.NewArray(3, 1)
	for want, c := range map[string]struct {
		s    Settings
		post odslib.Posterior
	}{
		"needs a diffusion prior": {Settings{}, odslib.Given(priors.Affine{W: [][]float64{{1}, {2}}, B: []float64{0, 0}}, tilt)},
		"needs a constraint":      {Settings{}, odslib.Given(grid, nil)},
		"has no noise":            {Settings{Chain: diffusion.Chain{Kernel: diffusion.DDIM{}}}, odslib.Given(grid, tilt)},
		"at least 2":              {Settings{Paths: 1}, odslib.Given(grid, tilt)},
		"Linear has 3 numbers":    {Settings{}, odslib.Given(grid, constraint.Tilt{Linear: []float64{1, 0, 0}})},
		"takes conditions":        {Settings{}, odslib.Posterior{Prior: grid, Constraint: tilt, Given: &given}},
	} {
		if _, err := (&Policy{}).Sample(context.Background(), c.post, 1, 1); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("an untrained policy: %v", err)
		}
		_, err := Train(context.Background(), "test", c.s, c.post, odslib.Budget{Steps: 2}, 1)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("want one line with %q, got %v", want, err)
		}
	}
}
