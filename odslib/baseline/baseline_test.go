package baseline_test

import (
	"context"
	"math"
	"strings"
	"testing"

	"odslab/odslib"
	"odslab/odslib/baseline"
	"odslab/odslib/constraint"
	"odslab/odslib/engine"
	_ "odslab/odslib/engine/xla"
	"odslab/odslib/exact"
	"odslab/odslib/priors"
)

// Rejection: mean, variance and log Z of a non-linear generator and of a prior that is none, within four errors; the bound is the
// measurement's own.
func TestRejection(t *testing.T) {
	const n = 3000
	for _, c := range []exact.Case{exact.T11(2), exact.T13(2)} {
		r, err := baseline.Rejection{}.Sample(context.Background(), c.Post, n, 1)
		if err != nil {
			t.Fatal(err)
		}
		truth, logZ, err := c.Exact()
		if err != nil {
			t.Fatal(err)
		}
		x, err := truth.Sample(context.Background(), 100000, 1)
		if err != nil {
			t.Fatal(err)
		}
		want := odslib.Result{Samples: x}
		for j, m := range r.Mean() {
			if s := want.Std()[j]; math.Abs(m-want.Mean()[j]) > 4*s/math.Sqrt(n) || math.Abs(r.Std()[j]/s-1) > 4/math.Sqrt(n) {
				t.Errorf("%s, x_%d: %.3f ± %.3f, want %.3f ± %.3f", c.Name, j, m, r.Std()[j], want.Mean()[j], s)
			}
		}
		if math.Abs(r.LogZ-logZ) > 4*r.LogZError || r.Samples.Len() != n || len(r.Notes) > 0 || !strings.Contains(r.Figures[0], "acceptance") {
			t.Errorf("%s: %v, log Z %.3f; %q %q", c.Name, r, logZ, r.Figures, r.Notes)
		}
		if _, generator := c.Post.Prior.(odslib.Generator); generator != (r.Noise != nil) {
			t.Errorf("%s: noise %v", c.Name, r.Noise)
		}
	}
}

// r is e^{2x} below a wall at 1.5: the bound of 1 is too low, is raised to what is met, and the draws are still the posterior's,
// which is N(2, 1) cut at the wall.
func TestRejectionRaisesItsBound(t *testing.T) {
	post := odslib.Given(odslib.Normal{Dims: []int{1}}, constraint.HostReward{F: func(x []float32) float64 {
		if x[0] > 1.5 {
			return math.Inf(-1)
		}
		return 2 * float64(x[0])
	}})
	const n = 4000
	r, err := baseline.Rejection{Batch: 500}.Sample(context.Background(), post, n, 1)
	if err != nil {
		t.Fatal(err)
	}
	// Mean of N(2, 1) below a: 2 − φ(a−2)/Φ(a−2).
	phi, below := math.Exp(-.125)/math.Sqrt(2*math.Pi), .5*math.Erfc(.5/math.Sqrt2)
	if want := 2 - phi/below; math.Abs(r.Mean()[0]-want) > 4*.6/math.Sqrt(n) || !strings.Contains(strings.Join(r.Notes, "\n"), "above the bound") {
		t.Errorf("mean %.3f, want %.3f; %q", r.Mean()[0], want, r.Notes)
	}
	short, err := baseline.Rejection{LogMax: 20, Most: 5000}.Sample(context.Background(), post, n, 1)
	if err != nil || short.Samples.Len() >= n || !strings.Contains(strings.Join(short.Notes, "\n"), "raise Most") {
		t.Errorf("%v, %v, %q", short, err, short.Notes)
	}
}

