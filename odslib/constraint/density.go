package constraint

import (
	"fmt"
	"reflect"
	"slices"

	"github.com/gomlx/gomlx/core/graph"

	"odslab/odslib"
)

var (
	_ odslib.Constraint     = LogDensity{}
	_ odslib.Constraint     = DensityRatio{}
	_ odslib.Checked        = DensityRatio{}
	_ odslib.KnownPosterior = DensityRatio{}
	_ odslib.KnownPosterior = Known{}
)

// Dense is a prior whose log-density is known.
type Dense interface {
	odslib.Prior
	odslib.Density
}

// LogDensity is log r(x) = log p(x) of another prior: the posterior is the product of the two.
type LogDensity struct{ Of Dense }

// Check implements odslib.Checked.
func (c LogDensity) Check(shape []int) error { return dense("Of", c.Of, shape) }

// Params implements odslib.Parametrised.
func (c LogDensity) Params() odslib.Params { return odslib.ParamsOf(c.Of).Under("of") }

// LogR implements odslib.Constraint.
func (c LogDensity) LogR(scope *odslib.Scope, x *odslib.Node) *odslib.Node {
	return c.Of.LogDensity(scope.At("of"), x, clean(x))
}

// String names the constraint.
func (c LogDensity) String() string { return fmt.Sprintf("log-density of %v", c.Of) }

// DensityRatio is log r = log p_target(x) − log p_prior(x): the posterior is the target itself and Z = 1, which makes a
// sampler's every error visible.
type DensityRatio struct{ Target, Prior Dense }

// Check implements odslib.Checked.
func (c DensityRatio) Check(shape []int) error {
	if err := dense("Target", c.Target, shape); err != nil {
		return err
	}
	return dense("Prior", c.Prior, shape)
}

// Params implements odslib.Parametrised.
func (c DensityRatio) Params() odslib.Params {
	return append(odslib.ParamsOf(c.Target).Under("target"), odslib.ParamsOf(c.Prior).Under("prior")...)
}

// LogR implements odslib.Constraint.
func (c DensityRatio) LogR(scope *odslib.Scope, x *odslib.Node) *odslib.Node {
	return graph.Sub(c.Target.LogDensity(scope.At("target"), x, clean(x)), c.Prior.LogDensity(scope.At("prior"), x, clean(x)))
}

// Posterior implements odslib.KnownPosterior.
func (c DensityRatio) Posterior(prior odslib.Prior) (odslib.Prior, float64, error) {
	if !reflect.DeepEqual(prior, odslib.Prior(c.Prior)) { // by value: cells keep values, not pointers
		return nil, 0, fmt.Errorf("%w: the ratio was made for another prior", odslib.ErrNoClosedForm)
	}
	return c.Target, 0, nil
}

// Known is a constraint whose posterior somebody knows: log r is the constraint's, and [odslib.Posterior.Exact], measure.Table
// and pictures of the truth have Is for the posterior. It is taken at its word.
type Known struct {
	Constraint any          // a Constraint or a HostConstraint; all that it can, Known can
	Is         odslib.Prior // the posterior under the prior at hand
	LogZ       float64
}

// Unwrap implements odslib.Wrapper.
func (c Known) Unwrap() any { return c.Constraint }

// Check implements odslib.Checked.
func (c Known) Check(shape []int) error {
	if c.Is == nil {
		return fmt.Errorf("the constraint's posterior Is is nil")
	}
	if !slices.Equal(c.Is.Shape(), shape) {
		return fmt.Errorf("the constraint's posterior Is has samples of shape %v, the prior %v", c.Is.Shape(), shape)
	}
	return nil
}

// Posterior implements odslib.KnownPosterior.
func (c Known) Posterior(odslib.Prior) (odslib.Prior, float64, error) { return c.Is, c.LogZ, nil }

// String names the constraint.
func (c Known) String() string { return fmt.Sprint(c.Constraint) }

func dense(name string, p Dense, shape []int) error {
	if p == nil {
		return fmt.Errorf("the constraint's prior %s is nil", name)
	}
	if e, ok := p.(interface{ Err() error }); ok && e.Err() != nil {
		return fmt.Errorf("the constraint's prior %s: %w", name, e.Err())
	}
	if !slices.Equal(p.Shape(), shape) {
		return fmt.Errorf("the constraint's prior %s has samples of shape %v, the posterior's has %v", name, p.Shape(), shape)
	}
	return nil
}

// clean is the level without noise.
func clean(x *odslib.Node) odslib.Level {
	zero := graph.BroadcastToDims(graph.Const(x.Graph(), float32(0)), x.Shape().Dimensions[0])
	return odslib.Level{T: zero, Alpha: graph.OnePlus(zero), Sigma: zero}
}
