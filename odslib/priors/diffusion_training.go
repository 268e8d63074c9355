package priors

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/gomlx/gomlx/core/tensors"

	"odslab/odslib"
	"odslab/odslib/diffusion"
	"odslab/odslib/engine"
	"odslab/odslib/nn"
)

var _ odslib.Trainer[odslib.Array, *Diffusion] = Training{}

// Training trains a diffusion prior on data [n, shape…] by denoising score matching (Ho et al. 2020, Song et al. 2021).
// Data whose mean or scale is far from those of values between -1 and 1 are standardised: the network sees them without each
// value's mean and in units of their common standard deviation, and the prior's process is scaled to them.
//
// With the same data, settings and seed the weights are the same to the bit on one engine, however often the work was
// interrupted and went on from its checkpoint.
type Training struct {
	Net       nn.Net          // nil means nn.UNet{} for images [h, w, c], else nn.MLP{}
	Schedule  odslib.Schedule // nil means diffusion.VPCosine{}
	Predicts  diffusion.Parametrisation
	Weighting diffusion.Weighting
	Batch     int     // 0 means 128
	Rate      nn.Rate // zero value: 1e-3 after a warm-up of 100 steps
	Adam      nn.Adam
	Clip      float64 // bound on the gradient's norm; 0 means 1, negative means none
	EMA       float64 // decay of the average that is the result's weights; 0 means .999, negative means no average

	// Checkpoint is a file, named without ending, that is written at the end, on interruption and once a minute, and that
	// training goes on from. Empty means none.
	Checkpoint string
	Chunk      int // steps between two looks at clock, context and observer; 0 means 25, or 10 for images
	Driver     engine.Driver
}

// defaultSteps is what a budget without bounds means.
const defaultSteps = 2000

// minTime keeps training away from t=0, where there is no noise to predict.
const minTime = 1e-3

// saveEvery is the time between two checkpoints.
const saveEvery = time.Minute

// resolve fills in the defaults and checks what the user can get wrong.
func (tr Training) resolve(data odslib.Array) (Training, error) {
	if len(data.Shape) < 2 || data.Len() == 0 || data.Dim() == 0 {
		return tr, fmt.Errorf("training wants data [n, shape…] with at least one sample, got shape %v", data.Shape)
	}
	if data.Len() >= 1<<24 {
		return tr, fmt.Errorf("training takes fewer than %d samples, got %d", 1<<24, data.Len())
	}
	if bad := data.NonFinite(); bad > 0 {
		return tr, fmt.Errorf("%d of %d values of the training data are not finite", bad, len(data.Data))
	}
	if tr.Net == nil {
		tr.Net = nn.MLP{}
		if len(data.Shape) == 4 {
			tr.Net = nn.UNet{}
		}
	}
	if tr.Schedule == nil {
		tr.Schedule = diffusion.VPCosine{}
	}
	if tr.Batch == 0 {
		tr.Batch = 128
	}
	if tr.Chunk == 0 {
		tr.Chunk = engine.DefaultChunk
		if len(data.Shape) == 4 {
			tr.Chunk = 10
		}
	}
	if tr.Clip == 0 {
		tr.Clip = 1
	}
	if tr.EMA == 0 {
		tr.EMA = .999
	}
	switch {
	case tr.Batch < 0 || tr.Chunk < 0:
		return tr, fmt.Errorf("training: Batch and Chunk must be positive, got %d and %d", tr.Batch, tr.Chunk)
	case tr.Rate.Peak < 0:
		return tr, fmt.Errorf("training: the learning rate must be positive, got %g", tr.Rate.Peak)
	case tr.EMA >= 1:
		return tr, fmt.Errorf("training: EMA is a decay below 1, got %g", tr.EMA)
	}
	return tr, nil
}

// Train implements odslib.Trainer. Budget.Steps counts all steps, those of the checkpoint too; a budget without bounds is
// 2000 steps.
func (tr Training) Train(ctx context.Context, data odslib.Array, budget odslib.Budget, seed uint64) (*Diffusion, error) {
	tr, err := tr.resolve(data)
	if err != nil {
		return nil, err
	}
	if budget.Steps < 0 || budget.Minutes < 0 {
		return nil, fmt.Errorf("training: a budget cannot be negative, got %d steps, %g minutes", budget.Steps, budget.Minutes)
	}
	if budget.Steps == 0 {
		budget.Steps = math.MaxInt
		if budget.Minutes == 0 {
			budget.Steps = defaultSteps
		}
	}
	r, err := newRun(tr, data, seed)
	if err != nil {
		return nil, fmt.Errorf("training: %w", err)
	}
	defer r.close()
	err = r.train(ctx, budget)
	if r.state == nil { // the device failed, and the state with it
		return nil, fmt.Errorf("training: %w", err)
	}
	prior, keepErr := r.finish()
	if err == nil {
		err = keepErr
	}
	if err != nil && !errors.Is(err, ctx.Err()) {
		err = fmt.Errorf("training: %w", err)
	}
	return prior, err
}

// run is one call of Train.
type run struct {
	Training
	data   odslib.Array
	seed   uint64
	prior  *Diffusion
	loop   *engine.Loop
	rows   *rows
	state  []*tensors.Tensor
	began  time.Time
	before float64 // seconds spent in earlier calls
}

