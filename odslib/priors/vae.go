package priors

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/gomlx/gomlx/core/graph"

	"odslab/odslib"
	"odslab/odslib/engine"
	"odslab/odslib/internal/fit"
	"odslab/odslib/nn"
	"odslab/odslib/safetensors"
)

var (
	_ odslib.Generator                   = (*VAE)(nil)
	_ odslib.Parametrised                = (*VAE)(nil)
	_ odslib.Trainer[odslib.Array, *VAE] = VAE{}
)

// VAE is a variational autoencoder (Kingma & Welling 1312.6114), hierarchical with more than one latent layer (Sønderby et al.
// 1602.02282): z_1 = u_1, z_l = μ_l(z_<l) + σ_l(z_<l)·u_l, and x ~ N(decoder(z), s²), s learned (Rybkin et al. 2006.13202). As a
// generator it takes the noise u ~ N(0, I) of all layers to the decoder's mean. The encoder gives, layer by layer,
// q(u_l | x, z_<l) = N(m, e^{2r}), so that Kullback–Leibler terms are those against N(0, I).
type VAE struct {
	Latents []int // sizes of the latent layers, the top first; nil means 8
	Encoder nn.Tower
	Decoder nn.Tower
	Beta    float64 // weight of the Kullback–Leibler term; 0 means 1
	Fit     `json:"-"`
	Trained `json:"-"`
}

func (v *VAE) latents() []int {
	if len(v.Latents) == 0 {
		return []int{8}
	}
	return v.Latents
}

// Err says what is missing for the prior to be used.
func (v *VAE) Err() error {
	if v == nil {
		return errUntrained
	}
	return v.Trained.Err()
}

// NoiseShape implements odslib.Generator: the sum of the layers' sizes.
func (v *VAE) NoiseShape() []int {
	n := 0
	for _, k := range v.latents() {
		n += k
	}
	return []int{n}
}

// Train implements odslib.Trainer.
func (v VAE) Train(ctx context.Context, data odslib.Array, budget odslib.Budget, seed uint64) (*VAE, error) {
	for _, k := range v.Latents {
		if k < 1 {
			return nil, fmt.Errorf("VAE: a latent layer has at least one dimension, got Latents %v", v.Latents)
		}
	}
	if v.Beta < 0 {
		return nil, fmt.Errorf("VAE: Beta must be positive, got %g", v.Beta)
	}
	v.Latents = slices.Clone(v.latents())
	err := v.Trained.train(ctx, v, "VAE", v.Fit, data, budget, seed, fit.Problem{})
	if v.Weights == nil {
		return nil, err
	}
	return &v, err
}

func (v VAE) open(f *safetensors.File, t Trained) (any, error) {
	v.Trained = t
	err := v.read(f, v)
	return &v, err
}

// Save writes the prior to path.safetensors and path.json.
func (v *VAE) Save(path string) error { return v.save(path, *v) }

// String says what the prior is, in a line.
func (v *VAE) String() string { return v.describe(fmt.Sprintf("VAE of latents %v", v.latents())) }

// Sample implements odslib.Prior.
func (v *VAE) Sample(ctx context.Context, n int, seed uint64) (odslib.Array, error) {
	if err := v.Err(); err != nil {
		return odslib.Array{}, err
	}
	return generate(ctx, v, n, seed)
}

// Generate implements odslib.Generator.
func (v *VAE) Generate(scope *odslib.Scope, u *odslib.Node) *odslib.Node {
	var above []*odslib.Node
	at := 0
	for l, k := range v.latents() {
		above = append(above, v.layer(scope, l, graph.Slice(u, graph.AxisRange(), graph.AxisRange(at, at+k)), above))
		at += k
	}
	return v.out(scope, v.decode(scope, above, v.Dims))
}

func (v *VAE) decode(scope *odslib.Scope, z []*odslib.Node, dims []int) *odslib.Node {
	return v.Decoder.Map(scope.At("decoder"), graph.Concatenate(z, -1), engine.FanIn, dims...)
}

