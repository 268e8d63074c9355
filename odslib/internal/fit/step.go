package fit

import (
	"math"
	"math/rand/v2"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"

	"odslab/odslib"
	"odslab/odslib/engine"
	"odslab/odslib/nn"
)

// Columns of the table: four numbers of the step, then the indices of the minibatch where there are data, and a problem's own, Batch
// values each.
const (
	rowSlot  = iota // where in the buffer of losses
	rowRate         // learning rate
	rowCount        // number of the step, from 1
	rowDecay        // of the average
	rowBatch
)

// Parts of the state: the weights are one vector.
const (
	stateLosses = iota
	stateRNG
	stateWeights
	stateMoment1
	stateMoment2
	stateAverage
)

// Minibatch is what a loss sees of a step.
type Minibatch struct {
	Scope   *odslib.Scope // has Params
	Net     *odslib.Scope // has the weights
	Names   []string      // of the weights
	Weights []*odslib.Node
	X       *odslib.Node // rows of the first of Data, with noise of width Bin; nil without data
	RNG     *odslib.Node
	Column  func(j int) *odslib.Node       // [Batch], or a device's share of it, as X has
	Rows    func(name string) *odslib.Node // of other Data
}

// Pick takes the rows of one of Params that a column [Batch] names.
func (b Minibatch) Pick(name string, rows *odslib.Node) *odslib.Node {
	index := graph.ConvertDType(graph.Reshape(rows, rows.Shape().Size(), 1), dtypes.Int32)
	return graph.Gather(engine.Var(b.Scope, rows.Graph(), name), index)
}

// row depends on settings, seed and the number of its step alone, so that training that goes on from a checkpoint sees what it would
// have seen.
func (r *run) row(step, slot int) []float32 {
	row := make([]float32, rowBatch)
	row[rowSlot], row[rowRate], row[rowCount] = float32(slot), float32(r.Rate.At(step)), float32(step+1)
	if r.EMA > 0 { // young averages forget faster, or they would remember the initial weights
		row[rowDecay] = float32(min(r.EMA, float64(1+step)/float64(10+step)))
	}
	if r.epochs.samples > 0 {
		for i := range r.Batch {
			row = append(row, float32(r.epochs.at(step*r.Batch+i)))
		}
	}
	if r.Columns != nil {
		row = append(row, r.Columns(step)...)
	}
	return row
}

// epochs is an endless stream of samples, each epoch a permutation of them.
type epochs struct {
	samples int
	seed    uint64
	epoch   int
	order   []int // in the epoch
}

func (s *epochs) at(k int) int {
	if e := k / s.samples; e != s.epoch {
		s.epoch, s.order = e, rand.New(rand.NewPCG(s.seed, uint64(e))).Perm(s.samples)
	}
	return s.order[k%s.samples]
}

// step is one step of training.
func (r *run) step(scope *engine.Scope, state []*engine.Node, row *engine.Node) []*engine.Node {
	g, first := row.Graph(), 0
	// A device's rows of the minibatch; all make the same update of the gradient of all rows.
	column := func(j int) *engine.Node {
		return engine.Share(engine.Cols(row, rowBatch+j*r.Batch, rowBatch+(j+1)*r.Batch))
	}
	weights, names := nn.Unflatten(state[stateWeights], r.Weights), r.Weights.Names()
	b := Minibatch{Scope: scope, Net: engine.WithParams(scope, "net", names, weights), Names: names, Weights: weights, RNG: state[stateRNG]}
	if len(r.Data) > 0 {
		b.Rows = func(name string) *engine.Node { return b.Pick(name, column(0)) }
		b.X, first = b.Rows(r.Data[0].Name), 1
	}
	b.Column = func(j int) *engine.Node { return column(first + j) }
	if r.Bin > 0 {
		var u *engine.Node
		b.RNG, u = engine.RandomUniform(b.RNG, b.X.Shape().Dimensions...)
		b.X = graph.Add(b.X, graph.MulScalar(graph.AddScalar(u, -.5), r.Bin))
	}
	rng, loss, grads := r.gradient(b)
	all := engine.MeanDevices(nn.Flatten(grads), loss)
	loss = all[1]
	list := func(n *engine.Node) []*engine.Node { return []*engine.Node{n} }
	grad, norm := nn.ClipByGlobalNorm(all[:1], r.Clip)
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

func (p Problem) gradient(b Minibatch) (rng, loss *odslib.Node, grads []*odslib.Node) {
	if p.Gradient != nil {
		return p.Gradient(b)
	}
	rng, loss = p.Loss(b)
	return rng, loss, graph.Gradient(loss, b.Weights...)
}
