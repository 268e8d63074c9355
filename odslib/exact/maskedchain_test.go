package exact_test

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/graph"

	"odslab/odslib"
	"odslab/odslib/engine"
	_ "odslab/odslib/engine/xla"
	"odslab/odslib/exact"
)

// short is a chain that is small enough to go through all of its sequences.
func short() (exact.MaskedChain, exact.TokenReward) {
	m := exact.MaskedChain{
		Initial: []float64{.5, .2, .3},
		Transitions: [][][]float64{
			{{.1, .6, .3}, {.5, .25, .25}, {.2, 0, .8}},
			{{.3, .3, .4}, {.9, .05, .05}, {.25, .5, .25}},
			{{1, 0, 0}, {.2, .2, .6}, {.1, .7, .2}},
		},
		Order: []int{2, 0, 3, 1},
	}
	inf := math.Inf(-1)
	return m, exact.TokenReward{LogRewards: [][]float64{{0, 1, -2}, {.5, inf, 0}, {0, 0, 0}, {inf, .3, -400}}}
}

// sequences calls f with every sequence and its probability.
func sequences(m exact.MaskedChain, f func(x []int, p float64)) {
	var visit func(x []int, p float64)
	visit = func(x []int, p float64) {
		if len(x) == len(m.Transitions)+1 {
			f(x, p)
			return
		}
		law := m.Initial
		if len(x) > 0 {
			law = m.Transitions[len(x)-1][x[len(x)-1]]
		}
		for v, q := range law {
			visit(append(slices.Clone(x), v), p*q)
		}
	}
	visit(nil, 1)
}

func TestInfillingAgainstEverySequence(t *testing.T) {
	m, r := short()
	post, logZ, err := odslib.Given(m, r).Exact()
	if err != nil {
		t.Fatal(err)
	}
	chain, z := post.(exact.MaskedChain), 0.
	want := make([][]float64, 4)
	for i := range want {
		want[i] = make([]float64, 3)
	}
	reward := func(x []int) float64 {
		sum := 0.
		for i, v := range x {
			sum += r.LogRewards[i][v]
		}
		return math.Exp(sum)
	}
	sequences(m, func(x []int, p float64) {
		z += p * reward(x)
		for i, v := range x {
			want[i][v] += p * reward(x)
		}
	})
	if math.Abs(logZ-math.Log(z)) > 1e-12 {
		t.Errorf("log Z %.15f, by every sequence %.15f", logZ, math.Log(z))
	}
	for i, row := range chain.Marginals() {
		for v, p := range row {
			if math.Abs(p-want[i][v]/z) > 1e-12 {
				t.Errorf("P(x_%d = %d) is %g, by every sequence %g", i, v, p, want[i][v]/z)
			}
		}
	}
	sequences(m, func(x []int, p float64) {
		q := chain.Initial[x[0]]
		for i := 1; i < len(x); i++ {
			q *= chain.Transitions[i-1][x[i-1]][x[i]]
		}
		if math.Abs(q-p*reward(x)/z) > 1e-12 {
			t.Errorf("posterior of %v is %g, want %g", x, q, p*reward(x)/z)
		}
	})
	if chain.Err() != nil {
		t.Error(chain.Err())
	}
	forbid := exact.TokenReward{LogRewards: [][]float64{{0, 0, 0}, {0, 0, 0}, {0, math.Inf(-1), math.Inf(-1)}, {math.Inf(-1), 0, 0}}}
	if _, _, err := odslib.Given(m, forbid).Exact(); err == nil {
		t.Error("0→1, 0→2 have probability 0 in the last step, yet there is a posterior")
	}
}

