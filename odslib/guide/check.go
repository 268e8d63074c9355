package guide

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"odslab/odslib"
	"odslab/odslib/diffusion"
	"odslab/odslib/engine"
	"odslab/odslib/measure"
)

// pathed is the process of a guided chain whose second guess is that of the prior, so that paths can be weighed.
type pathed struct {
	*diffusion.Process
	prior Steered
}

// Guess implements odslib.Process: x̂0 under the measurement, and x̂0.
func (p pathed) Guess(scope *odslib.Scope, x *odslib.Node, at odslib.Level) []*odslib.Node {
	guided, own := p.prior.both(scope, x, at)
	return []*odslib.Node{guided, own}
}

// carry adds a step's log-ratio of the prior's density to the guided one's: −½‖δ‖² − ε·δ, with δ what the guide has moved the mean by
// and ε the step's noise, both in standard deviations.
func (p pathed) carry(s diffusion.Stride, carried []*odslib.Node) []*odslib.Node {
	mean, std := p.Mean(s.Guess[:1], s.X, s.Row)
	own, _ := p.Mean(s.Guess[1:], s.X, s.Row)
	n := s.X.Shape().Dimensions[0]
	in := func(v *odslib.Node) *odslib.Node {
		v = graph.Reshape(v, n, -1)
		return graph.Div(v, graph.BroadcastToShape(std, v.Shape()))
	}
	moved, noise := in(graph.Sub(mean, own)), in(graph.Sub(s.Next, mean))
	log := graph.ReduceSum(graph.Mul(moved, graph.Add(graph.MulScalar(moved, .5), noise)), -1)
	return []*odslib.Node{graph.Sub(carried[0], log)}
}

// walk runs the guided chain, with the weights of its paths where they are wanted and every step has a density.
func walk(ctx context.Context, name string, prior Steered, chain diffusion.Chain, weighed bool, n int, seed uint64) (d diffusion.Drawn, err error) {
	p, err := chain.Of(prior)
	_, plain := prior.Bound.(unguided)
	if !weighed || err != nil || plain || prior.Post.Given != nil || p.Stochastic() != nil {
		return chain.Draw(ctx, name, prior, prior.Post.Given, n, seed)
	}
	q := pathed{p, prior}
	return diffusion.Walk{
		Process: q, Params: p.Params(), Driver: chain.Driver, Observe: chain.Observe,
		Carried: func(n int) []odslib.Array { return []odslib.Array{engine.NewArray(n)} }, Carry: q.carry,
	}.Draw(ctx, name, nil, n, p.Chain.Batch, seed)
}

// Limits of the check: floors of distance beyond which it warns, effective draws and renewed share below which it cannot say how
// far, draws looked at.
const (
	tooFar  = 2.3
	tooFew  = 20
	checked = 1000
	renewed = .05
	splits  = 5
)

// levels are the steps of a chain of 50 from which renew comes down: as often from the start, which forgets everything, as from nearer.
var levels = []int{0, 20, 0, 35, 0, 20, 0, 35}

// renewing is the number of evaluations of renew for each draw.
func renewing() (n int) {
	for _, from := range levels {
		n += chainSteps - from
	}
	return n
}

const chainSteps = 50

