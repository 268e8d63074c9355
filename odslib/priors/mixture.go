// One law: its numbers and their checks, sampling, and its denoiser and densities at every noise level.

package priors

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/gomlx/gomlx/core/graph"
	"gonum.org/v1/gonum/floats"

	"odslab/odslib"
	"odslab/odslib/diffusion"
	"odslab/odslib/engine"
)

var (
	_ odslib.Diffusion    = (*Mixture)(nil)
	_ odslib.Density      = (*Mixture)(nil)
	_ odslib.Conjugate    = (*Mixture)(nil)
	_ odslib.Parametrised = (*Mixture)(nil)
	_ odslib.Marginal     = (*Mixture)(nil)
	_ odslib.Moments      = (*Mixture)(nil)
)

// Mixture is Σ_k w_k N(μ_k, Σ_k) on vectors of dimension d. Its density, score, denoiser and Jacobian are exact at every
// noise level: x_t given component k is N(α·μ_k, α²Σ_k + σ²I).
type Mixture struct {
	Weights   []float64   // [K], need not be normalised; nil means equal
	Means     [][]float64 // [K][d]
	Variances [][]float64 // [K][d]: eigenvalues of Σ_k
	Axes      [][]float64 // [K][d·d]: eigenvectors of Σ_k, one a column, row-major; nil means the coordinate axes

	Noising odslib.Schedule // nil means diffusion.VPLinear{}, scaled where the mixture is small: an exact prior serves any schedule
}

// Isotropic is the mixture of equal-variance spherical Gaussians; nil weights mean equal ones.
func Isotropic(weights []float64, means [][]float64, variance float64) *Mixture {
	m := &Mixture{Weights: weights, Means: means}
	for _, mu := range means {
		v := make([]float64, len(mu))
		for j := range v {
			v[j] = variance
		}
		m.Variances = append(m.Variances, v)
	}
	return m
}

// Gaussian is N(mean, variance·I).
func Gaussian(mean []float64, variance float64) *Mixture {
	return Isotropic(nil, [][]float64{mean}, variance)
}

// Grid25 is the field's standard test: 25 Gaussians of variance .3 at {−10, −5, 0, 5, 10}² with equal weights.
func Grid25() *Mixture {
	var means [][]float64
	for i := -2; i <= 2; i++ {
		for j := -2; j <= 2; j++ {
			means = append(means, []float64{5 * float64(i), 5 * float64(j)})
		}
	}
	return Isotropic(nil, means, .3)
}

// On returns the same mixture under another noise schedule.
func (m *Mixture) On(s odslib.Schedule) *Mixture {
	out := *m
	out.Noising = s
	return &out
}

// Err says what is wrong with the numbers of the mixture, or nil.
func (m *Mixture) Err() error {
	if len(m.Means) == 0 || len(m.Means[0]) == 0 {
		return fmt.Errorf("mixture: no components")
	}
	d := len(m.Means[0])
	if m.Weights != nil && len(m.Weights) != len(m.Means) {
		return fmt.Errorf("mixture: %d weights for %d means", len(m.Weights), len(m.Means))
	}
	if len(m.Variances) != len(m.Means) {
		return fmt.Errorf("mixture: %d variances for %d means", len(m.Variances), len(m.Means))
	}
	total := 0.
	for k := range m.Means {
		if len(m.Means[k]) != d || len(m.Variances[k]) != d {
			return fmt.Errorf("mixture: component %d has %d means and %d variances, component 0 has dimension %d", k, len(m.Means[k]), len(m.Variances[k]), d)
		}
		for j, v := range m.Variances[k] {
			if !(v > 0) || math.IsInf(v, 0) {
				return fmt.Errorf("mixture: variance %d of component %d is %g; it must be positive and finite", j, k, v)
			}
			if mu := m.Means[k][j]; math.IsNaN(mu) || math.IsInf(mu, 0) {
				return fmt.Errorf("mixture: mean %d of component %d is %g", j, k, mu)
			}
		}
		if w := m.weight(k); !(w >= 0) || math.IsInf(w, 0) {
			return fmt.Errorf("mixture: weight %d is %g; it must be finite and not negative", k, w)
		}
		total += m.weight(k)
	}
	if total == 0 {
		return fmt.Errorf("mixture: all weights are 0")
	}
	return m.checkAxes()
}

