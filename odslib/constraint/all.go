package constraint

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"

	"github.com/gomlx/gomlx/core/graph"

	"odslab/odslib"
)

var (
	_ odslib.Composite      = All{}
	_ odslib.Checked        = All{}
	_ odslib.HostConstraint = All{}
	_ odslib.Conditioned    = All{}
	_ odslib.Widening       = All{}
	_ odslib.Experiment     = All{}
	_ odslib.Linear         = All{}
	_ odslib.Quadratic      = All{}
	_ odslib.Sum            = All{}
	_ odslib.KnownPosterior = All{}
)

// All is several constraints at once, Constraints or HostConstraints: log r is the sum of theirs. Linear measurements stack to
// one, quadratic ones add, y's stand one after the other. It is graph code where all parts are, a host function where one is,
// and otherwise can what all of its parts can. Conditions are those of the parts that take some.
type All []any

// Terms implements odslib.Sum.
func (c All) Terms() []any { return c }

// Offers implements odslib.Composite.
func (c All) Offers(what any) error {
	switch what.(type) {
	case *odslib.HostConstraint:
		return nil
	case *odslib.KnownPosterior:
		for _, part := range c {
			if _, ok := odslib.Can[odslib.KnownPosterior](part); ok {
				return nil
			}
		}
		return fmt.Errorf("no part that knows its posterior")
	case *odslib.Conditioned:
		any := false
		for _, part := range c {
			_, ok := odslib.Can[odslib.Conditioned](part)
			any = any || ok
		}
		if !any {
			return fmt.Errorf("no part that takes conditions")
		}
		return every[odslib.Constraint](c)
	case *odslib.Constraint:
		return every[odslib.Constraint](c)
	case *odslib.Measured:
		return every[odslib.Measured](c)
	case *odslib.Widening:
		return every[odslib.Widening](c)
	case *odslib.Experiment:
		if err := every[odslib.Conditioned](c); err != nil {
			return err
		}
		return every[odslib.Experiment](c)
	case *odslib.Linear:
		return every[odslib.Linear](c)
	case *odslib.Quadratic:
		return every[odslib.Quadratic](c)
	}
	return fmt.Errorf("a sum of constraints")
}

func every[T any](c All) error {
	for i, part := range c {
		if _, ok := odslib.Can[T](part); !ok {
			return fmt.Errorf("a sum whose part %d, %T, cannot", i, part)
		}
	}
	return nil
}

// part is the i-th part as a T; Offers comes first.
func part[T any](c All, i int) T {
	p, _ := odslib.Can[T](c[i])
	return p
}

func under(scope *odslib.Scope, i int) *odslib.Scope { return scope.At("%d", i) }

// Check implements odslib.Checked.
func (c All) Check(shape []int) error {
	if len(c) == 0 {
		return fmt.Errorf("the sum of constraints has no parts")
	}
	for i, part := range c {
		if part == nil {
			return fmt.Errorf("part %d is nil", i)
		}
		if err := odslib.Given(odslib.Normal{Dims: shape}, part).Check(); err != nil {
			return fmt.Errorf("part %d: %w", i, err)
		}
	}
	return nil
}

// Params implements odslib.Parametrised.
func (c All) Params() (p odslib.Params) {
	for i, part := range c {
		p = append(p, odslib.ParamsOf(part).Under(strconv.Itoa(i))...)
	}
	return p
}

// LogR implements odslib.Constraint.
func (c All) LogR(scope *odslib.Scope, x *odslib.Node) *odslib.Node {
	return c.LogRGiven(scope, x, nil)
}

// Conditions implements odslib.Conditioned.
func (c All) Conditions(shape []int) (n int) {
	for i := range c {
		n += c.conditions(i, shape)
	}
	return n
}

func (c All) conditions(i int, shape []int) int {
	if p, ok := odslib.Can[odslib.Conditioned](c[i]); ok {
		return p.Conditions(shape)
	}
	return 0
}

// split calls f with the columns of given that are each part's; nil for all where given is nil.
func (c All) split(x, given *odslib.Node, f func(i int, given *odslib.Node)) {
	at, shape := 0, x.Shape().Dimensions[1:]
	for i := range c {
		var own *odslib.Node
		if n := c.conditions(i, shape); given != nil && n > 0 {
			own = graph.Slice(given, graph.AxisRange(), graph.AxisRange(at, at+n))
			at += n
		}
		f(i, own)
	}
}

func add(sum, v *odslib.Node) *odslib.Node {
	if sum == nil {
		return v
	}
	return graph.Add(sum, v)
}