// check asks how far the draws are from the posterior before anybody knows it, in units of the floor: the sliced W1 between them and what
// they should be, less what chance gives it. What they should be are the same draws by the weights of their paths, prior over guided
// chain times r; where next to no path has weight, or none is known, the same draws moved by [renew], which leaves the posterior as it is
// and costs at most as much as three times the evaluations of the run, without gradients.
func check(ctx context.Context, res *odslib.Result, post odslib.Posterior, paths []odslib.Array, plain bool, seed uint64) error {
	n := min(res.Samples.Len(), checked)
	if !plain {
		n = min(n, int(3*res.NetworkEvals/int64(renewing())))
	}
	prior, ok := post.Prior.(odslib.Diffusion)
	if _, inGraph := odslib.Can[odslib.Constraint](post.Constraint); n < 5*tooFew || res.Samples.NonFinite() > 0 || !inGraph || !ok || post.Given != nil {
		return nil
	}
	x := res.Samples.Slice(0, n)
	logr, err := post.Rewards(ctx, x)
	if err != nil {
		return err
	}
	res.ConstraintEvals += int64(n)
	distance := func(a, b odslib.Array) float64 {
		v, e := measure.SlicedW1{Projections: 64}.Distance(a, b)
		if e != nil {
			err = e
		}
		return v
	}
	floor, rng := 0., engine.RNG(seed, "guide.check.floor") // of n draws, by halves
	for range splits {
		order := rng.Perm(n)
		floor += distance(x.Take(order[:n/2]), x.Take(order[n/2:])) / math.Sqrt2 / splits
	}
	verdict := func(should odslib.Array, chance, share float64, by string) {
		d := distance(x, should)
		far := math.Sqrt(max(0, d*d/(floor*floor)-chance)/(share*share) + 1)
		res.Figure("%.1f floors of sliced W1 from the posterior by %s", far, by)
		if far > tooFar {
			res.Note("biased: %s; smc.TDS and mcmc correct it", res.Figures[len(res.Figures)-1])
		}
	}
	if len(paths) > 0 {
		logw := make([]float64, n)
		for i, l := range logr {
			if logw[i] = l + float64(paths[0].Data[i]); math.IsNaN(logw[i]) || math.IsInf(logw[i], 1) {
				logw[i] = math.Inf(-1)
			}
		}
		if ess := measure.ESS(logw); ess >= tooFew {
			weighted := (&odslib.Result{Samples: x, LogWeights: logw}).Resample(n, engine.Split(seed, "guide.check"))
			verdict(weighted.Samples, (float64(n)/ess-1)/2, 1, fmt.Sprintf("the weights of its paths, effective size %.0f of %d", ess, n))
			return err
		} else if plain {
			res.Note("unsupported: %d draws of the prior are worth %.1f of the posterior", n, ess)
			return nil
		}
	}
	moved, share, err := renew(ctx, res, post, prior, x, logr, seed)
	if err != nil {
		return err
	}
	if share < renewed {
		res.Note("unsupported: too few of %d draws could be renewed (%.3f) to say how far they are from the posterior; compare with smc.TDS", n, share)
		return nil
	}
	verdict(moved, share, share, fmt.Sprintf("Metropolis moves through the prior's chain, which have renewed %.2f of %d draws", share, n))
	return err
}

// renew moves samples by what leaves the posterior as it is, up to the discretisation of the prior's chain: up to some level and down
// again by that chain, which leaves the prior as it is, accepted with min(1, r'/r). share is how many have been moved.
func renew(ctx context.Context, res *odslib.Result, post odslib.Posterior, prior odslib.Diffusion, x odslib.Array, logr []float64, seed uint64) (odslib.Array, float64, error) {
	p, err := diffusion.Chain{Steps: chainSteps}.Of(prior)
	if err != nil {
		return x, 0, err
	}
	table, err := p.Table()
	if err != nil {
		return x, 0, err
	}
	loop, rng := diffusion.Walk{Process: p, Params: p.Params()}.Loop(), engine.RNG(seed, "guide.renew")
	defer loop.Close()
	x, logr = x.Clone(), slices.Clone(logr)
	moved := make([]bool, x.Len())
	for move, from := range levels {
		try, t := x.Clone(), p.Times()[from]
		alpha, sigma := p.Chain.Schedule.Alpha(t), p.Chain.Schedule.Sigma(t)
		for i, v := range try.Data {
			try.Data[i] = float32(alpha*float64(v) + sigma*rng.NormFloat64())
		}
		state, _, err := loop.Run(ctx, []*tensors.Tensor{try.Tensor(), engine.RNGState(seed, fmt.Sprintf("guide.renew.%d", move))}, table[from:], nil)
		if err != nil {
			engine.Free(state...)
			return x, 0, err
		}
		try, err = engine.ToSamples(state[0])
		engine.Free(state...)
		if err != nil {
			return x, 0, err
		}
		to, err := post.Rewards(ctx, try)
		if err != nil {
			return x, 0, err
		}
		res.NetworkEvals += int64(x.Len() * (len(table) - from))
		res.ConstraintEvals += int64(x.Len())
		for i, l := range to {
			if up := l - logr[i]; math.Log(rng.Float64()) < up || math.IsInf(logr[i], -1) && !math.IsInf(l, -1) {
				copy(x.Row(i), try.Row(i))
				logr[i], moved[i] = l, true
			}
		}
	}
	share := 0.
	for _, m := range moved {
		if m {
			share += 1 / float64(len(moved))
		}
	}
	return x, share, nil
}
