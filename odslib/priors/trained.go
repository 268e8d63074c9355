package priors

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"

	"odslab/odslib"
	"odslab/odslib/checkpoint"
	"odslab/odslib/engine"
	"odslab/odslib/internal/fit"
	"odslab/odslib/internal/kinds"
	"odslab/odslib/safetensors"
)

// Trained is what training leaves of a generator; in a description it is empty. Networks see data without their Mean and in
// units of Scale where those are not 0 and 1, see [Training].
type Trained struct {
	Dims    []int // shape of one sample
	Weights odslib.Params
	Mean    []float64 // of each value of the data, flat; nil means 0
	Scale   float64   // of the data, their standard deviation; 0 means 1
	Bin     float64   // width of a step of the data, see Fit
	Log     Log
}

// Shape implements odslib.Prior.
func (t *Trained) Shape() []int { return slices.Clone(t.Dims) }

// Err says what is missing for the prior to be used.
func (t *Trained) Err() error {
	if len(t.Weights) == 0 {
		return errUntrained
	}
	return nil
}

var errUntrained = errors.New("this prior is not trained; call its Train, or use what priors.Load or priors.Open returns")

// Params implements odslib.Parametrised: the weights, and mean and scale of the data where they are not 0 and 1.
func (t *Trained) Params() odslib.Params {
	if t.Scale == 0 {
		return t.Weights
	}
	return append(t.Weights[:len(t.Weights):len(t.Weights)], engine.Param{Name: "data/mean", Value: engine.FromVector(t.Mean).Reshape(t.Dims...)},
		engine.Param{Name: "data/scale", Value: odslib.Array{Data: []float32{float32(t.Scale)}}})
}

// out takes what a network gave back to the data.
func (t *Trained) out(scope *odslib.Scope, u *odslib.Node) *odslib.Node {
	if t.Scale == 0 {
		return u
	}
	mean, scale := t.unit(scope, u)
	return graph.Add(mean, graph.Mul(scale, u))
}

// in takes data to what a network sees.
func (t *Trained) in(scope *odslib.Scope, x *odslib.Node) *odslib.Node {
	if t.Scale == 0 {
		return x
	}
	mean, scale := t.unit(scope, x)
	return graph.Div(graph.Sub(x, mean), scale)
}

func (t *Trained) unit(scope *odslib.Scope, x *odslib.Node) (mean, scale *odslib.Node) {
	mean, scale = engine.Var(scope.At("data"), x.Graph(), "mean"), engine.Var(scope.At("data"), x.Graph(), "scale")
	return graph.BroadcastToShape(graph.ExpandAxes(mean, 0), x.Shape()), graph.BroadcastToShape(scale, x.Shape())
}

// describe names kind, shape and weights in a line.
func (t *Trained) describe(what string) string {
	if t.Err() != nil {
		return "untrained " + what
	}
	return fmt.Sprintf("%s over %v: %d weights, %d steps", what, t.Dims, t.Weights.Size(), t.Log.Steps) + t.Log.Recent()
}

// described is the description of a prior: a struct of settings that a file keeps as JSON.
type described interface {
	// open makes the prior, or classifier, of what a file has.
	open(f *safetensors.File, t Trained) (any, error)
}

// family is a description that Trained.train can train.
type family interface {
	described
	// loss of a batch, reading every weight of the training, and the new random state.
	loss(scope *odslib.Scope, x, rng *odslib.Node) (newRNG, loss *odslib.Node)
}

var families = kinds.New[described]("priors", "prior", VAE{}, GAN{}, RealNVP{}, Flow{}, LatentDiffusion{}, Classifier{})

// about is the JSON beside the weights of a generator.
type about struct {
	Prior json.RawMessage `json:"prior,omitempty"` // {"kind":"VAE","settings":{…}}; a diffusion prior has none
	Shape []int           `json:"shape"`
	Mean  []float64       `json:"mean,omitempty"`
	Scale float64         `json:"scale,omitempty"`
	Bin   float64         `json:"bin,omitempty"`
	checkpoint.Record
}

func (t *Trained) about(kind described) (out about, err error) {
	out = about{Shape: t.Dims, Mean: t.Mean, Scale: t.Scale, Bin: t.Bin, Record: t.Log.Record()}
	out.Prior, err = families.Encode(kind)
	return out, err
}

// stream is that of the random numbers of all trainings of priors.
const stream = "priors.Training"

