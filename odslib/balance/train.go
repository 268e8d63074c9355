package balance

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"odslab/odslib"
	"odslab/odslib/diffusion"
	"odslab/odslib/engine"
	"odslab/odslib/nn"
)

// Settings of a training run; the zero value works.
type Settings struct {
	Net   nn.Net          // the policy's correction of the prior; nil means nn.MLP{}
	Chain diffusion.Chain // the paths; nil fields mean the prior's schedule, 100 steps, diffusion.Noisy
	Batch int             // paths an iteration, 0 means 256

	LR        float64 // learning rate of the network, 0 means 1e-3; falls along a cosine when the budget is in steps
	LogZRate  float64 // learning rate of log Z, 0 means .1
	Clip      float64 // limit of the gradient's global norm, 0 means 1
	GradSteps int     // random steps of each path that get a gradient, 0 means a sixth, at least 8
	EMA       float64 // decay of the averaged weights that the policy keeps, 0 means .99

	Anneal  float64 // share of the budget over which r^β grows from β=0 to r itself, 0 means .3, negative none
	VarGrad bool    // log Z replaced by the batch mean: the loss is the variance of δ

	Explore float64 // extra standard deviation over the path at the start, annealed to 0 over the first half; 0 means none
	Replay  float64 // share of iterations on kept samples noised back, from a tenth of the budget on; 0 means .5, negative none
	Pool    int     // samples of the prior that half of the replay draws on, in proportion to r^β; 0 means 20 batches, negative none
	Buffer  int     // kept samples of the policy, 0 means 20 batches
	Ranked  bool    // replay good rewards more often

	Driver engine.Driver
}

func or[T comparable](v, def T) T {
	var zero T
	if v == zero {
		return def
	}
	return v
}

func (s Settings) resolve(post odslib.Posterior) (Settings, error) {
	prior, ok := post.Prior.(odslib.Diffusion)
	if !ok {
		return s, fmt.Errorf("needs a diffusion prior; got %T", post.Prior)
	}
	switch post.Constraint.(type) {
	case odslib.Constraint, odslib.HostConstraint:
	default:
		return s, fmt.Errorf("needs a constraint")
	}
	if s.Net == nil {
		s.Net = nn.MLP{}
	}
	if s.Chain.Schedule == nil {
		s.Chain.Schedule = prior.Schedule()
	}
	if s.Chain.Kernel == nil {
		s.Chain.Kernel = diffusion.Noisy{}
	}
	var err error
	if s.Chain, err = s.Chain.Resolve(); err != nil {
		return s, err
	}
	s.Batch, s.LR, s.LogZRate = or(s.Batch, 256), or(s.LR, 1e-3), or(s.LogZRate, .1)
	s.Clip, s.EMA, s.Replay = or(s.Clip, 1), or(s.EMA, .99), or(s.Replay, .5)
	s.GradSteps = min(or(s.GradSteps, max(8, s.Chain.Steps/6)), s.Chain.Steps)
	s.Anneal = or(s.Anneal, .3)
	s.Pool = or(s.Pool, 20*s.Batch)
	s.Buffer = or(s.Buffer, 20*s.Batch)
	if s.Batch < 2 || s.LR < 0 || s.Explore < 0 {
		return s, fmt.Errorf("Batch must be at least 2, LR and Explore not negative; got %d, %g, %g", s.Batch, s.LR, s.Explore)
	}
	return s, nil
}

// Train trains a policy for the posterior within the budget. When ctx ends the policy so far comes back with the error.
func Train(ctx context.Context, name string, s Settings, post odslib.Posterior, budget odslib.Budget, seed uint64) (*Policy, error) {
	if err := post.Check(); err != nil {
		return nil, err
	}
	s, err := s.resolve(post)
	if err != nil {
		return nil, fmt.Errorf("%s %w", name, err)
	}
	if budget.Steps <= 0 && budget.Minutes <= 0 {
		budget.Steps = 1000
	}
	e, err := engine.Open()
	if err != nil {
		return nil, err
	}
	scale, err := dataScale(ctx, post.Prior, seed)
	if err != nil {
		return nil, err
	}
	inShape := slices.Clone(post.Shape())
	inShape[len(inShape)-1] *= 2
	weights, err := nn.Initial(s.Net, inShape, engine.Split(seed, "balance.weights"))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	p, err := newPaths(post, s.Net, weights, s.Chain, s.Batch, scale, s.Driver, s.GradSteps)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	defer p.close()
	reward, err := newReward(e, post)
	if err != nil {
		return nil, err
	}
	t := &trainer{Settings: s, name: name, paths: p, reward: reward, phi: weights.Tensors(), buffer: NewBuffer(s.Buffer, post.Shape(), s.Ranked), seed: seed}
	for range 2 {
		for _, w := range t.phi {
			t.moments = append(t.moments, tensors.FromShape(w.Shape()))
		}
	}
	t.average = weights.Tensors()
	if err := t.fillPool(ctx); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if t.update, err = newUpdate(e, s, len(weights)); err != nil {
		return nil, err
	}
	defer t.update.Close()
	runErr := t.run(ctx, budget)
	policy := &Policy{Name: name, Net: s.Net, Chain: s.Chain, Scale: scale, LogZ: t.logZ, Trace: t.trace, Iterations: len(t.trace), Seconds: t.seconds, Batch: s.Batch}
	if runErr != nil {
		policy.Notes = append(policy.Notes, fmt.Sprintf("stopped after %d iterations: %v", len(t.trace), runErr))
	}
	if policy.Weights, err = weights.WithTensors(t.average); err != nil {
		return nil, err
	}
	engine.Free(append(append(t.phi, t.moments...), t.average...)...)
	return policy, runErr
}

