package guide

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"odslab/odslib"
	"odslab/odslib/diffusion"
	"odslab/odslib/engine"
)

var _ odslib.Sampler = SplitGibbs{}

// SplitGibbs is plug-and-play Monte Carlo by a split Gibbs sampler (PnP-DM: Wu et al. 2024, 2405.18782; DPnP: Xu & Chi 2024,
// 2403.17042): it alternates an exact draw z ~ p(y|z)·N(z; x, η²I) with a draw x ~ p(x)·N(z; x, η²I), which is the prior's
// reverse chain from the level where σ/α = η. η stays for a fifth of the rounds and then falls geometrically; the draws are
// right as η → 0, for enough rounds and steps. A linear Gaussian measurement is needed. Each chain is a sample of its own.
type SplitGibbs struct {
	Rounds  int     // K; 0 means 40, as published
	Steps   int     // of the reverse chain of a round; 0 means 25
	First   float64 // η at the start; 0 means half the prior's standard deviation
	Last    float64 // η at the end; 0 means .1, as published, or First/5 where that is less
	Batch   int     // samples together; 0 means 4096
	Driver  engine.Driver
	Initial diffusion.Chain // that draws the first x, from the prior
	Check   bool            // say how far the draws are from the posterior, a hundred at least, and warn; at up to thrice the evaluations
}

// columns of its table: of the step, and of the draw of z before it.
const (
	gibbsT = iota
	gibbsAlpha
	gibbsSigma
	gibbsA
	gibbsB
	gibbsStd
	gibbsFirst // 1 where a round begins
	gibbsEta
)

// Sample implements odslib.Sampler.
func (s SplitGibbs) Sample(ctx context.Context, post odslib.Posterior, n int, seed uint64) (*odslib.Result, error) {
	const name = "split Gibbs"
	begun := time.Now()
	if err := odslib.CheckDraw(post, n); err != nil {
		return nil, err
	}
	prior, ok := post.Prior.(odslib.Diffusion)
	if !ok {
		return nil, fmt.Errorf("%s needs a diffusion prior; got %T", name, post.Prior)
	}
	near, err := newProximal(post, name)
	if err != nil {
		return nil, err
	}
	if post.Given != nil {
		return nil, fmt.Errorf("%s takes no conditions that differ from row to row; ask for one of them", name)
	}
	table, err := s.table(prior)
	if err != nil {
		return nil, err
	}
	res := odslib.NewResult(post, name, s, seed)
	res.About = "right as η falls to 0, for enough rounds and steps; with the least η the posterior is blurred by it"
	first, err := s.Initial.Draw(ctx, name, prior, nil, n, engine.Split(seed, name+".initial"))
	res.NetworkEvals = first.Evals
	if err != nil {
		return nil, err
	}
	batch := s.Batch
	if batch == 0 {
		batch = 4096
	}
	batch = min(batch, n)
	loop := &engine.Loop{Driver: s.Driver, Step: engine.Step{
		Params: append(post.Params(), near.params.Under("twist")...),
		Build: func(scope *engine.Scope, state []*engine.Node, row *engine.Node) []*engine.Node {
			rng, x := near.round(scope, post, state[1], state[0], row)
			return []*engine.Node{x, rng}
		},
	}}
	defer loop.Close()
	res.Samples = engine.NewArray(append([]int{0}, post.Shape()...)...)
	for i := 0; i < n; i += batch {
		rows := min(batch, n-i)
		state := []*tensors.Tensor{diffusion.Padded(first.X.Slice(i, i+rows), batch).Tensor(), engine.RNGState(seed, fmt.Sprintf("%s.noise.%d", name, i))}
		out, done, err := loop.Run(ctx, state, table, func(k int, state []*tensors.Tensor) ([]*tensors.Tensor, error) {
			odslib.Notify(ctx, odslib.Progress{
				What: name, Step: i/batch*len(table) + k, Steps: (n + batch - 1) / batch * len(table), LogZ: math.NaN(), Loss: math.NaN(),
				Samples: func() (odslib.Array, error) { return engine.ToArray(state[0]) },
			})
			return state, nil
		})
		res.NetworkEvals += int64(rows * done)
		if err != nil {
			engine.Free(out...)
			res.Note("stopped after %d steps of a batch: %v; %d of %d samples are done", done, err, res.Samples.Len(), n)
			res.Close(begun)
			return res, fmt.Errorf("%s: %w", name, err)
		}
		x, err := engine.ToSamples(out[0])
		engine.Free(out...)
		if err != nil {
			return res, err
		}
		res.Samples = res.Samples.Append(x.Slice(0, rows))
	}
	res.ConstraintEvals = int64(n * s.rounds())
	res.NonFinite = res.Samples.NonFinite()
	if s.Check {
		err = check(ctx, res, post, nil, false, seed)
	}
	res.Close(begun)
	return res, err
}

