package diffusion

import (
	"fmt"

	"github.com/gomlx/gomlx/core/graph"

	"odslab/odslib"
	"odslab/odslib/engine"
)

var (
	_ odslib.GaussianSteps = (*Process)(nil)
	_ odslib.Noising       = (*Process)(nil)
)

// Columned is a prior whose denoiser reads curves of t, a column of the chain's table each: they come in Level.Extra.
type Columned interface{ Columns() []odslib.Curve }

// Wrapped is a prior that stands for another one and changes its denoiser: chains start as that one's do. under is where the
// other's parameters are in its scope.
type Wrapped interface {
	Base() (prior odslib.Diffusion, under string)
}

// base is the prior whose law the chain starts from, and its scope.
func base(prior odslib.Diffusion, scope *odslib.Scope) (odslib.Diffusion, *odslib.Scope) {
	w, ok := prior.(Wrapped)
	if !ok {
		return prior, scope
	}
	prior, under := w.Base()
	if scope != nil {
		scope = scope.At("%s", under)
	}
	return base(prior, scope)
}

// Process is the reverse chain of a diffusion prior: x_s ~ N(A·x_t + B·x̂0, Std²·I).
type Process struct {
	odslib.Diffusion
	Chain  Chain // with all defaults filled in
	curves int
	rows   engine.Table
}

// Of is the process of a prior under the chain.
func (c Chain) Of(prior odslib.Diffusion) (*Process, error) {
	c, err := c.resolve(prior)
	if err != nil {
		return nil, err
	}
	var curves []odslib.Curve
	if p, ok := prior.(Columned); ok {
		curves = p.Columns()
	}
	rows, err := c.table(curves)
	return &Process{Diffusion: prior, Chain: c, curves: len(curves), rows: rows}, err
}

// ProcessOf is the process of a prior that has one of its own, or else that of a diffusion prior under the chain.
func (c Chain) ProcessOf(prior odslib.Prior, who string) (odslib.Process, error) {
	switch p := prior.(type) {
	case odslib.Process:
		return p, nil
	case odslib.Diffusion:
		return c.Of(p)
	}
	return nil, fmt.Errorf("%s needs a diffusion prior, or one with a reverse chain of its own; got %T", who, prior)
}

// Params are the prior's and the start's: its row of the table and, for priors that know their moments but cannot draw x_t
// themselves, mean and standard deviation of each value.
func (p *Process) Params() odslib.Params {
	out := append(odslib.ParamsOf(p.Diffusion), engine.Param{Name: "start_row", Value: odslib.Array{Shape: []int{len(p.rows[0])}, Data: p.rows[0]}})
	prior, _ := base(p.Diffusion, nil)
	if _, ok := prior.(odslib.Marginal); ok {
		return out
	}
	if m, ok := prior.(odslib.Moments); ok {
		mean, std := m.Moments()
		out = append(out, engine.Param{Name: "start_mean", Value: engine.FromVector(mean).Reshape(p.Shape()...)},
			engine.Param{Name: "start_std", Value: engine.FromVector(std).Reshape(p.Shape()...)})
	}
	return out
}

// Table implements odslib.Process; the rows are the caller's.
func (p *Process) Table() (engine.Table, error) {
	out := make(engine.Table, len(p.rows))
	for i, row := range p.rows {
		out[i] = append([]float32{}, row...)
	}
	return out, nil
}

// Times implements odslib.Process.
func (p *Process) Times() []float64 { return p.Chain.Grid }

// Stochastic says whether every step has noise, and so a density; the error names the first that has none.
func (p *Process) Stochastic() error {
	for i, row := range p.rows {
		if !(row[colStd] > 0) {
			return fmt.Errorf("step %d of the chain has no noise, so its paths have no density; use a stochastic kernel such as diffusion.Matched", i+1)
		}
	}
	return nil
}

