package odslib

import (
	"errors"
	"fmt"
	"slices"
)

// Posterior is a prior and a constraint: p(x|y) = p(x)·r(x,y)/Z.
type Posterior struct {
	Prior      Prior
	Constraint any // a Constraint, a HostConstraint, or both; nil for the prior itself
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
	switch p.Constraint.(type) {
	case nil, Constraint, HostConstraint:
	default:
		return fmt.Errorf("posterior: %T is not a constraint (it has neither LogR nor LogRHost)", p.Constraint)
	}
	if c, ok := p.Constraint.(Checked); ok {
		if err := c.Check(p.Prior.Shape()); err != nil {
			return fmt.Errorf("constraint: %w", err)
		}
	}
	return nil
}

// Shape is the shape of one sample.
func (p Posterior) Shape() []int { return slices.Clone(p.Prior.Shape()) }

// Params are the numbers that prior and constraint read, under "prior" and "constraint".
func (p Posterior) Params() Params {
	var out Params
	if q, ok := p.Prior.(Parametrised); ok {
		out = append(out, q.Params().Under("prior")...)
	}
	if q, ok := p.Constraint.(Parametrised); ok {
		out = append(out, q.Params().Under("constraint")...)
	}
	return out
}

// LogR is the constraint as graph code in the posterior's scope; Check and a type assertion to Constraint come first.
func (p Posterior) LogR(scope *Scope, x *Node) *Node {
	return p.Constraint.(Constraint).LogR(scope.At("constraint"), x)
}

// Denoise is the prior's denoiser in the posterior's scope.
func (p Posterior) Denoise(scope *Scope, x *Node, at Level) *Node {
	return p.Prior.(Diffusion).Denoise(scope.At("prior"), x, at)
}

// Generate is the prior's generator in the posterior's scope.
func (p Posterior) Generate(scope *Scope, z *Node) *Node {
	return p.Prior.(Generator).Generate(scope.At("prior"), z)
}

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
