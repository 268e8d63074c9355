package smc

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/gomlx/gomlx/core/graph"

	"odslab/odslib"
	"odslab/odslib/diffusion"
	"odslab/odslib/engine"
)

var _ odslib.Prior = Product{}

// Factor is a prior to a power.
type Factor struct {
	Prior odslib.Diffusion
	Power float64
}

// Product is the law ∝ ∏_j p_j(x)^γ_j of diffusion priors with one noise process: annealed priors and products of experts. Particles that
// follow the sum of the scores do not end there; the weights of Feynman–Kac correctors do (Skreta et al. 2025, 2503.02819), and log Ẑ is
// log ∫∏p_j^γ_j. A constraint comes on top: Given(Product{…}, c), for every sampler of this package that has a Chain.
//
// The weights are those of the chain, not of its limit. With p_j(x_s|x_t) the reverse steps and q(x_t|x_s) the noising step, which
// Bayes' rule ties to the marginals, p_j(x_s)/p_j(x_t) = p_j(x_s|x_t)/q(x_t|x_s), the product goes down by
//
//	q(x_t|x_s)·∏_j [p_j(x_s|x_t)/q(x_t|x_s)]^γ_j = m(x_t)·N(x_s; mean, 1/Λ):
//
// a Gaussian step and its mass m, ½Σ_jγ_j(γ_j−1)g²|∇log p_j|²·dt and Σγ_iγ_j g²⟨∇log p_i, ∇log p_j⟩·dt for short ones. Where the reverse
// steps are exact, as for N(m, v·I), so is E[Ẑ], whatever the number of steps.
type Product []Factor

// Annealed is p^γ.
func Annealed(p odslib.Diffusion, power float64) Product { return Product{{p, power}} }

// Err says what is wrong with the product, or nil.
func (p Product) Err() error {
	if len(p) == 0 {
		return errors.New("a product of no priors")
	}
	for j, f := range p {
		if f.Prior == nil {
			return fmt.Errorf("factor %d of the product has no prior", j+1)
		}
		if c, ok := f.Prior.(interface{ Err() error }); ok && c.Err() != nil {
			return fmt.Errorf("factor %d of the product: %w", j+1, c.Err())
		}
		if math.IsNaN(f.Power) || math.IsInf(f.Power, 0) {
			return fmt.Errorf("the power of factor %d of the product is %g", j+1, f.Power)
		}
		if !slices.Equal(f.Prior.Shape(), p[0].Prior.Shape()) {
			return fmt.Errorf("factor %d of the product has samples of shape %v, the first %v", j+1, f.Prior.Shape(), p[0].Prior.Shape())
		}
		if _, ok := f.Prior.(diffusion.Columned); ok {
			return fmt.Errorf("factor %d of the product is a guided prior; give the constraint to the product", j+1)
		}
		if c, ok := f.Prior.(odslib.Conditional); ok && c.Conditions() > 0 {
			return fmt.Errorf("factor %d of the product takes conditions; fix them first", j+1)
		}
	}
	return nil
}

// Shape implements odslib.Prior.
func (p Product) Shape() []int { return p[0].Prior.Shape() }

// Sample implements odslib.Prior, by Bootstrap as it comes.
func (p Product) Sample(ctx context.Context, n int, seed uint64) (odslib.Array, error) {
	res, err := Bootstrap{NoShift: true}.Sample(ctx, odslib.Given(p, nil), n, seed)
	if err != nil {
		return odslib.Array{}, err
	}
	return res.Samples, nil
}

// String names the product.
func (p Product) String() (name string) {
	for j, f := range p {
		if j > 0 {
			name += " · "
		}
		name += fmt.Sprintf("(%v)^%g", f.Prior, f.Power)
	}
	return name
}

// powers are Σγ.
func (p Product) powers() (sum float64) {
	for _, f := range p {
		sum += f.Power
	}
	return sum
}

var _ odslib.GaussianSteps = (*corrected)(nil)

// corrected is the chain of a product: Gaussian steps that have a mass.
type corrected struct {
	Product
	chain     diffusion.Chain // with Schedule and Grid
	rows      engine.Table
	startMass float64
	params    odslib.Params
}

// Params implements odslib.Parametrised.
func (p *corrected) Params() odslib.Params { return p.params }

// Table implements odslib.Process.
func (p *corrected) Table() (engine.Table, error) {
	out := make(engine.Table, len(p.rows))
	for i, row := range p.rows {
		out[i] = slices.Clone(row)
	}
	return out, nil
}

// Times implements odslib.Process.
func (p *corrected) Times() []float64 { return p.chain.Grid }

