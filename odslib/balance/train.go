package balance

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"odslab/odslib"
	"odslab/odslib/engine"
	"odslab/odslib/nn"
)

// Train trains a policy for the posterior within the budget, which counts the iterations and minutes of the checkpoint
// too. When ctx ends the policy so far comes back with the error.
func Train(ctx context.Context, name string, s Settings, post odslib.Posterior, budget odslib.Budget, seed uint64) (*Policy, error) {
	if budget.Steps < 0 || budget.Minutes < 0 {
		return nil, fmt.Errorf("%s: a budget cannot be negative, got %d steps, %g minutes", name, budget.Steps, budget.Minutes)
	}
	if budget.Steps == 0 && budget.Minutes == 0 {
		budget.Steps = 1000
	}
	t, err := NewTrainer(ctx, name, s, post, seed)
	if err != nil {
		return nil, err
	}
	defer t.Close()
	err = t.run(ctx, budget)
	if t.phi == nil { // the device failed, and the state with it
		return nil, err
	}
	if t.Checkpoint != "" {
		if e := t.save(); err == nil {
			err = e
		}
	}
	policy, lost := t.Policy()
	if lost != nil {
		return nil, lost
	}
	if err != nil {
		policy.note("stopped after %d iterations: %v", len(t.trace), err)
	}
	return policy, err
}

// Trainer trains a policy step by step: what [Train] does, for teaching and for loops of one's own.
type Trainer struct {
	Settings
	name       string
	post       odslib.Posterior
	print      odslib.Fingerprint
	engine     *engine.Engine
	process    *corrected
	paths      *paths
	reward     *odslib.Evaluator
	update     *engine.Program
	weights    odslib.Params // names and shapes of phi
	conditions odslib.Array  // the different rows of the posterior's Given
	group      int           // paths in a row that have the same condition
	pool       *Buffer       // samples of the prior; nil without
	seed       uint64

	phi, moments, average []*tensors.Tensor // phi is nil when the device has failed
	buffer                *Buffer
	logZ                  logZ
	beta                  float64
	first                 float64 // loss of the untrained policy, had r been whole: the variance of log r
	lost                  int     // paths that had no weight
	trace                 []Iteration
	seconds               float64
	horizon               int // iterations that the schedules were last laid out for; 0 for minutes
	notes                 []string
	health                health
}

