package odslib_test

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

type hostFunc func(ctx context.Context, x odslib.Array) ([]float64, error)

func (f hostFunc) LogRHost(ctx context.Context, x odslib.Array) ([]float64, error) { return f(ctx, x) }

// both is graph code and a host function that disagree: the graph counts.
type both struct {
	constraint.Tilt
	hostFunc
}

func normals(seed uint64, shape ...int) odslib.Array {
	x, rng := engine.NewArray(shape...), engine.RNG(seed, "test")
	for i := range x.Data {
		x.Data[i] = float32(rng.NormFloat64())
	}
	return x
}

// TestRewards: any number of samples, in the graph, on the host and both.
func TestRewards(t *testing.T) {
	tilt := constraint.Tilt{Linear: []float64{1, -2}}
	host := hostFunc(func(_ context.Context, x odslib.Array) ([]float64, error) {
		out := make([]float64, x.Len())
		for i := range out {
			out[i] = 7 * float64(x.Row(i)[0])
		}
		return out, nil
	})
	for _, n := range []int{0, 1, 3, 1000, 4096, 4097, 9001} {
		x := normals(uint64(n), n, 2)
		for name, c := range map[string]any{"graph": tilt, "host": host, "both": both{tilt, host}, "none": nil} {
			r, err := odslib.Given(odslib.Normal{Dims: []int{2}}, c).Rewards(context.Background(), x)
			if err != nil || len(r) != n {
				t.Fatalf("%s, n=%d: %d values, %v", name, n, len(r), err)
			}
			for i, got := range r {
				a, b := float64(x.Row(i)[0]), float64(x.Row(i)[1])
				want := map[string]float64{"graph": a - 2*b, "both": a - 2*b, "host": 7 * a}[name]
				if math.Abs(got-want) > 1e-5 {
					t.Fatalf("%s, n=%d, sample %d: %g, want %g", name, n, i, got, want)
				}
			}
		}
	}
}

// TestRewardsThatAreNoNumbers: −Inf is a reward of 0; NaN and +Inf are NaN; from the graph and from the host.
func TestRewardsThatAreNoNumbers(t *testing.T) {
	x := odslib.Array{Shape: []int{4, 1}, Data: []float32{float32(math.Inf(-1)), float32(math.NaN()), float32(math.Inf(1)), 2}}
	host := hostFunc(func(_ context.Context, x odslib.Array) ([]float64, error) {
		out := make([]float64, x.Len())
		for i := range out {
			out[i] = float64(x.Data[i])
		}
		return out, nil
	})
	for _, c := range []any{host, constraint.Reward{F: func(x *odslib.Node) *odslib.Node { return firstOf(x) }}} {
		r, err := odslib.Given(odslib.Normal{Dims: []int{1}}, c).Rewards(context.Background(), x)
		if err != nil || fmt.Sprint(r) != "[-Inf NaN NaN 2]" {
			t.Errorf("%T: %v, %v", c, r, err)
		}
	}
	res := &odslib.Result{}
	r := []float64{1, math.NaN(), math.Inf(-1)}
	if res.Lost(r); res.NonFinite != 1 || fmt.Sprint(r) != "[1 -Inf -Inf]" {
		t.Errorf("%v, %d lost", r, res.NonFinite)
	}
}

