package priors

import (
	"math"
	"math/rand/v2"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"

	"odslab/odslib"
	"odslab/odslib/diffusion"
	"odslab/odslib/engine"
	"odslab/odslib/nn"
)

// Columns of a training table: four numbers of the step, then five for every sample of the minibatch.
const (
	rowSlot  = iota // where in the buffer of losses
	rowRate         // learning rate
	rowCount        // number of the step, from 1
	rowDecay        // of the average
	rowBatch        // index, t, α, σ and weight, each Batch values
)

// rows writes the tables. A row depends on settings, seed and the number of its step alone, so that training that goes
// on from a checkpoint sees what it would have seen.
type rows struct {
	Training
	samples int
	seed    uint64
	top     float64 // noisiest time
	epoch   int
	order   []int // of the samples in the epoch
}

func newRows(tr Training, samples int, seed uint64) *rows {
	return &rows{Training: tr, samples: samples, seed: seed, top: diffusion.Start(tr.Schedule), epoch: -1}
}

func (r *rows) table(first, steps int) engine.Table {
	table := make(engine.Table, steps)
	for i := range table {
		table[i] = r.row(first+i, i)
	}
	return table
}

func (r *rows) row(step, slot int) []float32 {
	b := r.Batch
	row := make([]float32, rowBatch+5*b)
	row[rowSlot], row[rowRate], row[rowCount] = float32(slot), float32(r.Rate.At(step)), float32(step+1)
	if r.EMA > 0 { // young averages forget faster, or they would remember the initial weights
		row[rowDecay] = float32(min(r.EMA, float64(1+step)/float64(10+step)))
	}
	times := rand.New(rand.NewPCG(engine.Split(r.seed, "priors.Training.time"), uint64(step)))
	for i := range b {
		// Stratified times: one in each of b equal parts, which evens the loss from step to step.
		t := r.top * (minTime + (1-minTime)*(float64(i)+times.Float64())/float64(b))
		alpha, sigma := r.Schedule.Alpha(t), r.Schedule.Sigma(t)
		for j, v := range [...]float64{float64(r.sample(step*b + i)), t, alpha, sigma, r.Weighting.Weight(r.Predicts, alpha, sigma)} {
			row[rowBatch+j*b+i] = float32(v)
		}
	}
	return row
}

// sample is the k-th sample of the endless stream of epochs, each a permutation of the data.
func (r *rows) sample(k int) int {
	if e := k / r.samples; e != r.epoch {
		r.epoch = e
		r.order = rand.New(rand.NewPCG(engine.Split(r.seed, "priors.Training.order"), uint64(e))).Perm(r.samples)
	}
	return r.order[k%r.samples]
}

// Parts of the training state: the weights are one vector.
const (
	stateLosses = iota
	stateRNG
	stateWeights
	stateMoment1
	stateMoment2
	stateAverage
	stateParts
)

// step is one step of training.
func (r *run) step(scope *engine.Scope, state []*engine.Node, row *engine.Node) []*engine.Node {
	g := row.Graph()
	column := func(j int) *engine.Node { return engine.Cols(row, rowBatch+j*r.Batch, rowBatch+(j+1)*r.Batch) }
	index := graph.ConvertDType(graph.Reshape(column(0), r.Batch, 1), dtypes.Int32)
	x0 := graph.Gather(engine.Var(scope, g, "data"), index)
	at := odslib.Level{T: column(1), Alpha: column(2), Sigma: column(3)}
	rng, noise := engine.RandomNormal(state[stateRNG], x0.Shape().Dimensions...)
	x := graph.Add(graph.Mul(diffusion.PerRow(at.Alpha, x0), x0), graph.Mul(diffusion.PerRow(at.Sigma, x0), noise))

	weights := nn.Unflatten(state[stateWeights], r.prior.Weights)
	out := r.prior.output(engine.WithParams(scope, "net", r.prior.Weights.Names(), weights), x, at)
	miss := graph.Square(graph.Sub(out, r.Predicts.Target(x0, noise, at)))
	loss := graph.ReduceAllMean(graph.Mul(miss, diffusion.PerRow(column(4), miss)))

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