// Gains fails where x̂0 has no weight in a step, for methods that divide by it.
func (p *Process) Gains() error {
	for i, row := range p.rows {
		if row[colB] == 0 || row[colW2] != 0 && row[colV2] == 0 {
			return fmt.Errorf("x̂0 has no weight in step %d of the chain (%T), so nothing can be subtracted through it; use another kernel or grid", i+1, p.Chain.Kernel)
		}
	}
	return nil
}

// Start draws the noisiest level: by the prior itself where it can, else N(α·mean, α²·std²+σ²) by its moments, else N(0, σ²).
func (p *Process) Start(scope *odslib.Scope, rng *odslib.Node, n int) (newRNG, x *odslib.Node) {
	row := engine.Var(scope, rng.Graph(), "start_row")
	prior, inner := base(p.Diffusion, scope)
	if m, ok := prior.(odslib.Marginal); ok {
		return m.SampleAt(inner, rng, p.Level(row, n))
	}
	rng, x = engine.RandomNormal(rng, append([]int{n}, p.Shape()...)...)
	return rng, p.StartFrom(scope, x)
}

// StartFrom takes noise N(0, I) to the noisiest level: to N(α·mean, α²·std²+σ²) where the prior knows its moments, else to N(0, σ²).
func (p *Process) StartFrom(scope *odslib.Scope, x *odslib.Node) *odslib.Node {
	row := engine.Var(scope, x.Graph(), "start_row")
	alpha, sigma := engine.Col(row, colAlpha), engine.Col(row, colSigma)
	if !engine.Has(scope, "start_mean") {
		return times(sigma, x)
	}
	each := func(v *odslib.Node) *odslib.Node { return graph.BroadcastToShape(graph.ExpandAxes(v, 0), x.Shape()) }
	std := times(alpha, engine.Var(scope, x.Graph(), "start_std"))
	std = graph.Sqrt(graph.Add(graph.Square(std), graph.BroadcastToShape(graph.Square(sigma), std.Shape())))
	return graph.Add(graph.Mul(x, each(std)), each(times(alpha, engine.Var(scope, x.Graph(), "start_mean"))))
}

// Level implements odslib.Process.
func (p *Process) Level(row *odslib.Node, n int) odslib.Level {
	return p.level(row, n, colT, colB, 0)
}

// level reads T, α, σ from first on, the weight of x̂0 and the curves, at the step's start (stage 0) or end (1).
func (p *Process) level(row *odslib.Node, n, first, gain, stage int) odslib.Level {
	c := func(j int) *odslib.Node { return graph.BroadcastToDims(engine.Col(row, j), n) }
	at := odslib.Level{T: c(first), Alpha: c(first + 1), Sigma: c(first + 2), Gain: c(gain)}
	for k := range p.curves {
		at.Extra = append(at.Extra, c(columns+2*k+stage))
	}
	return at
}

// Guess is x̂0, one evaluation of the denoiser.
func (p *Process) Guess(scope *odslib.Scope, x *odslib.Node, at odslib.Level) []*odslib.Node {
	return []*odslib.Node{p.Denoise(scope, x, at)}
}

// Mean implements odslib.GaussianSteps.
func (p *Process) Mean(guess []*odslib.Node, x, row *odslib.Node) (mean, std *odslib.Node) {
	return graph.Add(times(engine.Col(row, colA), x), times(engine.Col(row, colB), guess[0])), engine.Col(row, colStd)
}

// Step implements odslib.Process.
func (p *Process) Step(guess []*odslib.Node, x, row, rng *odslib.Node) (newRNG, next *odslib.Node) {
	mean, std := p.Mean(guess, x, row)
	rng, noise := engine.RandomNormal(rng, x.Shape().Dimensions...)
	return rng, graph.Add(mean, times(std, noise))
}

// LogStep implements odslib.Process.
func (p *Process) LogStep(guess []*odslib.Node, next, x, row *odslib.Node) *odslib.Node {
	mean, std := p.Mean(guess, x, row)
	return LogNormal(next, mean, std)
}

