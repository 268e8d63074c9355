package guide

import (
	"context"
	"fmt"
	"time"

	"github.com/gomlx/gomlx/core/graph"

	"odslab/odslib"
	"odslab/odslib/diffusion"
	"odslab/odslib/engine"
	"odslab/odslib/twist"
)

// Guide is a method before it is put to a posterior.
type Guide interface {
	// Bind checks that the guide fits the posterior. Random numbers that it needs are drawn from seed, once.
	// A method About() string, where there is one, says what Result.About is to say of every run.
	Bind(post odslib.Posterior, seed uint64) (Bound, error)
}

// Bound is a guide of one posterior, in graph code.
type Bound interface {
	odslib.Parametrised // its own numbers, under "twist"
	// Columns are curves of t that X0 reads from Level.Extra, in this order.
	Columns() []odslib.Curve
	// X0 is x̂0 under the measurement from x_t and the prior's x̂0(x_t), all [B, shape…], in the posterior's scope.
	X0(scope *odslib.Scope, x, x0 *odslib.Node, at odslib.Level) *odslib.Node
}

// weighed is a guide that divides by Level.Gain, which then must not be 0.
type weighed interface{ dividesByGain() }

var (
	_ odslib.Diffusion    = Steered{}
	_ diffusion.Columned  = Steered{}
	_ diffusion.Wrapped   = Steered{}
	_ odslib.Parametrised = Steered{}
)

// Steered is a posterior's prior with its denoiser guided: a diffusion prior whose chain ends near the posterior.
type Steered struct {
	Post  odslib.Posterior
	Bound Bound
}

// Guided puts the guide to the posterior: for chains, steps and pictures of one's own.
func Guided(post odslib.Posterior, g Guide, seed uint64) (Steered, error) {
	if err := post.Check(); err != nil {
		return Steered{}, err
	}
	if _, ok := post.Prior.(odslib.Diffusion); !ok {
		return Steered{}, fmt.Errorf("a guide needs a diffusion prior; got %T", post.Prior)
	}
	b, err := g.Bind(post, seed)
	return Steered{Post: post, Bound: b}, err
}

// Shape implements odslib.Prior.
func (p Steered) Shape() []int { return p.Post.Shape() }

// Sample implements odslib.Prior: the guided chain of 100 steps.
func (p Steered) Sample(ctx context.Context, n int, seed uint64) (odslib.Array, error) {
	return diffusion.Chain{}.Run(ctx, p, n, seed)
}

// Schedule implements odslib.Diffusion.
func (p Steered) Schedule() odslib.Schedule { return p.Post.Prior.(odslib.Diffusion).Schedule() }

// Params implements odslib.Parametrised.
func (p Steered) Params() odslib.Params {
	return append(p.Post.Params(), p.Bound.Params().Under("twist")...)
}

// Columns implements diffusion.Columned.
func (p Steered) Columns() []odslib.Curve { return p.Bound.Columns() }

// Base implements diffusion.Wrapped.
func (p Steered) Base() (odslib.Diffusion, string) { return p.Post.Prior.(odslib.Diffusion), "prior" }

// Denoise implements odslib.Diffusion: one evaluation of the prior's denoiser, guided.
func (p Steered) Denoise(scope *odslib.Scope, x *odslib.Node, at odslib.Level) *odslib.Node {
	if len(at.Extra) != len(p.Bound.Columns()) {
		engine.Fail("this guide reads %d curves of t, which a diffusion.Chain brings; the level has %d", len(p.Bound.Columns()), len(at.Extra))
	}
	guided, _ := p.both(scope, x, at)
	return guided
}

// both are x̂0 under the measurement, and x̂0.
func (p Steered) both(scope *odslib.Scope, x *odslib.Node, at odslib.Level) (guided, own *odslib.Node) {
	bare := at
	bare.Extra = nil
	own = p.Post.Denoise(scope, x, bare)
	return p.Bound.X0(scope, x, own, at), own
}

// sample runs the guided chain for n samples.
func sample(ctx context.Context, name string, g Guide, chain diffusion.Chain, checks bool, post odslib.Posterior, n int, seed uint64) (*odslib.Result, error) {
	start := time.Now()
	if err := odslib.CheckDraw(post, n); err != nil {
		return nil, err
	}
	if _, ok := post.Prior.(odslib.Diffusion); !ok {
		return nil, fmt.Errorf("%s needs a diffusion prior; got %T", name, post.Prior)
	}
	prior, err := Guided(post, g, engine.Split(seed, name+".guide"))
	if err != nil {
		return nil, err
	}
	_, unguided := prior.Bound.(unguided)
	if _, ok := prior.Bound.(weighed); ok {
		p, err := chain.Of(prior)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if err := p.Gains(); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	res := odslib.NewResult(post, name, g, seed)
	if a, ok := g.(interface{ About() string }); ok {
		res.About = a.About()
	}
	d, err := walk(ctx, name, prior, chain, checks, n, seed)
	res.Samples, res.States, res.NetworkEvals = d.X, d.States, d.Evals
	if !unguided {
		res.ConstraintEvals = d.Evals * int64(twist.EvaluationsOf(prior.Bound))
		res.JacobianProducts = d.Evals * int64(twist.ProductsOf(prior.Bound))
	}
	if d.Note != "" {
		res.Note("%s", d.Note)
	}
	if err != nil {
		if d.Evals == 0 {
			return nil, err
		}
		if res.Samples.Len() == 0 && d.X0.Len() > 0 {
			res.Samples = d.X0
			res.Note("stopped after %d steps: %v; the samples are x̂0(x_t) of draws on their way, no posterior samples", d.Steps, err)
		} else {
			res.Note("stopped after %d steps of a batch: %v; %d of %d samples are done", d.Steps, err, res.Samples.Len(), n)
		}
	}
	if res.NonFinite = res.Samples.NonFinite(); res.NonFinite > 0 {
		res.Note("the guidance is too strong for these steps where values are not finite: lower its strength or take more Steps")
	}
	if err == nil && checks {
		if unguided { // a path of the prior weighs r
			d.Carried = []odslib.Array{engine.NewArray(n)}
		}
		err = check(ctx, res, post, d.Carried, unguided, seed)
	}
	res.Close(start)
	return res, err
}

// shifted is x̂0 + s·∇_x of the sum of per-sample values; s is [B].
func shifted(x0, values, x, s *odslib.Node) *odslib.Node {
	g := graph.Gradient(graph.ReduceAllSum(values), x)[0]
	return graph.Add(x0, graph.Mul(diffusion.PerRow(s, x), g))
}

// unit is σ²/α, which turns a score into a shift of x̂0: [B].
func unit(at odslib.Level) *odslib.Node { return graph.Div(graph.Square(at.Sigma), at.Alpha) }
