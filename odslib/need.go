package odslib

import (
	"fmt"

	"odslab/odslib/engine"
)

// Can returns the constraint as a T (Constraint, Linear, Quadratic…) where it is one, by its type and by its parts.
func Can[T any](constraint any) (T, bool) {
	c, err := as[T](constraint)
	return c, err == nil
}

// Need is Can for a method that cannot do without: the error says in one line what who needs and what there is.
func Need[T any](post Posterior, who string) (T, error) {
	c, err := as[T](post.Constraint)
	if err != nil {
		return c, fmt.Errorf("%s needs %s; got %w", who, ability((*T)(nil)), err)
	}
	return c, nil
}

// must is Can where somebody has made sure.
func must[T any](constraint any) T {
	c, err := as[T](constraint)
	if err != nil {
		engine.Fail("%s was asked of %v", ability((*T)(nil)), err)
	}
	return c
}

func as[T any](constraint any) (out T, err error) {
	if constraint == nil {
		return out, fmt.Errorf("no constraint")
	}
	out, ok := constraint.(T)
	if !ok {
		if w, wraps := constraint.(Wrapper); wraps {
			return as[T](w.Unwrap())
		}
		if _, host := constraint.(HostConstraint); host {
			return out, fmt.Errorf("%T, a host function (smc.Bootstrap and mcmc.EllipticalSlice take it)", constraint)
		}
		return out, fmt.Errorf("%T", constraint)
	}
	if c, ok := constraint.(Composite); ok {
		if err := c.Offers((*T)(nil)); err != nil {
			var none T
			return none, err
		}
	}
	return out, nil
}

// ability is what an interface of constraints means to a reader.
func ability(what any) string {
	switch what.(type) {
	case *Linear:
		return "a measurement y = A·x + Gaussian error with a linear A"
	case *Lifted:
		return "a measurement with a pseudo-inverse"
	case *Measured:
		return "a measurement y = A(x) + error"
	case *Widening:
		return "a measurement with an error model"
	case *Experiment:
		return "a measurement whose error model can draw y"
	case *Conditioned:
		return "a constraint that takes conditions"
	case *Quadratic:
		return "a quadratic log r"
	case *Constraint:
		return "a constraint that can be differentiated, in graph code"
	}
	return fmt.Sprintf("%T", what)
}