// NewTrainer makes a trainer, which goes on from Settings.Checkpoint where there is one; Close it. The schedules follow
// Settings.Horizon, 0 meaning 1000.
func NewTrainer(ctx context.Context, name string, s Settings, post odslib.Posterior, seed uint64) (*Trainer, error) {
	t := &Trainer{name: name, post: post, seed: seed}
	err := t.open(ctx, s)
	if err == nil && s.Checkpoint != "" {
		err = t.resume(ctx)
	}
	if err != nil {
		t.Close()
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return t, nil
}

func (t *Trainer) open(ctx context.Context, s Settings) (err error) {
	if err := t.post.Check(); err != nil {
		return err
	}
	if t.post.Constraint == nil {
		return fmt.Errorf("it needs a constraint")
	}
	if t.Settings, err = s.resolve(); err != nil {
		return err
	}
	if t.engine, err = engine.Open(); err != nil {
		return err
	}
	if t.process, err = newCorrected(t.post, t.Chain, t.Net, nil, t.name); err != nil {
		return err
	}
	table, err := t.process.Table()
	if err != nil {
		return err
	}
	if t.Settings, err = t.fit(t.process, len(table)); err != nil {
		return err
	}
	c := 0
	if t.group = t.Paths; t.post.Given != nil {
		c, t.conditions = t.post.Given.Dim(), distinct(*t.post.Given)
		if t.conditions.Len() > 1 { // log Z is the group's own, and samples of the prior belong to no condition
			t.group, t.Pool = min(t.Paths, pathsOfOne), -1
			t.Paths -= t.Paths % t.group
		}
	}
	if t.process.standard, err = standardise(ctx, t.post, t.process, t.seed); err != nil {
		return err
	}
	seen, _, err := t.process.inputs(table, t.Paths, c)
	if err != nil {
		return err
	}
	if t.weights, err = nn.InitialGiven(t.Net, seen.Dimensions[1:], c, engine.Split(t.seed, "balance.weights")); err != nil {
		return err
	}
	if t.paths, err = newPaths(t.process, t.weights, t.Paths, c, t.GradSteps, t.Chain.Driver); err != nil {
		return err
	}
	if t.reward, err = t.post.Evaluator(); err != nil {
		return err
	}
	if t.update, err = newUpdate(t.engine, t.Settings, len(t.weights)); err != nil {
		return err
	}
	if t.print, err = t.post.Fingerprint(ctx); err != nil {
		return err
	}
	if err := t.fillPool(ctx); err != nil {
		return err
	}
	t.horizon = or(t.Horizon, 1000)
	t.start()
	return nil
}

// pathsOfOne is how many paths of a batch have one condition, where conditions differ.
const pathsOfOne = 16

// distinct are the different rows of a, in order.
func distinct(a odslib.Array) odslib.Array {
	seen, index := map[string]bool{}, []int{}
	for i := range a.Len() {
		if key := fmt.Sprint(a.Row(i)); !seen[key] {
			seen[key] = true
			index = append(index, i)
		}
	}
	return a.Take(index)
}

// given are the conditions of paths by their numbers, or nil.
func (t *Trainer) given(cond []int) *odslib.Array {
	if t.post.Given == nil {
		return nil
	}
	g := t.conditions.Take(cond)
	return &g
}

// Policy is what has been learned so far.
func (t *Trainer) Policy() (*Policy, error) {
	p, err := t.snapshot()
	if err == nil {
		t.conclude(p)
	}
	return p, err
}

// snapshot is the policy as it stands.
func (t *Trainer) snapshot() (*Policy, error) {
	p := &Policy{Name: t.name, Net: t.Net, Standard: t.process.standard, Chain: t.Chain, LogZ: t.logZ.value, Trace: t.trace,
		Iterations: len(t.trace), Seconds: t.seconds, Paths: t.Paths, Posterior: t.print, Notes: slices.Clone(t.notes)}
	var err error
	if p.Weights, err = t.weights.WithTensors(t.average); err != nil {
		return nil, err
	}
	if t.group < t.Paths {
		p.LogZ = math.NaN()
	}
	return p, nil
}

// start is the state before the first iteration.
func (t *Trainer) start() {
	t.phi, t.moments, t.average = t.weights.Tensors(), nil, t.weights.Tensors()
	for range 2 {
		for _, w := range t.phi {
			t.moments = append(t.moments, tensors.FromShape(w.Shape()))
		}
	}
	t.buffer = NewBuffer(t.Buffer, t.post.Shape(), t.Ranked)
	t.logZ, t.beta, t.first, t.lost, t.trace, t.seconds, t.notes, t.health = logZ{}, 0, 0, 0, nil, 0, nil, health{}
	if t.Anneal <= 0 {
		t.beta = 1
	}
}

func (t *Trainer) free() { engine.Free(slices.Concat(t.phi, t.moments, t.average)...) }

// Close frees what the trainer holds on the device.
func (t *Trainer) Close() {
	t.free()
	if t.paths != nil {
		t.paths.close()
	}
	if t.update != nil {
		t.update.Close()
	}
	if t.reward != nil {
		t.reward.Close()
	}
}

// Iteration is what one training step left behind.
type Iteration struct {
	Loss    float64 // mean δ², or its variance with VarGrad, of the paths that ended where r > 0
	LogZ    float64 // learned, or the batch's
	ELBO    float64 // mean of β·log r − log-ratio over the policy's own such paths; NaN on replay
	Beta    float64 // power of r
	Reward  float64 // their mean log r
	ESS     float64 // effective share of the policy's own paths under their weights; NaN on replay
	Outside float64 // share of the paths that ended where r = 0
	Replay  bool
}

// fillPool draws the prior's samples and their rewards, once.
func (t *Trainer) fillPool(ctx context.Context) error {
	if t.Pool <= 0 || t.Replay <= 0 {
		return nil
	}
	x, err := t.post.Prior.Sample(ctx, t.Pool, engine.Split(t.seed, "balance.pool"))
	if err != nil {
		return err
	}
	none := make([]int, x.Len())
	logr, err := t.reward.Rewards(ctx, x, t.given(none))
	if err != nil {
		return err
	}
	pool := NewBuffer(t.Pool, t.post.Shape(), false)
	if pool.Add(Batch{X: x, LogR: logr, Cond: none}); pool.Len() > 0 {
		t.pool = pool
	}
	return nil
}

func (t *Trainer) run(ctx context.Context, budget odslib.Budget) error {
	start, before, saved := time.Now(), t.seconds, time.Now()
	horizon := or(t.Horizon, budget.Steps)
	if n := len(t.trace); n > 0 && horizon != t.horizon {
		t.note("annealing and rates laid out anew after %d iterations: for %d, before for %d", n, horizon, t.horizon)
	}
	t.horizon = horizon
	for i := len(t.trace); ; i++ {
		t.seconds = before + time.Since(start).Seconds()
		if budget.Steps > 0 && i >= budget.Steps || budget.Minutes > 0 && t.seconds/60 >= budget.Minutes || t.health.stop != "" {
			return nil
		}
		it, err := t.step(ctx, t.progress(t.seconds/60/math.Max(budget.Minutes, 1e-9)))
		if err != nil {
			return fmt.Errorf("%s: %w", t.name, err)
		}
		steps := budget.Steps
		if steps == 0 {
			steps = int(float64(i+1) / math.Max(t.seconds/60/budget.Minutes, 1e-9))
		}
		odslib.Notify(ctx, odslib.Progress{What: t.name + " training", Step: i + 1, Steps: max(steps, i+1), LogZ: it.LogZ, Loss: it.Loss})
		if t.Checkpoint != "" && time.Since(saved) > saveEvery {
			t.seconds = before + time.Since(start).Seconds()
			if err := t.save(); err != nil {
				return err
			}
			saved = time.Now()
		}
	}
}

// progress is the share of the horizon that is done; elapsed stands for it where the horizon is a time.
func (t *Trainer) progress(elapsed float64) float64 {
	if t.horizon > 0 {
		return math.Min(1, float64(len(t.trace))/float64(t.horizon))
	}
	return elapsed
}

// Step is one iteration. Nothing of the trainer changes unless all of it succeeds.
func (t *Trainer) Step(ctx context.Context) (Iteration, error) { return t.step(ctx, t.progress(0)) }

func (t *Trainer) step(ctx context.Context, progress float64) (it Iteration, err error) {
	i := len(t.trace)
	seed := engine.Split(t.seed, fmt.Sprintf("balance.iteration.%d", i))
	rng := engine.RNG(seed, "balance.host")
	var d drawn
	batch, replay := t.replay(progress, rng)
	if it.Replay = replay; replay {
		d, t.phi, err = t.paths.backward(ctx, t.phi, seed, batch.X, t.given(batch.Cond))
	} else {
		batch.Cond = make([]int, t.Paths)
		for b := range batch.Cond {
			if batch.Cond[b] = batch.Cond[max(0, b-1)]; b%t.group == 0 && t.group < t.Paths {
				batch.Cond[b] = rng.IntN(t.conditions.Len())
			}
		}
		explore := t.Explore * math.Max(0, 1-2*progress)
		if d, t.phi, err = t.paths.forward(ctx, t.phi, seed, explore*explore, t.given(batch.Cond)); err == nil {
			batch.X = d.x
			batch.LogR, err = t.reward.Rewards(ctx, d.x, d.given)
		}
	}
	if err != nil {
		engine.Free(d.kept...)
		return it, err
	}
	j := judge(d.sum, batch.LogR)
	beta, z, first := t.beta, t.logZ, t.first
	if !replay {
		beta, z, first = t.advance(j, progress)
	}
	weight := t.balance(&it, j, &z, beta, progress)
	if weight == nil || j.broken() > 0 { // nothing to learn from
		engine.Free(d.kept...)
	} else {
		steps := rng.Perm(len(t.paths.table))[:t.GradSteps]
		slices.Sort(steps)
		var grad []*tensors.Tensor
		if grad, t.phi, err = t.paths.gradient(ctx, t.phi, d, weight, steps); err != nil {
			return it, err
		}
		rate := t.LR * math.Min(1, float64(i+1)/50) * falling(progress)
		if err := t.descend(grad, rate, i+1); err != nil {
			return it, err
		}
	}
	t.beta, t.logZ, t.first = beta, z, first
	t.lost += j.lost
	if !replay {
		t.buffer.Add(batch)
	}
	t.trace = append(t.trace, it)
	return it, t.watch(it, j.broken() == len(d.sum))
}

// replay draws kept samples, where it is their turn: from a tenth of the horizon on, or as long as no path of the policy ends
// where r > 0.
func (t *Trainer) replay(progress float64, rng *rand.Rand) (Batch, bool) {
	lost := len(t.trace) > 0 && t.buffer.Len() == 0
	if progress <= .1 && !lost || rng.Float64() >= t.Replay {
		return Batch{}, false
	}
	// Samples of the prior have seen all modes, but under a sharp r few of them count: then the policy's own serve better.
	if t.pool != nil && (lost || rng.Float64() < t.pool.ess(t.beta)/float64(t.Paths)) {
		return t.pool.DrawTempered(t.Paths, t.beta, rng), true
	}
	if t.buffer.Len() < t.Paths {
		return Batch{}, false
	}
	return t.buffer.Draw(t.Paths, t.group, rng), true
}

// advance is annealing by paths of the policy: the next β, and log Z, which moves with it and stays near what they say.
func (t *Trainer) advance(j judged, progress float64) (beta float64, z logZ, first float64) {
	beta, z, first = t.beta, t.logZ, t.first
	if len(j.in) == 0 {
		return beta, z, first
	}
	if first == 0 {
		first = variance(j)
		z.value = math.Log(j.share()) // at the start the policy is the prior
		if t.beta > 0 {
			z.value += j.gain(t.beta)
		}
	}
	if t.Anneal > 0 {
		beta = j.advance(t.beta, math.Min(1, math.Max(t.beta, progress/t.Anneal)))
		z.value += j.gain(beta - t.beta)
	}
	z.value = j.held(z.value, beta)
	return beta, z, first
}

// variance is that of log r.
func variance(j judged) float64 {
	var sum, square float64
	for _, i := range j.in {
		sum += j.logr[i]
	}
	sum /= float64(len(j.in))
	for _, i := range j.in {
		square += (j.logr[i] - sum) * (j.logr[i] - sum)
	}
	return math.Max(square/float64(len(j.in)), math.SmallestNonzeroFloat64)
}

// falling is half a cosine from 1 to .01.
func falling(progress float64) float64 { return math.Max(.01, .5*(1+math.Cos(math.Pi*progress))) }

// balance computes δ of the paths, and from it the loss, the weight of each path's gradient and the next log Z; nil where no
// path ended where r > 0. A path that ended where it is 0 pulls as the farthest of the others does, or more.
func (t *Trainer) balance(it *Iteration, j judged, z *logZ, beta, progress float64) []float64 {
	it.Beta, it.LogZ, it.Outside = beta, z.value, 1-j.share()
	it.Loss, it.ELBO, it.ESS, it.Reward = math.NaN(), math.NaN(), math.NaN(), math.NaN()
	if len(j.in) == 0 {
		return nil
	}
	w := j.weights(beta)
	it.Reward, it.Loss = 0, 0
	for _, i := range j.in {
		it.Reward += j.logr[i] / float64(len(j.in))
	}
	if !it.Replay {
		it.ELBO, it.ESS = mean(w), effective(w, 1)/float64(len(j.ratio))
	}
	if t.VarGrad {
		z.value = mean(w)
	}
	own := make([]float64, len(j.ratio)/t.group) // log Z of each condition
	for g := range own {
		own[g] = z.value
	}
	if len(own) > 1 {
		sum, count := make([]float64, len(own)), make([]float64, len(own))
		for k, i := range j.in {
			sum[i/t.group] += w[k]
			count[i/t.group]++
		}
		for g := range own {
			own[g] = sum[g] / math.Max(1, count[g])
		}
		z.value = mean(own)
	}
	delta, far := make([]float64, len(j.ratio)), 10.
	for k, i := range j.in {
		delta[i] = own[i/t.group] - w[k]
		it.Loss += delta[i] * delta[i] / float64(len(j.in))
		far = math.Max(far, math.Abs(delta[i]))
	}
	for _, i := range j.out {
		delta[i] = far
	}
	pull := 0. // ∂loss/∂log Z
	for i, v := range delta {
		if t.Robust > 0 && !t.VarGrad {
			v /= math.Sqrt(1 + v*v/(t.Robust*t.Robust))
		}
		delta[i] = 2 * v / float64(len(delta))
		pull += delta[i]
	}
	if !t.VarGrad && len(own) == 1 {
		z.step(pull, t.LogZRate*falling(progress), len(t.trace)+1)
	}
	it.LogZ = z.value
	return delta
}

// newUpdate is the optimiser's program: gradients, weights, moments, averages → weights, moments, averages. Gradients that are
// not finite change nothing.
func newUpdate(e *engine.Engine, s Settings, k int) (*engine.Program, error) {
	return engine.NewProgram(e, nil, func(_ *engine.Scope, in []*engine.Node) []*engine.Node {
		rate, count, decay, in := in[0], in[1], in[2], in[3:]
		grads, norm := nn.ClipByGlobalNorm(in[:k], s.Clip)
		p, m, v := nn.Adam{}.Update(in[k:2*k], in[2*k:3*k], in[3*k:4*k], grads, rate, count)
		next := slices.Concat(p, m, v, nn.EMA(in[4*k:], p, decay))
		finite := graph.LessThan(norm, graph.Const(norm.Graph(), float32(math.MaxFloat32)))
		return nn.Select(finite, next, in[k:])
	})
}

func (t *Trainer) descend(grad []*tensors.Tensor, rate float64, count int) error {
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
