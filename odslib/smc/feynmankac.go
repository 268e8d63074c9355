package smc

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"time"

	"github.com/gomlx/gomlx/core/tensors"

	"odslab/odslib"
	"odslab/odslib/diffusion"
	"odslab/odslib/engine"
	"odslab/odslib/twist"
)

// feynmanKac is the core of all particle methods on a reverse chain: each is a choice of proposal, twist and potential.
// Three programs move the particles, which stay on the device; weights, resampling and evidence are float64 on the host.
type feynmanKac struct {
	name       string
	particles  int // of each island
	islands    int // of each group, which have nothing to do with each other; 0 means 1
	chain      diffusion.Chain
	proposal   Proposal
	twist      twist.Twist
	potential  Potential
	lambda     float64 // power of r; 0 means 1
	resampling Resampling
	threshold  float64
	control    bool // a drift fitted to the cloud, see control.go
	plain      bool // without an estimate of the shift
}

// cloudOf is the number of particles for n draws: asked, or 4n within [1000, 20000], never fewer than n.
func cloudOf(asked, n int) int {
	if asked != 0 {
		return asked
	}
	return max(n, min(20000, max(1000, 4*n)))
}

// opened is a feynmanKac of one posterior, compiled.
type opened struct {
	feynmanKac
	post    odslib.Posterior
	process odslib.Process
	bound   twist.Bound // nil where there is nothing to be told ahead of the end
	groups  []group
	n       int // draws

	table             engine.Table // the process's rows, with the twist's columns behind
	own               int          // columns of the process
	start, step, last *engine.Program
	given             []*tensors.Tensor    // conditions of the particles, or none
	rewards           *odslib.Evaluator    // of a constraint that runs on the host, else nil
	hosted            bool                 // the twist is made from those rewards
	denoiser          odslib.HostDiffusion // of a prior whose x̂0 comes from the host, else nil
	variance          float64              // the prior's mean variance
	engine            *engine.Engine
}

// open puts the method to a posterior: all that can be wrong is found here.
func (f feynmanKac) open(post odslib.Posterior, n int, seed uint64) (*opened, error) {
	if err := odslib.CheckDraw(post, n); err != nil {
		return nil, err
	}
	o := &opened{feynmanKac: f, post: post, n: n}
	if err := o.ready(seed); err != nil {
		o.close()
		return nil, fmt.Errorf("%s: %w", f.name, err)
	}
	return o, nil
}

func (o *opened) ready(seed uint64) error {
	if err := o.settle(); err != nil {
		return err
	}
	if err := odslib.CheckDraw(o.post, o.size()); err != nil { // that they fit into memory
		return err
	}
	if err := o.bind(seed); err != nil {
		return err
	}
	if err := o.rows(); err != nil {
		return err
	}
	return o.compile()
}

// settle checks the settings and fills in the defaults.
func (o *opened) settle() (err error) {
	if o.groups, err = groupsOf(o.post.Given, o.n); err != nil {
		return err
	}
	most := 0
	for _, g := range o.groups {
		most = max(most, g.draws)
	}
	if o.islands == 0 {
		o.islands = 1
	}
	if o.islands < 0 {
		return fmt.Errorf("%d islands; ask for at least one", o.islands)
	}
	if o.particles = cloudOf(o.particles, (most+o.islands-1)/o.islands); o.particles < 1 {
		return fmt.Errorf("%d particles; ask for at least one", o.particles)
	}
	if o.lambda == 0 {
		o.lambda = 1
	}
	if !(o.lambda > 0) || math.IsInf(o.lambda, 0) {
		return fmt.Errorf("the power Lambda is %g; it must be positive", o.lambda)
	}
	if o.threshold == 0 {
		o.threshold = .5
	}
	return cmp.Or(o.resampling.check(), o.potential.check())
}