// checkAxes holds the columns to be orthonormal by one product with a fixed vector u, QᵀQu = u: a check of all pairs would
// take longer than drawing samples.
func (m *Mixture) checkAxes() error {
	if m.Axes == nil {
		return nil
	}
	d := m.Shape()[0]
	if len(m.Axes) != len(m.Means) {
		return fmt.Errorf("mixture: axes of %d components for %d means", len(m.Axes), len(m.Means))
	}
	u := make([]float64, d)
	for j := range u {
		u[j] = 1 + .5*math.Sin(float64(j*j)+1)
	}
	for k, q := range m.Axes {
		if len(q) != d*d {
			return fmt.Errorf("mixture: the axes of component %d have %d numbers, want %d·%d", k, len(q), d, d)
		}
		if k > 0 && &q[0] == &m.Axes[k-1][0] {
			continue
		}
		back := make([]float64, d)
		for i := range d {
			row := q[i*d : (i+1)*d]
			floats.AddScaled(back, floats.Dot(row, u), row)
		}
		if off := floats.Distance(back, u, 2); !(off <= 1e-5*math.Sqrt(float64(d))) {
			return fmt.Errorf("mixture: the axes of component %d are not orthonormal: each column must have length 1 and be at right angles to the others", k)
		}
	}
	return nil
}

func (m *Mixture) weight(k int) float64 {
	if m.Weights == nil {
		return 1
	}
	return m.Weights[k]
}

// Probabilities are the normalised weights.
func (m *Mixture) Probabilities() []float64 {
	p, sum := make([]float64, len(m.Means)), 0.
	for k := range p {
		p[k] = m.weight(k)
		sum += p[k]
	}
	for k := range p {
		p[k] /= sum
	}
	return p
}

// Shape is [d].
func (m *Mixture) Shape() []int {
	if len(m.Means) == 0 {
		return []int{0}
	}
	return []int{len(m.Means[0])}
}

// Schedule is Noising, VPLinear by default; at the scale of the mixture where that is below 1, for the last step of even grids
// would drown it in noise. Larger scales need none: chains start from the mixture's own x_t, and have steps of its variance.
func (m *Mixture) Schedule() odslib.Schedule {
	if m.Noising != nil {
		return m.Noising
	}
	if len(m.Means) == 0 {
		return diffusion.VPLinear{}
	}
	_, std := m.Moments()
	if scale := floats.Norm(std, 2) / math.Sqrt(float64(len(std))); scale < 1-1e-9 {
		return diffusion.Scaled{By: math.Max(scale, 1e-12)} // float32 holds its square
	}
	return diffusion.VPLinear{}
}

// String names the mixture.
func (m *Mixture) String() string {
	return fmt.Sprintf("mixture of %d Gaussians in %d dimensions", len(m.Means), m.Shape()[0])
}

// Params are the numbers of the mixture as graph code reads them.
func (m *Mixture) Params() odslib.Params {
	logw := make([]float64, len(m.Means))
	for k, p := range m.Probabilities() {
		logw[k] = math.Max(math.Log(p), -1e30) // a weight of 0 must not make Inf−Inf
	}
	p := odslib.Params{
		{Name: "log_weights", Value: engine.FromVector(logw)},
		{Name: "means", Value: engine.FromRows(m.Means)},
		{Name: "variances", Value: engine.FromRows(m.Variances)},
	}
	if m.Axes != nil {
		d := m.Shape()[0]
		p = append(p, engine.Param{Name: "axes", Value: engine.FromRows(m.Axes).Reshape(len(m.Means), d, d)})
	}
	return p
}

// Sample draws n samples in float64 on the host.
func (m *Mixture) Sample(ctx context.Context, n int, seed uint64) (odslib.Array, error) {
	if err := m.Err(); err != nil {
		return odslib.Array{}, err
	}
	if n < 0 {
		return odslib.Array{}, fmt.Errorf("mixture: asked for %d samples", n)
	}
	rng, d := engine.RNG(seed, "priors.Mixture"), m.Shape()[0]
	out, cum := engine.NewArray(n, d), slices.Clone(m.Probabilities())
	for k := 1; k < len(cum); k++ {
		cum[k] += cum[k-1]
	}
	for i := range n {
		k, _ := slices.BinarySearch(cum, rng.Float64())
		m.draw(rng, min(k, len(cum)-1), out.Row(i))
	}
	return out, ctx.Err()
}

