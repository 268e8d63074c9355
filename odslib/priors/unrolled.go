package priors

import (
	"context"
	"fmt"

	"github.com/gomlx/gomlx/core/graph"

	"odslab/odslib"
	"odslab/odslib/diffusion"
	"odslab/odslib/engine"
)

var (
	_ odslib.Generator    = Unrolled{}
	_ odslib.Parametrised = Unrolled{}
)

// Unrolled is the reverse chain of a diffusion prior as a generator of its whole noise (Venkatraman et al. 2502.06999): z of shape
// [T+1, shape…] is the start and what each of T steps adds, x the end. Its steps are unrolled in the graph, one evaluation of the
// denoiser each.
type Unrolled struct {
	Of    odslib.Diffusion
	Chain diffusion.Chain // 0 steps means 16
}

func (u Unrolled) process() (*diffusion.Process, error) {
	if u.Of == nil {
		return nil, fmt.Errorf("this generator has no diffusion prior; set Of")
	}
	if c, ok := u.Of.(interface{ Err() error }); ok {
		if err := c.Err(); err != nil {
			return nil, err
		}
	}
	if _, ok := u.Chain.Kernel.(diffusion.Heun); ok {
		return nil, fmt.Errorf("the steps of Heun's method have no noise; choose another kernel, or priors.Flow")
	}
	return u.Chain.WithSteps(0, 16).Of(u.Of)
}

// Err says what is missing for the prior to be used.
func (u Unrolled) Err() error {
	_, err := u.process()
	return err
}

// Shape implements odslib.Prior.
func (u Unrolled) Shape() []int {
	if u.Of == nil {
		return nil
	}
	return u.Of.Shape()
}

// NoiseShape implements odslib.Generator: [T+1, shape…].
func (u Unrolled) NoiseShape() []int {
	p, err := u.process()
	if err != nil {
		return nil
	}
	return append([]int{p.Chain.Steps + 1}, u.Of.Shape()...)
}

// Params implements odslib.Parametrised: those of the chain, and its table.
func (u Unrolled) Params() odslib.Params {
	p, err := u.process()
	if err != nil {
		return nil
	}
	rows, err := p.Table()
	if err != nil {
		return nil
	}
	table := engine.NewArray(len(rows), len(rows[0]))
	for i, row := range rows {
		copy(table.Row(i), row)
	}
	out := append(p.Params(), engine.Param{Name: "table", Value: table})
	_, drawn := u.Of.(odslib.Marginal) // chains of such a prior need no moments
	if m, ok := u.Of.(odslib.Moments); ok && drawn {
		mean, std := m.Moments()
		out = append(out, engine.Param{Name: "start_mean", Value: engine.FromVector(mean).Reshape(u.Shape()...)},
			engine.Param{Name: "start_std", Value: engine.FromVector(std).Reshape(u.Shape()...)})
	}
	return out
}

// Sample implements odslib.Prior.
func (u Unrolled) Sample(ctx context.Context, n int, seed uint64) (odslib.Array, error) {
	if err := u.Err(); err != nil {
		return odslib.Array{}, err
	}
	return generate(ctx, u, n, seed)
}

// String says what the prior is, in a line.
func (u Unrolled) String() string {
	return fmt.Sprintf("chain of noise %v through %v", u.NoiseShape(), u.Of)
}

// Generate implements odslib.Generator.
func (u Unrolled) Generate(scope *odslib.Scope, z *odslib.Node) *odslib.Node {
	p, err := u.process()
	if err != nil {
		engine.Fail("%v", err)
	}
	n, shape := z.Shape().Dimensions[0], z.Shape().Dimensions[2:]
	noise := func(i int) *odslib.Node {
		return graph.Reshape(graph.Slice(z, graph.AxisRange(), graph.AxisElem(i)), append([]int{n}, shape...)...)
	}
	x := p.StartFrom(scope, noise(0))
	table := engine.Var(scope, z.Graph(), "table")
	for i := range p.Chain.Steps {
		row := graph.Reshape(graph.Slice(table, graph.AxisElem(i)), -1)
		guess := p.Guess(scope.ResetVisited(), x, p.Level(row, n))
		mean, std := p.Mean(guess, x, row)
		x = graph.Add(mean, graph.Mul(graph.BroadcastToShape(std, x.Shape()), noise(i+1)))
	}
	return x
}
