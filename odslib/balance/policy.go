package balance

import (
	"context"
	"fmt"
	"math"
	"time"

	"odslab/odslib"
	"odslab/odslib/diffusion"
	"odslab/odslib/engine"
	"odslab/odslib/nn"
)

var _ odslib.Sampler = (*Policy)(nil)

// Policy is a trained sampler: plain data, to be put to the posterior it was trained for.
type Policy struct {
	Name       string
	Net        nn.Net
	Weights    odslib.Params
	Chain      diffusion.Chain
	Scale      float64 // typical size of the prior's samples
	LogZ       float64 // as learned
	Trace      []Iteration
	Iterations int
	Batch      int
	Seconds    float64
	Notes      []string
}

// Sample draws n paths. Samples are the policy's own, equally weighted; Particles carries the importance weights
// exp(−δ), with which expectations and log Z are right however short the training (log Z up to the discretisation of
// the reference chain). ESS is that of the weights.
func (p *Policy) Sample(ctx context.Context, post odslib.Posterior, n int, seed uint64) (*odslib.Result, error) {
	if err := odslib.CheckDraw(post, n); err != nil {
		return nil, err
	}
	start := time.Now()
	e, err := engine.Open()
	if err != nil {
		return nil, err
	}
	batch := min(n, 4096)
	paths, err := newPaths(post, p.Net, p.Weights, p.Chain, batch, p.Scale, engine.Auto, 0)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p.Name, err)
	}
	defer paths.close()
	reward, err := newReward(e, post)
	if err != nil {
		return nil, err
	}
	res := odslib.NewResult(p.Name, p.settings(), seed)
	res.Samples = engine.NewArray(append([]int{0}, post.Shape()...)...)
	phi, err := e.Tensors(p.Weights.Values()...)
	if err != nil {
		return nil, err
	}
	defer func() { engine.Free(phi...) }()
	var logw []float64
	for first := 0; first < n; first += batch {
		var d drawn
		if d, phi, err = paths.forward(ctx, phi, engine.Split(seed, fmt.Sprintf("balance.policy.%d", first)), 0); err != nil {
			res.Notes = append(res.Notes, fmt.Sprintf("stopped after %d of %d samples: %v", res.Samples.Len(), n, err))
			return res, err
		}
		logr, err := reward.of(d.x)
		if err != nil {
			return res, err
		}
		keep := min(batch, n-first)
		res.Samples = res.Samples.Append(d.x.Slice(0, keep))
		for i := range keep {
			logw = append(logw, logr[i]-d.sum[i])
		}
		res.NetworkEvals += int64(batch * p.Chain.Steps)
		res.ConstraintEvals += int64(batch)
		odslib.Observe(ctx, odslib.Progress{What: p.Name, Step: first + keep, Steps: n, LogZ: math.NaN(), Loss: math.NaN()})
	}
	res.Particles = &odslib.Cloud{X: res.Samples, LogWeights: logw}
	res.LogZ, res.LogZError, res.ESS = evidence(logw)
	res.NonFinite = res.Samples.NonFinite()
	res.Notes = append(res.Notes, fmt.Sprintf("ELBO %.3f, learned log Z %.3f", mean(logw), p.LogZ))
	res.Notes = append(res.Notes, p.Notes...)
	res.Seconds = time.Since(start).Seconds()
	return res, nil
}

func (p *Policy) settings() string {
	return fmt.Sprintf("{Net:%+v Steps:%d Iterations:%d Batch:%d}", p.Net, p.Chain.Steps, p.Iterations, p.Batch)
}

// Losses are the losses of all iterations.
func (p *Policy) Losses() []float64 {
	out := make([]float64, len(p.Trace))
	for i, it := range p.Trace {
		out[i] = it.Loss
	}
	return out
}

// String is one line about the training.
func (p *Policy) String() string {
	if len(p.Trace) == 0 {
		return p.Name + " policy, untrained"
	}
	last := p.Trace[len(p.Trace)-1]
	return fmt.Sprintf("%s policy: %d iterations in %.0f s, loss %.4g, log Z %.3f, %d weights", p.Name, p.Iterations, p.Seconds, last.Loss, p.LogZ, p.Weights.Size())
}

func mean(v []float64) float64 {
	sum := 0.
	for _, x := range v {
		sum += x
	}
	return sum / float64(len(v))
}

// evidence is log of the mean weight, its standard error by the delta method, and the effective sample size.
func evidence(logw []float64) (logZ, se, ess float64) {
	n := float64(len(logw))
	top := math.Inf(-1)
	for _, l := range logw {
		top = math.Max(top, l)
	}
	var s1, s2 float64
	for _, l := range logw {
		w := math.Exp(l - top)
		s1, s2 = s1+w, s2+w*w
	}
	ess = s1 * s1 / s2
	return top + math.Log(s1/n), math.Sqrt(math.Max(0, (1/ess-1/n)*n/math.Max(1, n-1))), ess
}
