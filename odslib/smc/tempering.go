package smc

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"gonum.org/v1/gonum/floats"

	"odslab/odslib"
	"odslab/odslib/engine"
	"odslab/odslib/mcmc"
)

var _ odslib.Sampler = Tempering{}

// Tempering is tempered sequential Monte Carlo (Del Moral, Doucet & Jasra 2006) on p·r^β, β from 0 to 1: particles are drawn from
// the prior, weighed by r^Δβ, resampled where the weights are uneven, and moved by a kernel that leaves p·r^β as it is. It works
// in the noise of any generator, where r may run on the host, and in the space of a prior that knows its density. There is no
// chain to discretise: log Ẑ is that of the posterior itself. With Threshold negative and a Ladder it is annealed importance
// sampling (Neal 2001, physics/9803008).
type Tempering struct {
	Kernel     mcmc.Kernel // nil means mcmc.RandomWalk{}; its own chains and step do not count
	Particles  int         // 0 means 4n within [1000, 20000]
	Adaptive   float64     // each β leaves this share of the effective size (Jasra et al. 2011); 0 means .9
	Ladder     []float64   // rising powers that end in 1, in place of Adaptive: Ẑ is then unbiased
	Moves      int         // at each β; 0 means 5
	Resampling Resampling
	Threshold  float64 // resample when ESS < Threshold·Particles: 0 means .5, 1 every step, negative never
}

// mostRungs is when a ladder has no end.
const mostRungs = 2000

// Sample implements odslib.Sampler. Result.Samples are n draws from the final cloud, which is Result.Particles; Trace has β for T.
func (s Tempering) Sample(ctx context.Context, post odslib.Posterior, n int, seed uint64) (*odslib.Result, error) {
	const name = "tempering"
	begun := time.Now()
	if err := odslib.CheckDraw(post, n); err != nil {
		return nil, err
	}
	if post.Given != nil {
		return nil, fmt.Errorf("%s takes no conditions that differ from row to row; ask for one of them", name)
	}
	k := cloudOf(s.Particles, n)
	if err := s.check(k); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if err := odslib.CheckDraw(post, k); err != nil {
		return nil, err
	}
	if s.Adaptive == 0 {
		s.Adaptive = .9
	}
	if s.Threshold == 0 {
		s.Threshold = .5
	}
	if s.Moves == 0 {
		s.Moves = 5
	}
	kernel := s.Kernel
	if kernel == nil {
		kernel = mcmc.RandomWalk{}
	}
	res := odslib.NewResult(post, name, s, seed)
	res.About = "right in the limit of many particles; powers and steps that adapt to the cloud bias log Z by as little as 1/K"
	res.Shift, res.ShiftError, res.ShiftBy = 0, 0, "tempering, which has no chain to discretise"
	e, err := mcmc.Open(ctx, post, kernel, k, engine.Split(seed, "smc.Tempering"), res)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	defer e.Close()
	p := &population{logw: make([]float64, k), eve: identity(k)}
	p.weigh(0)
	err = s.climb(ctx, e, p, res, seed)
	if p.w != nil && (err == nil || ctx.Err() != nil) {
		if failed := s.finish(e, p, res, n, seed); err == nil {
			err = failed
		}
	}
	res.Close(begun)
	if err != nil {
		err = fmt.Errorf("%s: %w", name, err)
	}
	return res, err
}

func (s Tempering) check(k int) error {
	if k < 1 || s.Moves < 0 {
		return fmt.Errorf("%d particles and %d moves; ask for at least one", k, s.Moves)
	}
	if s.Adaptive < 0 || s.Adaptive >= 1 || math.IsNaN(s.Adaptive) {
		return fmt.Errorf("a share Adaptive of %g; it must lie between 0 and 1", s.Adaptive)
	}
	last := 0.
	for _, b := range s.Ladder {
		if !(b > last && b <= 1) {
			return fmt.Errorf("the ladder has %g after %g; it must rise from above 0 to 1", b, last)
		}
		last = b
	}
	if s.Ladder != nil && last != 1 {
		return fmt.Errorf("the ladder ends at %g; it must end at 1", last)
	}
	return s.Resampling.check()
}

