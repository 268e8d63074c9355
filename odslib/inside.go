package odslib

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"

	"odslab/odslib/engine"
)

// Inner is a posterior one level in: over the latent of a decoder, or else over the noise of a generator. It is a value.
type Inner struct {
	Posterior           // of z
	Outer     Posterior // of x
}

// Inside pulls the constraint back through the prior's own map x = f(z): decoder before generator.
func (p Posterior) Inside() (Inner, error) {
	if err := p.Check(); err != nil {
		return Inner{}, err
	}
	var prior Prior
	switch q := p.Prior.(type) {
	case Latent:
		prior = q.Inner()
	case Generator:
		prior = Normal{Dims: q.NoiseShape()}
	case HostGenerator:
		prior = Normal{Dims: q.NoiseShape()}
	default:
		return Inner{}, fmt.Errorf("there is no inside: the prior must be a generator x = f(z) or have a latent; got %T", p.Prior)
	}
	if n, ok := prior.(Normal); ok && slices.ContainsFunc(n.Dims, func(d int) bool { return d < 1 }) {
		return Inner{}, fmt.Errorf("the noise of %T has shape %v; it must hold one number at least", p.Prior, n.Dims)
	}
	in := Inner{Outer: p, Posterior: Posterior{Prior: prior, Given: p.Given}}
	if p.Constraint != nil {
		in.Constraint = Pullback{Map: p.Prior, Constraint: p.Constraint}
	}
	return in, in.Check()
}

// Decoder carries z to x for many calls; Close it. [Inner.Out] is the same for one.
type Decoder struct {
	outer   Posterior
	engine  *engine.Engine
	program *engine.Program // nil for a host generator
}

// Decoder readies x = f(z).
func (i Inner) Decoder() (d *Decoder, err error) {
	d = &Decoder{outer: i.Outer}
	if !inGraph(i.Outer.Prior) {
		return d, nil
	}
	if d.engine, err = engine.Open(); err != nil {
		return nil, err
	}
	d.program, err = engine.NewProgram(d.engine, ParamsOf(i.Outer.Prior), func(scope *Scope, in []*Node) []*Node {
		return []*Node{through(i.Outer.Prior, scope, in[0])}
	})
	return d, err
}

// Out is x = f(z) for z [n, inner shape…].
func (d *Decoder) Out(ctx context.Context, z Array) (Array, error) {
	shape := d.outer.Shape()
	if d.program == nil {
		x, err := d.outer.Prior.(HostGenerator).GenerateHost(ctx, z)
		if err == nil && (!slices.Equal(x.Shape, append([]int{z.Len()}, shape...)) || len(x.Data) != x.Len()*x.Dim()) {
			err = fmt.Errorf("the generator gave an array of shape %v for %d samples of shape %v", x.Shape, z.Len(), shape)
		}
		return x, err
	}
	x := engine.NewArray(append([]int{0}, shape...)...)
	for k := 0; k < z.Len(); k += rewardBatch {
		if err := ctx.Err(); err != nil {
			return x, err
		}
		part := z.Slice(k, min(k+rewardBatch, z.Len()))
		a, err := d.program.Call1(padded(part).Tensor())
		if err != nil {
			return x, err
		}
		x = x.Append(a.Slice(0, part.Len()))
	}
	return x, nil
}

// Close frees what the decoder holds on the device.
func (d *Decoder) Close() {
	if d.program != nil {
		d.program.Close()
	}
}

// Out is x = f(z) for z [n, inner shape…].
func (i Inner) Out(ctx context.Context, z Array) (Array, error) {
	d, err := i.Decoder()
	if err != nil {
		return Array{}, err
	}
	defer d.Close()
	return d.Out(ctx, z)
}

// inGraph says whether the prior's map is graph code.
func inGraph(prior Prior) bool {
	_, generator := prior.(Generator)
	_, latent := prior.(Latent)
	return generator || latent
}

// through is the map of a latent prior or a generator, as graph code in the prior's scope.
func through(prior Prior, scope *Scope, z *Node) *Node {
	if l, ok := prior.(Latent); ok {
		return l.Decode(scope, z)
	}
	return prior.(Generator).Generate(scope, z)
}

var (
	_ Composite      = Pullback{}
	_ Conditioned    = Pullback{}
	_ Widening       = Pullback{}
	_ Linear         = Pullback{}
	_ Quadratic      = Pullback{}
	_ HostConstraint = Pullback{}
	_ KnownPosterior = Pullback{}
	_ Experiment     = Pullback{}
)

// Pullback is a constraint on x = f(z) as one on z. It can what the constraint can where f is graph code, is linear or
// quadratic where f is affine besides, and a host function else.
type Pullback struct {
	Map        Prior // Latent, Generator or HostGenerator
	Constraint any
}

// Offers implements Composite.
func (c Pullback) Offers(what any) error {
	var err error
	affine := false
	switch what.(type) {
	case *Constraint:
		_, err = as[Constraint](c.Constraint)
	case *Conditioned:
		_, err = as[Conditioned](c.Constraint)
	case *Measured:
		_, err = as[Measured](c.Constraint)
	case *Widening:
		_, err = as[Widening](c.Constraint)
	case *Experiment:
		_, err = as[Experiment](c.Constraint)
	case *Linear:
		_, err = as[Linear](c.Constraint)
		affine = true
	case *Quadratic:
		_, err = as[Quadratic](c.Constraint)
		affine = true
	case *HostConstraint:
		return nil
	case *KnownPosterior:
		if _, ok := c.Map.(ConjugateInside); !ok {
			return fmt.Errorf("%T, which does not know the posterior of its noise", c.Map)
		}
		_, err = as[Constraint](c.Constraint)
		return err
	default:
		return fmt.Errorf("a constraint seen through %T", c.Map)
	}
	if err == nil && !inGraph(c.Map) {
		err = fmt.Errorf("%T, a host function", c.Map)
	}
	if err == nil && affine {
		if _, _, err = c.affine(); err != nil {
			return err
		}
	}
	return err
}

