// Package fit is the one loop that fits the weights of a network to a loss by Adam: priors, language models, students and classifiers.
// It has the trace of losses, the stop at losses that are no numbers, the average of the weights, and checkpoints that a run goes on from
// to the bit.
//
//	p := fit.Problem{What: "student", Weights: initial, Data: odslib.Params{{Name: "data", Value: x}}, Loss: loss, Settings: fit.Settings{Batch: 64}}
//	weights, err := p.Run(ctx, odslib.Budget{Steps: 2000}, seed, &log)
package fit

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/gomlx/gomlx/core/tensors"

	"odslab/odslib"
	"odslab/odslib/checkpoint"
	"odslab/odslib/engine"
	"odslab/odslib/nn"
)

// defaultSteps is what a budget without bounds means.
const defaultSteps = 2000

// saveEvery is the time between two checkpoints.
const saveEvery = time.Minute

// patience is how many losses in a row may be no numbers: a step whose gradient is not finite is left out, and when the last
// this many were, the weights stand still and the work ends.
const patience = 10

// Settings are those of the loop; they are complete, without defaults.
type Settings struct {
	Batch int
	Rate  nn.Rate
	Adam  nn.Adam
	Clip  float64 // bound on the gradient's norm; negative means none
	EMA   float64 // decay of the average; negative means no average
	Bin   float64 // width of the uniform noise on the first of Data

	Checkpoint string
	Chunk      int
	Driver     engine.Driver
	Devices    int // that share a batch; 0 is one
}

// Brief are the settings of what is fitted on the way to something else: a rate that falls to 0 and a short average.
func Brief(batch int, budget odslib.Budget) Settings {
	return Settings{Batch: batch, Rate: nn.Rate{Decay: stepsOf(budget)}, Clip: 1, EMA: .995}
}

// stepsOf is the bound of a budget, which without bounds has one.
func stepsOf(budget odslib.Budget) int {
	switch {
	case budget.Steps > 0:
		return budget.Steps
	case budget.Minutes > 0:
		return math.MaxInt
	}
	return defaultSteps
}

// Problem is what is to be fitted.
type Problem struct {
	Settings
	What    string        // in progress
	Stream  string        // of random numbers: the seed is split by it
	Weights odslib.Params // at the start
	Data    odslib.Params // a row for each sample; minibatches run through them in epochs
	Params  odslib.Params // what the loss reads besides, named as in its scope

	// Columns are what differs from step to step besides: Batch values for each column. It must depend on the step alone for a run
	// to go on from a checkpoint.
	Columns func(step int) []float32
	// Loss of a minibatch, a mean over its rows, and the new random state. Gradient takes its place where that is not the loss's own.
	Loss     func(b Minibatch) (rng, loss *odslib.Node)
	Gradient func(b Minibatch) (rng, loss *odslib.Node, grads []*odslib.Node)

	Same  any                 // a struct: what else must be the same for a run to go on
	About func() (any, error) // of a checkpoint; it embeds checkpoint.Record
}

// run is one call of Run.
type run struct {
	Problem
	seed   uint64
	log    *checkpoint.Log
	loop   *engine.Loop
	epochs epochs
	state  []*tensors.Tensor
	began  time.Time
	before float64 // seconds spent in earlier calls
}

// Run trains until the budget is spent and returns the averaged weights. Its steps count those of the checkpoint too; without bounds it
// is 2000 steps. When ctx ends, or losses are no numbers any more, the weights so far come back beside the error; without weights the
// device has failed.
func (p Problem) Run(ctx context.Context, budget odslib.Budget, seed uint64, log *checkpoint.Log) (odslib.Params, error) {
	if budget.Steps < 0 || budget.Minutes < 0 {
		return nil, fmt.Errorf("a budget cannot be negative, got %d steps, %g minutes", budget.Steps, budget.Minutes)
	}
	budget.Steps = stepsOf(budget)
	r := &run{Problem: p, seed: seed, log: log, began: time.Now()}
	if err := r.open(); err != nil {
		return nil, err
	}
	defer r.close()
	err := r.train(ctx, budget)
	if r.state == nil { // the device failed, and the state with it
		return nil, err
	}
	weights, keepErr := r.finish()
	if err == nil {
		err = keepErr
	}
	return weights, err
}

// Named says in an error what was being trained, unless it is that the caller's context has ended.
func Named(ctx context.Context, what string, err error) error {
	if err == nil || errors.Is(err, ctx.Err()) {
		return err
	}
	return fmt.Errorf("%s: %w", what, err)
}