// bind finds the process and binds the twist.
func (o *opened) bind(seed uint64) (err error) {
	if _, graph := o.post.Prior.(odslib.Diffusion); !graph {
		o.denoiser, _ = o.post.Prior.(odslib.HostDiffusion)
	}
	if o.process, err = o.under(o.chain); err != nil {
		return err
	}
	if o.denoiser != nil && o.post.Given != nil {
		return fmt.Errorf("%T takes no conditions", o.post.Prior)
	}
	if err := moves(o.process); err != nil {
		return err
	}
	if o.post.Constraint != nil {
		if _, ok := odslib.Can[odslib.Constraint](o.post.Constraint); !ok || o.denoiser != nil {
			if o.rewards, err = o.post.Evaluator(); err != nil {
				return err
			}
		}
		if o.potential != Terminal {
			if o.bound, err = o.twist.Bind(o.post, engine.Split(seed, "smc.FeynmanKac.twist")); err != nil {
				return err
			}
		}
	}
	if u, ok := o.bound.(interface{ Unnormalised() bool }); ok && u.Unnormalised() {
		return fmt.Errorf("%T with Iterations is known up to a factor only, which guides can do with and particles cannot", o.twist)
	}
	_, fromReward := o.bound.(twist.HostBound)
	_, fromDraws := o.bound.(twist.HostDraws)
	o.hosted = (fromReward || fromDraws) && o.rewards != nil
	if o.denoiser != nil && o.bound != nil && !o.hosted {
		return fmt.Errorf("the twist %T is graph code, and x̂0 of %T comes from the host; use twist.Tempered{} or twist.Point{}", o.twist, o.post.Prior)
	}
	o.variance = 1
	if p, ok := o.post.Prior.(odslib.Diffusion); ok {
		o.variance = diffusion.Variance(p)
	}
	if o.control {
		if err := o.controllable(); err != nil {
			return err
		}
	}
	if !o.proposal.Guided() {
		return nil
	}
	if o.denoiser != nil {
		return fmt.Errorf("its proposal follows a gradient through x̂0, which %T does not have; use smc.Bootstrap{} or smc.FK{}", o.post.Prior)
	}
	if _, ok := o.process.(odslib.GaussianSteps); !ok && !twist.IsTokens(o.post.Prior) {
		return fmt.Errorf("its proposal shifts Gaussian steps, which those of %T are not", o.process)
	}
	if o.potential == Terminal {
		return fmt.Errorf("its proposal follows the twist, which the potential Terminal leaves out")
	}
	if o.bound == nil || o.hosted {
		_, err = odslib.Need[odslib.Constraint](o.post, "its proposal")
	}
	return err
}

// under is the prior's process under a chain.
func (o *opened) under(chain diffusion.Chain) (odslib.Process, error) {
	if p, ok := o.post.Prior.(Product); ok {
		return p.under(chain)
	}
	if o.denoiser != nil {
		return chain.ProcessOf(hostSteps{o.denoiser}, "it")
	}
	return chain.ProcessOf(o.post.Prior, "it")
}

// weighs says whether anything gives particles weight.
func (o *opened) weighs() bool {
	_, masses := o.process.(*corrected)
	return masses || o.post.Constraint != nil
}

// moves fails for chains without noise.
func moves(process odslib.Process) error {
	p, ok := process.(*diffusion.Process)
	if !ok {
		return nil
	}
	c := p.Chain
	for i, t := range c.Grid[:c.Steps] {
		if _, _, std := c.Kernel.Coefficients(c.Schedule, t, c.Grid[i+1]); std > 0 {
			return nil
		}
	}
	return fmt.Errorf("it cannot use the deterministic kernel %T: resampled particles would never part; use diffusion.Matched{}", c.Kernel)
}

// rows makes the table.
func (o *opened) rows() (err error) {
	if o.table, err = o.process.Table(); err != nil {
		return err
	}
	times := o.process.Times()
	if len(o.table) == 0 || len(times) != len(o.table)+1 {
		return fmt.Errorf("%T has %d steps and %d times; it needs a step and one time more than steps", o.process, len(o.table), len(times))
	}
	o.own = len(o.table[0])
	if o.bound == nil {
		return nil
	}
	for k, curve := range o.bound.Columns() {
		for i, t := range times[:len(o.table)] {
			v := curve(t)
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return fmt.Errorf("curve %d of %T is %g at t = %.4g", k+1, o.twist, v, t)
			}
			o.table[i] = append(o.table[i], float32(v))
		}
	}
	return nil
}

func (o *opened) close() {
	for _, p := range []*engine.Program{o.start, o.step, o.last} {
		if p != nil {
			p.Close()
		}
	}
	engine.Free(o.given...)
	if o.rewards != nil {
		o.rewards.Close()
	}
}

// sample runs the method once.
func (f feynmanKac) sample(ctx context.Context, post odslib.Posterior, settings any, n int, seed uint64) (*odslib.Result, error) {
	r, err := f.run(post, settings, n, seed)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	res, err := r.finish(ctx)
	if err == nil {
		err = r.shift(ctx, res)
	}
	return res, err
}

// run opens the method for one run.
func (f feynmanKac) run(post odslib.Posterior, settings any, n int, seed uint64) (*Run, error) {
	begun := time.Now()
	o, err := f.open(post, n, seed)
	if err != nil {
		return nil, err
	}
	return o.begin(settings, begun, seed), nil
}
