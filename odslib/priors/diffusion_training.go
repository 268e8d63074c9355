package priors

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"

	"github.com/gomlx/gomlx/core/graph"

	"odslab/odslib"
	"odslab/odslib/diffusion"
	"odslab/odslib/engine"
	"odslab/odslib/internal/fit"
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
	Bin       float64 // width of a step of quantised data, see Fit

	// Given are conditions [n, c], a row for each sample: the prior is then one of samples given those. Of the rows, Drop (0 means
	// .1, negative none) are trained without, so that the prior knows all samples together too and can be guided.
	Given odslib.Array
	Drop  float64

	// Checkpoint is a file, named without ending, that is written at the end, on interruption and once a minute, and that
	// training goes on from. Empty means none.
	Checkpoint string
	Chunk      int // steps between two looks at clock, context and observer; 0 means 25, or 10 for images
	Driver     engine.Driver
	Devices    int // over which a batch is spread, see Fit
}

// minTime keeps training away from t=0, where there is no noise to predict.
const minTime = 1e-3

// fit is the part of the settings that all priors have.
func (tr Training) fit() Fit {
	return Fit{
		Batch: tr.Batch, Rate: tr.Rate, Adam: tr.Adam, Clip: tr.Clip, EMA: tr.EMA, Bin: tr.Bin,
		Checkpoint: tr.Checkpoint, Chunk: tr.Chunk, Driver: tr.Driver, Devices: tr.Devices,
	}
}

// Train implements odslib.Trainer. Budget.Steps counts all steps, those of the checkpoint too; a budget without bounds is
// 2000 steps.
func (tr Training) Train(ctx context.Context, data odslib.Array, budget odslib.Budget, seed uint64) (*Diffusion, error) {
	f, err := tr.fit().resolve(data)
	if err != nil {
		return nil, err
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
	d := &Diffusion{Dims: data.Clone().Shape[1:], Net: tr.Net, Noising: tr.Schedule, Predicts: tr.Predicts}
	if len(tr.Given.Data) > 0 {
		if len(tr.Given.Shape) != 2 || tr.Given.Len() != data.Len() || tr.Given.NonFinite() > 0 {
			return nil, fmt.Errorf("training: Given wants a row of finite conditions for each of %d samples, [n, c]; its shape is %v", data.Len(), tr.Given.Shape)
		}
		d.Given = tr.Given.Dim()
	}
	if tr.Drop == 0 {
		tr.Drop = .1
	}
	if tr.Drop >= 1 {
		return nil, fmt.Errorf("training: Drop is the share of rows that are trained without conditions, below 1; got %g", tr.Drop)
	}
	if d.Weights, err = nn.InitialGiven(tr.Net, d.Dims, d.Given, engine.Split(seed, stream+".weights")); err != nil {
		return nil, fmt.Errorf("training: %w", err)
	}
	if d.Mean, d.Scale = standard(data); d.Scale != 0 {
		data = standardised(data, d.Mean, d.Scale)
		f.Bin /= d.Scale
	}
	p, err := tr.problem(d, data, f.Batch, seed)
	if err != nil {
		return nil, fmt.Errorf("training: %w", err)
	}
	p.Settings = fit.Settings(f)
	weights, err := p.Run(ctx, budget, seed, &d.Log)
	err = fit.Named(ctx, "training", err)
	if weights == nil {
		return nil, err
	}
	d.Weights = weights
	return d, err
}

// problem is denoising score matching of d.
func (tr Training) problem(d *Diffusion, data odslib.Array, batch int, seed uint64) (p fit.Problem, err error) {
	settings := struct {
		Net       json.RawMessage `json:"net"`
		Schedule  json.RawMessage `json:"schedule"`
		Predicts  string          `json:"predicts"`
		Weighting string          `json:"weighting"`
		Drop      float64         `json:"drop,omitempty"`
	}{Predicts: tr.Predicts.String(), Weighting: tr.Weighting.String()}
	all := odslib.Params{{Name: "data", Value: data}}
	if d.Given > 0 {
		settings.Drop = tr.Drop
		all = append(all, engine.Param{Name: "given", Value: tr.Given})
	}
	if settings.Net, err = nn.Encode(tr.Net); err != nil {
		return p, err
	}
	if settings.Schedule, err = diffusion.EncodeSchedule(tr.Schedule); err != nil {
		return p, err
	}
	top := diffusion.Start(tr.Schedule) // noisiest time
	return fit.Problem{
		What: "prior training", Stream: stream, Weights: d.Weights, Data: all, Same: settings,
		About: func() (any, error) { return d.describe() },
		Columns: func(step int) []float32 { // t, α, σ and weight
			out := make([]float32, 4*batch)
			times := rand.New(rand.NewPCG(engine.Split(seed, stream+".time"), uint64(step)))
			for i := range batch {
				// Stratified times: one in each of b equal parts, which evens the loss from step to step.
				t := top * (minTime + (1-minTime)*(float64(i)+times.Float64())/float64(batch))
				alpha, sigma := tr.Schedule.Alpha(t), tr.Schedule.Sigma(t)
				for j, v := range [...]float64{t, alpha, sigma, tr.Weighting.Weight(tr.Predicts, alpha, sigma)} {
					out[j*batch+i] = float32(v)
				}
			}
			return out
		},
		Loss: func(b fit.Minibatch) (rng, loss *odslib.Node) {
			at := odslib.Level{T: b.Column(0), Alpha: b.Column(1), Sigma: b.Column(2)}
			rng = b.RNG
			if d.Given > 0 {
				var u *odslib.Node
				rng, u = engine.RandomUniform(rng, b.X.Shape().Dimensions[0])
				given := b.Rows("given")
				keep := graph.GreaterOrEqual(u, graph.MulScalar(graph.OnesLike(u), tr.Drop))
				at.Given = graph.Mul(given, diffusion.PerRow(graph.ConvertDType(keep, u.DType()), given))
			}
			rng, noise := engine.RandomNormal(rng, b.X.Shape().Dimensions...)
			x := graph.Add(graph.Mul(diffusion.PerRow(at.Alpha, b.X), b.X), graph.Mul(diffusion.PerRow(at.Sigma, b.X), noise))
			miss := graph.Square(graph.Sub(d.output(b.Net, x, at), tr.Predicts.Target(b.X, noise, at)))
			return rng, graph.ReduceAllMean(graph.Mul(miss, diffusion.PerRow(b.Column(3), miss)))
		},
	}, nil
}