// TestMaskedPaths: the chain draws its prior, the steps of a path have together the probability of where it ends, and noising
// takes a path back to where it came from.
func TestMaskedPaths(t *testing.T) {
	m, r := short()
	post := odslib.Given(m, r)
	e, err := engine.Open()
	if err != nil {
		t.Fatal(err)
	}
	const n = 20000
	start, err := engine.NewProgram(e, nil, func(scope *engine.Scope, in []*engine.Node) []*engine.Node {
		rng, x := m.Start(scope, in[0], n)
		return []*engine.Node{rng, x, graph.ReduceSum(graph.ZerosLike(x), -1)}
	})
	if err != nil {
		t.Fatal(err)
	}
	defer start.Close()
	step, err := engine.NewProgram(e, post.Params(), func(scope *engine.Scope, in []*engine.Node) []*engine.Node {
		row, x := in[0], in[2]
		guess := m.Guess(scope.At("prior"), x, m.Level(row, n))
		rng, next := m.Step(guess, x, row, in[1])
		logp := graph.Add(in[3], m.LogStep(guess, next, x, row))
		rng, back := m.Noise(next, row, rng)
		return []*engine.Node{rng, next, logp, graph.ReduceAllSum(graph.Abs(graph.Sub(back, x))), post.LogR(scope, next, nil)}
	})
	if err != nil {
		t.Fatal(err)
	}
	defer step.Close()
	state, err := start.Call(engine.RNGState(1, "test"))
	if err != nil {
		t.Fatal(err)
	}
	table, err := m.Table()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range table {
		if state, err = step.Call(row, state[0], state[1], state[2]); err != nil {
			t.Fatal(err)
		}
		if off, _ := engine.ToArray(state[3]); off.Data[0] != 0 {
			t.Errorf("noising ends %g away", off.Data[0])
		}
	}
	x, _ := engine.ToArray(state[1])
	logp, _ := engine.ToArray(state[2])
	logr, _ := engine.ToArray(state[4])
	count := map[[4]int]float64{}
	for i := range n {
		var key [4]int
		want := 0.
		for j, v := range x.Row(i) {
			key[j] = int(v)
			want += r.LogRewards[j][key[j]]
		}
		count[key] += 1. / n
		p := m.Initial[key[0]]
		for j := 1; j < 4; j++ {
			p *= m.Transitions[j-1][key[j-1]][key[j]]
		}
		if math.Abs(float64(logp.Data[i])-math.Log(p)) > 1e-4 {
			t.Fatalf("log p of %v is %g by its steps, %g", key, logp.Data[i], math.Log(p))
		}
		if d := math.Abs(float64(logr.Data[i]) - want); d > 1e-3 {
			t.Fatalf("log r of %v is %g, want %g", key, logr.Data[i], want)
		}
	}
	sequences(m, func(x []int, p float64) {
		if got := count[[4]int(x)]; math.Abs(got-p) > 5*math.Sqrt(p/n) { // five standard errors, 81 sequences
			t.Errorf("%v has a share of %.4f, want %.4f", x, got, p)
		}
	})
	sample, err := m.Sample(context.Background(), n, 1)
	if err != nil {
		t.Fatal(err)
	}
	for i, law := range m.Marginals() {
		for v, p := range law {
			got := 0.
			for _, w := range sample.Column(i) {
				if int(w) == v {
					got += 1. / n
				}
			}
			if math.Abs(got-p) > 5*math.Sqrt(p/n) {
				t.Errorf("Sample has token %d at %d with a share of %.4f, want %.4f", v, i, got, p)
			}
		}
	}
}

func TestMaskedChainRefusals(t *testing.T) {
	m, _ := short()
	bad := m
	bad.Order = []int{0, 1, 1, 3}
	for _, c := range []struct {
		post odslib.Posterior
		want string
	}{
		{odslib.Given(bad, nil), "each of the 4 positions once"},
		{odslib.Given(exact.MaskedChain{Initial: []float64{.5, .6}}, nil), "sum 1.1"},
		{odslib.Given(m, exact.TokenReward{LogRewards: [][]float64{{1}}}), "1 positions"},
		{odslib.Given(m, exact.TokenReward{LogRewards: [][]float64{{0, 0, 0}, {0, 0, 0}, {0, 0, math.NaN()}, {0, 0, 0}}}), "NaN"},
	} {
		if err := c.post.Check(); err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%v, want one line with %q", err, c.want)
		}
	}
}

func TestInfillingCase(t *testing.T) {
	c := exact.Infilling()
	if err := c.Post.Check(); err != nil {
		t.Fatal(err)
	}
	_, logZ, err := c.Post.Exact()
	if err != nil || logZ != c.LogZ || !(logZ < 0) {
		t.Errorf("log Z %g, %g, %v", logZ, c.LogZ, err)
	}
	t.Logf("log Z %.4f", logZ)
}
