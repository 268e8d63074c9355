package balance

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/gomlx/gomlx/core/graph"

	"odslab/odslib"
	"odslab/odslib/checkpoint"
	"odslab/odslib/diffusion"
	"odslab/odslib/engine"
	"odslab/odslib/internal/fit"
	"odslab/odslib/measure"
	"odslab/odslib/nn"
)

// Tilting carries the prior's denoiser to the posterior's by steps of β, each a regression on the policy's own samples noised back
// (implicit tilt matching: Potaptchik, Lee & Albergo 2025, 2512.21829). With x_0 of p_β, w = r^h over its mean and D = E_β[x_0 | x_t],
//
//	D' = D + E_β[(w − 1)·(x_0 − D') | x_t]
//
// holds for the denoiser of p_{β+h} alone; its right side, with D' held fixed, is what D' is fitted to. It asks for no gradient of r
// and follows no path back. What a step has missed stays missed: β is not known to the next one but by the samples.
type Tilting struct {
	Net   nn.Net // the policy's correction of the prior; nil means nn.MLP{}
	Steps int    // of the chain, where Chain does not say; 0 means 100
	Chain diffusion.Chain

	Draws int     // for each step of β; 0 means 8192
	Batch int     // of the regression; 0 means 512
	Fits  int     // steps of the regression for each step of β; 0 means 1000
	Kept  float64 // effective share of the draws under r^h that a step of β leaves; 0 means .5
}

// Train carries β to 1, or as far as the budget of regression steps goes, which a note says.
func (s Tilting) Train(ctx context.Context, post odslib.Posterior, budget odslib.Budget, seed uint64) (*Policy, error) {
	const name = "tilt matching"
	begun := time.Now()
	s.Draws, s.Batch, s.Fits, s.Kept = or(s.Draws, 8192), or(s.Batch, 512), or(s.Fits, 1000), or(s.Kept, .5)
	if s.Draws < 2 || s.Batch < 1 || s.Fits < 1 || !(s.Kept > 0 && s.Kept < 1) {
		return nil, fmt.Errorf("%s: the fields Draws, Batch and Fits must be positive, Kept between 0 and 1; got %d, %d, %d, %g", name, s.Draws, s.Batch, s.Fits, s.Kept)
	}
	if budget.Steps < 0 || budget.Minutes < 0 {
		return nil, fmt.Errorf("%s: a budget cannot be negative, got %d steps, %g minutes", name, budget.Steps, budget.Minutes)
	}
	t, err := NewTrainer(ctx, name, Settings{Net: s.Net, Steps: s.Steps, Chain: s.Chain, Pool: -1, Replay: -1}, post, seed)
	if err != nil {
		return nil, err
	}
	defer t.Close()
	p, err := t.snapshot()
	if err != nil {
		return nil, err
	}
	p.Paths, p.LogZ = s.Draws, 0
	if _, err = p.Denoiser(ctx, post); err != nil {
		return nil, err
	}
	beta, steps := 0., 0
	for k := 0; beta < 1; k++ {
		if left := budget.Steps - steps; budget.Steps > 0 && left < s.Fits || budget.Minutes > 0 && time.Since(begun).Minutes() > budget.Minutes {
			p.Notes = append(p.Notes, fmt.Sprintf("the budget ended at r^%.3g, after %d steps of β: this is not the posterior; take a larger one, fewer Fits or a smaller Kept", beta, k))
			break
		}
		j, x, err := s.judge(ctx, p, post, engine.Split(seed, fmt.Sprintf("balance.tilting.%d", k)))
		if err != nil {
			return p.stopped(k, err)
		}
		next := j.borne(beta, 1, s.Kept)
		if next-beta < 1e-4 {
			return p.stopped(k, fmt.Errorf("β stands still at %.3g: of %d draws under r^h less than %g count for any step; take more Draws or a smaller Kept", beta, s.Draws, s.Kept))
		}
		log, err := s.fit(ctx, p, post, x, j, next-beta, k, engine.Split(seed, fmt.Sprintf("balance.tilting.fit.%d", k)))
		if err != nil {
			return p.stopped(k, err)
		}
		h := next - beta
		p.LogZ += j.gain(h) + math.Log(j.share())
		steps, beta = steps+s.Fits, next
		p.Notes = append(p.Notes, log.Notes...)
		it := Iteration{Loss: log.Mean(s.Fits / 4), LogZ: p.LogZ, ELBO: math.NaN(), Beta: beta, ESS: measure.ESS(j.rewards(h)) / float64(s.Draws), Outside: 1 - j.share()}
		for _, i := range j.in {
			it.Reward += j.logr[i] / float64(len(j.in))
		}
		p.Trace, p.Iterations, p.Seconds = append(p.Trace, it), k+1, time.Since(begun).Seconds()
		odslib.Notify(ctx, odslib.Progress{What: name, Step: int(math.Round(1000 * beta)), Steps: 1000, LogZ: p.LogZ, Loss: it.Loss})
	}
	return p, nil
}