// TestRewardsOfBadFunctions: wrong numbers of values, errors, a context that ends: one line, and what is known stays.
func TestRewardsOfBadFunctions(t *testing.T) {
	x := normals(1, 10000, 2)
	prior := odslib.Normal{Dims: []int{2}}
	calls := 0
	boom := errors.New("boom")
	ctx, cancel := context.WithCancel(context.Background())
	for _, c := range []struct {
		name  string
		ctx   context.Context
		f     hostFunc
		want  string
		known [2]int // rows that must be numbers
	}{
		{"short", context.Background(), func(_ context.Context, x odslib.Array) ([]float64, error) { return make([]float64, 3), nil }, "gave 3 values for 4096 samples", [2]int{}},
		{"long", context.Background(), func(_ context.Context, x odslib.Array) ([]float64, error) { return make([]float64, x.Len()+1), nil }, "gave 4097 values for 4096 samples", [2]int{}},
		{"nil", context.Background(), func(context.Context, odslib.Array) ([]float64, error) { return nil, nil }, "gave 0 values", [2]int{}},
		{"second batch fails", context.Background(), func(_ context.Context, x odslib.Array) ([]float64, error) {
			if calls++; calls == 2 {
				return make([]float64, 5), boom
			}
			return make([]float64, x.Len()), nil
		}, "boom", [2]int{8192, 10000}},
		{"ends half way", ctx, func(_ context.Context, x odslib.Array) ([]float64, error) {
			cancel()
			return make([]float64, x.Len()), nil
		}, "canceled", [2]int{0, 4096}},
	} {
		r, err := odslib.Given(prior, c.f).Rewards(c.ctx, x)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") || len(r) != x.Len() {
			t.Errorf("%s: %d values, %v", c.name, len(r), err)
			continue
		}
		for i := c.known[0]; i < c.known[1]; i++ {
			if math.IsNaN(r[i]) {
				t.Errorf("%s: row %d is lost", c.name, i)
				break
			}
		}
		if c.known[1] < 10000 && !math.IsNaN(r[9999]) {
			t.Errorf("%s: row 9999 is %g, and nobody said so", c.name, r[9999])
		}
	}
	cancelled, stop := context.WithCancel(context.Background())
	stop()
	if r, err := odslib.Given(prior, constraint.Tilt{Linear: []float64{1, 0}}).Rewards(cancelled, x); !errors.Is(err, context.Canceled) || !math.IsNaN(r[0]) {
		t.Errorf("a graph under a context that has ended: %v, %v", r[0], err)
	}
	wide := constraint.Reward{F: func(x *odslib.Node) *odslib.Node { return x }}
	if _, err := odslib.Given(prior, wide).Rewards(context.Background(), x); err == nil || !strings.Contains(err.Error(), "one value a sample") {
		t.Errorf("a reward of the wrong shape: %v", err)
	}
	if _, err := odslib.Given(prior, "?").Rewards(context.Background(), x); err == nil {
		t.Error("a string was evaluated")
	}
}

// TestExact: who knows the closed form, and what is said where nobody does.
func TestExact(t *testing.T) {
	mixture, target := priors.Grid25(), priors.Gaussian([]float64{1, 2}, 1)
	line := constraint.Gaussian{A: constraint.Matrix{{1, -1}}, Y: []float64{3}, Sigma: .5}
	y := normals(1, 4, 1)
	rows := odslib.Given(mixture, line)
	rows.Given = &y
	for name, c := range map[string]struct {
		post odslib.Posterior
		want string // "" for one that is known
	}{
		"mixture":             {odslib.Given(mixture, line), ""},
		"no constraint":       {odslib.Given(mixture, nil), ""},
		"ratio":               {odslib.Given(mixture, constraint.DensityRatio{Target: target, Prior: priors.Grid25()}), ""},
		"ratio and a line":    {odslib.Given(mixture, constraint.All{line, constraint.DensityRatio{Target: target, Prior: mixture}}), ""},
		"host":                {odslib.Given(mixture, constraint.HostReward{F: func([]float32) float64 { return 0 }}), "for a host function"},
		"not quadratic":       {odslib.Given(mixture, constraint.StudentT{A: constraint.Identity{}, Y: []float64{0, 0}, Nu: 3, Scale: 1}), "not quadratic"},
		"a sum with one such": {odslib.Given(mixture, constraint.All{line, constraint.LogDensity{Of: target}}), "not quadratic"},
		"prior":               {odslib.Given(odslib.Normal{Dims: []int{2}}, line), "does not know its posteriors"},
		"rows":                {rows, "differ from row to row"},
		"bad":                 {odslib.Given(mixture, constraint.Gaussian{A: constraint.Matrix{{1}}, Y: []float64{1}, Sigma: 1}), "row 0 of the matrix"},
	} {
		p, logZ, err := c.post.Exact()
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if err == nil && (p == nil || math.IsNaN(logZ)) {
			t.Errorf("%s: %v, log Z %g", name, p, logZ)
		}
		if c.want != "" && name != "bad" && !errors.Is(err, odslib.ErrNoClosedForm) {
			t.Errorf("%s: %v is no ErrNoClosedForm", name, err)
		}
	}
	_, logZ, err := odslib.Given(mixture, constraint.All{line, constraint.DensityRatio{Target: target, Prior: mixture}}).Exact()
	if want := -.5 * (16/2.25 + math.Log(2*math.Pi*2.25)); err != nil || math.Abs(logZ-want) > 1e-9 {
		t.Errorf("log Z of the target under the line: %g, %v, want %g", logZ, err, want)
	}
}
