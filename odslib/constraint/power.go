package constraint

import (
	"context"
	"fmt"
	"math"

	"github.com/gomlx/gomlx/core/graph"

	"odslab/odslib"
	"odslab/odslib/engine"
)

var (
	_ odslib.Composite      = Power{}
	_ odslib.Checked        = Power{}
	_ odslib.Conditioned    = Power{}
	_ odslib.HostConstraint = Power{}
)

// Power is r^To of another constraint: a tempered reward, 1/T at temperature T, or with a negative power a density to be divided by. It is
// graph code where the other is, and else a host function.
type Power struct {
	Of any     // a Constraint or a HostConstraint
	To float64 // finite
}

// Offers implements odslib.Composite.
func (c Power) Offers(what any) error {
	switch what.(type) {
	case *odslib.Constraint:
		return every[odslib.Constraint](All{c.Of})
	case *odslib.Conditioned:
		return every[odslib.Conditioned](All{c.Of})
	case *odslib.HostConstraint:
		return every[odslib.HostConstraint](All{c.Of})
	}
	return fmt.Errorf("a power of a constraint")
}

// Check implements odslib.Checked.
func (c Power) Check(shape []int) error {
	if math.IsNaN(c.To) || math.IsInf(c.To, 0) {
		return fmt.Errorf("the power To is %g", c.To)
	}
	return All{c.Of}.Check(shape)
}

// Params implements odslib.Parametrised.
func (c Power) Params() odslib.Params {
	return append(odslib.ParamsOf(c.Of).Under("of"), engine.Param{Name: "to", Value: odslib.Array{Data: []float32{float32(c.To)}}})
}

// LogR implements odslib.Constraint.
func (c Power) LogR(scope *odslib.Scope, x *odslib.Node) *odslib.Node {
	return c.scaled(scope, part[odslib.Constraint](All{c.Of}, 0).LogR(scope.At("of"), x))
}

// Conditions implements odslib.Conditioned.
func (c Power) Conditions(shape []int) int { return All{c.Of}.Conditions(shape) }

// LogRGiven implements odslib.Conditioned.
func (c Power) LogRGiven(scope *odslib.Scope, x, given *odslib.Node) *odslib.Node {
	return c.scaled(scope, part[odslib.Conditioned](All{c.Of}, 0).LogRGiven(scope.At("of"), x, given))
}

func (c Power) scaled(scope *odslib.Scope, r *odslib.Node) *odslib.Node {
	return graph.Mul(r, graph.BroadcastToShape(engine.Var(scope, r.Graph(), "to"), r.Shape()))
}

// LogRHost implements odslib.HostConstraint.
func (c Power) LogRHost(ctx context.Context, x odslib.Array) ([]float64, error) {
	r, err := part[odslib.HostConstraint](All{c.Of}, 0).LogRHost(ctx, x)
	for i := range r {
		r[i] *= c.To
	}
	return r, err
}

// String names the constraint.
func (c Power) String() string { return fmt.Sprintf("%v to the power %g", c.Of, c.To) }
