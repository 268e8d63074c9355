package priors

import (
	"context"
	"fmt"
	"math"

	"odslab/odslib"
	"odslab/odslib/diffusion"
	"odslab/odslib/engine"
)

var _ odslib.HostGenerator = HostChain{}

// HostChain is the reverse chain of such a prior as a generator of its whole noise, [Steps+1, shape…], as [Unrolled] is of others:
// what takes generators without a gradient takes it. Its steps are ancestral (Ho et al. 2020).
type HostChain struct {
	Of    odslib.HostDiffusion
	Steps int // 0 means 50
}

func (c HostChain) steps() int {
	if c.Steps == 0 {
		return 50
	}
	return c.Steps
}

// Err says what is wrong with the settings, or nil.
func (c HostChain) Err() error {
	if c.Of == nil {
		return fmt.Errorf("this chain has no diffusion prior; set Of")
	}
	if e, ok := c.Of.(interface{ Err() error }); ok {
		if err := e.Err(); err != nil {
			return err
		}
	}
	if c.Steps < 0 {
		return fmt.Errorf("chain on the host: Steps must be positive, got %d", c.Steps)
	}
	if n := diffusion.Entries(c.Of.Schedule()); n > 0 && c.steps() > n {
		return fmt.Errorf("chain on the host: %d steps of a schedule that has %d", c.steps(), n)
	}
	return nil
}

// Shape implements odslib.Prior.
func (c HostChain) Shape() []int { return c.Of.Shape() }

// NoiseShape implements odslib.HostGenerator.
func (c HostChain) NoiseShape() []int { return append([]int{c.steps() + 1}, c.Of.Shape()...) }

// String names the prior.
func (c HostChain) String() string { return fmt.Sprintf("chain of %d steps of %v", c.steps(), c.Of) }

// Sample implements odslib.Prior.
func (c HostChain) Sample(ctx context.Context, n int, seed uint64) (odslib.Array, error) {
	if err := c.Err(); err != nil {
		return odslib.Array{}, err
	}
	return generate(ctx, c, n, seed)
}

// GenerateHost implements odslib.HostGenerator.
func (c HostChain) GenerateHost(ctx context.Context, z odslib.Array) (odslib.Array, error) {
	if err := c.Err(); err != nil {
		return odslib.Array{}, err
	}
	s, n := c.Of.Schedule(), z.Len()
	x := engine.NewArray(append([]int{n}, c.Of.Shape()...)...)
	d := x.Dim()
	if z.Dim() != d*(c.steps()+1) {
		return odslib.Array{}, fmt.Errorf("chain on the host: noise of %d numbers, want %d", z.Dim(), d*(c.steps()+1))
	}
	grid := diffusion.Uniform(s, c.steps())
	for i := range n {
		for j := range d {
			x.Row(i)[j] = float32(s.Sigma(grid[0])) * z.Row(i)[j]
		}
	}
	for k := range c.steps() {
		t, next := grid[k], grid[k+1]
		a, b, std := diffusion.Ancestral{}.Coefficients(s, t, next)
		x0, err := c.Of.DenoiseHost(ctx, x, t)
		if err != nil {
			return odslib.Array{}, fmt.Errorf("step %d: %w", k+1, err)
		}
		for i := range n {
			for j := range d {
				x.Row(i)[j] = float32(a*float64(x.Row(i)[j]) + b*float64(x0.Row(i)[j]) + std*float64(z.Row(i)[(k+1)*d+j]))
			}
		}
		odslib.Notify(ctx, odslib.Progress{What: "chain on the host", Step: k + 1, Steps: c.steps(), LogZ: math.NaN(), Loss: math.NaN()})
	}
	return x, nil
}
