package odslib

import (
	"errors"
	"fmt"
	"slices"

	"github.com/gomlx/gomlx/core/graph"
)

// Posterior is a prior and a constraint: p(x|y) = p(x)·r(x,y)/Z.
type Posterior struct {
	Prior      Prior
	Constraint any // a Constraint, a HostConstraint, or both (then the graph code counts); nil for the prior itself

	// Given are conditions, [n, c], a row for each of the n draws that will be asked for: the columns of a Conditional
	// prior, then those of a Conditioned constraint. Rows that are alike stand together. Nil: no conditions.
	Given *Array
	Names []string // of the values of a sample, flat; nil: x_1, x_2, …
}

// Given puts a prior under a constraint (a Constraint or a HostConstraint). What does not fit is reported by Check,
// which every sampler calls first.
func Given(prior Prior, constraint any) Posterior {
	return Posterior{Prior: prior, Constraint: constraint}
}

// Check says in one line what is wrong with the posterior, or nil.
func (p Posterior) Check() error {
	if p.Prior == nil {
		return errors.New("posterior: no prior")
	}
	if c, ok := p.Prior.(interface{ Err() error }); ok && c.Err() != nil {
		return fmt.Errorf("prior: %w", c.Err())
	}
	if err := checkConstraint(p.Constraint, p.Prior.Shape()); err != nil {
		return err
	}
	return p.checkGiven()
}

func checkConstraint(constraint any, shape []int) error {
	if c, ok := constraint.(Checked); ok {
		if err := c.Check(shape); err != nil {
			return fmt.Errorf("constraint: %w", err)
		}
	}
	switch c := constraint.(type) {
	case nil, Constraint, HostConstraint:
		return nil
	case Wrapper:
		return checkConstraint(c.Unwrap(), shape)
	}
	return fmt.Errorf("posterior: %T is not a constraint (it has neither LogR nor LogRHost)", constraint)
}

func (p Posterior) checkGiven() error {
	if p.Given == nil {
		return nil
	}
	a, b := p.conditions()
	switch {
	case len(p.Given.Shape) != 2 || p.Given.Len() == 0:
		return fmt.Errorf("posterior: Given has shape %v; it wants a row of conditions for each draw, [n, c]", p.Given.Shape)
	case a+b == 0:
		return fmt.Errorf("posterior: neither %T nor %T takes conditions, yet Given has some", p.Prior, p.Constraint)
	case p.Given.Dim() != a && p.Given.Dim() != a+b:
		return fmt.Errorf("posterior: Given has %d columns; the prior takes %d, the constraint %d", p.Given.Dim(), a, b)
	}
	return nil
}

// conditions are the columns of Given that prior and constraint read.
func (p Posterior) conditions() (prior, constraint int) {
	if c, ok := p.Prior.(Conditional); ok {
		prior = c.Conditions()
	}
	if c, ok := Can[Conditioned](p.Constraint); ok {
		constraint = c.Conditions(p.Prior.Shape())
	}
	return prior, constraint
}

// Shape is the shape of one sample.
func (p Posterior) Shape() []int { return slices.Clone(p.Prior.Shape()) }

// Params are the numbers that prior and constraint read, under "prior" and "constraint".
func (p Posterior) Params() Params {
	return append(ParamsOf(p.Prior).Under("prior"), ParamsOf(p.Constraint).Under("constraint")...)
}

// ParamsOf are the numbers of what is Parametrised, else nil.
func ParamsOf(v any) Params {
	switch q := v.(type) {
	case Parametrised:
		return q.Params()
	case Wrapper:
		return ParamsOf(q.Unwrap())
	}
	return nil
}

// LogR is the constraint as graph code in the posterior's scope, given [B, c] or nil being the conditions of the rows. Check
// and Need[Constraint] come first.
func (p Posterior) LogR(scope *Scope, x, given *Node) *Node {
	if given = p.ConstraintGiven(given); given != nil {
		return must[Conditioned](p.Constraint).LogRGiven(scope.At("constraint"), x, given)
	}
	return must[Constraint](p.Constraint).LogR(scope.At("constraint"), x)
}

// ConstraintGiven are the columns of the conditions that are the constraint's, or nil.
func (p Posterior) ConstraintGiven(given *Node) *Node {
	if given == nil {
		return nil
	}
	a, _ := p.conditions()
	if c := given.Shape().Dimensions[1]; c > a {
		return graph.Slice(given, graph.AxisRange(), graph.AxisRange(a, c))
	}
	return nil
}

// PriorGiven are the columns of the conditions that are the prior's, or nil.
func (p Posterior) PriorGiven(given *Node) *Node {
	a, _ := p.conditions()
	if given == nil || a == 0 {
		return nil
	}
	return graph.Slice(given, graph.AxisRange(), graph.AxisRange(0, a))
}

// Denoise is the prior's denoiser in the posterior's scope.
func (p Posterior) Denoise(scope *Scope, x *Node, at Level) *Node {
	at.Given = p.PriorGiven(at.Given)
	return p.Prior.(Diffusion).Denoise(scope.At("prior"), x, at)
}

// Exact returns the posterior in closed form as a prior of its own, and log Z, or says why there is none: the constraint
// may know it, or the prior.
func (p Posterior) Exact() (Prior, float64, error) {
	if err := p.Check(); err != nil {
		return nil, 0, err
	}
	if p.Given != nil {
		return nil, 0, fmt.Errorf("%w for conditions that differ from row to row; ask for one of them", ErrNoClosedForm)
	}
	if p.Constraint == nil {
		return p.Prior, 0, nil
	}
	if c, ok := Can[KnownPosterior](p.Constraint); ok {
		return c.Posterior(p.Prior)
	}
	prior, ok := p.Prior.(Conjugate)
	if !ok {
		return nil, 0, fmt.Errorf("%w: %T does not know its posteriors", ErrNoClosedForm, p.Prior)
	}
	c, ok := Can[Constraint](p.Constraint)
	if !ok {
		return nil, 0, fmt.Errorf("%w for a host function", ErrNoClosedForm)
	}
	return prior.Exact(c)
}

// ErrNoClosedForm is what Exact returns when the posterior is not known in closed form.
var ErrNoClosedForm = errors.New("no closed form")

// String names the two parts.
func (p Posterior) String() string {
	return fmt.Sprintf("posterior of %v given %v", describe(p.Prior), describe(p.Constraint))
}

func describe(v any) string {
	if s, ok := v.(fmt.Stringer); ok {
		return s.String()
	}
	return fmt.Sprintf("%T", v)
}
