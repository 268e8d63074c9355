package outsource

import (
	"context"
	"fmt"
	"time"

	"odslab/odslib"
	"odslab/odslib/balance"
	"odslab/odslib/engine"
)

var (
	_ odslib.Trainer[odslib.Posterior, *Policy] = Sampler{}
	_ odslib.Sampler                            = (*Policy)(nil)
)

// Sampler trains a policy for the noise or latent behind a posterior's samples; the fields are those of [balance.Settings].
type Sampler balance.Settings

// Train implements odslib.Trainer. Without a budget it takes 1000 iterations.
func (s Sampler) Train(ctx context.Context, post odslib.Posterior, budget odslib.Budget, seed uint64) (*Policy, error) {
	inner, err := post.Inside()
	if err != nil {
		return nil, fmt.Errorf("outsourced: %w", err)
	}
	if err := s.fits(inner.Shape()); err != nil {
		return nil, fmt.Errorf("outsourced: %w", err)
	}
	p, err := balance.Train(ctx, "outsourced", balance.Settings(s), inner.Posterior, budget, seed)
	if p == nil {
		return nil, err
	}
	return &Policy{p}, err
}

// fits refuses paths that would not fit into memory: states and guesses of a batch, and what replaces them.
func (s Sampler) fits(shape []int) error {
	paths, steps := s.Paths, max(s.Steps, s.Chain.Steps, len(s.Chain.Grid))
	if paths == 0 {
		paths = 256
	}
	if steps == 0 {
		steps = 100
	}
	if err := engine.CheckMemory(2*paths*(steps+1), shape); err != nil {
		return fmt.Errorf("the states of %d paths of %d steps do not fit, %w Paths or Steps", paths, steps, err)
	}
	return nil
}

// Policy is a trained sampler of z that returns x = f(z). Its Save is that of the policy of z.
type Policy struct{ *balance.Policy }

// Open reads a policy that Save wrote.
func Open(path string) (*Policy, error) {
	p, err := balance.Open(path)
	return &Policy{p}, err
}

// Sample draws n paths of z: Samples are x, Noise is z, Particles has the importance weights of x. See balance.Policy.
func (p *Policy) Sample(ctx context.Context, post odslib.Posterior, n int, seed uint64) (*odslib.Result, error) {
	start := time.Now()
	inner, err := post.Inside()
	if err != nil {
		return nil, fmt.Errorf("outsourced: %w", err)
	}
	res, err := p.Policy.Sample(ctx, inner.Posterior, n, seed)
	if res == nil || res.Particles == nil {
		return res, err
	}
	z := res.Samples
	x, lost := inner.Out(context.WithoutCancel(ctx), z)
	if lost != nil {
		return nil, fmt.Errorf("outsourced: %w", lost)
	}
	res.Samples, res.Noise, res.Names, res.Particles.X = x, &z, post.Names, x
	res.NonFinite += x.NonFinite()
	res.Close(start)
	return res, err
}
