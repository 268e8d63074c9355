package priors

import (
	"context"
	"fmt"
	"slices"

	"github.com/gomlx/gomlx/core/graph"

	"odslab/odslib"
	"odslab/odslib/checkpoint"
	"odslab/odslib/diffusion"
	"odslab/odslib/engine"
	"odslab/odslib/nn"
)

var (
	_ odslib.Diffusion    = (*Diffusion)(nil)
	_ odslib.Parametrised = (*Diffusion)(nil)
	_ odslib.Moments      = (*Diffusion)(nil)
	_ odslib.Conditional  = (*Diffusion)(nil)
)

// Diffusion is a trained diffusion prior: a network, its weights and the noise process it knows. It is made by
// [Training] or [Load].
type Diffusion struct {
	Dims     []int // shape of one sample
	Net      nn.Net
	Weights  odslib.Params
	Noising  odslib.Schedule // of standardised data
	Predicts diffusion.Parametrisation
	Mean     []float64       // of each value of the data, flat; nil means 0
	Scale    float64         // of the data, their standard deviation; 0 means 1
	Sampling diffusion.Chain // how Sample runs; the zero value is 100 ancestral steps
	Log      Log

	// Given is how many conditions the network takes: the columns of Level.Given, a class as one 1 among zeros. Rows of zeros, or
	// none at all, are samples of all classes. Guidance w>0 moves x̂0 to (1+w)·x̂0(given) − w·x̂0(none) (Ho & Salimans 2207.12598), two
	// evaluations in one batch; it sharpens, and is no longer the law of the data.
	Given    int
	Guidance float64
}

// Conditions implements odslib.Conditional.
func (d *Diffusion) Conditions() int { return d.Given }

// Log is what training left behind.
type Log = checkpoint.Log

// Shape implements odslib.Prior.
func (d *Diffusion) Shape() []int { return slices.Clone(d.Dims) }

// Schedule implements odslib.Diffusion: Noising at the scale of the data.
func (d *Diffusion) Schedule() odslib.Schedule {
	if d.Noising == nil || d.Scale == 0 {
		return d.Noising
	}
	return diffusion.Scaled{Of: d.Noising, By: d.Scale}
}

// Params implements odslib.Parametrised: the weights, and mean and scale of the data where they are not 0 and 1.
func (d *Diffusion) Params() odslib.Params {
	if d.Scale == 0 {
		return d.Weights
	}
	mean, _ := d.Moments()
	return append(d.Weights[:len(d.Weights):len(d.Weights)], engine.Param{Name: "data/mean", Value: engine.FromVector(mean).Reshape(d.Dims...)},
		engine.Param{Name: "data/scale", Value: odslib.Array{Data: []float32{float32(d.Scale)}}})
}

// Moments implements odslib.Moments; the standard deviation is that of all values together.
func (d *Diffusion) Moments() (mean, std []float64) {
	n := engine.NewArray(append([]int{1}, d.Dims...)...).Dim()
	mean, std = make([]float64, n), make([]float64, n)
	copy(mean, d.Mean)
	for i := range std {
		std[i] = 1
		if d.Scale != 0 {
			std[i] = d.Scale
		}
	}
	return mean, std
}

// Denoise implements odslib.Diffusion: one evaluation of the network, at standardised data u = (x − α·mean)/scale.
func (d *Diffusion) Denoise(scope *odslib.Scope, x *odslib.Node, at odslib.Level) *odslib.Node {
	if d.Scale == 0 {
		return d.denoise(scope, x, at)
	}
	mean, scale := engine.Var(scope.At("data"), x.Graph(), "mean"), engine.Var(scope.At("data"), x.Graph(), "scale")
	mean, scale = graph.BroadcastToShape(graph.ExpandAxes(mean, 0), x.Shape()), graph.BroadcastToShape(scale, x.Shape())
	sigma := engine.Var(scope.At("data"), x.Graph(), "scale")
	if c := diffusion.Common(at); c.Sigma.Shape().Dimensions[0] == 1 { // so that the network sees one level for all, too
		at.Sigma = graph.BroadcastToDims(graph.Div(graph.Reshape(c.Sigma), sigma), at.T.Shape().Dimensions[0])
	} else {
		at.Sigma = graph.Div(at.Sigma, graph.BroadcastToShape(sigma, at.Sigma.Shape()))
	}
	u := graph.Div(graph.Sub(x, graph.Mul(diffusion.PerRow(at.Alpha, x), mean)), scale)
	return graph.Add(mean, graph.Mul(scale, d.denoise(scope, u, at)))
}

func (d *Diffusion) denoise(scope *odslib.Scope, x *odslib.Node, at odslib.Level) *odslib.Node {
	out := d.guided(scope.ResetVisited(), x, at)
	return d.Predicts.ToX0(graph.Mul(out, diffusion.PerRow(d.Predicts.Unit(at), x)), x, at)
}