// Start draws the product of the Gaussians that the factors are at the noisiest level.
func (p *corrected) Start(scope *odslib.Scope, rng *odslib.Node, n int) (newRNG, x *odslib.Node) {
	rng, x = engine.RandomNormal(rng, append([]int{n}, p.Shape()...)...)
	each := func(name string) *odslib.Node {
		return graph.BroadcastToShape(graph.ExpandAxes(engine.Var(scope, x.Graph(), name), 0), x.Shape())
	}
	return rng, graph.Add(graph.Mul(x, each("start_std")), each("start_mean"))
}

// Level implements odslib.Process.
func (p *corrected) Level(row *odslib.Node, n int) odslib.Level {
	c := func(j int) *odslib.Node { return graph.BroadcastToDims(engine.Col(row, j), n) }
	return odslib.Level{T: c(0), Alpha: c(1), Sigma: c(2), Gain: c(5)}
}

// Guess is x̂0 of the product, and those of the factors. With v_j the variance of the data p_j tells N(x̂0_j, (1/v_j+α²/σ²)⁻¹) of x_0, of which
// α²/σ² is from x_t and belongs to all of them once.
func (p *corrected) Guess(scope *odslib.Scope, x *odslib.Node, at odslib.Level) []*odslib.Node {
	factors, a2, s2 := engine.Var(scope, x.Graph(), "factors"), graph.Square(at.Alpha), graph.Square(at.Sigma)
	whole := graph.MulScalar(a2, 1-p.powers())
	sum, out := graph.Mul(x, diffusion.PerRow(graph.MulScalar(at.Alpha, 1-p.powers()), x)), []*odslib.Node{nil}
	for j, f := range p.Product {
		x0 := f.Prior.Denoise(scope.At("p%d", j), x, at)
		known := graph.Add(a2, graph.Mul(s2, graph.BroadcastToShape(engine.Col(factors, j), s2.Shape())))
		known = graph.MulScalar(known, f.Power)
		whole, sum = graph.Add(whole, known), graph.Add(sum, graph.Mul(diffusion.PerRow(known, x), x0))
		out = append(out, x0)
	}
	out[0] = graph.Div(sum, diffusion.PerRow(whole, x))
	return out
}

// Mean implements odslib.GaussianSteps.
func (p *corrected) Mean(guess []*odslib.Node, x, row *odslib.Node) (mean, std *odslib.Node) {
	mean = times(engine.Col(row, 4), x)
	for j, x0 := range guess[1:] {
		mean = graph.Add(mean, times(engine.Col(row, productColumns+j), x0))
	}
	return mean, engine.Col(row, 3)
}

// Step implements odslib.Process.
func (p *corrected) Step(guess []*odslib.Node, x, row, rng *odslib.Node) (newRNG, next *odslib.Node) {
	mean, std := p.Mean(guess, x, row)
	rng, noise := engine.RandomNormal(rng, x.Shape().Dimensions...)
	return rng, graph.Add(mean, times(std, noise))
}

// Forward is the noising step, as diffusion.Process has it.
func (p *corrected) Forward(row *odslib.Node) (ratio, std *odslib.Node) {
	return engine.Col(row, 7), engine.Col(row, 8)
}

// LogStep implements odslib.Process.
func (p *corrected) LogStep(guess []*odslib.Node, next, x, row *odslib.Node) *odslib.Node {
	mean, std := p.Mean(guess, x, row)
	return diffusion.LogNormal(next, mean, std)
}

// LogMass is log m(x_t), [B]: −½Σ_{i<k} w_i·w_k/Λ·|m_i−m_k|² over the Gaussians of precisions w and means m whose product the step is, and
// their constants.
func (p *corrected) LogMass(guess []*odslib.Node, x, row *odslib.Node) *odslib.Node {
	n := x.Shape().Dimensions[0]
	sum := graph.BroadcastToDims(engine.Col(row, 6), n)
	at := productColumns + len(p.Product)
	for k := range guess[1:] {
		for i := -1; i < k; i++ {
			c := func(j int) *odslib.Node { return engine.Col(row, at+j) }
			apart := graph.Sub(times(c(1), x), times(c(3), guess[k+1]))
			if i >= 0 {
				apart = graph.Add(apart, times(c(2), guess[i+1]))
			}
			square := graph.ReduceSum(graph.Reshape(graph.Square(apart), n, -1), -1)
			sum = graph.Sub(sum, graph.MulScalar(times(c(0), square), .5))
			at += pairColumns
		}
	}
	return sum
}