func (s SplitGibbs) rounds() int {
	if s.Rounds == 0 {
		return 40
	}
	return s.Rounds
}

// table has Steps rows a round, evenly spaced in time from the level σ/α = η.
func (s SplitGibbs) table(prior odslib.Diffusion) (engine.Table, error) {
	k, variance, schedule := s.rounds(), diffusion.Variance(prior), prior.Schedule()
	if s.Steps == 0 {
		s.Steps = 25
	}
	if s.First == 0 {
		s.First = .5 * math.Sqrt(variance)
	}
	if s.Last == 0 {
		s.Last = math.Min(.1, s.First/5)
	}
	if k < 1 || s.Steps < 1 || s.Batch < 0 || !(s.First >= s.Last && s.Last > 0) || math.IsInf(s.First, 0) {
		return nil, fmt.Errorf("split Gibbs: %d rounds of %d steps with η from %g to %g; η must fall, all must be positive", k, s.Steps, s.First, s.Last)
	}
	var table engine.Table
	kernel, still := diffusion.Matched{Variance: variance}, (k+4)/5
	for i := range k {
		eta := s.First
		if i >= still && k > still {
			eta *= math.Pow(s.Last/s.First, float64(i-still+1)/float64(k-still))
		}
		top := diffusion.TimeAt(schedule, -2*math.Log(eta))
		for j := range s.Steps {
			t, u := top*(1-float64(j)/float64(s.Steps)), top*(1-float64(j+1)/float64(s.Steps))
			a, b, std := kernel.Coefficients(schedule, t, u)
			begins := 0.
			if j == 0 {
				begins = 1
			}
			table = append(table, nil)
			for _, v := range []float64{t, schedule.Alpha(t), schedule.Sigma(t), a, b, std, begins, eta} {
				if math.IsNaN(v) || math.IsInf(v, 0) {
					return nil, fmt.Errorf("split Gibbs: round %d with η=%g has no finite coefficients on this schedule; take another First or Last", i+1, eta)
				}
				table[len(table)-1] = append(table[len(table)-1], float32(v))
			}
		}
	}
	return table, nil
}

// round draws z where a round begins, and takes a step of the reverse chain. A draw of N(x, η²I) with an error of its own,
// moved by the proximal map of its residual, is a draw of p(y|z)·N(z; x, η²I) (Matheron's rule).
func (p proximal) round(scope *odslib.Scope, post odslib.Posterior, rng, x, row *odslib.Node) (newRNG, next *odslib.Node) {
	n := x.Shape().Dimensions[0]
	col := func(j int) *odslib.Node { return graph.BroadcastToDims(engine.Col(row, j), n) }
	eta := col(gibbsEta)
	rng, noise := engine.RandomNormal(rng, x.Shape().Dimensions...)
	m := engine.Var(scope.At("twist"), x.Graph(), "values").Shape().Dimensions[0]
	rng, fault := engine.RandomNormal(rng, n, m)
	z := p.at(scope, graph.Add(x, graph.Mul(diffusion.PerRow(eta, x), noise)), graph.Square(eta), nil, fault)
	begins := graph.GreaterThan(diffusion.PerRow(col(gibbsFirst), x), graph.ZerosLike(x))
	x = graph.Where(begins, graph.Mul(diffusion.PerRow(col(gibbsAlpha), x), z), x)
	x0 := post.Denoise(scope, x, odslib.Level{T: col(gibbsT), Alpha: col(gibbsAlpha), Sigma: col(gibbsSigma)})
	rng, noise = engine.RandomNormal(rng, x.Shape().Dimensions...)
	each := func(j int, v *odslib.Node) *odslib.Node { return graph.Mul(diffusion.PerRow(col(j), v), v) }
	return rng, graph.Add(graph.Add(each(gibbsA, x), each(gibbsB, x0)), each(gibbsStd, noise))
}