func (m *Mixture) draw(rng *rand.Rand, k int, row []float32) {
	d := len(row)
	z := make([]float64, d)
	for j := range z {
		z[j] = math.Sqrt(m.Variances[k][j]) * rng.NormFloat64()
	}
	for i := range row {
		v := z[i]
		if m.Axes != nil {
			v = 0
			for j := range z {
				v += m.Axes[k][i*d+j] * z[j]
			}
		}
		row[i] = float32(m.Means[k][i] + v)
	}
}

// parts are the quantities that denoiser and density share, for x [B, d] at a noise level. What depends on the level alone
// has one row, n = 1, where all of x are at one level; else n = B.
type parts struct {
	logits           *odslib.Node // [B,K]
	offset           *odslib.Node // x − α·μ in the eigenbasis, [B,K,d]
	alpha, noise     *odslib.Node // α and σ², [n,1,1]
	v                *odslib.Node // α²Σ_k + σ², [n,K,d]
	means, variances *odslib.Node // [1,K,d]
	axes             *odslib.Node // [K,d,d] or nil
}

// unrolled is the largest dimension whose squares are added up one by one, which on a CPU is several times faster than a
// reduction over a short axis. With more of them the program gets slower again, and takes longer to compile.
const unrolled = 4

func (m *Mixture) parts(scope *odslib.Scope, x *odslib.Node, at odslib.Level) parts {
	g, d := x.Graph(), x.Shape().Dimensions[1]
	at = diffusion.Common(at)
	p := parts{means: graph.ExpandAxes(engine.Var(scope, g, "means"), 0), variances: graph.ExpandAxes(engine.Var(scope, g, "variances"), 0)}
	p.alpha, p.noise = graph.ExpandAxes(at.Alpha, 1, 2), graph.Square(graph.ExpandAxes(at.Sigma, 1, 2))
	p.v = graph.Add(graph.Mul(graph.Square(p.alpha), p.variances), p.noise)
	centres := graph.Mul(p.alpha, p.means)
	p.offset = graph.Sub(graph.ExpandAxes(x, 1), centres)
	var quad *odslib.Node // [B,K]
	if engine.Has(scope, "axes") {
		p.axes = engine.Var(scope, g, "axes")
		p.offset = graph.Einsum("bki,kij->bkj", p.offset, p.axes)
	}
	if p.axes != nil || d > unrolled {
		quad = graph.ReduceSum(graph.Div(graph.Square(p.offset), p.v), -1)
	} else {
		precision := graph.Reciprocal(p.v)
		for j := range d {
			col := func(n *odslib.Node) *odslib.Node { // [n,K]
				return graph.Squeeze(graph.Slice(n, graph.AxisRange(), graph.AxisRange(), graph.AxisElem(j)), 2)
			}
			off := graph.Sub(graph.Slice(x, graph.AxisRange(), graph.AxisElem(j)), col(centres))
			term := graph.Mul(graph.Square(off), col(precision))
			if quad == nil {
				quad = term
			} else {
				quad = graph.Add(quad, term)
			}
		}
	}
	own := graph.Sub(graph.ExpandAxes(engine.Var(scope, g, "log_weights"), 0), graph.MulScalar(graph.ReduceSum(graph.Log(p.v), -1), .5))
	p.logits = graph.Sub(own, graph.MulScalar(quad, .5))
	return p
}

// Denoise is E[x_0|x_t] = Σ_k γ_k(x_t)·(μ_k + G_k(x_t−αμ_k)), G_k = αΣ_k(α²Σ_k+σ²I)⁻¹ and γ the responsibilities.
func (m *Mixture) Denoise(scope *odslib.Scope, x *odslib.Node, at odslib.Level) *odslib.Node {
	p := m.parts(scope, x, at)
	gain := graph.Div(graph.Mul(p.alpha, p.variances), p.v)
	if p.axes == nil && gain.Shape().Dimensions[0] == 1 {
		// It is Σ_k γ_k(1−αG_k)μ_k + x·Σ_k γ_k G_k: one product with what the level alone decides.
		d := x.Shape().Dimensions[1]
		rest := graph.Div(graph.Mul(p.noise, p.means), p.v) // 1−αG_k = σ²/v_k
		table := graph.Squeeze(graph.Concatenate([]*odslib.Node{rest, gain}, 2), 0)
		sums := graph.Dot(graph.Softmax(p.logits, -1), table).Product()
		part := func(i, j int) *odslib.Node { return graph.Slice(sums, graph.AxisRange(), graph.AxisRange(i, j)) }
		return graph.Add(part(0, d), graph.Mul(x, part(d, 2*d)))
	}
	shift := graph.Mul(gain, p.offset)
	if p.axes != nil {
		shift = graph.Einsum("bkj,kij->bki", shift, p.axes)
	}
	gamma := graph.ExpandAxes(graph.Softmax(p.logits, -1), 2)
	return graph.ReduceSum(graph.Mul(gamma, graph.Add(p.means, shift)), 1)
}

