package priors

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"

	"odslab/odslib"
	"odslab/odslib/diffusion"
	"odslab/odslib/engine"
	"odslab/odslib/internal/fit"
	"odslab/odslib/nn"
	"odslab/odslib/safetensors"
)

var (
	_ odslib.Parametrised                   = (*Classifier)(nil)
	_ odslib.Trainer[Labelled, *Classifier] = Classifier{}
)

// Labelled is data with a class for each sample; datasets.Images converts to it.
type Labelled struct {
	X      odslib.Array // [n, shape…]
	Labels []uint8      // [n], indices into Names
	Names  []string     // of the classes
}

// Classifier is p(class | x_t) at every noise level: half of its training's samples are clean, the others are noised evenly over
// σ/√(α²+σ²), which is all that it sees of a level, so that it fits every schedule. Its last hidden layer is the feature space of
// Fréchet distances. Calibrate sets the temperature.
type Classifier struct {
	Net         nn.Tower
	Features    int        // 0 means 64
	Names       []string   // of the classes; Train takes them from the data
	Temperature [2]float64 // logits are divided by exp(a + b·σ/√(α²+σ²))
	Fit         `json:"-"`
	Trained     `json:"-"`
	why         string // it could not be had
}

// Err says what is missing for the classifier to be used.
func (c *Classifier) Err() error {
	if c != nil && c.why != "" {
		return fmt.Errorf("%s", c.why)
	}
	if c == nil || len(c.Weights) == 0 {
		return fmt.Errorf("this classifier is not trained; call its Train, or use what priors.LoadClassifier returns")
	}
	return nil
}

// Train implements odslib.Trainer.
func (c Classifier) Train(ctx context.Context, data Labelled, budget odslib.Budget, seed uint64) (*Classifier, error) {
	n := len(data.Labels)
	if data.X.Len() != n || n == 0 || len(data.Names) < 2 {
		return nil, fmt.Errorf("classifier: %d samples, %d labels and %d classes; every sample has a label, and there are two classes at least", data.X.Len(), n, len(data.Names))
	}
	for i, l := range data.Labels {
		if int(l) >= len(data.Names) {
			return nil, fmt.Errorf("classifier: label %d of sample %d is none of %d classes", l, i, len(data.Names))
		}
	}
	c.Names, c.Temperature = slices.Clone(data.Names), [2]float64{}
	labels := engine.NewArray(n)
	for i, l := range data.Labels {
		labels.Data[i] = float32(l)
	}
	t := &c.Trained
	err := t.train(ctx, c, "classifier", c.Fit, data.X, budget, seed, fit.Problem{
		Data: odslib.Params{{Name: "labels", Value: labels}},
		Loss: func(b fit.Minibatch) (rng, loss *odslib.Node) { return c.entropy(b.Net, b.X, b.Rows("labels"), b.RNG) },
	})
	if t.Weights == nil {
		return nil, err
	}
	return &c, err
}

// loss implements family, with labels that do not matter.
func (c Classifier) loss(scope *odslib.Scope, x, rng *odslib.Node) (newRNG, loss *odslib.Node) {
	return c.entropy(scope, x, graph.Zeros(x.Graph(), shapes.Make(dtypes.Float32, x.Shape().Dimensions[0])), rng)
}

// entropy is the cross-entropy of a batch, the first half of it clean.
func (c Classifier) entropy(scope *odslib.Scope, x, labels, rng *odslib.Node) (newRNG, loss *odslib.Node) {
	g, n := x.Graph(), x.Shape().Dimensions[0]
	rng, u := engine.RandomUniform(rng, n)
	at, all := engine.Numbers(g, n)
	clean := graph.LessThan(at, graph.BroadcastToDims(graph.Const(g, int32((all+1)/2)), n))
	sigma := graph.Where(clean, graph.ZerosLike(u), u)
	alpha := graph.Sqrt(graph.Max(graph.OneMinus(graph.Square(sigma)), graph.MulScalar(graph.OnesLike(u), 1e-6)))
	rng, noise := engine.RandomNormal(rng, x.Shape().Dimensions...)
	x = graph.Add(graph.Mul(diffusion.PerRow(alpha, x), x), graph.Mul(diffusion.PerRow(sigma, x), noise))
	logits, _ := c.logits(scope, x, odslib.Level{T: sigma, Alpha: alpha, Sigma: sigma})
	one := graph.OneHot(graph.ConvertDType(labels, dtypes.Int32), len(c.Names), dtypes.Float32)
	return rng, graph.Neg(graph.DivScalar(graph.ReduceAllSum(graph.Mul(logSoftmax(logits), one)), float64(n)))
}

// noisiness is σ/√(α²+σ²), [B].
func noisiness(at odslib.Level) *odslib.Node {
	return graph.Div(at.Sigma, graph.Sqrt(graph.Add(graph.Square(at.Alpha), graph.Square(at.Sigma))))
}

// logits are [B, classes], features [B, Features]; x is of the scale of standardised data.
func (c *Classifier) logits(scope *odslib.Scope, x *odslib.Node, at odslib.Level) (logits, features *odslib.Node) {
	width := c.Features
	if width == 0 {
		width = 64
	}
	unit := graph.Sqrt(graph.Add(graph.Square(at.Alpha), graph.Square(at.Sigma)))
	h := c.Net.Map(scope.At("body"), graph.Div(x, diffusion.PerRow(unit, x)), engine.FanIn, width)
	head := scope.At("head")
	time := nn.Dense(head, "level", nn.TimeFeatures(noisiness(at), 16), width, engine.FanIn)
	features = nn.SiLU(graph.Add(h, time))
	return nn.Dense(head, "out", features, len(c.Names), engine.FanIn), features
}