// stopped is the policy as it stands, with a note of why; nil before the first step.
func (p *Policy) stopped(k int, err error) (*Policy, error) {
	if k == 0 {
		return nil, fmt.Errorf("%s: %w", p.Name, err)
	}
	p.Notes = append(p.Notes, fmt.Sprintf("stopped early, at r^%.3g: %v", p.Trace[k-1].Beta, err))
	return p, fmt.Errorf("%s: %w", p.Name, err)
}

// judge draws from the policy and evaluates r.
func (s Tilting) judge(ctx context.Context, p *Policy, post odslib.Posterior, seed uint64) (j judged, x odslib.Array, err error) {
	d, err := p.Denoiser(ctx, post)
	if err != nil {
		return j, x, err
	}
	if x, err = d.Sample(ctx, s.Draws, seed); err != nil {
		return j, x, err
	}
	logr, err := post.Rewards(ctx, x)
	if err != nil {
		return j, x, err
	}
	j = judge(make([]float64, len(logr)), logr)
	if len(j.in) < 2 {
		return j, x, fmt.Errorf("r is 0 or no number at %d of %d draws", len(logr)-len(j.in), len(logr))
	}
	return j, x, nil
}

// fit is one regression. Errors count in units of the spread of x_0 given x_t.
func (s Tilting) fit(ctx context.Context, p *Policy, post odslib.Posterior, x odslib.Array, j judged, h float64, k int, seed uint64) (log checkpoint.Log, err error) {
	q, _, err := p.process(post)
	if err != nil {
		return log, err
	}
	excess, gain := engine.NewArray(len(j.logr)), j.gain(h)+math.Log(j.share()) // w − 1
	index := slices.Concat(j.in, j.out)
	for _, i := range index {
		excess.Data[i] = float32(math.Expm1(h*j.logr[i] - gain))
	}
	rng, grid, schedule := engine.RNG(seed, "rows"), p.Chain.Grid, p.Chain.Schedule
	problem := fit.Problem{
		What: fmt.Sprintf("%s, step %d", p.Name, k+1), Stream: "balance.tilting", Weights: p.Weights,
		Settings: fit.Brief(s.Batch, odslib.Budget{Steps: s.Fits}),
		Params:   slices.Concat(odslib.Params{{Name: "x", Value: x}, {Name: "excess", Value: excess}, {Name: "before", Value: nn.Join(p.Weights)}}, q.params()),
		Columns: func(int) []float32 {
			row := make([]float32, 4*s.Batch)
			for i := range s.Batch {
				t := grid[rng.IntN(len(grid)-1)] // where the chain asks
				for c, v := range [...]float64{float64(index[rng.IntN(len(index))]), t, schedule.Alpha(t), schedule.Sigma(t)} {
					row[c*s.Batch+i] = float32(v)
				}
			}
			return row
		},
		Loss: func(b fit.Minibatch) (rng, loss *odslib.Node) {
			x0, w := b.Pick("x", b.Column(0)), b.Pick("excess", b.Column(0))
			at := odslib.Level{T: b.Column(1), Alpha: b.Column(2), Sigma: b.Column(3)}
			rng, noise := engine.RandomNormal(b.RNG, x0.Shape().Dimensions...)
			alpha, sigma := diffusion.PerRow(at.Alpha, x0), diffusion.PerRow(at.Sigma, x0)
			xt := graph.Add(graph.Mul(alpha, x0), graph.Mul(sigma, noise))
			known := q.reference(b.Scope, xt, at)
			guess := func(weights []*odslib.Node) *odslib.Node {
				engine.WithParams(b.Scope, "policy", b.Names, weights)
				return q.correct(b.Scope, known, xt, at)[0]
			}
			old := graph.StopGradient(guess(nn.Unflatten(engine.Var(b.Scope, x0.Graph(), "before"), p.Weights)))
			mine := guess(b.Weights)
			target := graph.Add(old, graph.Mul(diffusion.PerRow(w, x0), graph.Sub(x0, graph.StopGradient(mine))))
			std := graph.BroadcastToShape(graph.ExpandAxes(engine.Var(b.Scope.At("standard"), x0.Graph(), "std"), 0), x0.Shape())
			precision := graph.Add(graph.Square(graph.Div(alpha, sigma)), graph.Reciprocal(graph.Square(std)))
			return rng, graph.ReduceAllMean(graph.Mul(precision, graph.Square(graph.Sub(mine, graph.StopGradient(target)))))
		},
	}
	weights, err := problem.Run(ctx, odslib.Budget{Steps: s.Fits}, seed, &log)
	if weights != nil {
		p.Weights = weights
	}
	return log, err
}
