package mcmc

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"odslab/odslib"
	"odslab/odslib/engine"
)

// Walkers are what all Metropolis samplers are told of their chains. All chains are the rows of a batch and have one step size,
// which is adapted to their acceptance during the burn-in and then stays (Robbins & Monro 1951; Andrieu & Thoms 2008).
type Walkers struct {
	Chains int     // 0 means 100, or a quarter of the draws if that is less
	Burn   int     // moves of each chain before its first draw; 0 means 1000
	Thin   int     // moves from draw to draw; 0 means 10
	Step   float64 // the first step size, in standard deviations of the prior; 0 means the method's own
	Fixed  bool    // the step size stays as it is from the start
}

// move is what tells Metropolis samplers apart.
type move struct {
	name       string
	step       float64 // usual first step
	acceptance float64 // to adapt to
	gradient   bool
	noise      bool    // for the noise of a generator alone
	most       float64 // largest step; 0 means none
	chooses    bool    // propose has chosen the next place itself: log is that of the mean acceptance on the way, to adapt to
	// propose fills w.try and w.next, and log is the logarithm of the acceptance probability of each chain.
	propose func(ctx context.Context, w *walk, step float64) (log []float64, err error)
}

// walk is a batch of chains between two moves.
type walk struct {
	*density
	rng      []*rand.Rand
	settled  bool // the burn-in is over
	x, try   odslib.Array
	at, next point
}

// normal is a draw of N(0, 1) of chain i.
func (w *walk) normal(i int) float64 { return w.rng[i].NormFloat64() }

// sample runs the chains and records n draws.
func (m move) sample(ctx context.Context, s Walkers, settings any, post odslib.Posterior, n int, seed uint64) (*odslib.Result, error) {
	begun := time.Now()
	if err := odslib.CheckDraw(post, n); err != nil {
		return nil, err
	}
	if post.Given != nil {
		return nil, fmt.Errorf("%s takes no conditions that differ from row to row; ask for one of them", m.name)
	}
	p, err := newPlan(m.name, n, s.Chains, s.Burn, s.Thin)
	if err != nil {
		return nil, err
	}
	if s.Step < 0 || math.IsNaN(s.Step) || math.IsInf(s.Step, 0) {
		return nil, fmt.Errorf("%s: Step is %g; it must be positive", m.name, s.Step)
	}
	res := odslib.NewResult(post, m.name, settings, seed)
	res.About = "right in the limit of long chains; draws are correlated"
	d, err := openDensity(post, m.gradient, res)
	if err == nil && m.noise && !d.noise {
		d.close()
		err = fmt.Errorf("it moves in the noise of a generator alone; the prior is %T", post.Prior)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", m.name, err)
	}
	defer d.close()
	rec := newRecord(p, d.target.noise())
	err = m.run(ctx, s, d, rec, seed, res)
	if ctx.Err() != nil || err == nil {
		if e := rec.finish(d.target, res); err == nil {
			err = e
		} else if e != nil {
			res.Note("%v", e)
		}
	}
	if !d.noise {
		res.Noise = nil
	}
	res.Close(begun)
	if err != nil {
		err = fmt.Errorf("%s: %w", m.name, err)
	}
	return res, err
}

func (m move) run(ctx context.Context, s Walkers, d *density, rec *record, seed uint64, res *odslib.Result) error {
	w := &walk{density: d}
	for i := range rec.chains {
		w.rng = append(w.rng, engine.RNG(seed, fmt.Sprintf("mcmc.%s.%d", m.name, i)))
	}
	var err error
	if w.x, err = d.start(ctx, rec.chains, seed); err != nil {
		return err
	}
	w.try = w.x.Clone()
	if w.at, err = d.at(ctx, w.x); err != nil {
		return err
	}
	step := s.Step
	if step == 0 {
		step = m.step
	}
	step *= d.scale()
	kept, seen := 0., 0 // acceptance after the burn-in
	every, since := 0., 0
	for k := 1; k <= rec.moves(); k++ {
		if err := ctx.Err(); err != nil {
			res.Note("stopped after %d of %d moves", k-1, rec.moves())
			return err
		}
		w.settled = k > rec.burn
		log, err := m.propose(ctx, w, step)
		if err != nil {
			return err
		}
		mean := m.judge(w, log, res)
		for i := range log {
			if slot := rec.slot(k); slot >= 0 {
				rec.keep(i, slot, w.x.Row(i), w.at.logR[i])
			}
		}
		if k <= rec.burn && !s.Fixed {
			step = m.adapted(step, mean, math.Pow(float64(k), -.6))
		} else {
			kept, seen = kept+mean, seen+1
		}
		every, since = every+mean, since+1
		if k%100 == 0 || k == rec.moves() {
			res.Trace = append(res.Trace, odslib.TraceStep{Step: k, LogZ: math.NaN(), Loss: math.NaN(), Accepted: every / float64(since), NonFinite: res.NonFinite})
			every, since = 0, 0
			odslib.Notify(ctx, odslib.Progress{
				What: m.name, Step: k, Steps: rec.moves(), LogZ: math.NaN(), Loss: math.NaN(),
				Samples: func() (odslib.Array, error) { return d.out(ctx, w.x) },
			})
		}
	}
	if m.step > 0 {
		res.Figure("step %.3g, acceptance %.2f after the burn-in", step, kept/float64(seen))
	} else {
		res.Figure("acceptance %.2f after the burn-in", kept/float64(seen))
	}
	return nil
}

// adapted is the step size after a move that this share of the chains has taken.
func (m move) adapted(step, accepted, rate float64) float64 {
	step *= math.Exp(rate * (accepted - m.acceptance))
	if m.most > 0 {
		step = math.Min(step, m.most)
	}
	return step
}

func (w *walk) accept(i int) {
	copy(w.x.Row(i), w.try.Row(i))
	w.at.logP[i], w.at.logR[i] = w.next.logP[i], w.next.logR[i]
	if w.gradient {
		copy(w.at.gradient.Row(i), w.next.gradient.Row(i))
	}
}

// judge accepts or refuses each chain's proposal, and returns the mean probability of acceptance.
func (m move) judge(w *walk, log []float64, res *odslib.Result) (mean float64) {
	for i, l := range log {
		if m.chooses {
			mean += math.Exp(l) / float64(len(log))
			w.accept(i)
			continue
		}
		if math.IsNaN(l) || math.IsInf(w.next.logP[i], -1) {
			l = math.Inf(-1)
		} else if math.IsInf(w.at.logP[i], -1) {
			l = 0 // outside the support any place inside is better
		}
		p := math.Exp(math.Min(0, l))
		mean += p / float64(len(log))
		if w.rng[i].Float64() < p {
			w.accept(i)
		} else {
			res.Rejected++
		}
	}
	return mean
}

// difference is the change of log p + β·log r of each chain.
func (w *walk) difference() []float64 {
	out := make([]float64, len(w.next.logP))
	for i, l := range w.next.logP {
		out[i] = l - w.at.logP[i]
	}
	return out
}
