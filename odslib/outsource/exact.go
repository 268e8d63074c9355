package outsource

import (
	"context"
	"fmt"
	"math"
	"time"

	"odslab/odslib"
	"odslab/odslib/balance"
	"odslab/odslib/engine"
	"odslab/odslib/mcmc"
)

var _ odslib.Sampler = Exact{}

// Exact takes a policy's error back: chains in the noise of the generator jump to its draws, and now and then to one of the prior,
// are accepted by their weights along paths (see mcmc.Independence), and make local moves between jumps. The error goes to 0 with Burn,
// Thin and Chains however poor the policy is: no weight is above r/Prior, so that every mode is met at the rate of
// Prior·Z/max r a jump at least. A good policy makes the chains short. log Ẑ is that of all proposals, unbiased.
type Exact struct {
	Policy *Policy
	Prior  float64     // share of the jumps that go to draws of the prior; 0 means .1
	Local  mcmc.Kernel // between jumps; nil means mcmc.PCN{}, mcmc.HMC{} is far better where r has a gradient
	Moves  int         // of Local before each jump; 0 means 20, negative none

	Chains int // 0 means 500, or a quarter of the draws if that is less
	Burn   int // jumps of each chain before its first draw; 0 means 20
	Thin   int // jumps from draw to draw; 0 means 1
}

// Sample implements odslib.Sampler for posteriors of a generator.
func (s Exact) Sample(ctx context.Context, post odslib.Posterior, n int, seed uint64) (*odslib.Result, error) {
	const name = "outsourced, exact"
	begun := time.Now()
	if s.Prior == 0 {
		s.Prior = .1
	}
	switch {
	case s.Policy == nil || s.Policy.Policy == nil:
		return nil, fmt.Errorf("%s: it needs a policy; train one by outsource.Sampler", name)
	case !(s.Prior > 0 && s.Prior <= 1):
		return nil, fmt.Errorf("%s: Prior is %g; it must lie above 0 and at most at 1", name, s.Prior)
	}
	if err := odslib.CheckDraw(post, n); err != nil {
		return nil, err
	}
	inner, err := post.Inside()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	prior, ok := inner.Prior.(odslib.Normal)
	if !ok {
		return nil, fmt.Errorf("%s: the policy samples a latent of %T; the chains need the noise of a generator", name, inner.Prior)
	}
	law, err := s.Policy.PathLaw(ctx, inner.Posterior)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	from := mixture{law: law, prior: prior, share: s.Prior}
	res, err := mcmc.Independence{From: from, Local: s.Local, Moves: s.Moves, Chains: s.Chains, Burn: s.Burn, Thin: s.Thin}.Sample(ctx, post, n, seed)
	if res == nil {
		return nil, err
	}
	res.Sampler, res.Settings = name, fmt.Sprintf("{Policy:%v Prior:%g Local:%T Moves:%d Chains:%d Burn:%d Thin:%d}", s.Policy, s.Prior, s.Local, s.Moves, s.Chains, s.Burn, s.Thin)
	res.About = "right in the limit of long chains, whatever the policy; draws are correlated"
	res.NetworkEvals += law.Evals
	res.Close(begun)
	return res, err
}

// mixture is the policy's law and the prior's, by share.
type mixture struct {
	law   *balance.PathLaw
	prior odslib.Normal
	share float64 // of the prior
}

// Draw implements mcmc.Proposal.
func (m mixture) Draw(ctx context.Context, n int, seed uint64) (odslib.Array, []float64, error) {
	rng, fromPrior := engine.RNG(seed, "outsource.mixture"), 0
	for range n {
		if rng.Float64() < m.share {
			fromPrior++
		}
	}
	z, log := engine.NewArray(append([]int{0}, m.prior.Dims...)...), []float64(nil)
	if fromPrior < n {
		x, ratio, err := m.law.Draw(ctx, n-fromPrior, seed)
		if err != nil {
			return z, nil, err
		}
		z, log = x, ratio
	}
	if fromPrior > 0 {
		x, err := m.prior.Sample(ctx, fromPrior, seed)
		if err != nil {
			return z, nil, err
		}
		ratio, err := m.law.Back(ctx, x, seed)
		if err != nil {
			return z, nil, err
		}
		z, log = z.Append(x), append(log, ratio...)
	}
	order := rng.Perm(n)
	shuffled := make([]float64, n)
	for i, k := range order {
		shuffled[i] = m.density(log[k])
	}
	return z.Take(order), shuffled, nil
}

// Log implements mcmc.Proposal.
func (m mixture) Log(ctx context.Context, z odslib.Array, seed uint64) ([]float64, error) {
	log, err := m.law.Back(ctx, z, seed)
	for i, l := range log {
		log[i] = m.density(l)
	}
	return log, err
}

// density is log((1−share)·e^ratio + share); a path that is no number is the prior's alone.
func (m mixture) density(ratio float64) float64 {
	if math.IsNaN(ratio) {
		return math.Log(m.share)
	}
	a, b := math.Log1p(-m.share)+ratio, math.Log(m.share)
	top := math.Max(a, b)
	return top + math.Log(math.Exp(a-top)+math.Exp(b-top))
}