// train trains t as the description says; p has further data, and a loss or gradient that is not the family's.
func (t *Trained) train(ctx context.Context, kind family, what string, f Fit, data odslib.Array, budget odslib.Budget, seed uint64, p fit.Problem) error {
	f, err := f.resolve(data)
	if err != nil {
		return err
	}
	*t = Trained{Dims: slices.Clone(data.Shape[1:]), Bin: f.Bin}
	if t.Mean, t.Scale = standard(data); t.Scale != 0 {
		data = standardised(data, t.Mean, t.Scale)
		f.Bin /= t.Scale
	}
	weights, err := initial(kind, t.Dims, engine.Split(seed, stream+".weights"))
	if err != nil {
		return fmt.Errorf("training: %w", err)
	}
	settings, err := families.Encode(kind)
	if err != nil {
		return fmt.Errorf("training: %w", err)
	}
	p.What, p.Settings, p.Stream = what+" training", fit.Settings(f), stream
	p.Weights, p.Data = weights, append(odslib.Params{{Name: "data", Value: data}}, p.Data...)
	p.Same = struct {
		Prior json.RawMessage `json:"prior"`
	}{settings}
	p.About = func() (any, error) { return t.about(kind) }
	if p.Gradient == nil && p.Loss == nil {
		p.Loss = func(b fit.Minibatch) (rng, loss *odslib.Node) { return kind.loss(b.Net, b.X, b.RNG) }
	}
	t.Weights, err = p.Run(ctx, budget, seed, &t.Log)
	return fit.Named(ctx, "training", err)
}

// initial are the weights that a family's loss reads.
func initial(kind family, dims []int, seed uint64) (odslib.Params, error) {
	inputs := []shapes.Shape{engine.Float32(append([]int{2}, dims...)...), shapes.Make(dtypes.Uint64, engine.RNGWords)}
	return engine.Initial(seed, inputs, func(scope *engine.Scope, in []*engine.Node) { kind.loss(scope, in[0], in[1]) })
}

// save writes weights, and all that Open needs.
func (t *Trained) save(path string, kind described) error {
	if err := t.Err(); err != nil {
		return err
	}
	about, err := t.about(kind)
	if err != nil {
		return err
	}
	return checkpoint.Write(path, about, checkpoint.Tensors("", t.Weights))
}

// Open reads a prior that the Save of any prior here wrote, or a checkpoint of its training; path is without ending.
func Open(path string) (odslib.Prior, error) {
	f, err := checkpoint.Read(path)
	if err != nil {
		return nil, err
	}
	return prior(f)
}

func prior(f *safetensors.File) (odslib.Prior, error) {
	v, err := decode(f)
	if err != nil {
		return nil, err
	}
	p, ok := v.(odslib.Prior)
	if !ok {
		return nil, fmt.Errorf("the file holds a %T, which is no prior; read it by priors.OpenClassifier", v)
	}
	return p, nil
}

func decode(f *safetensors.File) (any, error) {
	var a about
	if err := checkpoint.About(f, &a); err != nil {
		return nil, fmt.Errorf("the file has weights, but not the settings of an odslab prior")
	}
	if len(a.Prior) == 0 {
		return decodeDiffusion(f, "")
	}
	kind, err := families.Decode(a.Prior)
	if err != nil {
		return nil, err
	}
	return kind.open(f, Trained{Dims: a.Shape, Mean: a.Mean, Scale: a.Scale, Bin: a.Bin, Log: a.Log()})
}

// read reads the weights that the family's loss calls for.
func (t *Trained) read(f *safetensors.File, kind family) error {
	like, err := initial(kind, t.Dims, 0)
	if err == nil {
		t.Weights, err = weightsOf(f, "", like)
	}
	return err
}

// generate draws n samples of a generator.
func generate(ctx context.Context, prior odslib.Prior, n int, seed uint64) (odslib.Array, error) {
	in, err := odslib.Given(prior, nil).Inside()
	if err != nil {
		return odslib.Array{}, err
	}
	z, err := in.Prior.Sample(ctx, n, seed)
	if err != nil {
		return odslib.Array{}, err
	}
	return in.Out(ctx, z)
}

// weightsOf reads the weights that like calls for, below a prefix, of a finished prior or of a training state.
func weightsOf(f *safetensors.File, under string, like odslib.Params) (odslib.Params, error) {
	if checkpoint.IsState(f) {
		under = fit.Average + under
	}
	return checkpoint.Params(f, under, like)
}
