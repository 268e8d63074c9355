package balance

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/gomlx/gomlx/core/tensors"

	"odslab/odslib"
	"odslab/odslib/engine"
	"odslab/odslib/nn"
)

// Train trains a policy for the posterior within the budget, which counts the iterations and minutes of the checkpoint
// too. When ctx ends the policy so far comes back with the error.
func Train(ctx context.Context, name string, s Settings, post odslib.Posterior, budget odslib.Budget, seed uint64) (*Policy, error) {
	if err := post.Check(); err != nil {
		return nil, err
	}
	s, err := s.resolve(post)
	if err != nil {
		return nil, fmt.Errorf("%s %w", name, err)
	}
	if budget.Steps < 0 || budget.Minutes < 0 {
		return nil, fmt.Errorf("%s: a budget cannot be negative, got %d steps, %g minutes", name, budget.Steps, budget.Minutes)
	}
	if budget.Steps == 0 && budget.Minutes == 0 {
		budget.Steps = 1000
	}
	t, err := newTrainer(ctx, name, s, post, seed)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	defer t.close()
	if s.Checkpoint != "" {
		if err := t.resume(); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	err = t.run(ctx, budget)
	if t.phi == nil { // the device failed, and the state with it
		return nil, err
	}
	if s.Checkpoint != "" {
		if e := t.save(); err == nil {
			err = e
		}
	}
	policy, lost := t.policy()
	if lost != nil {
		return nil, lost
	}
	if err != nil {
		policy.Notes = append(policy.Notes, fmt.Sprintf("stopped after %d iterations: %v", len(t.trace), err))
	}
	return policy, err
}

func newTrainer(ctx context.Context, name string, s Settings, post odslib.Posterior, seed uint64) (*trainer, error) {
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
		return nil, err
	}
	t := &trainer{Settings: s, name: name, engine: e, weights: weights, seed: seed}
	if t.paths, err = newPaths(post, s.Net, weights, s.Chain, s.Batch, scale, s.Driver, s.GradSteps); err != nil {
		return nil, err
	}
	if t.reward, err = newReward(e, post); err == nil {
		t.update, err = newUpdate(e, s, len(weights))
	}
	if err == nil {
		err = t.fillPool(ctx)
	}
	if err != nil {
		t.close()
		return nil, err
	}
	t.start()
	return t, nil
}

// policy is what has been learned so far.
func (t *trainer) policy() (*Policy, error) {
	weights, err := t.weights.WithTensors(t.average)
	return &Policy{Name: t.name, Net: t.Net, Weights: weights, Chain: t.Chain, Scale: t.paths.scale, LogZ: t.logZ.value, Trace: t.trace,
		Iterations: len(t.trace), Seconds: t.seconds, Batch: t.Batch, Notes: slices.Clone(t.notes)}, err
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
	name    string
	engine  *engine.Engine
	paths   *paths
	reward  *reward
	update  *engine.Program
	weights odslib.Params // names and shapes of phi
	buffer  *Buffer
	pool    *Buffer // samples of the prior; nil without
	seed    uint64

	phi, moments, average []*tensors.Tensor // phi is nil when the device has failed
	logZ                  logZ
	trace                 []Iteration
	seconds               float64
	horizon               int // iterations that the schedules were last laid out for; 0 for minutes
	notes                 []string
}

// start is the state before the first iteration.
func (t *trainer) start() {
	t.phi, t.moments, t.average = t.weights.Tensors(), nil, t.weights.Tensors()
	for range 2 {
		for _, w := range t.phi {
			t.moments = append(t.moments, tensors.FromShape(w.Shape()))
		}
	}
	t.buffer = NewBuffer(t.Buffer, t.paths.post.Shape(), t.Ranked)
	t.logZ, t.trace, t.seconds, t.notes = logZ{}, nil, 0, nil
}

func (t *trainer) free() {
	engine.Free(slices.Concat(t.phi, t.moments, t.average)...)
}

func (t *trainer) close() {
	t.free()
	t.paths.close()
	if t.update != nil {
		t.update.Close()
	}
	if t.reward != nil && t.reward.program != nil {
		t.reward.program.Close()
	}
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
	start, before, saved := time.Now(), t.seconds, time.Now()
	horizon := or(t.Horizon, budget.Steps)
	if n := len(t.trace); n > 0 && horizon != t.horizon {
		t.notes = append(t.notes, fmt.Sprintf("annealing and rates laid out anew after %d iterations: for %d, before for %d", n, horizon, t.horizon))
	}
	t.horizon = horizon
	for i := len(t.trace); ; i++ {
		t.seconds = before + time.Since(start).Seconds()
		if budget.Steps > 0 && i >= budget.Steps || budget.Minutes > 0 && t.seconds/60 >= budget.Minutes {
			return nil
		}
		progress := t.seconds / 60 / math.Max(budget.Minutes, 1e-9)
		if horizon > 0 {
			progress = math.Min(1, float64(i)/float64(horizon))
		}
		it, err := t.iterate(ctx, i, progress)
		if err != nil {
			return err
		}
		t.trace = append(t.trace, it)
		steps := budget.Steps
		if steps == 0 {
			steps = int(float64(i+1) / math.Max(t.seconds/60/budget.Minutes, 1e-9))
		}
		odslib.Observe(ctx, odslib.Progress{What: t.name + " training", Step: i + 1, Steps: max(steps, i+1), LogZ: it.LogZ, Loss: it.Loss})
		if t.Checkpoint != "" && time.Since(saved) > saveEvery {
			t.seconds = before + time.Since(start).Seconds()
			if err := t.save(); err != nil {
				return err
			}
			saved = time.Now()
		}
	}
}