// climb raises β to 1.
func (s Tempering) climb(ctx context.Context, e *mcmc.Ensemble, p *population, res *odslib.Result, seed uint64) error {
	rng := engine.RNG(seed, "smc.Tempering.resample")
	for beta, step := 0., 1; beta < 1; step++ {
		if step > mostRungs {
			return fmt.Errorf("β is %.3g after %d steps; log r varies too much for these particles, take more or a smaller Adaptive", beta, mostRungs)
		}
		next := 1.
		if s.Ladder != nil {
			next = s.Ladder[step-1]
		} else {
			next = beta + s.rung(p.w, e.LogR(), 1-beta)
		}
		for i, l := range e.LogR() {
			p.logw[i] += (next - beta) * l
		}
		p.weigh(step)
		if p.w == nil {
			return fmt.Errorf("step %d, β = %.3g: %w", step, next, errExtinct)
		}
		share := ess(p.w) / float64(len(p.w))
		res.Trace = append(res.Trace, odslib.TraceStep{Step: step, T: next, LogZ: p.logZ(), ESS: share, Loss: math.NaN()})
		told := &res.Trace[len(res.Trace)-1]
		if s.Threshold >= 0 && (s.Threshold >= 1 || share < s.Threshold) {
			x, _, err := e.Places(ctx)
			if err != nil {
				return err
			}
			parents := p.resample(s.Resampling, x, rng)
			e.Take(parents)
			res.Ancestors = append(res.Ancestors, parents)
			told.Resampled = true
		}
		if err := e.At(ctx, next); err != nil {
			return err
		}
		for range s.Moves {
			if err := ctx.Err(); err != nil {
				res.Note("stopped at β = %.3g: the samples are of p·r^β", next)
				return err
			}
			accepted, err := e.Move(ctx)
			if err != nil {
				return err
			}
			told.Accepted += accepted / float64(s.Moves)
		}
		beta = next
		odslib.Notify(ctx, odslib.Progress{
			What: res.Sampler, Step: int(1000 * beta), Steps: 1000, ESS: share, LogZ: p.logZ(), Loss: math.NaN(),
			Samples: func() (odslib.Array, error) { x, _, err := e.Places(ctx); return x, err },
		})
	}
	return nil
}

// rung is the Δβ, up to most, at which the conditional effective size (Zhou, Johansen & Aston 2016) falls to Adaptive.
func (s Tempering) rung(w, logR []float64, most float64) float64 {
	share := func(delta float64) float64 {
		top := math.Inf(-1)
		for _, l := range logR {
			top = math.Max(top, delta*l)
		}
		first, second := 0., 0.
		for i, l := range logR {
			if v := math.Exp(delta*l - top); !math.IsInf(l, -1) {
				first += w[i] * v
				second += w[i] * v * v
			}
		}
		return first * first / second
	}
	if slices.Max(logR) == math.Inf(-1) || share(most) >= s.Adaptive {
		return most
	}
	low, high := 0., most
	for range 60 {
		if mid := .5 * (low + high); share(mid) >= s.Adaptive {
			low = mid
		} else {
			high = mid
		}
	}
	return math.Max(low, 1e-6) // where r is 0 for many, no power is small enough
}

// finish draws the samples.
func (s Tempering) finish(e *mcmc.Ensemble, p *population, res *odslib.Result, n int, seed uint64) error {
	x, z, err := e.Places(context.Background())
	if err != nil {
		return err
	}
	k := len(p.w)
	weights := slices.Clone(p.logw)
	floats.AddConst(-floats.LogSumExp(weights), weights)
	res.Particles = &odslib.Cloud{X: x, LogWeights: weights}
	res.LogZ = p.logZ()
	res.ESS, res.LogZError = p.ancestry(s.Resampling)
	if res.ESS < fewFamilies {
		warn(res, res.ESS, k, "")
	}
	rng := engine.RNG(seed, "smc.Tempering.draw")
	picks := Systematic.Parents(p.w, n, rng)
	rng.Shuffle(n, func(a, b int) { picks[a], picks[b] = picks[b], picks[a] })
	index := make([]int, n)
	for i, j := range picks {
		index[i] = int(j)
	}
	res.Samples = x.Take(index)
	if z != nil {
		noise := z.Take(index)
		res.Noise = &noise
	}
	if n > k {
		res.Note("%d draws from %d particles repeat themselves", n, k)
	}
	res.NonFinite += res.Samples.NonFinite()
	return nil
}
