package guide

import (
	"fmt"

	"github.com/gomlx/gomlx/core/graph"

	"odslab/odslib"
	"odslab/odslib/diffusion"
	"odslab/odslib/engine"
	"odslab/odslib/twist"
)

// proximal solves min_z −log p(y|z) + ‖z − x‖²/(2r²) for a linear measurement, z = x + r²Aᵀ(1 + r²AAᵀ)⁻¹(y − A·x), by the
// eigenvectors of AAᵀ: of the whole program of plug-and-play methods this is what knows the measurement.
type proximal struct {
	post   odslib.Posterior
	c      odslib.Linear
	params odslib.Params
}

func newProximal(post odslib.Posterior, who string) (proximal, error) {
	c, err := odslib.Need[odslib.Linear](post, who)
	if err != nil {
		return proximal{}, err
	}
	system, err := c.System(post.Shape())
	if err != nil {
		return proximal{}, fmt.Errorf("%s: %w", who, err)
	}
	basis, values, err := twist.Spectrum(system.A)
	if err != nil {
		return proximal{}, fmt.Errorf("%s: %w", who, err)
	}
	return proximal{post, c, odslib.Params{{Name: "basis", Value: engine.FromRows(basis)}, {Name: "values", Value: engine.FromVector(values)}}}, nil
}

// at is the solution around x [B, shape…] for r² [B]. shift, [B, m] or nil, is taken from the whitened residual: the error of
// a draw that is to be conditioned.
func (p proximal) at(scope *odslib.Scope, x, r2, given, shift *odslib.Node) *odslib.Node {
	v := func(name string) *odslib.Node { return engine.Var(scope.At("twist"), x.Graph(), name) }
	inner := scope.At("constraint")
	e := p.c.Whitened(inner, x, p.post.ConstraintGiven(given))
	if shift != nil {
		e = graph.Sub(e, shift)
	}
	basis, r := v("basis"), graph.BroadcastToShape(graph.ExpandAxes(r2, 1), e.Shape())
	along := graph.Dot(e, basis).Product()
	spread := graph.OnePlus(graph.Mul(r, graph.BroadcastToShape(graph.ExpandAxes(v("values"), 0), e.Shape())))
	solved := graph.Einsum("bk,mk->bm", graph.Div(along, spread), basis)
	back := odslib.Adjoint(p.c, inner, p.post.Shape(), solved)
	return graph.Add(x, graph.Mul(diffusion.PerRow(r2, x), back))
}
