package priors

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"odslab/odslib"
	"odslab/odslib/engine"
	"odslab/odslib/nn"
)

// defaultSteps is what a budget without bounds means.
const defaultSteps = 2000

// saveEvery is the time between two checkpoints.
const saveEvery = time.Minute

// patience is how many losses in a row may be no numbers: a step whose gradient is not finite is left out, and when the last
// this many were, the weights stand still and training ends.
const patience = 10

// task is what one family of priors brings to its training.
type task struct {
	what     string
	weights  odslib.Params            // at the start
	settings any                      // a struct: what must be the same for training to go on, besides Fit, seed and data
	data     odslib.Params            // further data, a row for each sample
	columns  func(step int) []float32 // of a row behind the indices: Batch values for each column; nil for none
	gradient func(b minibatch) (rng, loss *odslib.Node, grads []*odslib.Node)
	about    func() (any, error) // of a file
}

// minibatch is what gradient sees of a step.
type minibatch struct {
	scope   *odslib.Scope // has the weights
	names   []string      // of the weights
	weights []*odslib.Node
	x       *odslib.Node // [Batch, shape…]
	rng     *odslib.Node
	column  func(j int) *odslib.Node       // [Batch]
	data    func(name string) *odslib.Node // the minibatch's rows of further data
}

// fitting is one call of Train.
type fitting struct {
	Fit
	task
	x      odslib.Array
	seed   uint64
	log    *Log
	loop   *engine.Loop
	rows   *rows
	state  []*tensors.Tensor
	began  time.Time
	before float64 // seconds spent in earlier calls
}

// fit trains, and returns the averaged weights; log is the prior's. x is standardised and f resolved. Without weights the
// device has failed. Errors other than the context's begin with "training:".
func fit(ctx context.Context, f Fit, t task, x odslib.Array, budget odslib.Budget, seed uint64, log *Log) (odslib.Params, error) {
	budget, err := bounded(budget)
	if err != nil {
		return nil, err
	}
	r := &fitting{Fit: f, task: t, x: x, seed: seed, log: log, began: time.Now(), rows: &rows{batch: f.Batch, samples: x.Len(), seed: seed, epoch: -1}}
	if err := r.open(); err != nil {
		return nil, fmt.Errorf("training: %w", err)
	}
	defer r.close()
	err = r.train(ctx, budget)
	if r.state == nil { // the device failed, and the state with it
		return nil, fmt.Errorf("training: %w", err)
	}
	weights, keepErr := r.finish()
	if err == nil {
		err = keepErr
	}
	if err != nil && !errors.Is(err, ctx.Err()) {
		err = fmt.Errorf("training: %w", err)
	}
	return weights, err
}

func (r *fitting) open() error {
	e, err := engine.Open()
	if err != nil {
		return err
	}
	*r.log = Log{Seed: r.seed, Engine: e.Name}
	if r.log.Settings, err = r.fingerprint(); err != nil {
		return err
	}
	data := append(odslib.Params{{Name: "data", Value: r.x}}, r.data...)
	r.loop = &engine.Loop{Driver: r.Driver, Chunk: r.Chunk, Step: engine.Step{Params: data, Build: r.step}}
	if err := r.loop.Open(e); err != nil {
		return err
	}
	flat := nn.Join(r.weights)
	zero := engine.NewArray(flat.Shape...)
	r.state = []*tensors.Tensor{engine.NewArray(r.Chunk).Tensor(), engine.RNGState(r.seed, "priors.Training.noise"), flat.Tensor(), zero.Tensor(), zero.Tensor(), flat.Tensor()}
	if r.Checkpoint != "" {
		return r.resume()
	}
	return nil
}

// fingerprint is the settings of the run as JSON: those of the task, then the others.
func (r *fitting) fingerprint() (string, error) {
	own, err := json.Marshal(r.settings)
	if err != nil {
		return "", err
	}
	sum := engine.CheckSum(r.x)
	for _, p := range r.data {
		sum += ", " + p.Name + " " + engine.CheckSum(p.Value)
	}
	others, err := json.Marshal(struct {
		Batch int     `json:"batch"`
		Rate  nn.Rate `json:"rate"`
		Adam  nn.Adam `json:"adam"`
		Clip  float64 `json:"clip"`
		EMA   float64 `json:"ema"`
		Bin   float64 `json:"bin,omitempty"`
		Seed  uint64  `json:"seed"`
		Data  string  `json:"data"`
	}{r.Batch, r.Rate, r.Adam, r.Clip, r.EMA, r.Bin, r.seed, fmt.Sprintf("%v, %s", r.x.Shape, sum)})
	return string(own[:len(own)-1]) + "," + string(others[1:]), err
}