// layer is z_l for noise u and the layers above.
func (v *VAE) layer(scope *odslib.Scope, l int, u *odslib.Node, above []*odslib.Node) *odslib.Node {
	if l == 0 {
		return u
	}
	mean, logStd := v.pair(scope.At("prior_%d", l), graph.Concatenate(above, -1), u.Shape().Dimensions[1])
	return graph.Add(mean, graph.Mul(graph.Exp(logStd), u))
}

// pair is a mean and a log standard deviation, 0 at the start.
func (v *VAE) pair(scope *odslib.Scope, h *odslib.Node, k int) (mean, logStd *odslib.Node) {
	out := nn.Tower{Hidden: v.Encoder.Hidden, Layers: 1}.Map(scope, h, engine.Zeros, 2*k)
	return graph.Slice(out, graph.AxisRange(), graph.AxisRange(0, k)), graph.Slice(out, graph.AxisRange(), graph.AxisRange(k, 2*k))
}

// passed is what a way up and down leaves: log p(x|z), of each layer the Kullback–Leibler term and log p(u) − log q(u), [B] each, and
// the layers' noise u.
type passed struct {
	logp          *odslib.Node
	kl, ratio, us []*odslib.Node
}

// pass goes up and down once, with noise ε [B, Σ] for u; x is standardised.
func (v *VAE) pass(scope *odslib.Scope, x, eps *odslib.Node) (p passed) {
	width := v.Encoder.Hidden
	if width == 0 {
		width = 128
	}
	h := v.Encoder.Map(scope.At("encoder"), x, engine.FanIn, width)
	var z []*odslib.Node
	at := 0
	for l, k := range v.latents() {
		m, r := v.pair(scope.At("posterior_%d", l), graph.Concatenate(append([]*odslib.Node{h}, z...), -1), k)
		e := graph.Slice(eps, graph.AxisRange(), graph.AxisRange(at, at+k))
		u := graph.Add(m, graph.Mul(graph.Exp(r), e))
		half := graph.MulScalar(graph.Add(graph.Square(m), graph.Exp(graph.MulScalar(r, 2))), .5)
		p.kl = append(p.kl, graph.ReduceSum(graph.Sub(graph.AddScalar(half, -.5), r), -1))
		p.ratio = append(p.ratio, graph.ReduceSum(graph.Add(graph.MulScalar(graph.Sub(graph.Square(e), graph.Square(u)), .5), r), -1))
		p.us, z = append(p.us, u), append(z, v.layer(scope, l, u, z))
		at += k
	}
	mean := v.decode(scope, z, x.Shape().Dimensions[1:])
	logStd := engine.Weight(scope, x.Graph(), "log_std", engine.Zeros, 1)
	miss := graph.Reshape(graph.Sub(x, mean), x.Shape().Dimensions[0], -1)
	d := float64(miss.Shape().Dimensions[1])
	s := graph.BroadcastToShape(graph.Reshape(logStd, 1, 1), miss.Shape())
	quad := graph.ReduceSum(graph.Square(graph.Mul(miss, graph.Exp(graph.Neg(s)))), -1)
	logs := graph.BroadcastToShape(graph.MulScalar(graph.AddScalar(graph.MulScalar(logStd, 2), math.Log(2*math.Pi)), d), quad.Shape())
	p.logp = graph.MulScalar(graph.Add(quad, logs), -.5)
	return p
}

// loss is the negative evidence lower bound for each value, in nats.
func (v VAE) loss(scope *odslib.Scope, x, rng *odslib.Node) (newRNG, loss *odslib.Node) {
	rng, eps := engine.RandomNormal(rng, x.Shape().Dimensions[0], v.NoiseShape()[0])
	p := v.pass(scope, x, eps)
	loss = graph.Neg(p.logp)
	for _, k := range p.kl {
		if v.Beta > 0 && v.Beta != 1 {
			k = graph.MulScalar(k, v.Beta)
		}
		loss = graph.Add(loss, k)
	}
	return rng, graph.DivScalar(graph.ReduceAllMean(loss), float64(x.Shape().Size()/x.Shape().Dimensions[0]))
}