// iterate is one iteration. Nothing of the trainer changes unless all of it succeeds.
func (t *trainer) iterate(ctx context.Context, i int, progress float64) (it Iteration, err error) {
	seed := engine.Split(t.seed, fmt.Sprintf("balance.iteration.%d", i))
	rng := engine.RNG(seed, "balance.host")
	var d drawn
	var logr []float64
	it.ELBO = math.NaN()
	it.Replay = progress > .1 && t.buffer.Len() >= t.Batch && rng.Float64() < t.Replay
	it.Beta = 1
	if t.Anneal > 0 {
		it.Beta = math.Min(1, progress/t.Anneal)
	}
	if it.Replay {
		var x odslib.Array
		// Samples of the prior have seen all modes, but under a sharp r few of them count: then the policy's own serve better.
		if t.pool != nil && rng.Float64() < t.pool.ess(it.Beta)/float64(t.Batch) {
			x, logr = t.pool.DrawTempered(t.Batch, it.Beta, rng)
		} else {
			x, logr = t.buffer.Draw(t.Batch, rng)
		}
		d, t.phi, err = t.paths.backward(ctx, t.phi, seed, x)
	} else {
		explore := t.Explore * math.Max(0, 1-2*progress)
		d, t.phi, err = t.paths.forward(ctx, t.phi, seed, explore*explore)
		if err == nil {
			logr, err = t.reward.of(d.x)
		}
	}
	if err != nil {
		return it, err
	}
	weight, z, err := t.balance(&it, d, logr, i, progress)
	if err != nil {
		engine.Free(d.kept...)
		return it, err
	}
	steps := rng.Perm(t.Chain.Steps)[:t.GradSteps]
	slices.Sort(steps)
	var grad []*tensors.Tensor
	if grad, t.phi, err = t.paths.gradient(ctx, t.phi, d, weight, steps); err != nil {
		return it, err
	}
	rate := t.LR * math.Min(1, float64(i+1)/50) * falling(progress)
	if err := t.step(grad, rate, i+1); err != nil {
		return it, err
	}
	t.logZ = z
	if !it.Replay {
		t.buffer.Add(d.x, logr)
	}
	return it, nil
}

// falling is half a cosine from 1 to .01.
func falling(progress float64) float64 { return math.Max(.01, .5*(1+math.Cos(math.Pi*progress))) }

// balance computes δ of the paths, and from it the loss, the weight of each path's gradient and the next log Z.
func (t *trainer) balance(it *Iteration, d drawn, logr []float64, i int, progress float64) (weight []float64, z logZ, err error) {
	n, mean := float64(t.Batch), 0.
	delta := make([]float64, t.Batch)
	for b := range delta {
		delta[b] = d.sum[b] - it.Beta*logr[b]
		if math.IsNaN(delta[b]) || math.IsInf(delta[b], 0) {
			return nil, z, fmt.Errorf("%s: path %d of iteration %d has log-ratio %g and log r %g; lower LR or check the reward", t.name, b, i+1, d.sum[b], logr[b])
		}
		mean += delta[b] / n
		it.Reward += logr[b] / n
	}
	if !it.Replay {
		it.ELBO = -mean
	}
	z = t.logZ
	if i == 0 || t.VarGrad {
		z.value = -mean // at the start the policy is the prior: a fair guess
	}
	weight = make([]float64, t.Batch)
	pull := 0. // ∂loss/∂log Z
	for b := range delta {
		v := delta[b] + z.value
		it.Loss += v * v / n
		if t.Robust > 0 && !t.VarGrad {
			v /= math.Sqrt(1 + v*v/(t.Robust*t.Robust))
		}
		weight[b] = 2 * v / n
		pull += weight[b]
	}
	if !t.VarGrad {
		z.step(pull, t.LogZRate*falling(progress), i+1)
	}
	it.LogZ = z.value
	return weight, z, nil
}

// logZ is the learned log Z with its moments: Adam on one number.
type logZ struct{ value, m, v float64 }

func (z *logZ) step(gradient, rate float64, count int) {
	k := float64(count)
	z.m, z.v = .9*z.m+.1*gradient, .999*z.v+.001*gradient*gradient
	z.value -= rate * z.m / (1 - math.Pow(.9, k)) / (math.Sqrt(z.v/(1-math.Pow(.999, k))) + 1e-8)
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
	// The average forgets its start: its decay grows from 0 to EMA.
	decay := math.Min(t.EMA, float64(count)/float64(count+10))
	args := []any{float32(rate), float32(count), float32(decay)}
	for _, w := range slices.Concat(grad, t.phi, t.moments, t.average) {
		args = append(args, t.engine.Donate(w))
	}
	out, err := t.update.Call(args...)
	if err != nil {
		t.phi, t.moments, t.average = nil, nil, nil
		return err
	}
	k := len(t.phi)
	t.phi, t.moments, t.average = out[:k], out[k:3*k], out[3*k:]
	return nil
}
