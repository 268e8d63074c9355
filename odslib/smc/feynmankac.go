package smc

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/gomlx/gomlx/core/graph"

	"odslab/odslib"
	"odslab/odslib/diffusion"
	"odslab/odslib/engine"
)

// feynmanKac is the core of all particle methods on a reverse chain: each is a choice of proposal, twist and potential.
// One program moves the particles, which stay on the device; weights, resampling and evidence are float64 on the host.
type feynmanKac struct {
	name       string
	particles  int
	chain      diffusion.Chain
	proposal   Proposal
	twist      Twist
	potential  Potential
	resampling Resampling
	threshold  float64
	observe    []int
}

// cloudOf is the number of particles for n draws: asked, or 4n within [1000, 20000], never fewer than n.
func cloudOf(asked, n int) int {
	if asked != 0 {
		return asked
	}
	return max(n, min(20000, max(1000, 4*n)))
}

// run is a compiled feynmanKac.
type run struct {
	feynmanKac
	post       odslib.Posterior
	table      [][]float32
	step, last *engine.Program // last has no denoiser: x itself is what it is judged by
	host       odslib.HostConstraint
	engine     *engine.Engine
	slots      int // arrays [K, shape…] of the state: x, x̂0 and, when guided, the gradient
}

func (f feynmanKac) open(post odslib.Posterior, n int) (_ *run, err error) {
	prior, ok := post.Prior.(odslib.Diffusion)
	if !ok {
		return nil, fmt.Errorf("%s needs a diffusion prior; got %T", f.name, post.Prior)
	}
	if f.particles = cloudOf(f.particles, n); f.particles < 1 {
		return nil, fmt.Errorf("%s: %d particles; ask for at least one", f.name, f.particles)
	}
	if err := cmp.Or(f.resampling.check(), f.potential.check()); err != nil {
		return nil, fmt.Errorf("%s: %w", f.name, err)
	}
	if f.threshold == 0 {
		f.threshold = .5
	}
	if f.chain.Schedule == nil {
		f.chain.Schedule = prior.Schedule()
	}
	if f.chain.Kernel == nil {
		f.chain.Kernel = diffusion.Noisy{}
	}
	if f.chain, err = f.chain.Resolve(); err != nil {
		return nil, err
	}
	if _, err := f.chain.Table(); err != nil { // finite coefficients
		return nil, err
	}
	r := &run{feynmanKac: f, post: post, table: moves(f.chain), slots: 2}
	if !slices.ContainsFunc(r.table[1:], func(row []float32) bool { return row[colStd] > 0 }) {
		return nil, fmt.Errorf("%s cannot use the deterministic kernel %T: resampled particles would never part; use diffusion.Noisy{}", f.name, f.chain.Kernel)
	}
	if f.proposal.Guided() {
		r.slots = 3
		if _, ok := post.Constraint.(odslib.Constraint); !ok {
			return nil, fmt.Errorf("%s needs the gradient of log r, a constraint in graph code; got %T", f.name, post.Constraint)
		}
		if f.potential == Terminal {
			return nil, fmt.Errorf("%s follows the twist; the potential Terminal has none", f.name)
		}
	}
	if _, ok := post.Constraint.(odslib.Constraint); !ok && post.Constraint != nil {
		r.host = post.Constraint.(odslib.HostConstraint)
		if _, ok := f.twist.(hostTwist); !ok {
			return nil, fmt.Errorf("%s: the twist %T needs log r as graph code; got %T, which runs on the host: use smc.Tempered{}", f.name, f.twist, post.Constraint)
		}
	}
	e, err := engine.Open()
	if err != nil {
		return nil, err
	}
	r.engine = e
	if r.step, err = engine.NewProgram(e, post.Params(), r.buildStep); err != nil {
		return nil, err
	}
	if r.last, err = engine.NewProgram(e, post.Params(), r.buildLast); err != nil {
		r.step.Close()
		return nil, err
	}
	return r, nil
}

func (r *run) close() {
	r.step.Close()
	r.last.Close()
}

// propose takes the parents out of the old cloud and moves them. in: row, parents, rng, state….
func (r *run) propose(in []*odslib.Node) (m Move, x, rng, logRatio *odslib.Node) {
	m = readMove(in[0])
	parents := graph.ExpandAxes(in[1], -1)
	var state [3]*odslib.Node
	for i, s := range in[3:] {
		state[i] = graph.Gather(s, parents)
	}
	rng, noise := engine.RandomNormal(in[2], in[3].Shape().Dimensions...)
	x, logRatio = r.proposal.Propose(Particle{X: state[0], X0: state[1], Grad: state[2]}, m, noise)
	return m, x, rng, logRatio
}

