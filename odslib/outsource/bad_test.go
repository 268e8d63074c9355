package outsource_test

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/gomlx/gomlx/core/graph"

	"odslab/odslib"
	"odslab/odslib/constraint"
	"odslab/odslib/engine"
	"odslab/odslib/nn"
	"odslab/odslib/outsource"
)

// root is a generator of the test's own, x = √z: no number for half of the noise.
type root struct{ dims, noise []int }

func (g root) Shape() []int      { return g.dims }
func (g root) NoiseShape() []int { return g.noise }
func (g root) Generate(_ *odslib.Scope, z *odslib.Node) *odslib.Node {
	return graph.Sqrt(z)
}

func (g root) Sample(ctx context.Context, n int, seed uint64) (odslib.Array, error) {
	x, err := odslib.Normal{Dims: g.dims}.Sample(ctx, n, seed)
	for i, v := range x.Data {
		x.Data[i] = float32(math.Sqrt(math.Abs(float64(v))))
	}
	return x, err
}

var tiny = outsource.Sampler{Net: nn.MLP{Hidden: 16, Layers: 2}, Steps: 8, Paths: 32}

// A generator that is no number for half of the noise: training counts these paths, goes on with the rest, and says so.
func TestGeneratorWithoutANumber(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles for seconds")
	}
	post := odslib.Given(root{[]int{1}, []int{1}}, constraint.Gaussian{A: constraint.Identity{}, Y: []float64{1}, Sigma: .5})
	p, err := tiny.Train(context.Background(), post, odslib.Budget{Steps: 40}, 1)
	if err != nil {
		t.Fatal(err)
	}
	if notes := strings.Join(p.Notes, "\n"); !strings.Contains(notes, "had no weight") {
		t.Errorf("notes %q", notes)
	}
	r, err := p.Sample(context.Background(), post, 500, 1)
	if err != nil {
		t.Fatal(err)
	}
	// Z = ∫ N(z)·N(1; √z, .25) over z > 0, by the trapezium rule.
	z := 0.
	for i := range 100000 {
		u := (float64(i) + .5) * 1e-4
		z += 1e-4 * math.Exp(-u*u/2) / math.Sqrt(2*math.Pi) * math.Exp(-2*(1-math.Sqrt(u))*(1-math.Sqrt(u))) / math.Sqrt(2*math.Pi*.25)
	}
	if r.NonFinite == 0 || math.Abs(r.LogZ-math.Log(z)) > 5*r.LogZError || r.LogZError > .2 {
		t.Errorf("%v, not log Z %.3f; %q", r, math.Log(z), r.Notes)
	}
}

// A host function that fails once and hangs once for one chunk: the rest of these batches counts, and training goes on.
func TestHostFunctionFailsOnce(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles for seconds")
	}
	calls := 0
	score := func(ctx context.Context, x odslib.Array) ([]float64, error) {
		calls++
		if calls == 9 {
			return nil, errors.New("the wind tunnel is being swept")
		}
		if calls == 15 {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		out := make([]float64, x.Len())
		for i := range out {
			out[i] = -2 * math.Pow(float64(x.Row(i)[0])-1, 2)
		}
		return out, nil
	}
	post := odslib.Given(odslib.Normal{Dims: []int{1}}, constraint.Batched{F: score, Chunk: 16, Timeout: 200 * time.Millisecond})
	s := tiny
	s.Pool = 64
	p, err := s.Train(context.Background(), post, odslib.Budget{Steps: 30}, 1)
	if err != nil {
		t.Fatal(err)
	}
	notes := strings.Join(p.Notes, "\n")
	if p.Iterations != 30 || calls < 15 || !strings.Contains(notes, "wind tunnel") || !strings.Contains(notes, "32 of 960 paths had no weight") {
		t.Errorf("%d iterations, %d calls, notes %q", p.Iterations, calls, notes)
	}
}

// A reward of −∞ but for one sample of forty: the notes say for how many, and what helps.
func TestRewardOfNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles for seconds")
	}
	post := odslib.Given(odslib.Normal{Dims: []int{2}}, constraint.HostReward{F: func(x []float32) float64 {
		if x[0] < 2 {
			return math.Inf(-1)
		}
		return 0
	}})
	p, err := tiny.Train(context.Background(), post, odslib.Budget{Steps: 20}, 1)
	if err != nil {
		t.Fatal(err)
	}
	if notes := strings.Join(p.Notes, "\n"); !strings.Contains(notes, "of 640 samples of the prior") || !strings.Contains(notes, "annealing") || !strings.Contains(notes, "Pool of") {
		t.Errorf("notes %q", notes)
	}
}

func TestNoiseOfNoSize(t *testing.T) {
	if engine.CheckMemory(1<<40, []int{1}) == nil {
		t.Skip("this system does not say how much memory it has")
	}
	for want, g := range map[string]root{"one number at least": {[]int{2}, []int{0}}, "do not fit": {[]int{1 << 30}, []int{1 << 30}}} {
		post := odslib.Given(g, constraint.HostReward{F: func([]float32) float64 { return 0 }})
		_, err := outsource.Sampler{}.Train(context.Background(), post, odslib.Budget{Steps: 1}, 1)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("want one line with %q, got %v", want, err)
		}
	}
}
