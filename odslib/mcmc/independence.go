package mcmc

import (
	"context"
	"fmt"
	"math"

	"odslab/odslib"
	"odslab/odslib/engine"
	"odslab/odslib/measure"
)

var _ odslib.Sampler = Independence{}

// Proposal is a law of noise that chains may jump to from anywhere. Its density may be known along a random path alone, as that of
// a diffusion sampler is: then Log draws a path that leads to z, by the reference's law of it, and the chain of z stays exact
// (pseudo-marginal: the path is a Gibbs step of its own).
type Proposal interface {
	// Draw is n draws of z [n, noise…], and log of their density over that of N(0, I).
	Draw(ctx context.Context, n int, seed uint64) (z odslib.Array, log []float64, err error)
	// Log is the same of given z.
	Log(ctx context.Context, z odslib.Array, seed uint64) ([]float64, error)
}

// Independence is Metropolis with proposals that do not depend on the place (Tierney 1994) in the noise of a generator, and moves
// of another kernel between them. Where r over the proposal's density is bounded the chains forget their start at a rate that the
// bound alone sets. All proposals together give log Z.
type Independence struct {
	From  Proposal // nil means N(0, I) itself
	Local Kernel   // between jumps; nil means PCN{}; its own chains do not count, and its step is adapted in the burn-in
	Moves int      // of Local before each jump; 0 means 20, negative none

	Chains int // 0 means 500, or a quarter of the draws if that is less
	Burn   int // jumps of each chain before its first draw; 0 means 20
	Thin   int // jumps from draw to draw; 0 means 1
}

// Sample implements odslib.Sampler.
func (s Independence) Sample(ctx context.Context, post odslib.Posterior, n int, seed uint64) (*odslib.Result, error) {
	if s.From == nil {
		s.From = normal{post}
	}
	w := Walkers{Chains: s.Chains, Burn: s.Burn, Thin: s.Thin, Fixed: true}
	if w.Chains == 0 {
		w.Chains = min(500, max(1, n/4))
	}
	if w.Burn == 0 {
		w.Burn = 20
	}
	if w.Thin == 0 {
		w.Thin = 1
	}
	if s.Local == nil {
		s.Local = PCN{}
	}
	if s.Moves == 0 {
		s.Moves = 20
	}
	j := &jumps{Independence: s, seed: seed, burn: w.Burn}
	res, err := j.move().sample(ctx, w, fmt.Sprintf("{From:%T Local:%T Moves:%d Chains:%d Burn:%d Thin:%d}", s.From, s.Local, s.Moves, w.Chains, w.Burn, w.Thin), post, n, seed)
	if res != nil && len(j.weights) > 0 {
		res.LogZ, res.LogZError = measure.LogMeanExp(j.weights)
		res.Figure("%d proposals, effective size %.0f", len(j.weights), measure.ESS(j.weights))
	}
	return res, err
}

// ahead is how many jumps of all chains are drawn together.
const ahead = 16

// jumps are the proposals of one run.
type jumps struct {
	Independence
	seed    uint64
	burn    int
	sweep   int
	z       odslib.Array // drawn ahead
	log     []float64
	used    int
	weights []float64 // log r less log density, of all proposals
}

func (j *jumps) move() move {
	local := j.Local.move()
	step := local.step
	return move{name: "independence", noise: true, gradient: local.gradient, propose: func(ctx context.Context, w *walk, _ float64) ([]float64, error) {
		j.sweep++
		for m := range j.Moves {
			log, err := local.propose(ctx, w, step)
			if err != nil {
				return nil, err
			}
			if accepted := local.judge(w, log, w.res); j.sweep <= j.burn {
				step = local.adapted(step, accepted, math.Pow(float64((j.sweep-1)*j.Moves+m+1), -.6))
			}
		}
		n := len(w.rng)
		here, err := j.From.Log(ctx, w.x, engine.Split(j.seed, fmt.Sprintf("mcmc.Independence.here.%d", j.sweep)))
		if err == nil && j.used+n > len(j.log) {
			j.z, j.log, err = j.From.Draw(ctx, ahead*n, engine.Split(j.seed, fmt.Sprintf("mcmc.Independence.draw.%d", j.sweep)))
			j.used = 0
		}
		if err != nil {
			return nil, err
		}
		there := j.log[j.used : j.used+n]
		copy(w.try.Data, j.z.Slice(j.used, j.used+n).Data)
		j.used += n
		if w.next, err = w.density.at(ctx, w.try); err != nil {
			return nil, err
		}
		log := make([]float64, n)
		for i, l := range w.next.logR {
			weight := l - there[i]
			log[i] = weight - (w.at.logR[i] - here[i])
			if math.IsNaN(weight) || math.IsInf(weight, 1) {
				weight = math.Inf(-1)
			}
			j.weights = append(j.weights, weight)
		}
		return log, nil
	}}
}

// normal is N(0, I) of the posterior's noise as a proposal.
type normal struct{ post odslib.Posterior }

// Draw implements Proposal.
func (p normal) Draw(ctx context.Context, n int, seed uint64) (odslib.Array, []float64, error) {
	prior, err := innermost(p.post)
	if err != nil {
		return odslib.Array{}, nil, err
	}
	z, err := prior.Sample(ctx, n, seed)
	return z, make([]float64, n), err
}

// Log implements Proposal.
func (normal) Log(_ context.Context, z odslib.Array, _ uint64) ([]float64, error) {
	return make([]float64, z.Len()), nil
}

func innermost(post odslib.Posterior) (odslib.Prior, error) {
	for {
		in, err := post.Inside()
		if err != nil {
			return nil, err
		}
		if _, noise := in.Prior.(odslib.Normal); noise {
			return in.Prior, nil
		}
		post = in.Posterior
	}
}
