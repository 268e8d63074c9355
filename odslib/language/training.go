package language

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/gomlx/gomlx/core/graph"

	"odslab/odslib"
	"odslab/odslib/engine"
	"odslab/odslib/internal/fit"
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
	Devices    int // over which a batch is spread, which they must divide; 0 means one. See [odslab/odslib/priors.Fit]
}

// leastTime is the least t of training, and with it the largest weight of a token.
const leastTime = 1e-3

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
	m := &LM{Tokenizer: tr.Tokenizer, Length: data.Dim(), Net: tr.Net}
	if m.Weights, err = m.initial(engine.Split(seed, stream+".weights")); err != nil {
		return nil, fmt.Errorf("language training: %w", err)
	}
	weights, err := tr.problem(m, data, seed).Run(ctx, budget, seed, &m.Log)
	err = fit.Named(ctx, "language training", err)
	if weights == nil {
		return nil, err
	}
	m.Weights = weights
	return m, err
}

// stream is that of the random numbers of trainings.
const stream = "language.Training"

// problem is the fitting of m.
func (tr Training) problem(m *LM, data odslib.Array, seed uint64) fit.Problem {
	p := fit.Problem{
		What: "language training", Stream: stream, Weights: m.Weights, Data: odslib.Params{{Name: "data", Value: data}},
		Settings: fit.Settings{Batch: tr.Batch, Rate: tr.Rate, Adam: tr.Adam, Clip: tr.Clip, EMA: tr.EMA, Checkpoint: tr.Checkpoint, Chunk: tr.Chunk, Devices: tr.Devices},
		Same: struct {
			Tokenizer string         `json:"tokenizer"`
			Net       nn.Transformer `json:"net"`
			Prompted  float64        `json:"prompted"`
		}{tr.Tokenizer.CheckSum(), tr.Net, tr.Prompted},
		About: func() (any, error) { return m.describe(), nil },
	}
	if tr.Causal {
		p.Loss = func(b fit.Minibatch) (rng, loss *odslib.Node) {
			return b.RNG, graph.Neg(graph.ReduceAllMean(logProb(m.logits(b.Net, b.X), b.X)))
		}
		return p
	}
	length := data.Dim()
	p.Columns = func(step int) []float32 { return tr.masks(step, length, seed) }
	p.Loss = func(b fit.Minibatch) (rng, loss *odslib.Node) {
		x := b.X
		each := func(v *engine.Node) *engine.Node {
			return graph.BroadcastToShape(graph.ExpandAxes(v, -1), x.Shape())
		}
		rng, u := engine.RandomUniform(b.RNG, x.Shape().Dimensions...)
		at := graph.Iota(x.Graph(), x.Shape(), 1)
		masked := graph.LogicalAnd(graph.LessThan(u, each(b.Column(0))), graph.GreaterOrEqual(at, each(b.Column(1))))
		noisy := graph.Where(masked, graph.BroadcastToShape(graph.Const(x.Graph(), float32(m.Tokenizer.Len())), x.Shape()), x)
		miss := graph.Where(masked, graph.Neg(logProb(m.logits(b.Net, noisy), x)), graph.ZerosLike(x))
		// A token that is never masked is known: the mean is over those that may be.
		free := graph.AddScalar(graph.Neg(b.Column(1)), float64(length))
		return rng, graph.ReduceAllMean(graph.Div(graph.ReduceSum(miss, -1), graph.Mul(b.Column(0), free)))
	}
	return p
}

// masks are a step's t of each sequence, and how much of its beginning is never masked.
func (tr Training) masks(step, length int, seed uint64) []float32 {
	b := tr.Batch
	out := make([]float32, 2*b)
	rng := rand.New(rand.NewPCG(engine.Split(seed, stream+".time"), uint64(step)))
	u, places := rng.Float64(), rng.Perm(b) // prompts know nothing of times
	for i := range b {
		_, t := math.Modf(u + float64(i)/float64(b))
		out[i] = float32(math.Max(leastTime, t))
		if float64(places[i]) < tr.Prompted*float64(b) {
			out[b+i] = float32(rng.IntN(length))
			if rng.IntN(2) == 0 {
				out[i] = 1 // all that follows: the pattern of a gap that is filled from left to right
			}
		}
	}
	return out
}