// LogProbs are log p(class | x_t), [B, classes], for graph code; T of the level is not looked at.
func (c *Classifier) LogProbs(scope *odslib.Scope, x *odslib.Node, at odslib.Level) *odslib.Node {
	x, at = c.standard(scope, x, at)
	logits, _ := c.logits(scope, x, at)
	temper := graph.Exp(graph.AddScalar(graph.MulScalar(noisiness(at), c.Temperature[1]), c.Temperature[0]))
	return logSoftmax(graph.Div(logits, diffusion.PerRow(temper, logits)))
}

// standard takes x_t to the scale of standardised data: u = (x − α·mean)/scale at σ/scale.
func (c *Classifier) standard(scope *odslib.Scope, x *odslib.Node, at odslib.Level) (*odslib.Node, odslib.Level) {
	if c.Scale == 0 {
		return x, at
	}
	mean, scale := c.unit(scope, x)
	at.Sigma = graph.DivScalar(at.Sigma, c.Scale)
	return graph.Div(graph.Sub(x, graph.Mul(diffusion.PerRow(at.Alpha, x), mean)), scale), at
}

// Classes are their names.
func (c *Classifier) Classes() []string { return slices.Clone(c.Names) }

// String says what the classifier is, in a line.
func (c *Classifier) String() string {
	return c.describe(fmt.Sprintf("classifier of %d classes", len(c.Names)))
}

// Save writes the classifier to path.safetensors and path.json.
func (c *Classifier) Save(path string) error { return c.save(path, *c) }

func (c Classifier) open(f *safetensors.File, t Trained) (any, error) {
	c.Trained = t
	err := c.read(f, c)
	return &c, err
}

// logSoftmax is along the last axis.
func logSoftmax(x *odslib.Node) *odslib.Node {
	top := graph.StopGradient(graph.ReduceMax(x, -1))
	wide := func(v *odslib.Node) *odslib.Node { return graph.BroadcastToShape(graph.ExpandAxes(v, -1), x.Shape()) }
	x = graph.Sub(x, wide(top))
	return graph.Sub(x, wide(graph.Log(graph.ReduceSum(graph.Exp(x), -1))))
}

// clean is the level without noise.
func clean(x *odslib.Node) odslib.Level {
	zero := graph.BroadcastToDims(graph.Const(x.Graph(), float32(0)), x.Shape().Dimensions[0])
	return odslib.Level{T: zero, Alpha: graph.OnePlus(zero), Sigma: zero}
}

// rowsOf evaluates graph code that gives k numbers for each sample, in batches; extra inputs are the same for all.
func (c *Classifier) rowsOf(ctx context.Context, x odslib.Array, build engine.Build, extra ...any) (odslib.Array, error) {
	if err := c.Err(); err != nil {
		return odslib.Array{}, err
	}
	if len(x.Shape) == 0 || !slices.Equal(x.Shape[1:], c.Dims) || x.Len() == 0 {
		return odslib.Array{}, fmt.Errorf("the classifier is of samples of shape %v, got an array of shape %v", c.Dims, x.Shape)
	}
	return batches(ctx, c, x, build, func() []any { return extra })
}

// Probabilities are p(class | x), [n, classes], of clean samples.
func (c *Classifier) Probabilities(ctx context.Context, x odslib.Array) (odslib.Array, error) {
	return c.rowsOf(ctx, x, func(scope *engine.Scope, in []*engine.Node) []*engine.Node {
		return []*engine.Node{graph.Exp(c.LogProbs(scope, in[0], clean(in[0])))}
	})
}

// FeaturesOf are the last hidden layer of clean samples, [n, Features].
func (c *Classifier) FeaturesOf(ctx context.Context, x odslib.Array) (odslib.Array, error) {
	return c.rowsOf(ctx, x, func(scope *engine.Scope, in []*engine.Node) []*engine.Node {
		u, at := c.standard(scope, in[0], clean(in[0]))
		_, features := c.logits(scope, u, at)
		return []*engine.Node{features}
	})
}

// Accuracy is the share of clean samples whose likeliest class is their label.
func (c *Classifier) Accuracy(ctx context.Context, data Labelled) (float64, error) {
	p, err := c.Probabilities(ctx, data.X)
	if err != nil {
		return 0, err
	}
	right := 0
	for i, l := range data.Labels {
		if row := p.Row(i); int(l) < len(row) && slices.Max(row) == row[l] {
			right++
		}
	}
	return float64(right) / float64(len(data.Labels)), nil
}

// CalibrationError is the expected calibration error of the likeliest class over ten bins of its probability (Guo et al.
// 1706.04599).
func (c *Classifier) CalibrationError(ctx context.Context, data Labelled) (float64, error) {
	p, err := c.Probabilities(ctx, data.X)
	if err != nil {
		return 0, err
	}
	var sum, right [10]float64
	for i, l := range data.Labels {
		top := slices.Max(p.Row(i))
		b := min(9, int(10*top))
		sum[b] += float64(top)
		if p.Row(i)[l] == top {
			right[b]++
		}
	}
	out := 0.
	for b := range sum {
		out += math.Abs(sum[b]-right[b]) / float64(len(data.Labels))
	}
	return out, nil
}
