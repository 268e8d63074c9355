package odslib

import (
	"context"
	"fmt"
	"math"
	"strings"

	"odslab/odslib/engine"
)

// Fingerprint tells posteriors apart: what a trained sampler keeps of the one it was trained for.
type Fingerprint struct {
	Posterior string    // types of prior and constraint, and a check sum of their numbers
	Params    string    // names and shapes of the numbers
	LogR      []float64 // log r at a few samples of the prior: what is not numbers, such as a host function, shows there
	Given     int       // columns of the conditions; the constraint's own numbers then count by LogR alone
}

// probes is the number of samples at which log r is looked at.
const probes = 4

// Fingerprint is that of the posterior.
func (p Posterior) Fingerprint(ctx context.Context) (Fingerprint, error) {
	if err := p.Check(); err != nil {
		return Fingerprint{}, err
	}
	var f Fingerprint
	numbers := ParamsOf(p.Prior)
	if p.Given == nil {
		numbers = p.Params()
	} else {
		f.Given = p.Given.Dim()
	}
	f.Posterior = fmt.Sprintf("%T under %T, %s", p.Prior, p.Constraint, engine.CheckSum(numbers.Values()...))
	var names []string
	for _, q := range p.Params() {
		names = append(names, fmt.Sprintf("%s%v", q.Name, q.Value.Shape))
	}
	f.Params = strings.Join(names, " ")
	if p.Constraint == nil {
		return f, nil
	}
	x, err := p.probes(ctx)
	if err != nil {
		return f, err
	}
	if f.Given > 0 {
		g, rng := engine.NewArray(probes, f.Given), engine.RNG(1, "odslib.Fingerprint.given")
		for i := range g.Data {
			g.Data[i] = float32(rng.NormFloat64())
		}
		p.Given = &g
	}
	f.LogR, err = p.Rewards(ctx, x)
	return f, err
}

// probes are fixed samples: about the prior's moments where it knows them, its own else.
func (p Posterior) probes(ctx context.Context) (Array, error) {
	m, ok := p.Prior.(Moments)
	if !ok {
		return p.Prior.Sample(ctx, probes, 1)
	}
	mean, std := m.Moments()
	x, rng := engine.NewArray(append([]int{probes}, p.Shape()...)...), engine.RNG(1, "odslib.Fingerprint")
	for i := range x.Data {
		j := i % len(mean)
		x.Data[i] = float32(mean[j] + std[j]*rng.NormFloat64())
	}
	return x, nil
}

// Accepts says in what the posterior is another, or nil.
func (f Fingerprint) Accepts(ctx context.Context, post Posterior) error {
	g, err := post.Fingerprint(ctx)
	switch {
	case err != nil:
		return err
	case f.Given != g.Given:
		return fmt.Errorf("%d conditions there, %d here", f.Given, g.Given)
	case f.Posterior != g.Posterior:
		return fmt.Errorf("%s there, %s here", f.Posterior, g.Posterior)
	case f.Params != g.Params:
		return fmt.Errorf("numbers %s there, %s here", f.Params, g.Params)
	}
	for i, v := range g.LogR {
		if i >= len(f.LogR) || !near(f.LogR[i], v) {
			return fmt.Errorf("log r of four test samples is %.4g there, %.4g here", f.LogR, g.LogR)
		}
	}
	return nil
}

// near leaves room for another engine's rounding; NaN and infinities are near themselves.
func near(a, b float64) bool {
	return a == b || math.IsNaN(a) && math.IsNaN(b) || math.Abs(a-b) <= .01*(1+math.Abs(a))
}
