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
	n := draws.Shape().Dimensions[0]
	var points []*odslib.Node
	for i := range n {
		points = append(points, graph.Add(x0, graph.Mul(r, graph.BroadcastToShape(graph.Slice(draws, graph.AxisRange(i, i+1)), x0.Shape()))))
	}
	var extra *odslib.Node
	given := b.post.ConstraintGiven(at.Given)
	if b.c != nil {
		extra = b.kernel(scope, points, given)
	}
	var logs []*odslib.Node
	for _, p := range points {
		l := graph.ExpandAxes(b.logR(scope, p, at.Given, given, extra), 0)
		logs = append(logs, l)
	}
	all := graph.Concatenate(logs, 0) // [n, B]
	// Where all are −Inf the largest is too, and −Inf − (−Inf) is no number.
	top := graph.MaxScalar(graph.StopGradient(graph.ReduceMax(all, 0)), -math.MaxFloat32)
	sum := graph.ReduceSum(graph.Exp(graph.Sub(all, graph.BroadcastToShape(graph.ExpandAxes(top, 0), all.Shape()))), 0)
	return graph.Add(top, graph.Log(graph.DivScalar(sum, float64(n))))
}

func (b monteCarlo) logR(scope *odslib.Scope, x, all, given, extra *odslib.Node) *odslib.Node {
	if extra == nil {
		return b.post.LogR(scope, x, all)
	}
	return b.c.LogRWith(scope.At("constraint"), x, extra, given)
}

// kernel is Silverman's width for n points in m dimensions, std·(4/((m+2)n))^{1/(m+4)}, std the root mean square over the
// measured values; held fixed in gradients.
func (b monteCarlo) kernel(scope *odslib.Scope, points []*odslib.Node, given *odslib.Node) *odslib.Node {
	n := float64(len(points))
	var sum, squares *odslib.Node
	for _, p := range points {
		r := b.c.Residual(scope.At("constraint"), p, given)
		if sum == nil {
			sum, squares = r, graph.Square(r)
			continue
		}
		sum, squares = graph.Add(sum, r), graph.Add(squares, graph.Square(r))
	}
	m := float64(sum.Shape().Dimensions[1])
	variance := graph.MulScalar(graph.Sub(graph.DivScalar(squares, n), graph.Square(graph.DivScalar(sum, n))), n/(n-1))
	mean := graph.MaxScalar(graph.ReduceMean(variance, -1), 1e-30)
	return graph.StopGradient(graph.MulScalar(graph.Sqrt(mean), math.Pow(4/((m+2)*n), 1/(m+4))))
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
