package priors

import (
	"context"
	"fmt"
	"strings"

	"github.com/gomlx/gomlx/core/graph"

	"odslab/odslib"
	"odslab/odslib/engine"
	"odslab/odslib/internal/fit"
	"odslab/odslib/nn"
	"odslab/odslib/safetensors"
)

var (
	_ odslib.Generator                   = (*GAN)(nil)
	_ odslib.Parametrised                = (*GAN)(nil)
	_ odslib.Trainer[odslib.Array, *GAN] = GAN{}
)

// GAN is a generative adversarial network (Goodfellow et al. 1406.2661) with the relativistic pairing loss and gradient
// penalties on data and on samples (Huang et al. 2501.05441; R1 of Mescheder et al. 1801.04406): the critic lowers
// softplus(D(x̃)−D(x)) + γ/2·(‖∇D(x)‖²+‖∇D(x̃)‖²), the generator softplus(D(x)−D(x̃)), both at once. It has no density; what it
// keeps is the generator.
type GAN struct {
	Latent    int // 0 means 16
	Generator nn.Tower
	Critic    nn.Tower
	Penalty   float64    // γ for each value of a sample; 0 means .05
	Fit       `json:"-"` // Adam's Beta1 and Beta2 are .5 and .99 where they are 0, and gradients are not clipped unless Clip says so
	Trained   `json:"-"`
}

// Err says what is missing for the prior to be used.
func (g *GAN) Err() error {
	if g == nil {
		return errUntrained
	}
	return g.Trained.Err()
}

// NoiseShape implements odslib.Generator.
func (g *GAN) NoiseShape() []int {
	if g.Latent == 0 {
		return []int{16}
	}
	return []int{g.Latent}
}

// Train implements odslib.Trainer. The losses of its log are the critic's.
func (g GAN) Train(ctx context.Context, data odslib.Array, budget odslib.Budget, seed uint64) (*GAN, error) {
	if g.Latent < 0 || g.Penalty < 0 {
		return nil, fmt.Errorf("GAN: Latent and Penalty must be positive, got %d and %g", g.Latent, g.Penalty)
	}
	f := g.Fit
	if f.Adam.Beta1 == 0 && f.Adam.Beta2 == 0 {
		f.Adam.Beta1, f.Adam.Beta2 = .5, .99
	}
	if f.Clip == 0 {
		f.Clip = -1
	}
	g.Latent = g.NoiseShape()[0]
	err := g.Trained.train(ctx, g, "GAN", f, data, budget, seed, fit.Problem{Gradient: g.gradient})
	if g.Weights == nil {
		return nil, err
	}
	g.Weights = generatorOf(g.Weights)
	return &g, err
}

const generatorPrefix = "generator/"

func generatorOf(weights odslib.Params) (out odslib.Params) {
	for _, p := range weights {
		if strings.HasPrefix(p.Name, generatorPrefix) {
			out = append(out, p)
		}
	}
	return out
}

func (g GAN) open(f *safetensors.File, t Trained) (any, error) {
	g.Trained = t
	like, err := initial(g, t.Dims, 0)
	if err == nil {
		g.Weights, err = weightsOf(f, "", generatorOf(like))
	}
	return &g, err
}

// Save writes the prior to path.safetensors and path.json.
func (g *GAN) Save(path string) error { return g.save(path, *g) }

// String says what the prior is, in a line.
func (g *GAN) String() string { return g.describe(fmt.Sprintf("GAN of %d noises", g.NoiseShape()[0])) }

// Sample implements odslib.Prior.
func (g *GAN) Sample(ctx context.Context, n int, seed uint64) (odslib.Array, error) {
	if err := g.Err(); err != nil {
		return odslib.Array{}, err
	}
	return generate(ctx, g, n, seed)
}

// Generate implements odslib.Generator.
func (g *GAN) Generate(scope *odslib.Scope, z *odslib.Node) *odslib.Node {
	return g.out(scope, g.make(scope, z, g.Dims))
}

func (g *GAN) make(scope *odslib.Scope, z *odslib.Node, dims []int) *odslib.Node {
	return g.Generator.Map(scope.At("generator"), z, engine.FanIn, dims...)
}

func (g *GAN) critic(scope *odslib.Scope, x *odslib.Node) *odslib.Node {
	return graph.Reshape(g.Critic.Map(scope.At("critic"), x, engine.FanIn, 1), -1)
}

// losses are those of critic and generator.
func (g *GAN) losses(scope *odslib.Scope, x, rng *odslib.Node) (newRNG, critic, generator *odslib.Node) {
	dims := x.Shape().Dimensions
	n, d := dims[0], float64(x.Shape().Size()/dims[0])
	rng, z := engine.RandomNormal(rng, n, g.NoiseShape()[0])
	fake := g.make(scope, z, dims[1:])

	both := graph.Concatenate([]*odslib.Node{x, graph.StopGradient(fake)}, 0)
	scores := g.critic(scope, both)
	slope := graph.Gradient(graph.ReduceAllSum(scores), both)[0]
	penalty := g.Penalty
	if penalty == 0 {
		penalty = .05
	}
	real, drawn := graph.Slice(scores, graph.AxisRange(0, n)), graph.Slice(scores, graph.AxisRange(n, 2*n))
	critic = graph.Add(graph.ReduceAllMean(softplus(graph.Sub(drawn, real))),
		graph.MulScalar(graph.ReduceAllSum(graph.Square(slope)), penalty*d/2/float64(n)))
	return rng, critic, graph.ReduceAllMean(softplus(graph.Sub(graph.StopGradient(real), g.critic(scope, fake))))
}

// gradient takes each network's gradient of its own loss.
func (g GAN) gradient(b fit.Minibatch) (rng, loss *odslib.Node, grads []*odslib.Node) {
	rng, critic, generator := g.losses(b.Net, b.X, b.RNG)
	up, down := graph.Gradient(generator, b.Weights...), graph.Gradient(critic, b.Weights...)
	for i, name := range b.Names {
		if strings.HasPrefix(name, generatorPrefix) {
			grads = append(grads, up[i])
		} else {
			grads = append(grads, down[i])
		}
	}
	return rng, critic, grads
}

func (g GAN) loss(scope *odslib.Scope, x, rng *odslib.Node) (newRNG, loss *odslib.Node) {
	newRNG, loss, _ = g.losses(scope, x, rng)
	return newRNG, loss
}

// softplus is log(1+eˣ) without overflow.
func softplus(x *odslib.Node) *odslib.Node {
	return graph.Add(graph.Max(x, graph.ZerosLike(x)), graph.Log1P(graph.Exp(graph.Neg(graph.Abs(x)))))
}