func newRun(tr Training, data odslib.Array, seed uint64) (*run, error) {
	weights, err := nn.Initial(tr.Net, data.Shape[1:], engine.Split(seed, "priors.Training.weights"))
	if err != nil {
		return nil, err
	}
	e, err := engine.Open()
	if err != nil {
		return nil, err
	}
	mean, scale := standard(data)
	if scale != 0 {
		data = standardised(data, mean, scale)
	}
	r := &run{Training: tr, data: data, seed: seed, began: time.Now(), rows: newRows(tr, data.Len(), seed), prior: &Diffusion{
		Dims: data.Clone().Shape[1:], Net: tr.Net, Weights: weights, Noising: tr.Schedule, Predicts: tr.Predicts, Mean: mean, Scale: scale,
		Log: Log{Seed: seed, Engine: e.Name},
	}}
	if r.prior.Log.Settings, err = r.fingerprint(); err != nil {
		return nil, err
	}
	r.loop = &engine.Loop{Driver: tr.Driver, Chunk: tr.Chunk, Step: engine.Step{
		Params: engine.Params{{Name: "data", Value: data}}, Build: r.step,
	}}
	if err := r.loop.Open(e); err != nil {
		return nil, err
	}
	flat := nn.Join(weights)
	zero := engine.NewArray(flat.Shape...)
	r.state = []*tensors.Tensor{engine.NewArray(tr.Chunk).Tensor(), engine.RNGState(seed, "priors.Training.noise"), flat.Tensor(), zero.Tensor(), zero.Tensor(), flat.Tensor()}
	if tr.Checkpoint != "" {
		if err := r.resume(); err != nil {
			return nil, err
		}
	}
	return r, nil
}

func (r *run) train(ctx context.Context, budget odslib.Budget) error {
	log := &r.prior.Log
	saved := time.Now()
	for log.Steps < budget.Steps {
		table := r.rows.table(log.Steps, min(r.Chunk, budget.Steps-log.Steps))
		state, done, err := r.loop.Run(ctx, r.state, table, nil)
		r.state = state
		if state == nil {
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
		odslib.Notify(ctx, odslib.Progress{
			What: "prior training", Step: log.Steps, Steps: steps, LogZ: math.NaN(), Loss: mean32(log.Loss[max(0, len(log.Loss)-done):]),
		})
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

// read takes the losses of the last steps from the device. A chunk without one finite loss ends the work.
func (r *run) read(done int) error {
	if done == 0 {
		return nil
	}
	losses, err := engine.ToArray(r.state[stateLosses])
	if err != nil {
		return err
	}
	log := &r.prior.Log
	log.Loss = append(log.Loss, losses.Data[:done]...)
	if losses.Slice(0, done).NonFinite() == done {
		return fmt.Errorf("the loss of steps %d to %d is not finite; lower Rate.Peak (%g) or look at the data", log.Steps-done+1, log.Steps, r.Rate.At(log.Steps))
	}
	return nil
}

// standard is the mean of each value and the standard deviation of all, or nil and 0 for data that may stay as they are: means
// within [-1, 1], standard deviation between ¼ and 4.
func standard(data odslib.Array) (mean []float64, scale float64) {
	n, d := float64(data.Len()), data.Dim()
	mean = make([]float64, d)
	for i := range data.Len() {
		for j, v := range data.Row(i) {
			mean[j] += float64(v) / n
		}
	}
	for i := range data.Len() {
		for j, v := range data.Row(i) {
			off := float64(v) - mean[j]
			scale += off * off / n / float64(d)
		}
	}
	scale = math.Sqrt(scale)
	far := scale < .25 || scale > 4
	for _, m := range mean {
		far = far || math.Abs(m) > 1
	}
	if !far {
		return nil, 0
	}
	if scale == 0 { // one sample, over and over
		scale = 1
	}
	return mean, scale
}

func standardised(data odslib.Array, mean []float64, scale float64) odslib.Array {
	out := data.Clone()
	for i := range out.Len() {
		for j, v := range out.Row(i) {
			out.Row(i)[j] = float32((float64(v) - mean[j]) / scale)
		}
	}
	return out
}

// finish turns the state into the prior, and saves it where a checkpoint is wanted.
func (r *run) finish() (*Diffusion, error) {
	log := &r.prior.Log
	log.Seconds = r.spent()
	left := 0
	for _, l := range log.Loss {
		if l-l != 0 {
			left++
		}
	}
	if left > 0 {
		log.Notes = append(log.Notes, fmt.Sprintf("%d steps left out because their gradient was not finite", left))
	}
	var err error
	if r.Checkpoint != "" {
		err = r.save()
	}
	average, e := r.part(stateAverage)
	if e != nil {
		return nil, e
	}
	r.prior.Weights = average
	return r.prior, err
}

// part copies one part of the state to the host, under the names of the weights.
func (r *run) part(k int) (odslib.Params, error) {
	flat, err := engine.ToArray(r.state[k])
	if err != nil {
		return nil, err
	}
	return nn.Divide(flat, r.prior.Weights)
}

// spent is the time in seconds of this call and those before.
func (r *run) spent() float64 { return r.before + time.Since(r.began).Seconds() }

func (r *run) close() {
	engine.Free(r.state...)
	r.loop.Close()
}