// dataScale is the root mean square of the prior's samples, from 256 draws.
func dataScale(ctx context.Context, prior odslib.Prior, seed uint64) (float64, error) {
	x, err := prior.Sample(ctx, 256, engine.Split(seed, "balance.scale"))
	if err != nil {
		return 0, err
	}
	sum := 0.
	for _, v := range x.Data {
		sum += float64(v) * float64(v)
	}
	return math.Max(math.Sqrt(sum/float64(len(x.Data))), 1e-3), nil
}

// trainer is the state of a training run.
type trainer struct {
	Settings
	name   string
	paths  *paths
	reward *reward
	update *engine.Program
	buffer *Buffer
	pool   *Buffer // samples of the prior; nil without
	seed   uint64

	phi, moments, average []*tensors.Tensor
	logZ, logZm, logZv    float64
	trace                 []Iteration
	seconds               float64
}

// Iteration is what one training step left behind.
type Iteration struct {
	Loss   float64 // mean δ², or its variance with VarGrad
	LogZ   float64 // learned, or the batch's with VarGrad
	ELBO   float64 // mean of β·log r − log-ratio over the policy's own paths; NaN on replay
	Beta   float64 // power of r
	Reward float64 // mean log r
	Replay bool
}

// fillPool draws the prior's samples and their rewards, once.
func (t *trainer) fillPool(ctx context.Context) error {
	if t.Pool <= 0 || t.Replay <= 0 {
		return nil
	}
	x, err := t.paths.post.Prior.Sample(ctx, t.Pool, engine.Split(t.seed, "balance.pool"))
	if err != nil {
		return err
	}
	pool := NewBuffer(t.Pool, t.paths.post.Shape(), false)
	for i := 0; i < t.Pool; i += t.Batch { // whole batches: one compilation of the reward
		from := max(0, min(i, t.Pool-t.Batch))
		part := x.Slice(from, min(from+t.Batch, t.Pool))
		logr, err := t.reward.of(part)
		if err != nil {
			return err
		}
		pool.Add(part.Slice(i-from, part.Len()), logr[i-from:])
	}
	if pool.Len() > 0 {
		t.pool = pool
	}
	return nil
}

func (t *trainer) run(ctx context.Context, budget odslib.Budget) error {
	start := time.Now()
	for i := 0; ; i++ {
		t.seconds = time.Since(start).Seconds()
		progress := t.seconds / 60 / math.Max(budget.Minutes, 1e-9)
		if budget.Steps > 0 {
			progress = float64(i) / float64(budget.Steps)
		}
		if progress >= 1 || (budget.Minutes > 0 && t.seconds/60 >= budget.Minutes) {
			return nil
		}
		it, err := t.iterate(ctx, i, progress)
		if err != nil {
			return err
		}
		t.trace = append(t.trace, it)
		steps := budget.Steps
		if steps == 0 {
			steps = int(float64(i+1) / math.Max(progress, 1e-9))
		}
		odslib.Observe(ctx, odslib.Progress{What: t.name + " training", Step: i + 1, Steps: max(steps, i+1), LogZ: it.LogZ, Loss: it.Loss})
	}
}

