package priors

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/gomlx/gomlx/core/graph"

	"odslab/odslib"
	"odslab/odslib/engine"
)

// boundDraws is how many draws LogLikelihood averages over.
const boundDraws = 64

// LogLikelihood implements Likelihood by the importance-weighted bound of 64 draws.
func (v *VAE) LogLikelihood(ctx context.Context, x odslib.Array, seed uint64) ([]float64, error) {
	return v.Bound(ctx, x, boundDraws, seed)
}

// Bound is the importance-weighted lower bound of log p(x) (Burda et al. 1509.00519) with k draws: log of the mean of
// p(x|u)p(u)/q(u|x). One draw is an unbiased estimate of the ELBO; more are tighter.
func (v *VAE) Bound(ctx context.Context, x odslib.Array, k int, seed uint64) ([]float64, error) {
	if err := v.Err(); err != nil {
		return nil, err
	}
	if k < 1 {
		return nil, fmt.Errorf("VAE: a bound takes at least one draw, got %d", k)
	}
	top, sum := make([]float64, x.Len()), make([]float64, x.Len())
	for j := range k {
		batch := 0
		logw, err := each(ctx, v, x, func(scope *engine.Scope, in []*engine.Node) []*engine.Node {
			u := v.in(scope, in[0])
			_, eps := engine.RandomNormal(in[1], u.Shape().Dimensions[0], v.NoiseShape()[0])
			p := v.pass(scope, u, eps)
			logw := p.logp
			for _, r := range p.ratio {
				logw = graph.Add(logw, r)
			}
			return []*engine.Node{logw}
		}, func() []any {
			batch++
			return []any{engine.RNGState(seed, fmt.Sprintf("priors.VAE.Bound.%d.%d", j, batch))}
		})
		if err != nil {
			return nil, err
		}
		for i, l := range logw {
			switch {
			case j == 0:
				top[i], sum[i] = l, 1
			case l > top[i]:
				top[i], sum[i] = l, 1+sum[i]*math.Exp(top[i]-l)
			default:
				sum[i] += math.Exp(l - top[i])
			}
		}
	}
	for i := range top {
		top[i] += math.Log(sum[i]/float64(k)) - v.volume()
	}
	return top, nil
}

// volume is d·log Scale: what a density of standardised values has too much.
func (t *Trained) volume() float64 {
	if t.Scale == 0 {
		return 0
	}
	return float64(engine.NewArray(append([]int{1}, t.Dims...)...).Dim()) * math.Log(t.Scale)
}

// Divergences are the Kullback–Leibler terms of the latent layers, top first, in nats, averaged over samples x.
func (v *VAE) Divergences(ctx context.Context, x odslib.Array, seed uint64) ([]float64, error) {
	if err := v.Err(); err != nil {
		return nil, err
	}
	out := make([]float64, len(v.latents()))
	for l := range out {
		kl, err := each(ctx, v, x, func(scope *engine.Scope, in []*engine.Node) []*engine.Node {
			u := v.in(scope, in[0])
			_, eps := engine.RandomNormal(in[1], u.Shape().Dimensions[0], v.NoiseShape()[0])
			return []*engine.Node{v.pass(scope, u, eps).kl[l]}
		}, func() []any { return []any{engine.RNGState(seed, "priors.VAE.Divergences")} })
		if err != nil {
			return nil, err
		}
		for _, k := range kl {
			out[l] += k / float64(len(kl))
		}
	}
	return out, nil
}

// Encode draws from q(u|x), the noise that Generate would make samples x [n, shape…] of: [n, noise].
func (v *VAE) Encode(ctx context.Context, x odslib.Array, seed uint64) (odslib.Array, error) {
	if err := v.Err(); err != nil {
		return odslib.Array{}, err
	}
	if len(x.Shape) == 0 || !slices.Equal(x.Shape[1:], v.Dims) || x.Len() == 0 {
		return odslib.Array{}, fmt.Errorf("the VAE encodes samples of shape %v, got an array of shape %v", v.Dims, x.Shape)
	}
	batch := 0
	return batches(ctx, v, x, func(scope *engine.Scope, in []*engine.Node) []*engine.Node {
		u := v.in(scope, in[0])
		_, eps := engine.RandomNormal(in[1], u.Shape().Dimensions[0], v.NoiseShape()[0])
		return []*engine.Node{graph.Concatenate(v.pass(scope, u, eps).us, -1)}
	}, func() []any {
		batch++
		return []any{engine.RNGState(seed, fmt.Sprintf("priors.VAE.Encode.%d", batch))}
	})
}
