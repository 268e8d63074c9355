package twist

import (
	"fmt"
	"math"

	"github.com/gomlx/gomlx/core/graph"
	"gonum.org/v1/gonum/mat"

	"odslab/odslib"
	"odslab/odslib/engine"
)

// Isotropic takes x_0 given x_t for N(x̂0, r_t²I): ψ_t = N(y; A·x̂0, σ_y² + r_t²AAᵀ), with r_t² = vσ²/(α²v+σ²) for data of
// variance v in every direction (ΠGDM: Song et al. 2023, openreview 9_gsMA8MRKQ). Exact for such Gaussian priors only:
// where the prior's own variance is far from v, the point twist may serve better.
type Isotropic struct {
	Variance float64 // v; 0 means 1, as published
}

// Bind implements Twist: AAᵀ = U·diag(λ)·Uᵀ is taken apart once, and enters as numbers.
func (s Isotropic) Bind(post odslib.Posterior, _ uint64) (Bound, error) {
	if s.Variance < 0 || math.IsInf(s.Variance, 0) || math.IsNaN(s.Variance) {
		return nil, fmt.Errorf("twist.Isotropic: Variance is %g; it must be positive", s.Variance)
	}
	c, system, err := linear(post, "twist.Isotropic")
	if err != nil {
		return nil, err
	}
	basis, values, err := Spectrum(system.A)
	if err != nil {
		return nil, fmt.Errorf("twist.Isotropic: %w", err)
	}
	if s.Variance == 0 {
		s.Variance = 1
	}
	return isotropic{bare{post}, c, odslib.Params{
		{Name: "basis", Value: engine.FromRows(basis)},
		{Name: "values", Value: engine.FromVector(values)},
		{Name: "variance", Value: odslib.Array{Data: []float32{float32(s.Variance)}}},
		logScale(system),
	}}, nil
}

type isotropic struct {
	bare
	c      odslib.Linear
	params odslib.Params
}

func (b isotropic) Params() odslib.Params { return b.params }

// LogTwist implements Bound.
func (b isotropic) LogTwist(scope *odslib.Scope, x, x0 *odslib.Node, at odslib.Level) *odslib.Node {
	v := func(name string) *odslib.Node { return engine.Var(scope.At("twist"), x.Graph(), name) }
	e := graph.Dot(b.c.Whitened(scope.At("constraint"), x0, b.post.ConstraintGiven(at.Given)), v("basis")).Product() // [B, m]
	s2 := graph.Square(at.Sigma)
	variance := graph.BroadcastToShape(v("variance"), s2.Shape())
	r2 := graph.Div(graph.Mul(variance, s2), graph.Add(graph.Mul(variance, graph.Square(at.Alpha)), s2)) // [B]
	spread := graph.OnePlus(graph.Mul(column(r2, e), graph.BroadcastToShape(graph.ExpandAxes(v("values"), 0), e.Shape())))
	each := graph.Add(graph.Div(graph.Square(e), spread), graph.Log(graph.MulScalar(spread, 2*math.Pi)))
	return graph.Add(graph.MulScalar(graph.ReduceSum(each, -1), -.5), graph.BroadcastToShape(v("log_scale"), r2.Shape()))
}

// Spectrum takes AAᵀ = U·diag(values)·Uᵀ apart, basis being U.
func Spectrum(a [][]float64) (basis [][]float64, values []float64, err error) {
	dense := mat.NewDense(len(a), len(a[0]), nil)
	for i, row := range a {
		dense.SetRow(i, row)
	}
	var gram mat.SymDense
	gram.SymOuterK(1, dense)
	var eig mat.EigenSym
	if !eig.Factorize(&gram, true) {
		return nil, nil, fmt.Errorf("AAᵀ of the measurement has no eigenvalues; are its numbers finite?")
	}
	var vectors mat.Dense
	eig.VectorsTo(&vectors)
	basis, values = make([][]float64, len(a)), eig.Values(nil)
	for i := range basis {
		basis[i] = mat.Row(nil, i, &vectors)
		values[i] = math.Max(0, values[i])
	}
	return basis, values, nil
}

// column lets a [B] vector multiply [B, m].
func column(v, x *odslib.Node) *odslib.Node {
	return graph.BroadcastToShape(graph.ExpandAxes(v, 1), x.Shape())
}

// linear is the constraint as a linear measurement with its system.
func linear(post odslib.Posterior, who string) (odslib.Linear, odslib.System, error) {
	c, err := odslib.Need[odslib.Linear](post, who)
	if err != nil {
		return nil, odslib.System{}, err
	}
	s, err := c.System(post.Shape())
	if err != nil {
		return nil, s, fmt.Errorf("%s: %w", who, err)
	}
	return c, s, nil
}

func logScale(s odslib.System) engine.Param {
	return engine.Param{Name: "log_scale", Value: odslib.Array{Data: []float32{float32(s.LogScale)}}}
}
