package compare

import (
	"context"
	"fmt"

	"odslab/odslib"
	"odslab/odslib/balance"
	"odslab/odslib/exact"
	"odslab/odslib/guide"
	"odslab/odslib/mcmc"
	"odslab/odslib/nn"
	"odslab/odslib/outsource"
	"odslab/odslib/smc"
)

// weighted is a sampler whose draws are those of its weighted cloud.
type weighted struct{ odslib.Sampler }

// Sample implements odslib.Sampler.
func (w weighted) Sample(ctx context.Context, post odslib.Posterior, n int, seed uint64) (*odslib.Result, error) {
	r, err := w.Sampler.Sample(ctx, post, n, seed)
	if err != nil || r.Particles == nil {
		return r, err
	}
	cloud := *r
	cloud.Samples, cloud.LogWeights, cloud.Noise = r.Particles.X, r.Particles.LogWeights, nil
	return cloud.Resample(n, seed), nil
}

// noiseLines are the samplers of a generator's noise on T10 and T11, where log Ẑ has no discretisation: outsourced as it comes, by
// its weights and by its chains, beside the chains and tempering that need no training.
func noiseLines(quick bool) (lines []Line) {
	seeds, n := 10, 10000
	if quick {
		seeds, n = 2, 2000
	}
	hills := outsource.Sampler{Net: nn.MLP{Hidden: 64}, Steps: 30, Paths: 128, Drift: balance.Drift{Variances: true}}
	sharp := outsource.Sampler{Net: nn.MLP{Hidden: 64}, Steps: 50, Paths: 128}
	for _, c := range []exact.Case{exact.T10(), exact.T11(1), exact.T11(2), exact.T11(8), exact.T11(16)} {
		small, iterations := hills, 400
		if c.Name == "T10" { // where free variances hold up the annealing
			small, iterations = sharp, 1000
		}
		if quick {
			iterations /= 4
		}
		policies := map[uint64]*outsource.Policy{} // trained once a seed, for all three
		line := func(name string, s odslib.Sampler) {
			lines = append(lines, Line{Case: func(int) (exact.Case, error) { return c, nil }, Name: name, Sampler: s, N: n, Seeds: seeds})
		}
		by := func(name string, draws func(p *outsource.Policy) odslib.Sampler) {
			line(fmt.Sprintf("outsourced, %d iterations%s", iterations, name), nil)
			lines[len(lines)-1].Train = func(ctx context.Context, post odslib.Posterior, seed uint64) (odslib.Sampler, error) {
				p := policies[seed]
				if p == nil {
					var err error
					if p, err = small.Train(ctx, post, odslib.Budget{Steps: iterations}, seed); err != nil {
						return nil, err
					}
					policies[seed] = p
				}
				return taught{draws(p), p.Seconds}, nil
			}
		}
		by("", func(p *outsource.Policy) odslib.Sampler { return p })
		by(", weighted", func(p *outsource.Policy) odslib.Sampler { return weighted{p} })
		by(", exact by pCN", func(p *outsource.Policy) odslib.Sampler { return outsource.Exact{Policy: p} })
		by(", exact by HMC", func(p *outsource.Policy) odslib.Sampler {
			return outsource.Exact{Policy: p, Local: mcmc.HMC{}, Moves: 2}
		})
		line("ReSample", guide.ReSample{})
		line("random walk", mcmc.RandomWalk{})
		line("pCN", mcmc.PCN{})
		line("elliptical slice", mcmc.EllipticalSlice{})
		line("MALA", mcmc.MALA{})
		line("HMC", mcmc.HMC{})
		line("NUTS", mcmc.NUTS{Walkers: mcmc.Walkers{Burn: 200, Thin: 1}})
		line("tempering by random walk, K=4000", smc.Tempering{Particles: 4000})
		line("tempering by HMC, K=4000", smc.Tempering{Kernel: mcmc.HMC{}, Particles: 4000, Moves: 3})
	}
	return lines
}
