package balance

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/gomlx/gomlx/core/graph"
	"gonum.org/v1/gonum/stat"

	"odslab/odslib"
	"odslab/odslib/diffusion"
	"odslab/odslib/engine"
	"odslab/odslib/measure"
	"odslab/odslib/nn"
)

var _ odslib.Sampler = (*Policy)(nil)

// Policy is a trained sampler: plain data, to be put to the posterior it was trained for.
type Policy struct {
	Name       string
	Net        nn.Net
	Weights    odslib.Params
	Standard   odslib.Params   // mean and standard deviation of the network's inputs
	Chain      diffusion.Chain // of a diffusion prior
	Drift      Drift
	Posterior  odslib.Fingerprint // that it was trained for
	LogZ       float64            // as learned; NaN where conditions differ from row to row
	Trace      []Iteration
	Iterations int
	Paths      int // an iteration
	Seconds    float64
	Notes      []string
}

// process is the policy as a process, and the numbers that it reads.
func (p *Policy) process(post odslib.Posterior) (*corrected, odslib.Params, error) {
	q, err := newCorrected(post, p.Chain, p.Net, p.Drift, p.Standard, p.Name)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", p.Name, err)
	}
	return q, append(q.params(), p.Weights.Under("policy")...), nil
}

// Sample draws n paths. Samples are the policy's own, equally weighted; Particles carries the importance weights
// exp(−δ), with which expectations and log Z are right however short the training (log Z up to the discretisation of
// the reference chain). ESS is that of the weights. Where conditions differ from row to row the weights are relative to those of
// the same condition, and there is no log Z.
func (p *Policy) Sample(ctx context.Context, post odslib.Posterior, n int, seed uint64) (*odslib.Result, error) {
	if err := odslib.CheckDraw(post, n); err != nil {
		return nil, err
	}
	if p.Net == nil {
		return nil, fmt.Errorf("the policy is untrained")
	}
	if err := p.Posterior.Accepts(ctx, post); err != nil {
		return nil, fmt.Errorf("%s: the policy was trained for another posterior: %w; train one for this", p.Name, err)
	}
	start := time.Now()
	q, params, err := p.process(post)
	if err != nil {
		return nil, err
	}
	reward, err := post.Evaluator()
	if err != nil {
		return nil, err
	}
	defer reward.Close()
	res := odslib.NewResult(post, p.Name, p.settings(), seed)
	walk := diffusion.Walk{
		Process: q, Params: params, Driver: p.Chain.Driver, Observe: p.Chain.Observe,
		Carried: func(n int) []odslib.Array { return []odslib.Array{engine.NewArray(n)} },
		Carry: func(s diffusion.Stride, sum []*odslib.Node) []*odslib.Node {
			return []*odslib.Node{graph.Add(sum[0], q.logRatio(s.Guess, s.Next, s.X, s.Row))}
		},
	}
	batch := 4096
	if c, ok := q.Process.(*diffusion.Process); ok {
		batch = c.Chain.Batch
	}
	d, err := walk.Draw(ctx, p.Name, post.Given, n, batch, seed)
	res.Samples, res.States, res.NetworkEvals = d.X, d.States, d.Evals
	res.About = "as near as the training came; with the weights of Particles right in the limit of many draws, for the chain's own law"
	if err != nil {
		res.Note("stopped after %d of %d samples: %v", d.X.Len(), n, err)
	}
	if m := d.X.Len(); m > 0 && len(d.Carried) > 0 {
		given := post.Given
		if given != nil {
			part := given.Slice(0, m)
			given = &part
		}
		logw, failed := reward.Rewards(context.WithoutCancel(ctx), d.X, given)
		if odslib.Partly(context.WithoutCancel(ctx), logw, failed) {
			res.Note("log r failed for some samples, first with: %v", failed)
		} else if err == nil {
			err = failed
		}
		res.ConstraintEvals = int64(m)
		for i, v := range d.Carried[0].Data {
			logw[i] -= float64(v)
		}
		res.Lost(logw)
		p.weigh(res, logw, given)
	}
	res.NonFinite += res.Samples.NonFinite()
	for _, line := range append(slices.Clone(p.Notes), d.Note, reward.Note()) {
		if line != "" {
			res.Note("%s", line)
		}
	}
	res.Close(start)
	return res, err
}

// Noted are the Notes of the training.
func (p *Policy) Noted() []string { return p.Notes }

// weigh puts the importance weights into the result.
func (p *Policy) weigh(res *odslib.Result, logw []float64, given *odslib.Array) {
	alone := true
	for first := 0; first < len(logw); {
		last := first + 1
		for ; last < len(logw) && (given == nil || slices.Equal(given.Row(first), given.Row(last))); last++ {
		}
		part := logw[first:last]
		logZ, se := measure.LogMeanExp(part)
		if alone = len(part) == len(logw); alone {
			res.LogZ, res.LogZError = logZ, se
			res.Figure("ELBO %.3f, learned log Z %.3f", stat.Mean(part, nil), p.LogZ)
		} else if !math.IsInf(logZ, -1) {
			for i := range part {
				part[i] -= logZ
			}
		}
		res.ESS += measure.ESS(part)
		first = last
	}
	if !alone {
		res.Note("conditions differ from row to row: weights are relative to those of the same condition, and there is no log Z")
	}
	res.Particles = &odslib.Cloud{X: res.Samples, LogWeights: logw}
}

func (p *Policy) settings() string {
	return fmt.Sprintf("{Net:%+v Steps:%d Guide:%T Variances:%v Iterations:%d Paths:%d}", p.Net, p.Chain.Steps, p.Drift.Guide, p.Drift.Variances, p.Iterations, p.Paths)
}

// Losses are the losses of all iterations.
func (p *Policy) Losses() []float64 {
	out := make([]float64, len(p.Trace))
	for i, it := range p.Trace {
		out[i] = it.Loss
	}
	return out
}

// String is one line about the training, with what is to be known of it.
func (p *Policy) String() string {
	if len(p.Trace) == 0 {
		return p.Name + " policy, untrained"
	}
	last := p.Trace[len(p.Trace)-1]
	out := fmt.Sprintf("%s policy: %d iterations in %.0f s, loss %.4g, log Z %.3f, %d weights", p.Name, p.Iterations, p.Seconds, last.Loss, p.LogZ, p.Weights.Size())
	for _, n := range p.Notes {
		out += "; " + n
	}
	return out
}