// SampleAt draws x_t: a component by its weight (Gumbel's trick), then N(α·μ_k, α²Σ_k + σ²I).
func (m *Mixture) SampleAt(scope *odslib.Scope, rng *odslib.Node, at odslib.Level) (newRNG, x *odslib.Node) {
	g, n, d := rng.Graph(), at.T.Shape().Dimensions[0], m.Shape()[0]
	logw := engine.Var(scope, g, "log_weights")
	k := logw.Shape().Dimensions[0]
	rng, u := engine.RandomUniform(rng, n, k)
	gumbel := graph.Neg(graph.Log(graph.Neg(graph.Log(graph.AddScalar(graph.MulScalar(u, 1-1e-7), 5e-8)))))
	pick := graph.ExpandAxes(graph.ArgMax(graph.Add(gumbel, graph.BroadcastToShape(graph.ExpandAxes(logw, 0), gumbel.Shape())), -1), -1)
	rng, z := engine.RandomNormal(rng, n, d)
	of := func(name string) *odslib.Node { return graph.Gather(engine.Var(scope, g, name), pick) }
	alpha, sigma := diffusion.PerRow(at.Alpha, z), diffusion.PerRow(at.Sigma, z)
	z = graph.Mul(z, graph.Sqrt(graph.Add(graph.Mul(graph.Square(alpha), of("variances")), graph.Square(sigma))))
	if engine.Has(scope, "axes") {
		z = graph.Einsum("bij,bj->bi", of("axes"), z)
	}
	return rng, graph.Add(graph.Mul(alpha, of("means")), z)
}

// Moments implements odslib.Moments.
func (m *Mixture) Moments() (mean, std []float64) {
	d, prob := m.Shape()[0], m.Probabilities()
	mean, std = make([]float64, d), make([]float64, d)
	for k, p := range prob {
		floats.AddScaled(mean, p, m.Means[k])
	}
	for k, p := range prob {
		for i := range d {
			off := m.Means[k][i] - mean[i]
			v := off * off
			if m.Axes == nil {
				v += m.Variances[k][i]
			} else {
				for j := range d {
					v += m.Axes[k][i*d+j] * m.Axes[k][i*d+j] * m.Variances[k][j]
				}
			}
			std[i] += p * v
		}
	}
	for i, v := range std {
		std[i] = math.Sqrt(v)
	}
	return mean, std
}

// LogDensity is log p_t(x_t).
func (m *Mixture) LogDensity(scope *odslib.Scope, x *odslib.Node, at odslib.Level) *odslib.Node {
	l := m.parts(scope, x, at).logits
	top := graph.StopGradient(graph.ReduceAndKeep(l, graph.ReduceMax, -1))
	sum := graph.ReduceSum(graph.Exp(graph.Sub(l, graph.BroadcastToShape(top, l.Shape()))), -1)
	logp := graph.Add(graph.Log(sum), graph.Reshape(top, -1))
	return graph.AddScalar(logp, -.5*float64(m.Shape()[0])*math.Log(2*math.Pi))
}

// LogDensityHost is log p_t(x) in float64, for closed forms and pictures; alpha=1, sigma=0 is the clean density.
func (m *Mixture) LogDensityHost(x []float64, alpha, sigma float64) float64 {
	d, prob := len(x), m.Probabilities()
	terms := make([]float64, len(m.Means))
	for k := range m.Means {
		quad := 0.
		for j := range d {
			off := 0.
			if m.Axes == nil {
				off = x[j] - alpha*m.Means[k][j]
			} else {
				for i := range d {
					off += m.Axes[k][i*d+j] * (x[i] - alpha*m.Means[k][i])
				}
			}
			v := alpha*alpha*m.Variances[k][j] + sigma*sigma
			quad += off*off/v + math.Log(2*math.Pi*v)
		}
		terms[k] = math.Log(prob[k]) - .5*quad
	}
	return logSumExp(terms)
}

func logSumExp(v []float64) float64 {
	top, sum := slices.Max(v), 0.
	if math.IsInf(top, -1) {
		return top
	}
	for _, x := range v {
		sum += math.Exp(x - top)
	}
	return top + math.Log(sum)
}
