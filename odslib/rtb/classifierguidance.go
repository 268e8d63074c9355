package rtb

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
	"odslab/odslib/nn"
)

// ClassifierGuidance trains a classifier of noisy samples on samples of the prior, r over its largest value among them as the
// probability of the class, and guides the prior's chain by its gradient (Dhariwal & Nichol 2021, 2105.05233). The log-probability of the
// best classifier is log E[r | x_t] up to a constant; where r is next to nothing, as between modes, samples say little of it.
type ClassifierGuidance struct {
	Net     nn.Net // nil means nn.MLP{}
	Samples int    // of the prior, 0 means 20000
	Batch   int    // 0 means 512
	Chain   diffusion.Chain
}

var (
	_ odslib.Trainer[odslib.Posterior, *Classified] = ClassifierGuidance{}
	_ odslib.Sampler                                = (*Classified)(nil)
	_ diffusion.Wrapped                             = guided{}
)

// Classified is a classifier trained to guide: plain data.
type Classified struct {
	Net     nn.Net
	Weights odslib.Params
	Scale   odslib.Params // mean and standard deviation of the prior's values
	Chain   diffusion.Chain
	Fit     odslib.Fingerprint
	Losses  []float32 // of every step
	Seconds float64
	Notes   []string
}

// Train implements odslib.Trainer, by 2000 steps where the budget says none.
func (s ClassifierGuidance) Train(ctx context.Context, post odslib.Posterior, budget odslib.Budget, seed uint64) (*Classified, error) {
	const name = "classifier guidance"
	begun := time.Now()
	if err := post.Check(); err != nil {
		return nil, err
	}
	prior, ok := post.Prior.(odslib.Diffusion)
	if !ok || post.Given != nil {
		return nil, fmt.Errorf("%s needs a diffusion prior, and no conditions that differ; got %T", name, post.Prior)
	}
	if s.Net == nil {
		s.Net = nn.MLP{}
	}
	n, batch := 20000, 512
	if s.Samples > 0 {
		n = s.Samples
	}
	if s.Batch > 0 {
		batch = s.Batch
	}
	x, err := prior.Sample(ctx, n, engine.Split(seed, "rtb.classifier"))
	if err != nil {
		return nil, err
	}
	logr, err := post.Rewards(ctx, x)
	if err != nil {
		return nil, err
	}
	top := math.Inf(-1)
	for _, l := range logr {
		if l > top {
			top = l
		}
	}
	if math.IsInf(top, -1) {
		return nil, fmt.Errorf("%s: r is 0 or no number at all of %d samples of the prior", name, n)
	}
	chance := engine.NewArray(n)
	for i, l := range logr {
		if p := math.Exp(l - top); p > 0 {
			chance.Data[i] = float32(p)
		}
	}
	r := odslib.Result{Samples: x}
	mean, std := r.Mean(), r.Std()
	for i := range std {
		std[i] = math.Max(std[i], 1e-6)
	}
	shape := post.Shape()
	c := &Classified{Net: s.Net, Chain: s.Chain, Scale: odslib.Params{
		{Name: "mean", Value: engine.FromVector(mean).Reshape(shape...)}, {Name: "std", Value: engine.FromVector(std).Reshape(shape...)},
	}}
	if c.Fit, err = post.Fingerprint(ctx); err != nil {
		return nil, err
	}
	if c.Weights, err = nn.Initial(s.Net, shape, engine.Split(seed, "rtb.classifier.weights")); err != nil {
		return nil, err
	}
	schedule := s.Chain.Schedule
	if schedule == nil {
		schedule = prior.Schedule()
	}
	start, rng := diffusion.Start(schedule), engine.RNG(seed, "rtb.classifier.rows")
	problem := fit.Problem{
		What: name, Stream: "rtb.classifier", Weights: c.Weights, Settings: fit.Brief(batch, budget),
		Params: append(odslib.Params{{Name: "x", Value: x}, {Name: "chance", Value: chance}}, c.Scale.Under("scale")...),
		Columns: func(int) []float32 {
			row := make([]float32, 4*batch)
			for i := range batch {
				t := start * (1e-3 + (1-1e-3)*(float64(i)+rng.Float64())/float64(batch))
				row[i], row[batch+i] = float32(rng.IntN(n)), float32(t)
				row[2*batch+i], row[3*batch+i] = float32(schedule.Alpha(t)), float32(schedule.Sigma(t))
			}
			return row
		},
		Loss: func(b fit.Minibatch) (rng, loss *odslib.Node) {
			x, p := b.Pick("x", b.Column(0)), b.Pick("chance", b.Column(0))
			at := odslib.Level{T: b.Column(1), Alpha: b.Column(2), Sigma: b.Column(3)}
			rng, noise := engine.RandomNormal(b.RNG, x.Shape().Dimensions...)
			x = graph.Add(graph.Mul(diffusion.PerRow(at.Alpha, x), x), graph.Mul(diffusion.PerRow(at.Sigma, x), noise))
			h := c.logit(b.Scope.At("scale"), b.Net, x, at)
			// −p·log s(h) − (1−p)·log(1−s(h)), s the logistic function
			return rng, graph.ReduceAllMean(graph.Sub(softplus(h), graph.Mul(p, h)))
		},
	}
	var log checkpoint.Log
	weights, err := problem.Run(ctx, budget, seed, &log)
	err = fit.Named(ctx, name, err)
	if weights == nil {
		return nil, err
	}
	c.Weights, c.Losses, c.Notes, c.Seconds = weights, log.Loss, log.Notes, time.Since(begun).Seconds()
	if err != nil {
		c.Notes = append(c.Notes, fmt.Sprintf("stopped early: %v", err))
	}
	return c, err
}

