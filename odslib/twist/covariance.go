package twist

import (
	"fmt"
	"math"

	"github.com/gomlx/gomlx/core/graph"

	"odslab/odslib"
	"odslab/odslib/engine"
)

// Covariance takes x_0 given x_t for N(x̂0, C) with its true covariance C = (σ²/α)·J, J = ∂x̂0/∂x_t the denoiser's Jacobian:
// ψ_t = N(y; A·x̂0, σ_y² + A·C·Aᵀ) (TMPD: Boys et al. 2023, 2310.06721; MMPS: Rozet et al. 2024, 2405.13712). Exact for
// every Gaussian prior. C is held fixed in gradients.
//
// Each of the m measured values costs one product with Jᵀ.
type Covariance struct {
	// Iterations of conjugate gradients, a product with Jᵀ each, take the place of the factorisation where there are many
	// measured values. ψ_t is then known up to a factor: enough for guides, not for particles. 0 means none.
	Iterations int
}

// MostMeasured is how many measured values Covariance takes without Iterations.
const MostMeasured = 16

// Bind implements Twist.
func (s Covariance) Bind(post odslib.Posterior, _ uint64) (Bound, error) {
	c, system, err := linear(post, "twist.Covariance")
	if err != nil {
		return nil, err
	}
	if m := len(system.A); s.Iterations < 0 || s.Iterations == 0 && m > MostMeasured {
		return nil, fmt.Errorf("twist.Covariance takes up to %d measured values, got %d; a guide can do with Iterations: 8", MostMeasured, m)
	}
	if _, ok := post.Prior.(odslib.Diffusion); !ok {
		return nil, fmt.Errorf("twist.Covariance needs the denoiser of a diffusion prior; got %T", post.Prior)
	}
	return covariance{bare{post}, c, s.Iterations, odslib.Params{{Name: "matrix", Value: engine.FromRows(system.A)}, logScale(system)}}, nil
}

type covariance struct {
	bare
	c          odslib.Linear
	iterations int
	params     odslib.Params
}

func (b covariance) Params() odslib.Params { return b.params }

// Unnormalised says that log ψ_t lacks a term: particles can't use it.
func (b covariance) Unnormalised() bool { return b.iterations > 0 }

// Products implements Costly.
func (b covariance) Products() int {
	if m := b.params[0].Value.Len(); b.iterations == 0 || m < b.iterations {
		return m
	}
	return b.iterations
}

// LogTwist implements Bound.
func (b covariance) LogTwist(scope *odslib.Scope, x, x0 *odslib.Node, at odslib.Level) *odslib.Node {
	g := x.Graph()
	a := engine.Var(scope.At("twist"), g, "matrix")
	e := b.c.Whitened(scope.At("constraint"), x0, b.post.ConstraintGiven(at.Given))
	ratio := graph.Div(graph.Square(at.Sigma), at.Alpha)
	if b.iterations > 0 {
		solved, _ := engine.ConjugateGradients(func(v *odslib.Node) *odslib.Node {
			return graph.Add(v, graph.Mul(column(ratio, v), through(x, x0, a, v)))
		}, e, min(b.iterations, a.Shape().Dimensions[0]))
		// The gradient of −½eᵀM⁻¹e with M held fixed is that of −(M⁻¹e)ᵀe with M⁻¹e held fixed.
		dot := graph.ReduceSum(graph.Mul(solved, e), -1)
		return graph.Sub(graph.MulScalar(graph.StopGradient(dot), .5), dot)
	}
	factor := seen(x, x0, a, ratio)
	quad := graph.ReduceSum(graph.Square(factor.Whiten(e)), -1)
	log := graph.MulScalar(graph.AddScalar(graph.Add(quad, factor.LogDet()), float64(a.Shape().Dimensions[0])*math.Log(2*math.Pi)), -.5)
	return graph.Add(log, graph.BroadcastToShape(engine.Var(scope.At("twist"), g, "log_scale"), log.Shape()))
}

// through is A·J of directions v [B, m], J being symmetric: Aᵀ·v goes through the denoiser backwards.
func through(x, x0, a, v *odslib.Node) *odslib.Node {
	back := engine.VJP(x0, x, graph.Reshape(graph.Dot(v, a).Product(), x0.Shape().Dimensions...))
	return graph.Einsum("bd,md->bm", graph.Reshape(back, x.Shape().Dimensions[0], -1), a)
}

// seen factors I + A·C·Aᵀ, C = ratio·J, for each row. A learned J may bend C downwards, where no covariance goes: it counts as 0 there.
func seen(x, x0, a, ratio *odslib.Node) engine.Cholesky {
	g, m, n := x.Graph(), a.Shape().Dimensions[0], x.Shape().Dimensions[0]
	rows := make([]*odslib.Node, m)
	for i := range rows {
		unit := make([]float32, m)
		unit[i] = 1
		rows[i] = graph.ExpandAxes(through(x, x0, a, graph.BroadcastToDims(graph.ExpandAxes(graph.Const(g, unit), 0), n, m)), 1)
	}
	cov := graph.Concatenate(rows, 1)
	cov = graph.Mul(graph.MulScalar(graph.Add(cov, graph.TransposeAllAxes(cov, 0, 2, 1)), .5), graph.BroadcastToShape(graph.ExpandAxes(ratio, 1, 2), cov.Shape()))
	return engine.NewCholesky(graph.StopGradient(graph.Add(cov, graph.BroadcastToShape(graph.ExpandAxes(identity(g, m), 0), cov.Shape()))), 1)
}

func identity(g *graph.Graph, m int) *odslib.Node {
	eye := make([][]float32, m)
	for i := range eye {
		eye[i] = make([]float32, m)
		eye[i][i] = 1
	}
	return graph.Const(g, eye)
}
