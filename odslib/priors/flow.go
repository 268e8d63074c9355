package priors

import (
	"context"
	"encoding/json"
	"fmt"
	"math"

	"github.com/gomlx/gomlx/core/graph"

	"odslab/odslib"
	"odslab/odslib/checkpoint"
	"odslab/odslib/diffusion"
	"odslab/odslib/engine"
	"odslab/odslib/safetensors"
)

var (
	_ odslib.Generator                    = (*Flow)(nil)
	_ odslib.Parametrised                 = (*Flow)(nil)
	_ odslib.Trainer[odslib.Array, *Flow] = Flow{}
)

// Flow is a continuous normalising flow: the generator x = f(z) that follows the probability-flow ODE of a diffusion prior from
// noise to data (Song et al. 2011.13456). Train makes one by flow matching (Lipman et al. 2210.02747, Liu et al. 2209.03003), and
// Flow{Of: prior} is that of any diffusion prior, a mixture too. The ODE is solved by DPM-Solver++(2M) (Lu et al. 2211.01095), whose
// steps are unrolled in the graph: one evaluation of the denoiser each, and a gradient by z through all of them.
type Flow struct {
	Of       odslib.Diffusion `json:"-"`
	Steps    int              // of the solver; 0 means 16
	Probes   int              // Rademacher vectors for the divergence in LogLikelihood; 0 means the exact trace up to 16 dimensions, else 4
	Given    []float64        `json:",omitempty"` // conditions of every sample, where the prior takes them; nil means none
	Training Training         `json:"-"`          // for Train; Schedule and Predicts are those of flow matching where Schedule is nil
}

// Train implements odslib.Trainer.
func (f Flow) Train(ctx context.Context, data odslib.Array, budget odslib.Budget, seed uint64) (*Flow, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	if f.Training.Schedule == nil {
		f.Training.Schedule, f.Training.Predicts = diffusion.Flow{}, diffusion.Velocity
	}
	d, err := f.Training.Train(ctx, data, budget, seed)
	if d == nil {
		return nil, err
	}
	f.Of = d
	return &f, err
}

func (f *Flow) check() error {
	if f.Steps < 0 || f.Probes < 0 {
		return fmt.Errorf("flow: Steps and Probes must be positive, got %d and %d", f.Steps, f.Probes)
	}
	return nil
}

// Err says what is missing for the prior to be used.
func (f *Flow) Err() error {
	if f == nil || f.Of == nil {
		return fmt.Errorf("this flow has no diffusion prior; set Of, or call its Train")
	}
	if c, ok := f.Of.(interface{ Err() error }); ok {
		if err := c.Err(); err != nil {
			return err
		}
	}
	if c, ok := f.Of.(odslib.Conditional); len(f.Given) > 0 && (!ok || c.Conditions() != len(f.Given)) {
		return fmt.Errorf("flow: %d conditions are Given, and %T does not take as many", len(f.Given), f.Of)
	}
	return f.check()
}

// Class is the flow of samples of class k, of a prior that was trained with classes as conditions.
func (f *Flow) Class(k int) (*Flow, error) {
	c, ok := f.Of.(odslib.Conditional)
	if !ok || k < 0 || k >= c.Conditions() {
		return nil, fmt.Errorf("flow: there is no class %d; the prior %T takes none, or fewer conditions", k, f.Of)
	}
	g := *f
	g.Given = make([]float64, c.Conditions())
	g.Given[k] = 1
	return &g, nil
}

// Shape implements odslib.Prior.
func (f *Flow) Shape() []int {
	if f == nil || f.Of == nil {
		return nil
	}
	return f.Of.Shape()
}

// NoiseShape implements odslib.Generator: the noise that the ODE starts from.
func (f *Flow) NoiseShape() []int { return f.Shape() }

// Params implements odslib.Parametrised.
func (f *Flow) Params() odslib.Params {
	out := odslib.ParamsOf(f.Of)
	if m, ok := f.Of.(odslib.Moments); ok {
		mean, std := m.Moments()
		out = append(out[:len(out):len(out)], engine.Param{Name: "moments/mean", Value: engine.FromVector(mean).Reshape(f.Shape()...)},
			engine.Param{Name: "moments/std", Value: engine.FromVector(std).Reshape(f.Shape()...)})
	}
	if len(f.Given) > 0 {
		out = append(out[:len(out):len(out)], engine.Param{Name: "given", Value: engine.FromVector(f.Given)})
	}
	return out
}