// LogNormal is log N(x; mean, std²I) for each row, std a scalar.
func LogNormal(x, mean, std *odslib.Node) *odslib.Node {
	n := x.Shape().Dimensions[0]
	off := graph.Reshape(graph.Sub(x, mean), n, -1)
	d := float64(off.Shape().Dimensions[1])
	quad := graph.ReduceSum(graph.Square(graph.Div(off, graph.BroadcastToShape(std, off.Shape()))), -1)
	logs := graph.MulScalar(graph.AddScalar(graph.MulScalar(graph.Log(std), 2), 1.8378770664093453), d) // log 2π
	return graph.MulScalar(graph.Add(quad, graph.BroadcastToShape(logs, quad.Shape())), -.5)
}

// Forward are the factor α_t/α_s and the standard deviation of the noising step of a row.
func (p *Process) Forward(row *odslib.Node) (ratio, std *odslib.Node) {
	return engine.Col(row, colRatio), engine.Col(row, colForward)
}

// Noise implements odslib.Noising: the forward step x_t ~ N(α_t/α_s·x_s, σ_t² − (α_t/α_s)²σ_s²).
func (p *Process) Noise(next, row, rng *odslib.Node) (newRNG, x *odslib.Node) {
	rng, noise := engine.RandomNormal(rng, next.Shape().Dimensions...)
	return rng, graph.Add(times(engine.Col(row, colRatio), next), times(engine.Col(row, colForward), noise))
}

// correct is Heun's second stage: moved is the Euler end of the step from x.
func (p *Process) correct(scope *odslib.Scope, x, moved, row, given *odslib.Node) *odslib.Node {
	// The weight of the second x̂0 in a step of its own, x − Δ·(u·moved + v·x̂0), is −Δ·v.
	delta, v2 := engine.Col(row, colDelta), engine.Col(row, colV2)
	at := p.level(row, x.Shape().Dimensions[0], colT2, colB, 1)
	at.Given, at.Gain = given, graph.Neg(graph.BroadcastToShape(graph.Mul(delta, v2), at.T.Shape()))
	end := graph.StopGradient(p.Denoise(scope, moved, at))
	// moved = x − Δ·d1, so d1 = (x − moved)/Δ and the corrected point is moved + Δ·w·(d1 − d2).
	d2 := times(delta, graph.Add(times(engine.Col(row, colU2), moved), times(v2, end)))
	return graph.Add(moved, times(engine.Col(row, colW2), graph.Sub(graph.Sub(x, moved), d2)))
}

// times multiplies x of any shape by a scalar.
func times(s, x *odslib.Node) *odslib.Node { return graph.Mul(graph.BroadcastToShape(s, x.Shape()), x) }

// Common is the level with one row, [1], where all rows of the batch were given the same as [Process.Level] does; else it is
// the level itself. What depends on the level alone is then computed once. Conditions stay as they are.
func Common(at odslib.Level) odslib.Level {
	shared := true
	one := func(v *odslib.Node) *odslib.Node {
		if v.Type() != graph.NodeTypeBroadcastInDim || !v.Inputs()[0].IsScalar() {
			shared = false
			return v
		}
		return graph.Reshape(v.Inputs()[0], 1)
	}
	c := at
	c.T, c.Alpha, c.Sigma = one(at.T), one(at.Alpha), one(at.Sigma)
	if shared {
		return c
	}
	return at
}

// PerRow lets a [B] vector multiply x of shape [B, …].
func PerRow(v, x *odslib.Node) *odslib.Node {
	dims := make([]int, x.Rank())
	for i := range dims {
		dims[i] = 1
	}
	dims[0] = v.Shape().Dimensions[0]
	return graph.BroadcastToShape(graph.Reshape(v, dims...), x.Shape())
}
