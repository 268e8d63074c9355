package priors

import (
	"math/rand/v2"

	"odslab/odslib/engine"
)

// Columns of a training table: four numbers of the step, then the indices of the minibatch and what the task adds, Batch values
// each.
const (
	rowSlot  = iota // where in the buffer of losses
	rowRate         // learning rate
	rowCount        // number of the step, from 1
	rowDecay        // of the average
	rowBatch
)

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

// rows writes the tables. A row depends on settings, seed and the number of its step alone, so that training that goes
// on from a checkpoint sees what it would have seen.
type rows struct {
	batch, samples int
	seed           uint64
	epoch          int
	order          []int // of the samples in the epoch
}

func (r *rows) row(step, slot int, f Fit) []float32 {
	row := make([]float32, rowBatch+r.batch)
	row[rowSlot], row[rowRate], row[rowCount] = float32(slot), float32(f.Rate.At(step)), float32(step+1)
	if f.EMA > 0 { // young averages forget faster, or they would remember the initial weights
		row[rowDecay] = float32(min(f.EMA, float64(1+step)/float64(10+step)))
	}
	for i := range r.batch {
		row[rowBatch+i] = float32(r.sample(step*r.batch + i))
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
