package constraint_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gomlx/gomlx/core/graph"

	"odslab/odslib"
	"odslab/odslib/constraint"
	"odslab/odslib/engine"
	"odslab/odslib/priors"
)

// TestBatched: batches of Chunk; what fails leaves NaN and the rest goes on; one error of one line at the end.
func TestBatched(t *testing.T) {
	x := engine.NewArray(10, 1)
	for i := range x.Data {
		x.Data[i] = float32(i)
	}
	boom := errors.New("the simulator is ill")
	var mu sync.Mutex // the last batch is not waited for
	var sizes []int
	c := constraint.Batched{Chunk: 3, Timeout: 200 * time.Millisecond, F: func(ctx context.Context, x odslib.Array) ([]float64, error) {
		mu.Lock()
		sizes = append(sizes, x.Len())
		mu.Unlock()
		switch x.Data[0] {
		case 0:
			return []float64{1, 2, 3}, nil
		case 3:
			return []float64{4}, boom // a row that is known beside the error
		case 6:
			panic("index out of range")
		}
		<-ctx.Done()
		return nil, ctx.Err()
	}}
	r, err := c.LogRHost(context.Background(), x)
	mu.Lock()
	defer mu.Unlock()
	if !slices.Equal(sizes, []int{3, 3, 3, 1}) {
		t.Errorf("batches of %v", sizes)
	}
	if want := "[1 2 3 4 NaN NaN NaN NaN NaN NaN]"; fmt.Sprint(r) != want {
		t.Errorf("%v, want %s", r, want)
	}
	if err == nil || !errors.Is(err, boom) || !strings.Contains(err.Error(), "3 of 4 batches failed, the first with samples 3 to 5: the simulator is ill") {
		t.Errorf("error %v", err)
	}
	for what, f := range map[string]func(ctx context.Context, x odslib.Array) ([]float64, error){
		"the reward panicked: at the disco": func(context.Context, odslib.Array) ([]float64, error) { panic("at the disco") },
		"no answer within 20ms":             func(context.Context, odslib.Array) ([]float64, error) { select {} }, // heeds nothing
		"gave 2 values for 10 samples":      func(context.Context, odslib.Array) ([]float64, error) { return []float64{1, 2}, nil },
		"gave 11 values for 10 samples":     func(context.Context, odslib.Array) ([]float64, error) { return make([]float64, 11), nil },
	} {
		r, err := constraint.Batched{F: f, Timeout: 20 * time.Millisecond}.LogRHost(context.Background(), x)
		if err == nil || !strings.Contains(err.Error(), what) || len(r) != 10 || !math.IsNaN(r[0]) {
			t.Errorf("%v, %v: want an error with %q", r, err, what)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	r, err = constraint.Batched{Chunk: 2, F: func(_ context.Context, x odslib.Array) ([]float64, error) {
		if x.Data[0] == 4 {
			cancel()
		}
		return make([]float64, x.Len()), nil
	}}.LogRHost(ctx, x)
	if !errors.Is(err, context.Canceled) || len(r) != 10 || r[3] != 0 || !math.IsNaN(r[9]) {
		t.Errorf("cancelled: %v, %v", r, err)
	}
}

// TestAllOnTheHost: one host part makes the sum a host function; graph parts are evaluated beside it, −Inf wins over numbers.
func TestAllOnTheHost(t *testing.T) {
	graphPart := constraint.Gaussian{A: constraint.Identity{}, Y: []float64{1, -1}, Sigma: .5}
	host := constraint.HostReward{F: func(x []float32) float64 {
		switch {
		case x[0] > 1:
			return math.Inf(-1)
		case x[1] > 1:
			return math.NaN()
		}
		return 3
	}}
	all := constraint.All{graphPart, host, constraint.All{constraint.Tilt{Linear: []float64{1, 0}}}}
	if _, ok := odslib.Can[odslib.Constraint](all); ok {
		t.Error("a sum with a host part has no gradient")
	}
	if _, err := odslib.Need[odslib.Linear](odslib.Given(odslib.Normal{Dims: []int{2}}, all), "x"); err == nil || !strings.Contains(err.Error(), "part 1") {
		t.Errorf("a linear sum with a host part: %v", err)
	}
	x := normals(1, 300, 2)
	got, err := odslib.Given(odslib.Normal{Dims: []int{2}}, all).Rewards(context.Background(), x)
	if err != nil {
		t.Fatal(err)
	}
	base := logR(t, graphPart, x)
	for i, g := range got {
		want := base[i] + host.F(x.Row(i)) + float64(x.Row(i)[0])
		if math.IsNaN(want) != math.IsNaN(g) || !math.IsNaN(want) && g != want && math.Abs(g-want) > 1e-4*(1+math.Abs(want)) {
			t.Fatalf("sample %d: %g, want %g", i, g, want)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if r, err := all.LogRHost(ctx, x); !errors.Is(err, context.Canceled) || len(r) != 300 || !math.IsNaN(r[0]) {
		t.Errorf("cancelled: %d values, %v", len(r), err)
	}
	bad := constraint.All{graphPart, constraint.Batched{Chunk: 100, F: func(_ context.Context, x odslib.Array) ([]float64, error) {
		return nil, errors.New("down")
	}}}
	if r, err := bad.LogRHost(context.Background(), x); err == nil || len(r) != 300 || !math.IsNaN(r[5]) {
		t.Errorf("a part that fails: %d values, %v", len(r), err)
	}
}

// TestAllSplitsConditions: each part reads its own columns, in log r, residual, widened log r and drawn y.
func TestAllSplitsConditions(t *testing.T) {
	a := constraint.Gaussian{A: constraint.Matrix{{1, 2, 3}}, Y: []float64{1}, Sigma: .5}
	b := constraint.StudentT{A: constraint.Mask{Keep: []bool{true, false, true}}, Y: []float64{2, 3}, Nu: 3, Scale: .2}
	all := constraint.All{a, b}
	if n := all.Conditions([]int{3}); n != 3 {
		t.Fatalf("%d conditions", n)
	}
	x, y := normals(1, 4, 3), normals(2, 4, 3)
	post := odslib.Given(odslib.Normal{Dims: []int{3}}, all)
	post.Given = &y
	got, err := post.Rewards(context.Background(), x)
	if err != nil {
		t.Fatal(err)
	}
	both := run(t, all.Params(), func(scope *odslib.Scope, x *odslib.Node) *odslib.Node {
		extra := graph.MulScalar(graph.OnesLike(first(x)), .3)
		return graph.Concatenate([]*odslib.Node{all.Residual(scope, x, nil), graph.ExpandAxes(all.LogRWith(scope, x, extra, nil), 1)}, 1)
	}, x)
	for i := range 4 {
		row := y.Slice(i, i+1).Rows()[0]
		one := x.Slice(i, i+1)
		want := logR(t, a.At(row[:1]), one)[0] + logR(t, b.At(row[1:]), one)[0]
		at := logR(t, all.At(row), one)[0]
		if math.Abs(got[i]-want) > 1e-4*(1+math.Abs(want)) || math.Abs(at-want) > 1e-4*(1+math.Abs(want)) {
			t.Errorf("row %d: log r %g, At gives %g, its parts %g", i, got[i], at, want)
		}
		v := x.Row(i)
		closeTo(t, "residual", both.Row(i), []float64{1 - float64(v[0]+2*v[1]+3*v[2]), 2 - float64(v[0]), 3 - float64(v[2])}, 1e-5)
		wide := 0.
		for k, c := range []odslib.Widening{a, b} {
			params := []odslib.Params{a.Params(), b.Params()}[k]
			wide += float64(run(t, params, func(scope *odslib.Scope, x *odslib.Node) *odslib.Node {
				return c.LogRWith(scope, x, graph.MulScalar(graph.OnesLike(first(x)), .3), nil)
			}, one).Data[0])
		}
		closeTo(t, "widened", both.Row(i)[3:], []float64{wide}, 1e-5)
	}
	rng, mean := engine.RNG(1, "test"), make([]float64, 3)
	for range 4000 {
		for j, v := range all.DrawY([]float64{1, 2, 3}, rng) {
			mean[j] += v / 4000
		}
	}
	for j, m := range mean {
		if math.Abs(m-float64(j+1)) > .04 {
			t.Errorf("y[%d] has mean %.3f, want %d", j, m, j+1)
		}
	}
	// A part without conditions takes no columns.
	mixed := constraint.All{constraint.Tilt{Linear: []float64{1, 0, 0}}, a}
	if c, ok := odslib.Can[odslib.Conditioned](mixed); !ok || c.Conditions([]int{3}) != 1 {
		t.Errorf("a sum of a tilt and a measurement: %v", ok)
	}
	if _, ok := odslib.Can[odslib.Experiment](mixed); ok {
		t.Error("a tilt draws no y")
	}
}

// TestKnown: what the constraint can, it can still; the posterior is what was said, also within a sum.
func TestKnown(t *testing.T) {
	prior := priors.Gaussian([]float64{0, 0}, 1)
	inner := constraint.Gaussian{A: constraint.Matrix{{1, 0}}, Y: []float64{2}, Sigma: 1}
	is := priors.Gaussian([]float64{1, 0}, .5)
	known := constraint.Known{Constraint: inner, Is: is, LogZ: -7}
	post := odslib.Given(prior, known)
	if p, logZ, err := post.Exact(); err != nil || p != odslib.Prior(is) || logZ != -7 {
		t.Errorf("%v, %g, %v", p, logZ, err)
	}
	if _, err := odslib.Need[odslib.Linear](post, "x"); err != nil {
		t.Error(err)
	}
	x := normals(1, 5, 2)
	a, err := post.Rewards(context.Background(), x)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range logR(t, inner, x) {
		if math.Abs(a[i]-want) > 1e-6 {
			t.Errorf("log r %g, want %g", a[i], want)
		}
	}
	host := odslib.Given(prior, constraint.Known{Constraint: constraint.HostReward{F: func([]float32) float64 { return 4 }}, Is: is})
	if r, err := host.Rewards(context.Background(), x); err != nil || r[0] != 4 {
		t.Errorf("%v, %v", r, err)
	}
	// The others act on what is known.
	tilt := constraint.Tilt{Linear: []float64{0, 2}}
	p, logZ, err := odslib.Given(prior, constraint.All{tilt, known}).Exact()
	if err != nil || math.Abs(logZ-(-7+.5*4*.5)) > 1e-9 || math.Abs(p.(*priors.Mixture).Means[0][1]-1) > 1e-9 {
		t.Errorf("%v, log Z %g, %v", p, logZ, err)
	}
}

// TestLogDensity: the product of two Gaussians, N(0, 4) and N(1, 1): log Z = log N(0; 1, 5).
func TestLogDensity(t *testing.T) {
	post := odslib.Given(priors.Gaussian([]float64{0}, 4), constraint.LogDensity{Of: priors.Gaussian([]float64{1}, 1)})
	x, err := post.Prior.Sample(context.Background(), 1<<16, 1)
	if err != nil {
		t.Fatal(err)
	}
	r, err := post.Rewards(context.Background(), x)
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.
	for _, l := range r {
		sum += math.Exp(l) / float64(len(r))
	}
	if want := math.Exp(-.1) / math.Sqrt(2*math.Pi*5); math.Abs(sum/want-1) > .02 {
		t.Errorf("Z = %.5f, want %.5f", sum, want)
	}
}

// TestPower: a power of r is that power, in the graph, on the host and in a product of both, and p·(1/p) is 1.
func TestPower(t *testing.T) {
	ctx, p := context.Background(), odslib.Normal{Dims: []int{2}}
	x, err := p.Sample(ctx, 5, 1)
	if err != nil {
		t.Fatal(err)
	}
	logr := func(c any) []float64 {
		r, err := odslib.Given(p, c).Rewards(ctx, x)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	tilt, host := constraint.Tilt{Linear: []float64{1, -2}}, constraint.HostReward{F: func(x []float32) float64 { return float64(x[0]) }}
	a, b := logr(tilt), logr(host)
	tempered, product, one := logr(constraint.Power{tilt, .25}), logr(constraint.All{constraint.Power{host, -2}, constraint.Power{tilt, .5}}), logr(constraint.All{constraint.LogDensity{p}, constraint.Power{constraint.LogDensity{p}, -1}})
	for i := range a {
		if math.Abs(tempered[i]-.25*a[i]) > 1e-5 || math.Abs(product[i]-.5*a[i]+2*b[i]) > 1e-5 || one[i] != 0 {
			t.Errorf("%g, %g, %g of log r %g and %g", tempered[i], product[i], one[i], a[i], b[i])
		}
	}
	for _, bad := range []any{constraint.Power{tilt, math.NaN()}, constraint.Power{nil, 1}, constraint.Power{constraint.Tilt{Linear: []float64{1}}, 1}} {
		if err := odslib.Given(p, bad).Check(); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%v: %v", bad, err)
		}
	}
}