func (t *trainer) iterate(ctx context.Context, i int, progress float64) (it Iteration, err error) {
	seed := engine.Split(t.seed, fmt.Sprintf("balance.iteration.%d", i))
	rng := engine.RNG(seed, "balance.host")
	var d drawn
	var logr []float64
	it.ELBO = math.NaN()
	it.Replay = progress > .1 && t.buffer.Len() >= t.Batch && rng.Float64() < t.Replay
	beta := 1.
	if t.Anneal > 0 {
		beta = math.Min(1, progress/t.Anneal)
	}
	if it.Replay {
		var x odslib.Array
		if t.pool != nil && rng.Float64() < .5 {
			x, logr = t.pool.DrawTempered(t.Batch, beta, rng)
		} else {
			x, logr = t.buffer.Draw(t.Batch, rng)
		}
		d, t.phi, err = t.paths.backward(ctx, t.phi, seed, x)
	} else {
		explore := t.Explore * math.Max(0, 1-2*progress)
		d, t.phi, err = t.paths.forward(ctx, t.phi, seed, explore*explore)
		if err == nil {
			if logr, err = t.reward.of(d.x); err == nil {
				t.buffer.Add(d.x, logr)
			}
		}
	}
	if err != nil {
		return it, err
	}
	delta, mean := make([]float64, t.Batch), 0.
	for b := range delta {
		delta[b] = d.sum[b] - beta*logr[b]
		if math.IsNaN(delta[b]) || math.IsInf(delta[b], 0) {
			engine.Free(d.traj)
			return it, fmt.Errorf("%s: path %d of iteration %d has log-ratio %g and log r %g; lower LR or check the reward", t.name, b, i+1, d.sum[b], logr[b])
		}
		mean += delta[b] / float64(t.Batch)
		it.Reward += logr[b] / float64(t.Batch)
	}
	if it.Beta = beta; !it.Replay {
		it.ELBO = -mean
	}
	if i == 0 {
		t.logZ = -mean // the untrained policy is the prior: a fair start
	}
	center := t.logZ
	if t.VarGrad {
		center = -mean
	}
	weight := make([]float64, t.Batch)
	for b := range delta {
		v := delta[b] + center
		it.Loss += v * v / float64(t.Batch)
		weight[b] = 2 * v / float64(t.Batch)
	}
	if t.VarGrad {
		t.logZ = -mean
	} else {
		// ∂loss/∂log Z = 2·mean(δ): Adam on one number.
		g := 2 * (mean + t.logZ)
		t.logZm, t.logZv = .9*t.logZm+.1*g, .999*t.logZv+.001*g*g
		k := float64(i + 1)
		rate := t.LogZRate * math.Max(.01, .5*(1+math.Cos(math.Pi*math.Min(1, progress))))
		t.logZ -= rate * t.logZm / (1 - math.Pow(.9, k)) / (math.Sqrt(t.logZv/(1-math.Pow(.999, k))) + 1e-8)
	}
	it.LogZ = t.logZ
	steps := rng.Perm(t.Chain.Steps)[:t.GradSteps]
	slices.Sort(steps)
	var grad []*tensors.Tensor
	if grad, t.phi, err = t.paths.gradient(ctx, t.phi, d, weight, steps); err != nil {
		return it, err
	}
	rate := t.LR * math.Min(1, float64(i+1)/50) * math.Max(.01, .5*(1+math.Cos(math.Pi*progress)))
	return it, t.step(grad, rate, i+1)
}

// newUpdate is the optimiser's program: gradients, weights, moments, averages → weights, moments, averages.
func newUpdate(e *engine.Engine, s Settings, k int) (*engine.Program, error) {
	return engine.NewProgram(e, nil, func(_ *engine.Scope, in []*engine.Node) []*engine.Node {
		rate, count, decay, in := in[0], in[1], in[2], in[3:]
		grads, _ := nn.ClipByGlobalNorm(in[:k], s.Clip)
		p, m, v := nn.Adam{}.Update(in[k:2*k], in[2*k:3*k], in[3*k:4*k], grads, rate, count)
		return slices.Concat(p, m, v, nn.EMA(in[4*k:], p, decay))
	})
}

func (t *trainer) step(grad []*tensors.Tensor, rate float64, count int) error {
	e, err := engine.Open()
	if err != nil {
		return err
	}
	// The average forgets its start: its decay grows from 0 to EMA.
	decay := math.Min(t.EMA, float64(count)/float64(count+10))
	args := []any{float32(rate), float32(count), float32(decay)}
	for _, w := range slices.Concat(grad, t.phi, t.moments, t.average) {
		args = append(args, e.Donate(w))
	}
	out, err := t.update.Call(args...)
	if err != nil {
		return err
	}
	k := len(t.phi)
	t.phi, t.moments, t.average = out[:k], out[k:3*k], out[3*k:]
	return nil
}

// reward evaluates log r of end points, in the graph where it can.
type reward struct {
	program *engine.Program
	host    odslib.HostConstraint
}

func newReward(e *engine.Engine, post odslib.Posterior) (*reward, error) {
	if _, ok := post.Constraint.(odslib.Constraint); !ok {
		return &reward{host: post.Constraint.(odslib.HostConstraint)}, nil
	}
	p, err := engine.NewProgram(e, post.Params(), func(scope *engine.Scope, in []*engine.Node) []*engine.Node {
		return []*engine.Node{post.LogR(scope, graph.Identity(in[0]))}
	})
	return &reward{program: p}, err
}

func (r *reward) of(x odslib.Array) ([]float64, error) {
	if r.host != nil {
		return r.host.LogRHost(x)
	}
	a, err := r.program.Call1(x.Tensor())
	if err != nil {
		return nil, err
	}
	out := make([]float64, len(a.Data))
	for i, v := range a.Data {
		out[i] = float64(v)
	}
	return out, nil
}
