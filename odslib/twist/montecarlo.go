package twist

import (
	"fmt"
	"math"

	"github.com/gomlx/gomlx/core/graph"

	"odslab/odslib"
	"odslab/odslib/diffusion"
	"odslab/odslib/engine"
)

// MonteCarlo is the twist log (1/n)·Σ_i r(x̂0 + r_t·ε_i) over n draws around the guess, r_t² = vσ²/(α²v+σ²): the likelihood of
// LGD-MC (Song et al. 2023, "Loss-guided diffusion models for plug-and-play controllable generation", ICML). The draws are
// parameters, the same for all particles and steps, so that the twist is a function and weights stay unbiased. They come
// in pairs ±ε, which makes what is linear in x exact. A constraint that runs on the host will do.
type MonteCarlo struct {
	Draws    int     // n, rounded up to an even number; 0 means 10, as published
	Variance float64 // v of the data; 0 means the prior's mean variance (published: 1)
	// Smooth widens the error model of a measurement by a kernel of Silverman's width for the n values of A: a smooth guess
	// of the density of y given x_t, where the error is too sharp for n points to be near y.
	Smooth bool
}

// Bind implements Twist.
func (s MonteCarlo) Bind(post odslib.Posterior, seed uint64) (Bound, error) {
	if s.Draws < 0 || s.Variance < 0 || math.IsInf(s.Variance, 0) || math.IsNaN(s.Variance) {
		return nil, fmt.Errorf("twist.MonteCarlo: %d draws with a variance of %g; both must be positive", s.Draws, s.Variance)
	}
	b := monteCarlo{bare: bare{post}, variance: s.Variance}
	if s.Smooth {
		var err error
		if b.c, err = odslib.Need[odslib.Widening](post, "twist.MonteCarlo with Smooth"); err != nil {
			return nil, err
		}
	}
	if p, ok := post.Prior.(odslib.Diffusion); ok && b.variance == 0 {
		b.variance = diffusion.Variance(p)
	} else if b.variance == 0 {
		b.variance = 1
	}
	if s.Draws == 0 {
		s.Draws = 10
	}
	half, rng := (s.Draws+1)/2, engine.RNG(seed, "twist.MonteCarlo")
	b.draws = engine.NewArray(append([]int{2 * half}, post.Shape()...)...)
	for i := range half {
		for j := range b.draws.Row(i) {
			e := float32(rng.NormFloat64())
			b.draws.Row(i)[j], b.draws.Row(half + i)[j] = e, -e
		}
	}
	return b, nil
}

type monteCarlo struct {
	bare
	c        odslib.Widening // to be smoothed, or nil
	variance float64
	draws    odslib.Array // [n, shape…]
}

func (b monteCarlo) Params() odslib.Params {
	return odslib.Params{{Name: "draws", Value: b.draws}, {Name: "variance", Value: odslib.Array{Data: []float32{float32(b.variance)}}}}
}

// Evaluations implements Several.
func (b monteCarlo) Evaluations() int { return b.draws.Len() }

// LogTwist implements Bound.
func (b monteCarlo) LogTwist(scope *odslib.Scope, _, x0 *odslib.Node, at odslib.Level) *odslib.Node {
	v := func(name string) *odslib.Node { return engine.Var(scope.At("twist"), x0.Graph(), name) }
	s2, draws := graph.Square(at.Sigma), v("draws")
	variance := graph.BroadcastToShape(v("variance"), s2.Shape())
	r := diffusion.PerRow(graph.Sqrt(graph.Div(graph.Mul(variance, s2), graph.Add(graph.Mul(variance, graph.Square(at.Alpha)), s2))), x0)
	n, dims := draws.Shape().Dimensions[0], x0.Shape().Dimensions
	// All draws of all rows are one batch [n·B, shape…], draw by draw.
	each := func(v *odslib.Node) *odslib.Node {
		if v == nil {
			return nil
		}
		tall := append([]int{n}, v.Shape().Dimensions...)
		return graph.Reshape(graph.BroadcastToDims(graph.ExpandAxes(v, 0), tall...), append([]int{n * tall[1]}, tall[2:]...)...)
	}
	wide := append([]int{n}, dims...)
	noise := graph.Reshape(graph.BroadcastToDims(graph.ExpandAxes(draws, 1), wide...), append([]int{n * dims[0]}, dims[1:]...)...)
	points := graph.Add(each(x0), graph.Mul(each(r), noise))
	var all *odslib.Node
	if b.c == nil {
		all = b.post.LogR(scope, points, each(at.Given))
	} else {
		given := each(b.post.ConstraintGiven(at.Given))
		all = b.c.LogRWith(scope.At("constraint"), points, each(b.kernel(scope, points, given, n)), given)
	}
	return logMean(graph.Reshape(all, n, -1))
}

// kernel is Silverman's width for n points in m dimensions, std·(4/((m+2)n))^{1/(m+4)}, std the root mean square over the
// measured values; held fixed in gradients.
func (b monteCarlo) kernel(scope *odslib.Scope, points, given *odslib.Node, n int) *odslib.Node {
	r := b.c.Residual(scope.At("constraint"), points, given)
	m := r.Shape().Dimensions[1]
	r = graph.Reshape(r, n, -1, m)
	off := graph.Sub(r, graph.BroadcastToShape(graph.ReduceAndKeep(r, graph.ReduceMean, 0), r.Shape()))
	variance := graph.DivScalar(graph.ReduceSum(graph.ReduceMean(graph.Square(off), -1), 0), float64(n-1)) // [B]
	width := math.Pow(4/(float64(m+2)*float64(n)), 1/float64(m+4))
	return graph.StopGradient(graph.MulScalar(graph.Sqrt(graph.MaxScalar(variance, 1e-30)), width))
}

// Around implements HostDraws.
func (b monteCarlo) Around(x0 odslib.Array, alpha, sigma float64) odslib.Array {
	r := math.Sqrt(b.variance * sigma * sigma / (alpha*alpha*b.variance + sigma*sigma))
	n := b.draws.Len()
	out := engine.NewArray(append([]int{n * x0.Len()}, x0.Shape[1:]...)...)
	for i := range x0.Len() {
		for k := range n {
			row := out.Row(i*n + k)
			for j, v := range x0.Row(i) {
				row[j] = v + float32(r)*b.draws.Row(k)[j]
			}
		}
	}
	return out
}
