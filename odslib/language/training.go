package language

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"odslab/odslib"
	"odslab/odslib/engine"
	"odslab/odslib/nn"
)

var _ odslib.Trainer[odslib.Array, *LM] = Training{}

// Training trains a language model on sequences of tokens [n, length]: masked diffusion by the mean of (1/t)·Σ_masked −log p a
// token, t stratified over a batch, or an autoregressive one by −log p. With the same data, settings and seed the weights are the
// same to the bit on one engine, however often the work was interrupted and went on from its checkpoint.
type Training struct {
	Tokenizer Tokenizer
	Net       nn.Transformer // its Longest is the length of the data
	Causal    bool           // an autoregressive model
	// Prompted is the share of sequences of which a beginning of any length is never masked, as in infilling: so the model meets
	// the patterns that a left context makes, which noise alone seldom does. 0 means half, negative none.
	Prompted float64
	Batch    int     // 0 means 64
	Rate     nn.Rate // zero value: 1e-3 after a warm-up of 100 steps
	Adam     nn.Adam // Beta2 0 means .98
	Clip     float64 // bound on the gradient's norm; 0 means 1
	EMA      float64 // decay of the average that is the result's weights; 0 means .995, negative none

	// Checkpoint is a file, named without ending, that is written at the end, on interruption and once a minute, and that training
	// goes on from. Empty means none.
	Checkpoint string
	Chunk      int // steps between two looks at clock, context and observer; 0 means 10
}

// leastTime is the least t of training, and with it the largest weight of a token.
const leastTime = 1e-3

const saveEvery = time.Minute

func (tr Training) resolve(data odslib.Array) (Training, error) {
	if tr.Tokenizer.Len() == 0 {
		return tr, fmt.Errorf("language training: no Tokenizer")
	}
	if len(data.Shape) != 2 || data.Len() == 0 || data.Dim() == 0 {
		return tr, fmt.Errorf("language training wants sequences of tokens [n, length], got shape %v", data.Shape)
	}
	if data.Len() >= 1<<24 {
		return tr, fmt.Errorf("language training takes fewer than %d sequences, got %d", 1<<24, data.Len())
	}
	if err := (&LM{Tokenizer: tr.Tokenizer, Length: data.Dim()}).fits(data); err != nil {
		return tr, fmt.Errorf("language training: %w; was it made by another tokenizer?", err)
	}
	def := func(v *float64, to float64) {
		if *v == 0 {
			*v = to
		}
	}
	def(&tr.Prompted, .5)
	def(&tr.Adam.Beta2, .98)
	def(&tr.Clip, 1)
	def(&tr.EMA, .995)
	if tr.Batch == 0 {
		tr.Batch = 64
	}
	if tr.Chunk == 0 {
		tr.Chunk = 10
	}
	tr.Net.Longest, tr.Net.Causal = data.Dim(), tr.Causal
	switch {
	case tr.Batch < 0 || tr.Chunk < 0:
		return tr, fmt.Errorf("language training: Batch and Chunk must be positive, got %d and %d", tr.Batch, tr.Chunk)
	case tr.EMA >= 1 || tr.Prompted > 1:
		return tr, fmt.Errorf("language training: EMA is a decay below 1 and Prompted a share, got %g and %g", tr.EMA, tr.Prompted)
	}
	return tr, nil
}

// Train implements odslib.Trainer. Budget.Steps counts all steps, those of the checkpoint too; a budget without bounds is 2000 steps.
func (tr Training) Train(ctx context.Context, data odslib.Array, budget odslib.Budget, seed uint64) (*LM, error) {
	tr, err := tr.resolve(data)
	if err != nil {
		return nil, err
	}
	if budget.Steps < 0 || budget.Minutes < 0 {
		return nil, fmt.Errorf("language training: a budget cannot be negative, got %d steps, %g minutes", budget.Steps, budget.Minutes)
	}
	if budget.Steps == 0 {
		budget.Steps = math.MaxInt
		if budget.Minutes == 0 {
			budget.Steps = 2000
		}
	}
	r, err := newRun(tr, data, seed)
	if err != nil {
		return nil, fmt.Errorf("language training: %w", err)
	}
	defer r.close()
	err = r.train(ctx, budget)
	if r.state == nil { // the device failed, and the state with it
		return nil, fmt.Errorf("language training: %w", err)
	}
	lm, keepErr := r.finish()
	if err == nil {
		err = keepErr
	}
	if err != nil && !errors.Is(err, ctx.Err()) {
		err = fmt.Errorf("language training: %w", err)
	}
	return lm, err
}

