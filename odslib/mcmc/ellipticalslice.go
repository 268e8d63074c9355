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

var _ odslib.Sampler = EllipticalSlice{}

// EllipticalSlice is elliptical slice sampling (Murray et al. 2010) of a generator's noise. A move draws an ellipse
// through z and fresh noise ν, and a level under r; it takes points z·cos θ + ν·sin θ from a bracket of angles that
// shrinks to θ=0 until one is above the level. There is no rejection, no step size and no gradient.
//
// The chains are rows of one batch, each at its own point of its own move: as soon as a chain has moved it begins the
// next ellipse, so that no evaluation waits for the slowest chain. All make the same number of moves. Under a strong
// likelihood the angles are small and neighbours much alike: look at R̂ in Result.Figures.
type EllipticalSlice struct {
	Chains int // 0 means 100, or a quarter of the draws if that is less
	Burn   int // moves of each chain before its first draw; 0 means 1000
	Thin   int // moves from draw to draw; 0 means 10
}

// maxShrink is when a bracket has lost all of float64's digits and the chain stays where it is.
const maxShrink = 200

// slice is one chain in the middle of a move.
type slice struct {
	rng          *rand.Rand
	level        float64 // log r must exceed it
	theta        float64
	low, high    float64 // bracket
	tries, moves int
}

// Sample implements odslib.Sampler for posteriors of a generator, in the graph or on the host, or of a latent prior whose
// innermost noise is N(0, I). Result.Noise are the z of the draws.
func (s EllipticalSlice) Sample(ctx context.Context, post odslib.Posterior, n int, seed uint64) (*odslib.Result, error) {
	const name = "EllipticalSlice"
	start := time.Now()
	if err := odslib.CheckDraw(post, n); err != nil {
		return nil, err
	}
	p, err := newPlan(name, n, s.Chains, s.Burn, s.Thin)
	if err != nil {
		return nil, err
	}
	res := odslib.NewResult(post, name, s, seed)
	res.About = "right in the limit of long chains; draws are correlated"
	t, err := openTarget(post, res)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	defer t.close()
	rec := newRecord(p, t.noise())
	err = s.run(ctx, t, rec, seed, res)
	if ctx.Err() != nil || err == nil {
		if e := rec.finish(t, res); err == nil {
			err = e
		} else if e != nil {
			res.Note("%v", e)
		}
	}
	res.Close(start)
	if err != nil {
		err = fmt.Errorf("%s: %w", name, err)
	}
	return res, err
}

func (s EllipticalSlice) run(ctx context.Context, t *target, rec *record, seed uint64, res *odslib.Result) error {
	c := newBatch(rec, t.noise(), seed)
	var err error
	if c.logR, err = t.logR(ctx, c.z, c.running); err != nil {
		return err
	}
	for i := range c.chains {
		c.begin(i)
	}
	accepted, asked := 0, 0
	for step := 1; c.running > 0; step++ {
		if err := ctx.Err(); err != nil {
			res.Note("stopped when the slowest chain had made %d of %d moves", c.slowest(), rec.moves())
			return err
		}
		asked += c.running
		c.propose()
		l, err := t.logR(ctx, c.try, c.running)
		if err != nil {
			return err
		}
		for i := range c.chains {
			if c.moves(i) < rec.moves() && c.judge(i, l[i], res) {
				accepted++
			}
		}
		if step%100 == 0 || c.running == 0 {
			res.Trace = append(res.Trace, odslib.TraceStep{Step: step, LogZ: math.NaN(), Loss: math.NaN(), Accepted: float64(accepted) / float64(asked), NonFinite: res.NonFinite})
			accepted, asked = 0, 0
			odslib.Notify(ctx, odslib.Progress{
				What: res.Sampler, Step: c.slowest(), Steps: rec.moves(), LogZ: math.NaN(), Loss: math.NaN(),
				Samples: func() (odslib.Array, error) { return t.out(ctx, c.z) },
			})
		}
	}
	return nil
}

// batch is the rows: chains that each shrink their own bracket.
type batch struct {
	rec        *record
	chains     []slice
	z, nu, try odslib.Array
	logR       []float64
	running    int
}

func newBatch(rec *record, noise []int, seed uint64) *batch {
	shape := append([]int{rec.plan.chains}, noise...)
	c := &batch{rec: rec, z: engine.NewArray(shape...), nu: engine.NewArray(shape...), try: engine.NewArray(shape...), running: rec.plan.chains}
	for i := range rec.plan.chains {
		c.chains = append(c.chains, slice{rng: engine.RNG(seed, fmt.Sprintf("mcmc.EllipticalSlice.%d", i))})
		c.normals(i, c.z)
	}
	return c
}

func (c *batch) normals(i int, into odslib.Array) {
	row, rng := into.Row(i), c.chains[i].rng
	for j := range row {
		row[j] = float32(rng.NormFloat64())
	}
}

func (c *batch) moves(i int) int { return c.chains[i].moves }

func (c *batch) slowest() int {
	least := c.rec.moves()
	for _, s := range c.chains {
		least = min(least, s.moves)
	}
	return least
}

// begin draws the ellipse, the level and the first bracket of the chain's next move. Outside the support the level is
// −Inf, and the chain wanders over the prior until it finds it.
func (c *batch) begin(i int) {
	s := &c.chains[i]
	c.normals(i, c.nu)
	s.level = c.logR[i] - s.rng.ExpFloat64()
	s.theta = 2 * math.Pi * s.rng.Float64()
	s.low, s.high, s.tries = s.theta-2*math.Pi, s.theta, 0
}

// propose sets the point of each chain's ellipse. Chains that are done repeat their last point: the batch keeps its shape.
func (c *batch) propose() {
	for i := range c.chains {
		cos, sin := math.Cos(c.chains[i].theta), math.Sin(c.chains[i].theta)
		z, nu, try := c.z.Row(i), c.nu.Row(i), c.try.Row(i)
		for j := range try {
			try[j] = float32(cos*float64(z[j]) + sin*float64(nu[j]))
		}
	}
}

// judge accepts the point or shrinks the bracket; true when the chain has moved.
func (c *batch) judge(i int, logR float64, res *odslib.Result) bool {
	s := &c.chains[i]
	if !(logR > s.level || math.IsInf(s.level, -1)) {
		if s.tries++; s.tries < maxShrink {
			if s.theta < 0 {
				s.low = s.theta
			} else {
				s.high = s.theta
			}
			s.theta = s.low + (s.high-s.low)*s.rng.Float64()
			return false
		}
		res.Rejected++
	} else {
		copy(c.z.Row(i), c.try.Row(i))
		c.logR[i] = logR
	}
	s.moves++
	if slot := c.rec.slot(s.moves); slot >= 0 {
		c.rec.keep(i, slot, c.z.Row(i), c.logR[i])
	}
	if s.moves == c.rec.moves() {
		c.running--
		s.theta = 0
		return true
	}
	c.begin(i)
	return true
}
