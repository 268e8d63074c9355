package priors

import (
	"context"
	"fmt"
	"math"

	"github.com/gomlx/gomlx/core/graph"

	"odslab/odslib"
	"odslab/odslib/engine"
	"odslab/odslib/internal/fit"
	"odslab/odslib/nn"
	"odslab/odslib/safetensors"
)

var (
	_ odslib.Generator                       = (*RealNVP)(nil)
	_ odslib.Density                         = (*RealNVP)(nil)
	_ odslib.Parametrised                    = (*RealNVP)(nil)
	_ odslib.Trainer[odslib.Array, *RealNVP] = RealNVP{}
)

// RealNVP is a normalising flow of affine couplings (Dinh et al. 1605.08803): each moves half of the values by x·e^s + t, s and t
// functions of the other half, after a scale and shift of every value by itself (Kingma & Dhariwal 1807.03039, without their
// initialisation from data). The halves are random, and change places from coupling to coupling. |s| stays below 2.
type RealNVP struct {
	Couplings int // 0 means 8
	Net       nn.Tower
	Fit       `json:"-"`
	Trained   `json:"-"`
}

// Err says what is missing for the prior to be used.
func (f *RealNVP) Err() error {
	if f == nil {
		return errUntrained
	}
	return f.Trained.Err()
}

// NoiseShape implements odslib.Generator.
func (f *RealNVP) NoiseShape() []int { return f.Shape() }

// Train implements odslib.Trainer.
func (f RealNVP) Train(ctx context.Context, data odslib.Array, budget odslib.Budget, seed uint64) (*RealNVP, error) {
	if f.Couplings < 0 {
		return nil, fmt.Errorf("RealNVP: Couplings must be positive, got %d", f.Couplings)
	}
	if len(data.Shape) > 1 && data.Dim() == 1 {
		return nil, fmt.Errorf("RealNVP: samples of one value have no second half to condition on; use priors.Flow")
	}
	err := f.Trained.train(ctx, f, "RealNVP", f.Fit, data, budget, seed, fit.Problem{})
	if f.Weights == nil {
		return nil, err
	}
	return &f, err
}

func (f RealNVP) open(file *safetensors.File, t Trained) (any, error) {
	f.Trained = t
	err := f.read(file, f)
	return &f, err
}

// Save writes the prior to path.safetensors and path.json.
func (f *RealNVP) Save(path string) error { return f.save(path, *f) }

// String says what the prior is, in a line.
func (f *RealNVP) String() string {
	return f.describe(fmt.Sprintf("RealNVP of %d couplings", f.couplings()))
}

func (f *RealNVP) couplings() int {
	if f.Couplings == 0 {
		return 8
	}
	return f.Couplings
}

// Sample implements odslib.Prior.
func (f *RealNVP) Sample(ctx context.Context, n int, seed uint64) (odslib.Array, error) {
	if err := f.Err(); err != nil {
		return odslib.Array{}, err
	}
	return generate(ctx, f, n, seed)
}

// mask is 1 for the values that coupling k leaves as they are, a constant of d values.
func mask(k, d int) []float32 {
	out := make([]float32, d)
	for i, j := range engine.RNG(uint64(k/2), "priors.RealNVP.mask").Perm(d) {
		if (2*i < d) == (k%2 == 0) {
			out[j] = 1
		}
	}
	return out
}

// bound is where the logarithm of a coupling's scale levels off.
const bound = 2.

// coupling is log s and shift t of the values of a coupling, zero for those that it leaves, and the logarithms of scale and shift
// that each value has by itself; x [B, d].
func (f *RealNVP) coupling(scope *odslib.Scope, k int, x *odslib.Node) (s, t *odslib.Node) {
	n, d := x.Shape().Dimensions[0], x.Shape().Dimensions[1]
	m := graph.BroadcastToDims(graph.Reshape(graph.Const(x.Graph(), mask(k, d)), 1, d), n, d)
	out := f.Net.Map(scope.At("coupling_%d", k), graph.Mul(x, m), engine.Zeros, 2*d)
	moved := graph.OneMinus(m)
	s = graph.MulScalar(graph.Tanh(graph.DivScalar(graph.Slice(out, graph.AxisRange(), graph.AxisRange(0, d)), bound)), bound)
	return graph.Mul(s, moved), graph.Mul(graph.Slice(out, graph.AxisRange(), graph.AxisRange(d, 2*d)), moved)
}