// run is one call of Train.
type run struct {
	Training
	data   odslib.Array
	seed   uint64
	lm     *LM
	loop   *engine.Loop
	state  []*tensors.Tensor
	began  time.Time
	before float64 // seconds spent in earlier calls
	epoch  int
	order  []int // of the sequences in the epoch
}

// Parts of the training state: the weights are one vector.
const (
	stateLosses = iota
	stateRNG
	stateWeights
	stateMoment1
	stateMoment2
	stateAverage
)

func newRun(tr Training, data odslib.Array, seed uint64) (*run, error) {
	e, err := engine.Open()
	if err != nil {
		return nil, err
	}
	r := &run{Training: tr, data: data, seed: seed, began: time.Now(), epoch: -1, lm: &LM{
		Tokenizer: tr.Tokenizer, Length: data.Dim(), Net: tr.Net, Log: Log{Seed: seed, Engine: e.Name},
	}}
	if r.lm.Weights, err = r.lm.initial(engine.Split(seed, "language.Training.weights")); err != nil {
		return nil, err
	}
	if r.lm.Log.Settings, err = r.settings(); err != nil {
		return nil, err
	}
	r.loop = &engine.Loop{Chunk: tr.Chunk, Step: engine.Step{Params: engine.Params{{Name: "data", Value: data}}, Build: r.step}}
	if err := r.loop.Open(e); err != nil {
		return nil, err
	}
	flat := nn.Join(r.lm.Weights)
	zero := engine.NewArray(flat.Shape...)
	r.state = []*tensors.Tensor{engine.NewArray(tr.Chunk).Tensor(), engine.RNGState(seed, "language.Training.noise"), flat.Tensor(), zero.Tensor(), zero.Tensor(), flat.Tensor()}
	if tr.Checkpoint != "" {
		if err := r.resume(); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// Columns of the table: four numbers of the step, then three for each sequence of the minibatch.
const (
	rowSlot  = iota // where in the buffer of losses
	rowRate         // learning rate
	rowCount        // number of the step, from 1
	rowDecay        // of the average
	rowBatch        // index, t and how much of the beginning is never masked, Batch values each
)

// row depends on settings, seed and the number of its step alone, so that training that goes on from a checkpoint sees what it
// would have seen.
func (r *run) row(step, slot int) []float32 {
	b := r.Batch
	row := make([]float32, rowBatch+3*b)
	row[rowSlot], row[rowRate], row[rowCount] = float32(slot), float32(r.Rate.At(step)), float32(step+1)
	if r.EMA > 0 { // young averages forget faster, or they would remember the initial weights
		row[rowDecay] = float32(min(r.EMA, float64(1+step)/float64(10+step)))
	}
	rng := rand.New(rand.NewPCG(engine.Split(r.seed, "language.Training.time"), uint64(step)))
	u, places := rng.Float64(), rng.Perm(b) // prompts know nothing of times
	for i := range b {
		_, t := math.Modf(u + float64(i)/float64(b))
		row[rowBatch+i] = float32(r.sample(step*b + i))
		row[rowBatch+b+i] = float32(math.Max(leastTime, t))
		if float64(places[i]) < r.Prompted*float64(b) {
			row[rowBatch+2*b+i] = float32(rng.IntN(r.data.Dim()))
			if rng.IntN(2) == 0 {
				row[rowBatch+b+i] = 1 // all that follows: the pattern of a gap that is filled from left to right
			}
		}
	}
	return row
}

// sample is the k-th sequence of the endless stream of epochs, each a permutation of the data.
func (r *run) sample(k int) int {
	if e := k / r.data.Len(); e != r.epoch {
		r.epoch = e
		r.order = rand.New(rand.NewPCG(engine.Split(r.seed, "language.Training.order"), uint64(e))).Perm(r.data.Len())
	}
	return r.order[k%r.data.Len()]
}

// step is one step of training.
func (r *run) step(scope *engine.Scope, state []*engine.Node, row *engine.Node) []*engine.Node {
	g, length := row.Graph(), r.data.Dim()
	column := func(j int) *engine.Node { return engine.Cols(row, rowBatch+j*r.Batch, rowBatch+(j+1)*r.Batch) }
	index := graph.ConvertDType(graph.Reshape(column(0), r.Batch, 1), dtypes.Int32)
	x := graph.Gather(engine.Var(scope, g, "data"), index)
	weights := nn.Unflatten(state[stateWeights], r.lm.Weights)
	net := engine.WithParams(scope, "net", r.lm.Weights.Names(), weights)
	rng := state[stateRNG]
	var loss *engine.Node
	if r.Causal {
		loss = graph.Neg(graph.ReduceAllMean(logProb(r.lm.logits(net, x), x)))
	} else {
		each := func(v *engine.Node) *engine.Node {
			return graph.BroadcastToShape(graph.ExpandAxes(v, -1), x.Shape())
		}
		var u *engine.Node
		rng, u = engine.RandomUniform(rng, r.Batch, length)
		at := graph.Iota(g, x.Shape(), 1)
		masked := graph.LogicalAnd(graph.LessThan(u, each(column(1))), graph.GreaterOrEqual(at, each(column(2))))
		noisy := graph.Where(masked, graph.BroadcastToShape(graph.Const(g, float32(r.lm.Tokenizer.Len())), x.Shape()), x)
		miss := graph.Where(masked, graph.Neg(logProb(r.lm.logits(net, noisy), x)), graph.ZerosLike(x))
		// A token that is never masked is known: the mean is over those that may be.
		free := graph.AddScalar(graph.Neg(column(2)), float64(length))
		loss = graph.ReduceAllMean(graph.Div(graph.ReduceSum(miss, -1), graph.Mul(column(1), free)))
	}
	list := func(n *engine.Node) []*engine.Node { return []*engine.Node{n} }
	grad, norm := nn.ClipByGlobalNorm(list(nn.Flatten(graph.Gradient(loss, weights...))), r.Clip)
	w, m, v := r.Adam.Update(list(state[stateWeights]), list(state[stateMoment1]), list(state[stateMoment2]), grad,
		engine.Col(row, rowRate), engine.Col(row, rowCount))
	average := nn.EMA(list(state[stateAverage]), w, engine.Col(row, rowDecay))

	// A step whose gradient is not finite is left out, and its loss is kept as NaN so that it is counted.
	fine := graph.IsFinite(norm)
	loss = graph.Where(fine, loss, graph.Const(g, float32(math.NaN())))
	losses := state[stateLosses]
	slot := graph.Equal(graph.Iota(g, losses.Shape(), 0), graph.BroadcastToShape(engine.Col(row, rowSlot), losses.Shape()))
	next := []*engine.Node{graph.Where(slot, graph.BroadcastToShape(loss, losses.Shape()), losses), rng}
	return append(next, nn.Select(fine, []*engine.Node{w[0], m[0], v[0], average[0]}, state[stateWeights:])...)
}

func (r *run) train(ctx context.Context, budget odslib.Budget) error {
	log, saved := &r.lm.Log, time.Now()
	for log.Steps < budget.Steps {
		table := make(engine.Table, min(r.Chunk, budget.Steps-log.Steps))
		for i := range table {
			table[i] = r.row(log.Steps+i, i)
		}
		state, done, err := r.loop.Run(ctx, r.state, table, nil)
		if r.state = state; state == nil {
			return err
		}
		log.Steps += done
		if done > 0 {
			losses, e := engine.ToArray(r.state[stateLosses])
			if e != nil {
				return e
			}
			log.Loss = append(log.Loss, losses.Data[:done]...)
			if losses.Slice(0, done).NonFinite() == done {
				return fmt.Errorf("the loss of steps %d to %d is not finite; lower Rate.Peak", log.Steps-done+1, log.Steps)
			}
		}
		if err != nil {
			return err
		}
		steps := budget.Steps
		if steps == math.MaxInt {
			steps = 0
		}
		odslib.Notify(ctx, odslib.Progress{What: "language training", Step: log.Steps, Steps: steps, LogZ: math.NaN(), Loss: finiteMean(log.Loss[max(0, len(log.Loss)-done):])})
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

// finish turns the state into the model, and saves it where a checkpoint is wanted.
func (r *run) finish() (*LM, error) {
	log := &r.lm.Log
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
	r.lm.Weights = average
	return r.lm, err
}

// part copies one part of the state to the host, under the names of the weights.
func (r *run) part(k int) (odslib.Params, error) {
	flat, err := engine.ToArray(r.state[k])
	if err != nil {
		return nil, err
	}
	return nn.Divide(flat, r.lm.Weights)
}

// spent is the time in seconds of this call and those before.
func (r *run) spent() float64 { return r.before + time.Since(r.began).Seconds() }

func (r *run) close() {
	engine.Free(r.state...)
	r.loop.Close()
}