// buildStep is a move and the twist at its end: → rng, [log ψ, log ratio], x, x̂0, (gradient).
func (r *run) buildStep(scope *odslib.Scope, in []*odslib.Node) []*odslib.Node {
	m, x, rng, logRatio := r.propose(in)
	k := x.Shape().Dimensions[0]
	var x0, logTwist *odslib.Node
	if r.host != nil || r.post.Constraint == nil || r.potential == Terminal {
		x0 = r.post.Denoise(scope, x, m.level(k))
	} else {
		x0, logTwist = r.twist.LogTwist(r.post, scope, x, m.level(k))
	}
	out := []*odslib.Node{rng, pair(logTwist, logRatio, x), x, x0}
	if r.slots == 3 {
		out = append(out, graph.Gradient(graph.ReduceAllSum(logTwist), x)[0])
	}
	return out
}

// buildLast is the move to t=0: → rng, [log r, log ratio], x.
func (r *run) buildLast(scope *odslib.Scope, in []*odslib.Node) []*odslib.Node {
	_, x, rng, logRatio := r.propose(in)
	var logR *odslib.Node
	if r.host == nil && r.post.Constraint != nil {
		logR = r.post.LogR(scope, x)
	}
	return []*odslib.Node{rng, pair(logR, logRatio, x), x}
}

// pair is two vectors [K] as one array [2, K], a nil one as zeros: one copy to the host.
func pair(a, b, x *odslib.Node) *odslib.Node {
	k := x.Shape().Dimensions[0]
	row := func(v *odslib.Node) *odslib.Node {
		if v == nil {
			v = graph.BroadcastToDims(graph.Const(x.Graph(), float32(0)), k)
		}
		if !v.Shape().Equal(engine.Float32(k)) {
			engine.Fail("log r has shape %s for %d particles; it must be one value a particle", v.Shape(), k)
		}
		return graph.Reshape(v, 1, k)
	}
	return graph.Concatenate([]*odslib.Node{row(a), row(b)}, 0)
}

// sample runs the method once.
func (f feynmanKac) sample(ctx context.Context, post odslib.Posterior, settings any, n int, seed uint64) (*odslib.Result, error) {
	start := time.Now()
	if err := odslib.CheckDraw(post, n); err != nil {
		return nil, err
	}
	r, err := f.open(post, n)
	if err != nil {
		return nil, err
	}
	defer r.close()
	res := odslib.NewResult(f.name, settings, seed)
	err = r.draw(ctx, n, seed, res)
	res.Seconds = time.Since(start).Seconds()
	return res, err
}

// draw fills the result; what there is so far stays in it when ctx ends.
func (r *run) draw(ctx context.Context, n int, seed uint64, res *odslib.Result) error {
	k, steps := r.particles, len(r.table)-1
	c := &cloud{run: r, population: newPopulation(k), paths: make([]path, k), res: res, rng: engine.RNG(seed, "smc.resample")}
	for i := range c.paths {
		c.paths[i] = r.potential.start()
	}
	shape := append([]int{k}, r.post.Shape()...)
	c.noise = engine.RNGState(seed, "smc.noise")
	for range r.slots {
		c.state = append(c.state, engine.NewArray(shape...).Tensor())
	}
	defer c.free()
	parents := identity(k)
	for i := 0; i <= steps; i++ {
		if err := ctx.Err(); err != nil {
			return cmp.Or(c.partial(i, steps), err)
		}
		if err := c.advance(i, parents); err != nil {
			return fmt.Errorf("%s, step %d of %d: %w", r.name, i, steps, err)
		}
		w, err := c.weights()
		if err != nil {
			return fmt.Errorf("%s: %w", r.name, err)
		}
		size := ess(w)
		trace := odslib.TraceStep{Step: i, T: r.chain.Grid[i], LogZ: c.logZ(), ESS: size / float64(k), Loss: math.NaN(), NonFinite: c.bad}
		parents = identity(k)
		if i < steps && (r.threshold >= 1 || size < r.threshold*float64(k)) {
			parents = c.resample(w, r.resampling, c.rng)
			c.paths = take(c.paths, parents)
			trace.Resampled = true
		}
		res.Trace = append(res.Trace, trace)
		odslib.Observe(ctx, odslib.Progress{What: r.name, Step: i, Steps: steps, ESS: trace.ESS, LogZ: trace.LogZ, Loss: math.NaN(), Samples: c.samples})
	}
	return c.finish(n, seed)
}