func (f *RealNVP) single(scope *odslib.Scope, k int, x *odslib.Node) (s, t *odslib.Node) {
	d := x.Shape().Dimensions[1]
	wide := func(name string) *odslib.Node {
		w := engine.Weight(scope.At("coupling_%d", k), x.Graph(), name, engine.Zeros, d)
		return graph.BroadcastToShape(graph.Reshape(w, 1, d), x.Shape())
	}
	return wide("log_scale"), wide("shift")
}

// toNoise takes standardised x to z, with log |dz/dx|, [B].
func (f *RealNVP) toNoise(scope *odslib.Scope, x *odslib.Node) (z, logDet *odslib.Node) {
	n := x.Shape().Dimensions[0]
	z = graph.Reshape(x, n, -1)
	var logs *odslib.Node
	for k := range f.couplings() {
		for _, layer := range []func(*odslib.Scope, int, *odslib.Node) (s, t *odslib.Node){f.single, f.coupling} {
			s, t := layer(scope, k, z)
			z = graph.Add(graph.Mul(z, graph.Exp(s)), t)
			if logs == nil {
				logs = s
			} else {
				logs = graph.Add(logs, s)
			}
		}
	}
	return z, graph.ReduceSum(logs, -1)
}

// Generate implements odslib.Generator: the inverse of the couplings, the last one first.
func (f *RealNVP) Generate(scope *odslib.Scope, z *odslib.Node) *odslib.Node {
	dims := z.Shape().Dimensions
	x := graph.Reshape(z, dims[0], -1)
	for k := f.couplings() - 1; k >= 0; k-- {
		for _, layer := range []func(*odslib.Scope, int, *odslib.Node) (s, t *odslib.Node){f.coupling, f.single} {
			s, t := layer(scope, k, x)
			x = graph.Mul(graph.Sub(x, t), graph.Exp(graph.Neg(s)))
		}
	}
	return f.out(scope, graph.Reshape(x, dims...))
}

// LogDensity is log p(x), [B]: that of the data, whatever the level.
func (f *RealNVP) LogDensity(scope *odslib.Scope, x *odslib.Node, _ odslib.Level) *odslib.Node {
	return graph.AddScalar(f.logDensity(scope, f.in(scope, x)), -f.volume())
}

func (f *RealNVP) logDensity(scope *odslib.Scope, x *odslib.Node) *odslib.Node {
	z, logDet := f.toNoise(scope, x)
	d := float64(z.Shape().Dimensions[1])
	quad := graph.ReduceSum(graph.Square(z), -1)
	return graph.AddScalar(graph.Sub(logDet, graph.MulScalar(quad, .5)), -.5*d*math.Log(2*math.Pi))
}

// LogLikelihood implements Likelihood.
func (f *RealNVP) LogLikelihood(ctx context.Context, x odslib.Array, _ uint64) ([]float64, error) {
	if err := f.Err(); err != nil {
		return nil, err
	}
	return each(ctx, f, x, func(scope *engine.Scope, in []*engine.Node) []*engine.Node {
		return []*engine.Node{f.LogDensity(scope, in[0], odslib.Level{})}
	}, nil)
}

// loss is −log p for each value, in nats.
func (f RealNVP) loss(scope *odslib.Scope, x, rng *odslib.Node) (newRNG, loss *odslib.Node) {
	d := x.Shape().Size() / x.Shape().Dimensions[0]
	return rng, graph.DivScalar(graph.Neg(graph.ReduceAllMean(f.logDensity(scope, x))), float64(d))
}