// guided is the network's output under the level's conditions. All parametrisations are affine in x̂0 at equal x, so guidance
// of the output is that of x̂0.
func (d *Diffusion) guided(scope *odslib.Scope, x *odslib.Node, at odslib.Level) *odslib.Node {
	if d.Given == 0 {
		return d.output(scope, x, at)
	}
	n := x.Shape().Dimensions[0]
	none := graph.Zeros(x.Graph(), engine.Float32(n, d.Given))
	if at.Given == nil {
		at.Given = none
		return d.output(scope, x, at)
	}
	if d.Guidance == 0 {
		return d.output(scope, x, at)
	}
	twice := func(a, b *odslib.Node) *odslib.Node { return graph.Concatenate([]*odslib.Node{a, b}, 0) }
	both := odslib.Level{Given: twice(at.Given, none)}
	if c := diffusion.Common(at); c.T.Shape().Dimensions[0] == 1 {
		wide := func(v *odslib.Node) *odslib.Node { return graph.BroadcastToDims(graph.Reshape(v), 2*n) }
		both.T, both.Alpha, both.Sigma = wide(c.T), wide(c.Alpha), wide(c.Sigma)
	} else {
		both.T, both.Alpha, both.Sigma = twice(at.T, at.T), twice(at.Alpha, at.Alpha), twice(at.Sigma, at.Sigma)
	}
	out := d.output(scope, twice(x, x), both)
	with, without := graph.Slice(out, graph.AxisRange(0, n)), graph.Slice(out, graph.AxisRange(n, 2*n))
	return graph.Add(with, graph.MulScalar(graph.Sub(with, without), d.Guidance))
}

// output is what the network says, in units of its parametrisation. It sees x at the scale of data of unit variance,
// whatever the schedule.
func (d *Diffusion) output(scope *odslib.Scope, x *odslib.Node, at odslib.Level) *odslib.Node {
	scale := graph.Sqrt(graph.Add(graph.Square(at.Alpha), graph.Square(at.Sigma)))
	return d.Net.Apply(scope, graph.Div(x, diffusion.PerRow(scale, x)), at)
}

// Sample implements odslib.Prior: a run of the reverse process as Sampling says.
func (d *Diffusion) Sample(ctx context.Context, n int, seed uint64) (odslib.Array, error) {
	if err := d.Err(); err != nil {
		return odslib.Array{}, err
	}
	return d.Sampling.Run(ctx, d, n, seed)
}

// Err says what is missing for the prior to be used.
func (d *Diffusion) Err() error {
	if d == nil || d.Net == nil || d.Noising == nil || len(d.Weights) == 0 {
		return fmt.Errorf("this diffusion prior is not trained; make one by priors.Training or priors.Load")
	}
	return nil
}

// String says what the prior is, in a line.
func (d *Diffusion) String() string {
	if d.Err() != nil {
		return "untrained diffusion prior"
	}
	return fmt.Sprintf("diffusion prior over %v: %T, %d weights, %s of %T, %d steps", d.Dims, d.Net, d.Weights.Size(), d.Predicts, d.Noising, d.Log.Steps) + d.Log.Recent()
}

// heldOutLevels are the noise levels of HeldOutLoss, the middles of as many equal parts of the time axis.
const heldOutLevels = 32

// HeldOutLoss is the denoising loss of a prior on data: the mean over a fixed grid of times and fixed noise of
// ‖x̂0−x_0‖²·(α²+σ²)/σ² per value, which is the squared error of v in units of √(α²+σ²), at the scale of the prior's process.
// Pure noise of the data's mean and variance 1 would be predicted at 1. The noise depends on seed alone, so that priors can be compared.
func HeldOutLoss(prior odslib.Diffusion, data odslib.Array, seed uint64) (float64, error) {
	if !slices.Equal(data.Shape[min(1, len(data.Shape)):], prior.Shape()) || data.Len() == 0 {
		return 0, fmt.Errorf("held-out loss: data of shape %v do not fit a prior over %v", data.Shape, prior.Shape())
	}
	e, err := engine.Open()
	if err != nil {
		return 0, err
	}
	var params odslib.Params
	if p, ok := prior.(odslib.Parametrised); ok {
		params = p.Params()
	}
	batch := min(data.Len(), 256)
	program, err := engine.NewProgram(e, params, func(scope *engine.Scope, in []*engine.Node) []*engine.Node {
		x0, eps := in[0], in[1]
		level := func(x *engine.Node) *engine.Node { return graph.BroadcastToDims(x, batch) }
		at := odslib.Level{T: level(in[2]), Alpha: level(in[3]), Sigma: level(in[4])}
		x := graph.Add(graph.Mul(diffusion.PerRow(at.Alpha, x0), x0), graph.Mul(diffusion.PerRow(at.Sigma, x0), eps))
		d := graph.Square(graph.Sub(prior.Denoise(scope, x, at), x0))
		return []*engine.Node{graph.ReduceMean(graph.Reshape(d, batch, -1), 1)}
	})
	if err != nil {
		return 0, err
	}
	defer program.Close()
	sch, sum, n, by := prior.Schedule(), 0., 0, 1.
	if s, ok := sch.(diffusion.Scaled); ok && s.By != 0 {
		by = s.By
	}
	for k := range heldOutLevels {
		t := diffusion.Start(sch) * (float64(k) + .5) / heldOutLevels
		a, s := sch.Alpha(t), sch.Sigma(t)
		rng := engine.RNG(seed, fmt.Sprintf("priors.HeldOutLoss.%d", k))
		for first := 0; first < data.Len(); first += batch {
			rows := min(batch, data.Len()-first)
			x, eps := engine.NewArray(append([]int{batch}, data.Shape[1:]...)...), engine.NewArray(append([]int{batch}, data.Shape[1:]...)...)
			copy(x.Data, data.Slice(first, first+rows).Data)
			for i := range rows * data.Dim() {
				eps.Data[i] = float32(rng.NormFloat64())
			}
			loss, err := program.Call1(x.Tensor(), eps.Tensor(), float32(t), float32(a), float32(s))
			if err != nil {
				return 0, err
			}
			for _, v := range loss.Data[:rows] {
				sum += float64(v) * (a*a/(s*s) + 1/(by*by))
				n++
			}
		}
	}
	return sum / float64(n), nil
}