// The mean of the larger of two N(0, 1) is 1/√π.
func TestBestOf(t *testing.T) {
	post := odslib.Given(odslib.Normal{Dims: []int{1}}, constraint.Tilt{Linear: []float64{.01}})
	r, err := baseline.BestOf{K: 2}.Sample(context.Background(), post, 5000, 1)
	if err != nil {
		t.Fatal(err)
	}
	if math.Abs(r.LogZ-.00005) > 4*r.LogZError {
		t.Errorf("log Ẑ %.5f ± %.5f of a tilt by .01", r.LogZ, r.LogZError)
	}
	if m := r.Mean()[0]; math.Abs(m-1/math.Sqrt(math.Pi)) > 4*.83/math.Sqrt(5000) || !strings.Contains(r.About, "not the posterior") {
		t.Errorf("mean %.3f, want %.3f; %q", m, 1/math.Sqrt(math.Pi), r.About)
	}
}

// On tokens, by the reverse chain: draws are those of most reward in their groups, all together give log Ẑ, conditions have their
// own, and bad numbers are refused.
func TestBestOfTokens(t *testing.T) {
	ctx := context.Background()
	s := exact.L4().Post.Prior.(exact.Sequences)
	post := odslib.Given(s, s.Reward(func(x []int) float64 { return float64(x[0] + 3*x[3]) }))
	res, err := baseline.BestOf{K: 8}.Sample(ctx, post, 300, 1)
	if err != nil {
		t.Fatal(err)
	}
	full := 0.
	for i := range 300 {
		x := res.Samples.Row(i)
		if x[0] == 2 && x[3] == 2 {
			full++
		}
	}
	miss := math.Pow(8./9, 8)
	if math.Abs(full-300*(1-miss)) > 4*math.Sqrt(300*miss*(1-miss)) || res.ConstraintEvals != 2400 || res.NetworkEvals != 2400*4 || res.Particles.X.Len() != 2400 {
		t.Errorf("%g of 300 draws have the largest reward, want about %.0f; %d and %d evaluations", full, 300*(1-miss), res.NetworkEvals, res.ConstraintEvals)
	}
	never := engine.NewArray(3, 1)
	for _, bad := range []struct {
		s    baseline.BestOf
		post odslib.Posterior
	}{{baseline.BestOf{K: -1}, post}, {baseline.BestOf{}, odslib.Posterior{Prior: s, Constraint: post.Constraint, Given: &never}}} {
		if _, err := bad.s.Sample(ctx, bad.post, 10, 1); err == nil {
			t.Errorf("%+v is accepted", bad.s)
		}
	}
}

// On an affine generator all starts end in the one maximum, E[z|y], and no spread is left of the posterior's.
func TestOptimise(t *testing.T) {
	r, err := baseline.Optimise{Steps: 2000}.Sample(context.Background(), exact.T10().Post, 50, 1)
	if err != nil {
		t.Fatal(err)
	}
	noise := odslib.Result{Samples: *r.Noise}
	for j, want := range []float64{.47340, .55321, .15031, -.97741, -1.16017, -.25207, .57331, .89369} {
		if m, s := noise.Mean()[j], noise.Std()[j]; math.Abs(m-want) > .03 || s > .05 {
			t.Errorf("z_%d: %.3f ± %.3f, want %.3f", j, m, s, want)
		}
	}
	if !strings.Contains(r.About, "not the posterior") || r.LogZ == r.LogZ {
		t.Errorf("%q, log Z %g", r.About, r.LogZ)
	}
}

func TestRefuses(t *testing.T) {
	host := odslib.Given(priors.Affine{W: [][]float64{{1}}}, constraint.HostReward{F: func([]float32) float64 { return 0 }})
	for want, run := range map[string]func() (*odslib.Result, error){
		"LogMax is NaN": func() (*odslib.Result, error) {
			return baseline.Rejection{LogMax: math.NaN()}.Sample(context.Background(), host, 5, 1)
		},
		"the best of at least one": func() (*odslib.Result, error) {
			return baseline.BestOf{K: -1}.Sample(context.Background(), host, 5, 1)
		},
		"host": func() (*odslib.Result, error) {
			return baseline.Optimise{}.Sample(context.Background(), host, 5, 1)
		},
		"no inside": func() (*odslib.Result, error) {
			return baseline.Optimise{}.Sample(context.Background(), exact.T6().Post, 5, 1)
		},
	} {
		if _, err := run(); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("want one line with %q, got %v", want, err)
		}
	}
}