// denoise is x̂0 under the flow's conditions.
func (f *Flow) denoise(scope *odslib.Scope, x *odslib.Node, at odslib.Level) *odslib.Node {
	if len(f.Given) > 0 {
		given := engine.Var(scope, x.Graph(), "given")
		at.Given = graph.BroadcastToDims(graph.Reshape(given, 1, len(f.Given)), x.Shape().Dimensions[0], len(f.Given))
	}
	return f.Of.Denoise(scope.ResetVisited(), x, at)
}

// String says what the prior is, in a line.
func (f *Flow) String() string {
	if f == nil || f.Of == nil {
		return "flow of no prior"
	}
	return fmt.Sprintf("flow of %d steps through %v", f.steps(), f.Of)
}

func (f *Flow) steps() int {
	if f.Steps == 0 {
		return 16
	}
	return f.Steps
}

// Sample implements odslib.Prior.
func (f *Flow) Sample(ctx context.Context, n int, seed uint64) (odslib.Array, error) {
	if err := f.Err(); err != nil {
		return odslib.Array{}, err
	}
	return generate(ctx, f, n, seed)
}

// start is mean and standard deviation of x at the noisiest level, where it is taken for Gaussian.
func (f *Flow) start(scope *odslib.Scope, x *odslib.Node, alpha, sigma float64) (mean, std *odslib.Node) {
	if _, ok := f.Of.(odslib.Moments); !ok {
		return graph.ZerosLike(x), graph.MulScalar(graph.OnesLike(x), sigma)
	}
	wide := func(name string) *odslib.Node {
		return graph.BroadcastToShape(graph.ExpandAxes(engine.Var(scope.At("moments"), x.Graph(), name), 0), x.Shape())
	}
	std = graph.Sqrt(graph.AddScalar(graph.Square(graph.MulScalar(wide("std"), alpha)), sigma*sigma))
	return graph.MulScalar(wide("mean"), alpha), std
}

// Generate implements odslib.Generator.
func (f *Flow) Generate(scope *odslib.Scope, z *odslib.Node) *odslib.Node {
	s := f.Of.Schedule()
	grid := diffusion.Uniform(s, f.steps())
	mean, std := f.start(scope, z, s.Alpha(grid[0]), s.Sigma(grid[0]))
	x := graph.Add(mean, graph.Mul(std, z))
	var before *odslib.Node
	for i := range f.steps() {
		now, next := grid[i], grid[i+1]
		x0 := f.denoise(scope, x, f.level(x, now))
		guess := x0
		if before != nil && s.Sigma(next) > 0 {
			last, h := diffusion.LogSNR(s, now)-diffusion.LogSNR(s, grid[i-1]), diffusion.LogSNR(s, next)-diffusion.LogSNR(s, now)
			c := h / last / 2
			guess = graph.Sub(graph.MulScalar(x0, 1+c), graph.MulScalar(before, c))
		}
		ratio := s.Sigma(next) / s.Sigma(now)
		x = graph.Add(graph.MulScalar(x, ratio), graph.MulScalar(guess, s.Alpha(next)-s.Alpha(now)*ratio))
		before = x0
	}
	return x
}

// level is that of time t for every row of x.
func (f *Flow) level(x *odslib.Node, t float64) odslib.Level {
	s, n := f.Of.Schedule(), x.Shape().Dimensions[0]
	c := func(v float64) *odslib.Node { return graph.BroadcastToDims(graph.Const(x.Graph(), float32(v)), n) }
	return odslib.Level{T: c(t), Alpha: c(s.Alpha(t)), Sigma: c(s.Sigma(t))}
}

// Save writes the prior to path.safetensors and path.json; it must be of a trained diffusion prior.
func (f *Flow) Save(path string) error {
	if err := f.Err(); err != nil {
		return err
	}
	d, ok := f.Of.(*Diffusion)
	if !ok {
		return fmt.Errorf("flow: a file keeps the flow of a trained diffusion prior; this one is of %T", f.Of)
	}
	inner, err := d.describe()
	if err != nil {
		return err
	}
	kind, err := families.Encode(*f)
	if err != nil {
		return err
	}
	return checkpoint.Write(path, struct {
		Prior json.RawMessage `json:"prior"`
		description
	}{kind, inner}, checkpoint.Tensors("", d.Weights))
}

func (f Flow) open(file *safetensors.File, _ Trained) (any, error) {
	d, err := decodeDiffusion(file, "")
	f.Of = d
	return &f, err
}

// rates are the coefficients of dx/dt = a·x + b·x̂0, from x_t = α·x_0 + σ·ε: a = σ'/σ, b = α' − α·σ'/σ.
func rates(s odslib.Schedule, t float64) (a, b float64) {
	f, g2 := diffusion.Rates(s, t)
	a = f + g2/(2*math.Pow(s.Sigma(t), 2))
	return a, s.Alpha(t) * (f - a)
}
