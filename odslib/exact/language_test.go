package exact_test

import (
	"math"
	"strings"
	"testing"

	"odslab/odslib"
	"odslab/odslib/engine"
	"odslab/odslib/exact"
	"odslab/odslib/measure"
)

func languageCases() []exact.Case {
	return []exact.Case{exact.L1(), exact.L2(), exact.L3(), exact.L4(), exact.L5()}
}

func answer(t *testing.T, c exact.Case) (prior, post exact.Sequences, logZ float64) {
	t.Helper()
	p, logZ, err := c.Post.Exact()
	if err != nil {
		t.Fatal(c.Name, err)
	}
	return c.Post.Prior.(exact.Sequences), p.(exact.Sequences), logZ
}

func near(t *testing.T, what string, got, want, margin float64) {
	t.Helper()
	if !(math.Abs(got-want) <= margin) {
		t.Errorf("%s is %.6f, want %.6f", what, got, want)
	}
}

// TestLanguageAnswers: the answers are those that another program computed, to all the digits that it gave; L4 and L5 have
// theirs by hand.
func TestLanguageAnswers(t *testing.T) {
	type known struct {
		kl, entropy, ess float64
		marginals        map[int][]float64
	}
	third, odd := math.Log(3), .02/1.04 // L4: posterior weight of each other remainder
	remainder := -2*odd*math.Log(odd) - (1-2*odd)*math.Log(1-2*odd)
	for name, want := range map[string]known{
		"L1": {.279417, 6.309993, .605156, map[int][]float64{
			0: {.103542, .591278, .202729, .102451}, 3: {.210375, .227313, .296319, .265992}, 5: {.157423, .565401, .103542, .173634},
		}},
		"L2": {.308316, 8.638376, .581254, map[int][]float64{
			0: {.477324, .211241, .131014, .084593, .095827}, 5: {.153909, .085180, .156986, .180909, .423015},
		}},
		"L3": {2.563176, 5.304028, .071270, nil},
		"L4": {third - remainder, 3*third + remainder, 1.04 * 1.04 / (3 * (1 + 2*.0004)), map[int][]float64{0: {1. / 3, 1. / 3, 1. / 3}, 3: {1. / 3, 1. / 3, 1. / 3}}},
	} {
		var c exact.Case
		for _, d := range languageCases() {
			if d.Name == name {
				c = d
			}
		}
		prior, post, logZ := answer(t, c)
		kl, err := measure.KL(post.P, prior.P)
		if err != nil {
			t.Fatal(err)
		}
		near(t, name+": KL", kl, want.kl, 1e-6)
		near(t, name+": entropy", measure.Entropy(post.P), want.entropy, 1e-6)
		square := 0.
		for i, p := range prior.P {
			square += post.P[i] * post.P[i] / p
		}
		near(t, name+": ESS of the prior's samples", 1/square, want.ess, 1e-6)
		for j, law := range want.marginals {
			for v, p := range law {
				near(t, name+": a marginal", post.Marginals()[j][v], p, 1e-6)
			}
		}
		near(t, name+": log Z", logZ, c.LogZ, 1e-6)
	}
	_, open, _ := answer(t, exact.L3())
	for j, p := range []float64{.404329, .319139, .266190, .223996, .184599, .142405, .089456, .004266} {
		near(t, "L3: P(opening bracket)", open.Marginals()[j][1], p, 1e-6)
	}
	_, _, logZ := answer(t, exact.L5())
	near(t, "L5: log Z", logZ, exact.L5().LogZ, 1e-12)
}

// TestLanguageBySecondRoutes: L1 by messages along its chain, L3 by counting open brackets.
func TestLanguageBySecondRoutes(t *testing.T) {
	p := [][]float64{{.1, .6, .2, .1}, {.1, .1, .7, .1}, {.2, .1, .1, .6}, {.5, .2, .2, .1}}
	chain := exact.MaskedChain{Initial: p[0], Transitions: [][][]float64{p, p, p, p, p}}
	r := exact.TokenReward{LogRewards: make([][]float64, 6)}
	for j := range r.LogRewards {
		r.LogRewards[j] = make([]float64, 4)
	}
	for v := range 4 {
		r.LogRewards[5][v] = math.Log(p[v][2] * .2 * .6)
	}
	q, logZ, err := odslib.Given(chain, r).Exact()
	if err != nil {
		t.Fatal(err)
	}
	prior, post, want := answer(t, exact.L1())
	near(t, "log Z by messages", logZ, want, 1e-12)
	for j, law := range q.(exact.MaskedChain).Marginals() {
		for v := range law {
			near(t, "a marginal by messages", law[v], post.Marginals()[j][v], 1e-12)
		}
	}
	byTokens, again, err := odslib.Given(prior, r).Exact()
	if err != nil {
		t.Fatal(err)
	}
	near(t, "log Z by a reward of tokens", again, want, 1e-12)
	if tv, _ := measure.TotalVariation(byTokens.(exact.Sequences).P, post.P); tv > 1e-12 {
		t.Errorf("the posterior by a reward of tokens is %g away", tv)
	}

	open := map[int]float64{0: 1} // probability of so many open brackets, none ever closed too soon
	for range 8 {
		next := map[int]float64{}
		for k, w := range open {
			next[k] += .5 * w
			next[k+1] += .3 * w
			if k > 0 {
				next[k-1] += .2 * w
			}
		}
		open = next
	}
	_, _, logZ = answer(t, exact.L3())
	near(t, "L3: log Z by counting", math.Log(open[0]+.001*(1-open[0])), logZ, 1e-9)
}