func (r *fitting) train(ctx context.Context, budget odslib.Budget) error {
	log, saved := r.log, time.Now()
	for log.Steps < budget.Steps {
		table := r.table(log.Steps, min(r.Chunk, budget.Steps-log.Steps))
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
			What: r.what, Step: log.Steps, Steps: steps, LogZ: math.NaN(), Loss: mean32(log.Loss[max(0, len(log.Loss)-done):]),
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

// read takes the losses of the last steps from the device, and ends the work where they are no numbers any more.
func (r *fitting) read(done int) error {
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

// table is the rows of some steps.
func (r *fitting) table(first, steps int) engine.Table {
	table := make(engine.Table, steps)
	for i := range table {
		table[i] = r.rows.row(first+i, i, r.Fit)
		if r.columns != nil {
			table[i] = append(table[i], r.columns(first+i)...)
		}
	}
	return table
}

// step is one step of training.
func (r *fitting) step(scope *engine.Scope, state []*engine.Node, row *engine.Node) []*engine.Node {
	g := row.Graph()
	column := func(j int) *engine.Node { return engine.Cols(row, rowBatch+j*r.Batch, rowBatch+(j+1)*r.Batch) }
	index := graph.ConvertDType(graph.Reshape(column(0), r.Batch, 1), dtypes.Int32)
	weights := nn.Unflatten(state[stateWeights], r.weights)
	x, rng := graph.Gather(engine.Var(scope, g, "data"), index), state[stateRNG]
	if r.Bin > 0 {
		var u *engine.Node
		rng, u = engine.RandomUniform(rng, x.Shape().Dimensions...)
		x = graph.Add(x, graph.MulScalar(graph.AddScalar(u, -.5), r.Bin))
	}
	rng, loss, grads := r.gradient(minibatch{
		scope: engine.WithParams(scope, "net", r.weights.Names(), weights), names: r.weights.Names(), weights: weights, rng: rng, x: x,
		column: func(j int) *engine.Node { return column(1 + j) },
		data:   func(name string) *engine.Node { return graph.Gather(engine.Var(scope, g, name), index) },
	})
	list := func(n *engine.Node) []*engine.Node { return []*engine.Node{n} }
	grad, norm := nn.ClipByGlobalNorm(list(nn.Flatten(grads)), r.Clip)
	w, m, v := r.Adam.Update(list(state[stateWeights]), list(state[stateMoment1]), list(state[stateMoment2]), grad,
		engine.Col(row, rowRate), engine.Col(row, rowCount))
	average := nn.EMA(list(state[stateAverage]), w, engine.Col(row, rowDecay))

	// A step whose gradient is not finite is left out, and its loss is kept as NaN so that it is counted.
	fine := graph.And(graph.IsFinite(norm), graph.IsFinite(loss))
	loss = graph.Where(fine, loss, graph.Const(g, float32(math.NaN())))
	losses := state[stateLosses]
	slot := graph.Equal(graph.Iota(g, losses.Shape(), 0), graph.BroadcastToShape(engine.Col(row, rowSlot), losses.Shape()))
	next := []*engine.Node{graph.Where(slot, graph.BroadcastToShape(loss, losses.Shape()), losses), rng}
	return append(next, nn.Select(fine, []*engine.Node{w[0], m[0], v[0], average[0]}, state[stateWeights:])...)
}

// finish takes the averaged weights, and saves the state where a checkpoint is wanted.
func (r *fitting) finish() (odslib.Params, error) {
	log := r.log
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
	return average, err
}

// part copies one part of the state to the host, under the names of the weights.
func (r *fitting) part(k int) (odslib.Params, error) {
	flat, err := engine.ToArray(r.state[k])
	if err != nil {
		return nil, err
	}
	return nn.Divide(flat, r.weights)
}

// spent is the time in seconds of this call and those before.
func (r *fitting) spent() float64 { return r.before + time.Since(r.began).Seconds() }

func (r *fitting) close() {
	engine.Free(r.state...)
	r.loop.Close()
}
