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
	s := fmt.Sprintf("%s over %v: %d weights, %d steps", what, t.Dims, t.Weights.Size(), t.Log.Steps)
	if k := len(t.Log.Loss); k > 0 {
		s += fmt.Sprintf(", loss %.4f", mean32(t.Log.Loss[max(0, k-100):]))
	}
	return s
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
	record
}

func (t *Trained) about(kind described) (out about, err error) {
	out = about{Shape: t.Dims, Mean: t.Mean, Scale: t.Scale, Bin: t.Bin, record: t.Log.record()}
	out.Prior, err = families.Encode(kind)
	return out, err
}

// gradientOf is what a task needs for the gradient of its loss.
type gradientOf func(b minibatch) (rng, loss *odslib.Node, grads []*odslib.Node)

// train trains t as the description says; gradient is of the family's loss unless it is given.
func (t *Trained) train(ctx context.Context, kind family, what string, f Fit, data odslib.Array, budget odslib.Budget, seed uint64, gradient gradientOf) error {
	return t.trainWith(ctx, kind, what, f, data, nil, budget, seed, gradient)
}

// trainWith is train with further data, a row for each sample.
func (t *Trained) trainWith(ctx context.Context, kind family, what string, f Fit, data odslib.Array, further odslib.Params, budget odslib.Budget, seed uint64,
	gradient gradientOf,
) error {
	f, err := f.resolve(data)
	if err != nil {
		return err
	}
	*t = Trained{Dims: slices.Clone(data.Shape[1:]), Bin: f.Bin}
	if t.Mean, t.Scale = standard(data); t.Scale != 0 {
		data = standardised(data, t.Mean, t.Scale)
		f.Bin /= t.Scale
	}
	weights, err := initial(kind, t.Dims, engine.Split(seed, "priors.Training.weights"))
	if err != nil {
		return fmt.Errorf("training: %w", err)
	}
	settings, err := families.Encode(kind)
	if err != nil {
		return fmt.Errorf("training: %w", err)
	}
	if gradient == nil {
		gradient = func(b minibatch) (rng, loss *odslib.Node, grads []*odslib.Node) {
			rng, loss = kind.loss(b.scope, b.x, b.rng)
			return rng, loss, graph.Gradient(loss, b.weights...)
		}
	}
	t.Weights, err = fit(ctx, f, task{
		what: what + " training", weights: weights, gradient: gradient, data: further,
		settings: struct {
			Prior json.RawMessage `json:"prior"`
		}{settings},
		about: func() (any, error) { return t.about(kind) },
	}, data, budget, seed, &t.Log)
	return err
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
	return kind.open(f, Trained{Dims: a.Shape, Mean: a.Mean, Scale: a.Scale, Bin: a.Bin, Log: a.log()})
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