func (r *run) open() error {
	e, err := engine.Open()
	if err != nil {
		return err
	}
	*r.log = checkpoint.Log{Seed: r.seed, Engine: e.Name}
	if r.Same != nil {
		if r.log.Settings, err = r.fingerprint(); err != nil {
			return err
		}
	}
	if err := e.CheckDevices(r.Devices, r.Batch); err != nil {
		return fmt.Errorf("the field Devices: %w", err)
	}
	params := append(r.Data[:len(r.Data):len(r.Data)], r.Params...)
	r.loop = &engine.Loop{Driver: r.Driver, Chunk: r.Chunk, Devices: r.Devices, Step: engine.Step{Params: params, Build: r.step}}
	if err := r.loop.Open(e); err != nil {
		return err
	}
	if len(r.Data) > 0 {
		r.epochs = epochs{samples: r.Data[0].Value.Len(), seed: engine.Split(r.seed, r.Stream+".order"), epoch: -1}
	}
	flat := nn.Join(r.Weights)
	zero := engine.NewArray(flat.Shape...)
	r.state = []*tensors.Tensor{
		engine.NewArray(r.loop.Chunk).Tensor(), engine.RNGState(r.seed, r.Stream+".noise"), flat.Tensor(), zero.Tensor(), zero.Tensor(), flat.Tensor(),
	}
	if r.Checkpoint != "" {
		return r.resume()
	}
	return nil
}

func (r *run) train(ctx context.Context, budget odslib.Budget) error {
	log, saved := r.log, time.Now()
	for log.Steps < budget.Steps {
		table := make(engine.Table, min(r.loop.Chunk, budget.Steps-log.Steps))
		for i := range table {
			table[i] = r.row(log.Steps+i, i)
		}
		state, done, err := r.loop.Run(ctx, r.state, table, nil)
		if r.state = state; state == nil {
			return err
		}
		log.Steps += done
		if e := r.read(done); e != nil && err == nil {
			err = e
		}
		if err != nil {
			return err
		}
		steps := budget.Steps
		if steps == math.MaxInt {
			steps = 0
		}
		odslib.Notify(ctx, odslib.Progress{What: r.What, Step: log.Steps, Steps: steps, LogZ: math.NaN(), Loss: log.Mean(done)})
		if spent := time.Since(r.began); budget.Minutes > 0 && spent.Minutes() >= budget.Minutes && log.Steps < budget.Steps {
			log.Notes = append(log.Notes, fmt.Sprintf("stopped by the budget of %g minutes after step %d", budget.Minutes, log.Steps))
			return nil
		}
		if r.Checkpoint != "" && time.Since(saved) > saveEvery {
			if err := r.save(); err != nil {
				return err
			}
			saved = time.Now()
		}
	}
	return nil
}

// read takes the losses of the last steps from the device, and ends the work where they are no numbers any more.
func (r *run) read(done int) error {
	if done == 0 {
		return nil
	}
	losses, err := engine.ToArray(r.state[stateLosses])
	if err != nil {
		return err
	}
	log := r.log
	log.Loss = append(log.Loss, losses.Data[:done]...)
	lost := 0
	for k := len(log.Loss) - 1; k >= 0 && log.Loss[k]-log.Loss[k] != 0; k-- {
		lost++
	}
	if lost >= min(patience, done) {
		first := log.Steps - lost + 1
		return fmt.Errorf("the loss of steps %d to %d is not finite; lower Rate.Peak (%g) or look at the data; the weights are those of step %d",
			first, log.Steps, r.Rate.At(log.Steps), first-1)
	}
	return nil
}

// finish takes the averaged weights, and saves the state where a checkpoint is wanted.
func (r *run) finish() (odslib.Params, error) {
	r.log.Seconds = r.spent()
	if left := r.log.Lost(); left > 0 {
		r.log.Notes = append(r.log.Notes, fmt.Sprintf("%d steps left out because their gradient was not finite", left))
	}
	var err error
	if r.Checkpoint != "" {
		err = r.save()
	}
	average, e := r.part(stateAverage)
	if e != nil {
		return nil, e
	}
	return average, err
}

// part copies one part of the state to the host, under the names of the weights.
func (r *run) part(k int) (odslib.Params, error) {
	flat, err := engine.ToArray(r.state[k])
	if err != nil {
		return nil, err
	}
	return nn.Divide(flat, r.Weights)
}

// spent is the time in seconds of this call and those before.
func (r *run) spent() float64 { return r.before + time.Since(r.began).Seconds() }

func (r *run) close() {
	engine.Free(r.state...)
	r.loop.Close()
}