// softplus is log(1 + e^h).
func softplus(h *odslib.Node) *odslib.Node {
	return graph.Add(graph.MaxScalar(h, 0), graph.Log1P(graph.Exp(graph.Neg(graph.Abs(h)))))
}

// logit is the classifier's, [B]: the mean of the network's outputs.
func (c *Classified) logit(scale, net *odslib.Scope, x *odslib.Node, at odslib.Level) *odslib.Node {
	like := func(name string) *odslib.Node {
		return graph.BroadcastToShape(graph.ExpandAxes(engine.Var(scale, x.Graph(), name), 0), x.Shape())
	}
	alpha := diffusion.PerRow(at.Alpha, x)
	size := graph.Sqrt(graph.Add(graph.Square(graph.Mul(alpha, like("std"))), graph.Square(diffusion.PerRow(at.Sigma, x))))
	u := graph.Div(graph.Sub(x, graph.Mul(alpha, like("mean"))), size)
	out := c.Net.Apply(net, u, at)
	return graph.ReduceSum(graph.Reshape(out, x.Shape().Dimensions[0], -1), -1)
}

// Sample implements odslib.Sampler: the prior's chain with x̂0 + (σ²/α)·∇ log of the classifier's probability.
func (c *Classified) Sample(ctx context.Context, post odslib.Posterior, n int, seed uint64) (*odslib.Result, error) {
	begun := time.Now()
	if err := odslib.CheckDraw(post, n); err != nil {
		return nil, err
	}
	if err := c.Fit.Accepts(ctx, post); err != nil {
		return nil, fmt.Errorf("classifier guidance: it was trained for another posterior: %w", err)
	}
	res := odslib.NewResult(post, "classifier guidance", c.Chain.Steps, seed)
	res.About = "as near as the classifier came, at every level of noise; no weights correct it"
	d, err := c.Chain.Draw(ctx, "classifier guidance", guided{post.Prior.(odslib.Diffusion), c}, nil, n, seed)
	res.Samples, res.States, res.NetworkEvals = d.X, d.States, 2*d.Evals
	if err != nil {
		res.Note("stopped after %d of %d samples: %v", d.X.Len(), n, err)
	}
	res.NonFinite += res.Samples.NonFinite()
	for _, line := range append(slices.Clone(c.Notes), d.Note) {
		if line != "" {
			res.Note("%s", line)
		}
	}
	res.Close(begun)
	return res, err
}

// Noted are the Notes of the training.
func (c *Classified) Noted() []string { return c.Notes }

// guided is the prior under the classifier.
type guided struct {
	odslib.Diffusion
	by *Classified
}

// Base implements diffusion.Wrapped.
func (g guided) Base() (odslib.Diffusion, string) { return g.Diffusion, "prior" }

// Params implements odslib.Parametrised.
func (g guided) Params() odslib.Params {
	return slices.Concat(odslib.ParamsOf(g.Diffusion).Under("prior"), g.by.Scale.Under("scale"), g.by.Weights.Under("classifier"))
}

// Denoise implements odslib.Diffusion.
func (g guided) Denoise(scope *odslib.Scope, x *odslib.Node, at odslib.Level) *odslib.Node {
	x0 := g.Diffusion.Denoise(scope.At("prior"), x, at)
	h := g.by.logit(scope.At("scale"), scope.At("classifier"), x, at)
	log := graph.Neg(softplus(graph.Neg(h)))
	pull := graph.Gradient(graph.ReduceAllSum(log), x)[0]
	return graph.Add(x0, graph.Mul(diffusion.PerRow(graph.Div(graph.Square(at.Sigma), at.Alpha), x), pull))
}
