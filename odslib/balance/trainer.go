package balance

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/gomlx/gomlx/core/tensors"

	"odslab/odslib"
	"odslab/odslib/engine"
	"odslab/odslib/nn"
)

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
	group      int           // paths in a row that have one condition, where conditions differ; else 0
	pool       *Buffer       // samples of the prior; nil without
	seed       uint64

	phi, moments, average []*tensors.Tensor // phi is nil when the device has failed
	buffer                *Buffer
	logZ                  logZ
	beta                  float64
	first                 float64 // loss of the untrained policy, had r been whole: the variance of log r
	lost                  int     // paths that had no weight
	failed                bool    // a batch of the constraint, once
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
	own, starts := t.post.Prior.(Starting)
	starts = starts && s.Net == nil
	if starts {
		s.Net, _ = own.Starting()
	}
	if t.Settings, err = s.resolve(); err != nil {
		return err
	}
	if t.Objective != nil {
		t.Settings = t.onPolicy()
	}
	if t.Guide != nil {
		t.Drift.Seed = engine.Split(t.seed, "balance.guide")
	}
	if t.engine, err = engine.Open(); err != nil {
		return err
	}
	if t.process, err = newCorrected(t.post, t.Chain, t.Net, t.Drift, nil, t.name); err != nil {
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
	if t.post.Given != nil {
		c, t.conditions = t.post.Given.Dim(), distinct(*t.post.Given)
		if t.conditions.Len() > 1 { // log Z is the group's own, and samples of the prior belong to no condition
			t.group, t.Pool = min(t.Paths, pathsOfOne), -1
			t.Paths -= t.Paths % t.group
		}
	}
	if err := t.engine.CheckDevices(t.Devices, t.Paths); err != nil {
		return fmt.Errorf("the field Devices: %w", err)
	}
	if t.process.standard, err = standardise(ctx, t.post, t.process, t.seed); err != nil {
		return err
	}
	seen, _, err := t.process.inputs(table, t.Paths, c)
	if err != nil {
		return err
	}
	if a, ok := t.Net.(adapter); ok {
		t.weights = a.initial(odslib.ParamsOf(t.process.Process), engine.Split(t.seed, "balance.weights"))
	} else if starts {
		_, t.weights = own.Starting()
	} else if t.weights, err = nn.InitialGiven(t.Net, seen.Dimensions[1:], c, engine.Split(t.seed, "balance.weights")); err != nil {
		return err
	}
	if t.paths, err = newPaths(t.process, t.weights, t.Settings, c); err != nil {
		return err
	}
	if _, ok := t.Objective.(Adjoint); ok {
		if err := t.paths.match(); err != nil {
			return err
		}
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
	t.horizon = or(t.Horizon, 1000)
	t.start()
	return t.fillPool(ctx)
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
	p := &Policy{
		Name: t.name, Net: t.Net, Standard: t.process.standard, Chain: t.Chain, Drift: t.Drift, LogZ: t.logZ.value, Trace: t.trace,
		Iterations: len(t.trace), Seconds: t.seconds, Paths: t.Paths, Posterior: t.print, Notes: slices.Clone(t.notes),
	}
	var err error
	if p.Weights, err = t.weights.WithTensors(t.average); err != nil {
		return nil, err
	}
	if t.group > 0 {
		p.LogZ = math.NaN()
	}
	return p, nil
}

// start is the state before the first iteration.
func (t *Trainer) start() {
	t.load(t.weights)
	t.buffer = NewBuffer(t.Buffer, t.post.Shape(), t.Ranked)
	t.logZ, t.beta, t.first, t.lost, t.trace, t.seconds, t.notes, t.health = logZ{}, 0, 0, 0, nil, 0, nil, health{}
	if t.Anneal <= 0 {
		t.beta = 1
	}
}

// load begins with weights, as if nothing had been learned before.
func (t *Trainer) load(weights odslib.Params) {
	t.phi, t.moments, t.average = weights.Tensors(), nil, weights.Tensors()
	for range 2 {
		for _, w := range t.phi {
			t.moments = append(t.moments, tensors.FromShape(w.Shape()))
		}
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
	logr, err := t.rewards(ctx, x, t.given(none))
	if err != nil {
		return err
	}
	t.outside(logr)
	pool := NewBuffer(t.Pool, t.post.Shape(), false)
	if pool.Add(Batch{X: x, LogR: logr, Cond: none}); pool.Len() > 0 {
		t.pool = pool
	}
	return nil
}