// Check implements Checked.
func (c Pullback) Check([]int) error { return Given(c.Map, c.Constraint).Check() }

// Params implements Parametrised.
func (c Pullback) Params() Params { return Given(c.Map, c.Constraint).Params() }

func (c Pullback) out(scope *Scope, z *Node) *Node { return through(c.Map, scope.At("prior"), z) }

// LogR implements Constraint.
func (c Pullback) LogR(scope *Scope, z *Node) *Node {
	return must[Constraint](c.Constraint).LogR(scope.At("constraint"), c.out(scope, z))
}

// Conditions implements Conditioned.
func (c Pullback) Conditions([]int) int {
	_, n := Given(c.Map, c.Constraint).conditions()
	return n
}

// LogRGiven implements Conditioned.
func (c Pullback) LogRGiven(scope *Scope, z, given *Node) *Node {
	return must[Conditioned](c.Constraint).LogRGiven(scope.At("constraint"), c.out(scope, z), given)
}

// Residual implements Measured.
func (c Pullback) Residual(scope *Scope, z, given *Node) *Node {
	return must[Measured](c.Constraint).Residual(scope.At("constraint"), c.out(scope, z), given)
}

// LogRWith implements Widening.
func (c Pullback) LogRWith(scope *Scope, z, extra, given *Node) *Node {
	return must[Widening](c.Constraint).LogRWith(scope.At("constraint"), c.out(scope, z), extra, given)
}

// Whitened implements Linear.
func (c Pullback) Whitened(scope *Scope, z, given *Node) *Node {
	return must[Linear](c.Constraint).Whitened(scope.At("constraint"), c.out(scope, z), given)
}

// DrawY implements Experiment.
func (c Pullback) DrawY(ax []float64, rng *rand.Rand) []float64 {
	return must[Experiment](c.Constraint).DrawY(ax, rng)
}

// At implements Experiment.
func (c Pullback) At(y []float64) Constraint {
	return Pullback{Map: c.Map, Constraint: must[Experiment](c.Constraint).At(y)}
}

// LogRHost implements HostConstraint.
func (c Pullback) LogRHost(ctx context.Context, z Array) ([]float64, error) {
	return Posterior{Constraint: c}.Rewards(ctx, z)
}

func (c Pullback) affine() (w [][]float64, b []float64, err error) {
	if m, ok := c.Map.(AffineMap); ok {
		if w, b, ok = m.Affine(); ok {
			return w, b, nil
		}
	}
	return nil, nil, fmt.Errorf("%T, which is not affine", c.Map)
}

// System implements Linear: A·(W·z + b) measured.
func (c Pullback) System([]int) (System, error) {
	w, b, err := c.affine()
	if err != nil {
		return System{}, err
	}
	s, err := must[Linear](c.Constraint).System(c.Map.Shape())
	if err != nil {
		return System{}, err
	}
	out := System{A: product(s.A, w), Y: slices.Clone(s.Y), LogScale: s.LogScale}
	for i, row := range s.A {
		out.Y[i] -= dot(row, b)
	}
	return out, nil
}

// Quadratic implements Quadratic.
func (c Pullback) Quadratic([]int) (h [][]float64, g []float64, c0 float64, err error) {
	w, b, err := c.affine()
	if err != nil {
		return nil, nil, 0, err
	}
	outer, g0, c0, err := must[Quadratic](c.Constraint).Quadratic(c.Map.Shape())
	if err != nil {
		return nil, nil, 0, err
	}
	wt := make([][]float64, len(w[0]))
	for j := range wt {
		for i := range w {
			wt[j] = append(wt[j], w[i][j])
		}
	}
	slope := make([]float64, len(b)) // H·b + g at the offset
	for i := range slope {
		slope[i] = dot(outer[i], b) + g0[i]
		c0 += b[i] * (.5*dot(outer[i], b) + g0[i])
	}
	for _, row := range wt {
		g = append(g, dot(row, slope))
	}
	return product(product(wt, outer), w), g, c0, nil
}

// Posterior implements KnownPosterior.
func (c Pullback) Posterior(Prior) (Prior, float64, error) {
	return c.Map.(ConjugateInside).ExactInside(must[Constraint](c.Constraint))
}

// String names the constraint.
func (c Pullback) String() string {
	return fmt.Sprintf("%s, seen through %s", describe(c.Constraint), describe(c.Map))
}

func dot(a, b []float64) (sum float64) {
	for i, v := range a {
		sum += v * b[i]
	}
	return sum
}

func product(a, b [][]float64) [][]float64 {
	out := make([][]float64, len(a))
	for i := range a {
		out[i] = make([]float64, len(b[0]))
		for k, v := range a[i] {
			if v == 0 {
				continue
			}
			for j, w := range b[k] {
				out[i][j] += v * w
			}
		}
	}
	return out
}