// LogRGiven implements odslib.Conditioned.
func (c All) LogRGiven(scope *odslib.Scope, x, given *odslib.Node) (sum *odslib.Node) {
	c.split(x, given, func(i int, own *odslib.Node) {
		if own != nil {
			sum = add(sum, part[odslib.Conditioned](c, i).LogRGiven(under(scope, i), x, own))
		} else {
			sum = add(sum, part[odslib.Constraint](c, i).LogR(under(scope, i), x))
		}
	})
	return sum
}

// LogRWith implements odslib.Widening.
func (c All) LogRWith(scope *odslib.Scope, x, extra, given *odslib.Node) (sum *odslib.Node) {
	c.split(x, given, func(i int, own *odslib.Node) {
		sum = add(sum, part[odslib.Widening](c, i).LogRWith(under(scope, i), x, extra, own))
	})
	return sum
}

// Residual implements odslib.Measured.
func (c All) Residual(scope *odslib.Scope, x, given *odslib.Node) *odslib.Node {
	var rows []*odslib.Node
	c.split(x, given, func(i int, own *odslib.Node) {
		rows = append(rows, part[odslib.Measured](c, i).Residual(under(scope, i), x, own))
	})
	return graph.Concatenate(rows, 1)
}

// Whitened implements odslib.Linear.
func (c All) Whitened(scope *odslib.Scope, x, given *odslib.Node) *odslib.Node {
	var rows []*odslib.Node
	c.split(x, given, func(i int, own *odslib.Node) {
		rows = append(rows, part[odslib.Linear](c, i).Whitened(under(scope, i), x, own))
	})
	return graph.Concatenate(rows, 1)
}

// System implements odslib.Linear.
func (c All) System(shape []int) (out odslib.System, err error) {
	for i := range c {
		s, err := part[odslib.Linear](c, i).System(shape)
		if err != nil {
			return odslib.System{}, fmt.Errorf("part %d: %w", i, err)
		}
		out = out.Stack(s)
	}
	return out, nil
}

// Quadratic implements odslib.Quadratic.
func (c All) Quadratic(shape []int) (h [][]float64, b []float64, c0 float64, err error) {
	d := count(shape)
	h, b = square(d), make([]float64, d)
	for i := range c {
		hi, bi, ci, err := part[odslib.Quadratic](c, i).Quadratic(shape)
		if err != nil {
			return nil, nil, 0, fmt.Errorf("part %d: %w", i, err)
		}
		c0 += ci
		for j := range d {
			b[j] += bi[j]
			for k := range d {
				h[j][k] += hi[j][k]
			}
		}
	}
	return h, b, c0, nil
}

// Posterior implements odslib.KnownPosterior: the posterior that one part knows is the prior of the others.
func (c All) Posterior(prior odslib.Prior) (odslib.Prior, float64, error) {
	for i, part := range c {
		known, ok := odslib.Can[odslib.KnownPosterior](part)
		if !ok {
			continue
		}
		first, logZ, err := known.Posterior(prior)
		if err != nil {
			return nil, 0, err
		}
		rest := append(append(All{}, c[:i]...), c[i+1:]...)
		if len(rest) == 0 {
			return first, logZ, nil
		}
		post, more, err := odslib.Given(first, rest).Exact()
		return post, logZ + more, err
	}
	return nil, 0, odslib.ErrNoClosedForm
}

// DrawY implements odslib.Experiment.
func (c All) DrawY(ax []float64, rng *rand.Rand) (y []float64) {
	for i := range c {
		n := c.conditions(i, nil)
		y = append(y, part[odslib.Experiment](c, i).DrawY(ax[:n], rng)...)
		ax = ax[n:]
	}
	return y
}

// At implements odslib.Experiment.
func (c All) At(y []float64) odslib.Constraint {
	out := make(All, len(c))
	for i := range c {
		n := c.conditions(i, nil)
		out[i] = part[odslib.Experiment](c, i).At(y[:n])
		y = y[n:]
	}
	return out
}

// LogRHost implements odslib.HostConstraint.
func (c All) LogRHost(ctx context.Context, x odslib.Array) ([]float64, error) {
	return odslib.Posterior{Constraint: c}.Rewards(ctx, x)
}

// String names the parts.
func (c All) String() string {
	var parts []string
	for _, part := range c {
		if s, ok := part.(fmt.Stringer); ok {
			parts = append(parts, s.String())
		} else {
			parts = append(parts, fmt.Sprintf("%T", part))
		}
	}
	return strings.Join(parts, " and ")
}