// TestFactorisationFloors: those of language cases, computed by another program.
func TestFactorisationFloors(t *testing.T) {
	for name, want := range map[string][2][6]float64{
		"L1": {{1.3190, .6293, .3070, .1516, .0753, .0375}, {1.3951, .6650, .3242, .1601, .0795, .0396}},
		"L2": {{.3914, .1853, .0900, .0443, .0220, .0110}, {.4396, .2059, .0994, .0488, .0242, .0120}},
		"L3": {{1.6569, 1.1820, .7118, .3886, .2026, .1034}, {}},
	} {
		for _, c := range languageCases() {
			if c.Name != name {
				continue
			}
			prior, post, _ := answer(t, c)
			for k := range 6 {
				for i, s := range []exact.Sequences{post, prior} {
					floor, err := measure.FactorisationFloor(s.P, s.Tokens, s.Length, 1<<k)
					if err != nil {
						t.Fatal(err)
					}
					near(t, name+": a floor", floor, want[i][k], 6e-5)
				}
			}
		}
	}
}

// TestParallelChain: what the chain that reveals several positions at once loses, measured on its own paths, is the floor.
func TestParallelChain(t *testing.T) {
	e, err := engine.Open()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []exact.Case{exact.L1(), exact.L3()} {
		_, post, _ := answer(t, c)
		const n = 40000
		x, err := post.Sample(t.Context(), n, 1)
		if err != nil {
			t.Fatal(err)
		}
		logp := make([]float64, n)
		for i := range logp {
			k := 0
			for _, v := range x.Row(i) {
				k = k*post.Tokens + int(v)
			}
			logp[i] = math.Log(post.P[k])
		}
		for _, steps := range []int{1, 2, 8} {
			post.Parallel = steps
			table, err := post.Table()
			if err != nil {
				t.Fatal(err)
			}
			program, err := engine.NewProgram(e, post.Params(), func(scope *engine.Scope, in []*engine.Node) []*engine.Node {
				rng, from := post.Noise(in[1], in[0], in[2])
				guess := post.Guess(scope, from, post.Level(in[0], n))
				return []*engine.Node{from, rng, post.LogStep(guess, in[1], from, in[0])}
			})
			if err != nil {
				t.Fatal(err)
			}
			state, err := program.Call(table[steps-1], x.Tensor(), engine.RNGState(1, "test"))
			if err != nil {
				t.Fatal(err)
			}
			loss := append([]float64{}, logp...)
			for k := steps - 1; ; k-- {
				step, _ := engine.ToArray(state[2])
				from, _ := engine.ToArray(state[0])
				for i, v := range step.Data {
					loss[i] -= float64(v)
				}
				if k == 0 {
					for _, v := range from.Data {
						if int(v) != post.Tokens {
							t.Fatal("a path does not begin with masks alone")
						}
					}
					break
				}
				if state, err = program.Call(table[k-1], state[0], state[1]); err != nil {
					t.Fatal(err)
				}
			}
			program.Close()
			mean, square := 0., 0.
			for _, v := range loss {
				mean += v / n
				square += v * v / n
			}
			floor, err := measure.FactorisationFloor(post.P, post.Tokens, post.Length, steps)
			if err != nil {
				t.Fatal(err)
			}
			// The entropy of the pattern is in the chain's log-density: every position is revealed at a step that is uniform.
			mean -= float64(post.Length) * math.Log(float64(steps))
			se := math.Sqrt((square - math.Pow(mean+float64(post.Length)*math.Log(float64(steps)), 2)) / n)
			t.Logf("%s, %d steps: %.4f ± %.4f, floor %.4f", c.Name, steps, mean, se, floor)
			near(t, "the loss on paths", mean, floor, 4*se+1e-4)
		}
	}
}

func TestSequencesRefusals(t *testing.T) {
	one := func([]int) float64 { return 1 }
	for want, f := range map[string]func() error{
		"take fewer":                  func() error { _, _, err := exact.NewSequences(20, 9, one); return err },
		"0 positions":                 func() error { _, _, err := exact.NewSequences(3, 0, one); return err },
		"every sequence has weight 0": func() error { _, _, err := exact.NewSequences(3, 2, func([]int) float64 { return 0 }); return err },
		"weight of [0 0] is NaN": func() error {
			_, _, err := exact.NewSequences(3, 2, func([]int) float64 { return math.NaN() })
			return err
		},
		"make them by": func() error { return odslib.Given(exact.Sequences{}, nil).Check() },
		"a table of 3 sequences": func() error {
			return odslib.Given(exact.L1().Post.Prior, exact.SequenceReward{Tokens: 4, Values: make([]float64, 3)}).Check()
		},
		"forbids every sequence": func() error {
			s := exact.L1().Post.Prior.(exact.Sequences)
			return odslib.Given(s, s.Reward(func([]int) float64 { return math.Inf(-1) })).Check()
		},
		"leave one out": func() error {
			s := exact.L5().Post.Prior.(exact.Sequences)
			s.Order, s.Parallel = []int{5, 4, 3, 2, 1, 0}, 2
			return odslib.Given(s, nil).Check()
		},
		"must name each of the 6 posit": func() error {
			s := exact.L5().Post.Prior.(exact.Sequences)
			s.Order = []int{5, 4}
			return odslib.Given(s, nil).Check()
		},
	} {
		if err := f(); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%v, want one line with %q", err, want)
		}
	}
}
