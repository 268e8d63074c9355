package balance

import (
	"context"
	"math"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"

	"odslab/odslib"
	"odslab/odslib/diffusion"
	"odslab/odslib/engine"
	"odslab/odslib/nn"
)

// Correction says how a network corrects a process's guess. A process may be one itself; the others have [Shift] where their
// steps are Gaussian and [Logits] where they are not.
type Correction interface {
	// Inputs is what the network sees, [B, …]; what it puts out has the same shape. The scope has mean and std of x.
	Inputs(scope *odslib.Scope, guess []*odslib.Node, x *odslib.Node, at odslib.Level) *odslib.Node
	// Correct is the guess with the network's output put in.
	Correct(guess []*odslib.Node, e *odslib.Node, at odslib.Level) []*odslib.Node
}

// Shift is x̂0 − (σ/α)·e, a correction in units of the noise. The network sees x_t and x̂0, standardised value by value.
type Shift struct{}

// Inputs implements Correction.
func (Shift) Inputs(scope *odslib.Scope, guess []*odslib.Node, x *odslib.Node, at odslib.Level) *odslib.Node {
	like := func(v *odslib.Node) *odslib.Node { return graph.BroadcastToShape(graph.ExpandAxes(v, 0), x.Shape()) }
	mean, std := like(engine.Var(scope, x.Graph(), "mean")), like(engine.Var(scope, x.Graph(), "std"))
	alpha := diffusion.PerRow(at.Alpha, x)
	size := graph.Sqrt(graph.Add(graph.Square(graph.Mul(alpha, std)), graph.Square(diffusion.PerRow(at.Sigma, x))))
	return graph.Concatenate([]*odslib.Node{
		graph.Div(graph.Sub(x, graph.Mul(alpha, mean)), size),
		graph.Div(graph.Sub(guess[0], mean), std),
	}, -1)
}

// Correct implements Correction.
func (Shift) Correct(guess []*odslib.Node, e *odslib.Node, at odslib.Level) []*odslib.Node {
	e = cut(e, guess[0])
	x0 := graph.Sub(guess[0], graph.Mul(diffusion.PerRow(graph.Div(at.Sigma, at.Alpha), e), e))
	return append([]*odslib.Node{x0}, guess[1:]...)
}

// Logits is logits + e. The network sees the tokens of x (V is a masked one) and the probabilities of the guess.
type Logits struct{}

// Inputs implements Correction.
func (Logits) Inputs(_ *odslib.Scope, guess []*odslib.Node, x *odslib.Node, _ odslib.Level) *odslib.Node {
	dims := append([]int{}, guess[0].Shape().Dimensions...)
	last := len(dims) - 1
	dims[last]++
	token := graph.Equal(graph.BroadcastToDims(graph.ExpandAxes(x, -1), dims...), graph.Iota(x.Graph(), shapes.Make(dtypes.Float32, dims...), last))
	return graph.Concatenate([]*odslib.Node{graph.ConvertDType(token, dtypes.Float32), graph.Softmax(guess[0], -1)}, -1)
}

// Correct implements Correction.
func (Logits) Correct(guess []*odslib.Node, e *odslib.Node, _ odslib.Level) []*odslib.Node {
	return append([]*odslib.Node{graph.Add(guess[0], cut(e, guess[0]))}, guess[1:]...)
}

// cut drops what the network puts out beyond the last axis of like.
func cut(e, like *odslib.Node) *odslib.Node {
	dims := like.Shape().Dimensions
	return graph.Slice(e, graph.AxisRange().Spacer(), graph.AxisRange(0, dims[len(dims)-1]))
}

// Starting is a process that is a [Correction], and brings the network that makes it and the weights that training begins with:
// a copy of its own. It is the policy's where Settings.Net is nil.
type Starting interface {
	Starting() (nn.Net, odslib.Params)
}

// corrected is the reverse chain of a prior with its guess corrected by a network: the policy as a process. Its guess is the
// corrected one, then the prior's own. The scope has "prior", "standard" and, of the network, "policy".
type corrected struct {
	odslib.Process
	how      Correction
	net      nn.Net
	standard odslib.Params
	own      int // columns of the conditions that the prior reads
	explore  int // column of the table with the variance that exploration adds; 0: none
}

func newCorrected(post odslib.Posterior, chain diffusion.Chain, net nn.Net, standard odslib.Params, who string) (*corrected, error) {
	base, err := chain.ProcessOf(post.Prior, who)
	if err != nil {
		return nil, err
	}
	if s, ok := base.(interface{ Stochastic() error }); ok {
		if err := s.Stochastic(); err != nil {
			return nil, err
		}
	}
	p := &corrected{Process: base, net: net, standard: standard}
	if how, ok := base.(Correction); ok {
		p.how = how
	} else if p.gaussian() != nil {
		p.how = Shift{}
	} else {
		p.how = Logits{}
	}
	if c, ok := post.Prior.(odslib.Conditional); ok {
		p.own = c.Conditions()
	}
	return p, nil
}

func (p *corrected) gaussian() odslib.GaussianSteps {
	g, _ := p.Process.(odslib.GaussianSteps)
	return g
}

// params are the numbers of the process and of the standardisation.
func (p *corrected) params() odslib.Params {
	return append(odslib.ParamsOf(p.Process).Under("prior"), p.standard.Under("standard")...)
}

// Start implements odslib.Process: it is the prior's.
func (p *corrected) Start(scope *odslib.Scope, rng *odslib.Node, n int) (newRNG, x *odslib.Node) {
	return p.Process.Start(scope.At("prior"), rng, n)
}

// Guess implements odslib.Process.
func (p *corrected) Guess(scope *odslib.Scope, x *odslib.Node, at odslib.Level) []*odslib.Node {
	guess := p.reference(scope, x, at)
	return append(p.correct(scope, guess, x, at), guess...)
}

// reference is the prior's own guess, without gradient.
func (p *corrected) reference(scope *odslib.Scope, x *odslib.Node, at odslib.Level) []*odslib.Node {
	if p.own == 0 {
		at.Given = nil
	} else if at.Given != nil {
		at.Given = graph.Slice(at.Given, graph.AxisRange(), graph.AxisRange(0, p.own))
	}
	guess := p.Process.Guess(scope.At("prior"), x, at)
	for i, g := range guess {
		guess[i] = graph.StopGradient(g)
	}
	return guess
}

// correct is the prior's guess, corrected.
func (p *corrected) correct(scope *odslib.Scope, guess []*odslib.Node, x *odslib.Node, at odslib.Level) []*odslib.Node {
	s := scope.At("standard")
	at = diffusion.Common(at)
	if g := at.Given; g != nil {
		each := func(name string) *odslib.Node {
			return graph.BroadcastToShape(graph.ExpandAxes(engine.Var(s, x.Graph(), name), 0), g.Shape())
		}
		at.Given = graph.Div(graph.Sub(g, each("given_mean")), each("given_std"))
	}
	return p.how.Correct(guess, p.net.Apply(scope.At("policy"), p.how.Inputs(s, guess, x, at), at), at)
}

// Step implements odslib.Process.
func (p *corrected) Step(guess []*odslib.Node, x, row, rng *odslib.Node) (newRNG, next *odslib.Node) {
	g := p.gaussian()
	if p.explore == 0 || g == nil {
		return p.Process.Step(guess[:len(guess)/2], x, row, rng)
	}
	mean, std := g.Mean(guess[:len(guess)/2], x, row)
	rng, noise := engine.RandomNormal(rng, x.Shape().Dimensions...)
	std = graph.Sqrt(graph.Add(graph.Square(std), engine.Col(row, p.explore)))
	return rng, graph.Add(mean, graph.Mul(noise, graph.BroadcastToShape(std, x.Shape())))
}

// LogStep implements odslib.Process.
func (p *corrected) LogStep(guess []*odslib.Node, next, x, row *odslib.Node) *odslib.Node {
	return p.Process.LogStep(guess[:len(guess)/2], next, x, row)
}

// logRatio is log p_φ(next|x) − log p_ref(next|x), [B]: for Gaussian steps by the shift of the mean, which loses no digits.
func (p *corrected) logRatio(guess []*odslib.Node, next, x, row *odslib.Node) *odslib.Node {
	mine, prior := guess[:len(guess)/2], guess[len(guess)/2:]
	g := p.gaussian()
	if g == nil {
		return graph.Sub(p.Process.LogStep(mine, next, x, row), p.Process.LogStep(prior, next, x, row))
	}
	mean, std := g.Mean(prior, x, row)
	moved, _ := g.Mean(mine, x, row)
	shift := graph.Sub(moved, mean)
	d := graph.Sub(graph.MulScalar(graph.Sub(next, mean), 2), shift)
	sum := graph.ReduceSum(graph.Reshape(graph.Mul(shift, d), next.Shape().Dimensions[0], -1), -1)
	return graph.Div(sum, graph.BroadcastToShape(graph.MulScalar(graph.Square(std), 2), sum.Shape()))
}

// standardise is how the inputs of a policy's network are scaled: mean and standard deviation of each value of x, by the prior
// itself or from 256 samples of it, and of each condition.
func standardise(ctx context.Context, post odslib.Posterior, p *corrected, seed uint64) (odslib.Params, error) {
	var out odslib.Params
	add := func(prefix string, shape []int, mean, std []float64) {
		out = append(out, engine.Param{Name: prefix + "mean", Value: engine.FromVector(mean).Reshape(shape...)},
			engine.Param{Name: prefix + "std", Value: engine.FromVector(std).Reshape(shape...)})
	}
	if p.gaussian() != nil {
		var mean, std []float64
		if m, ok := post.Prior.(odslib.Moments); ok {
			mean, std = m.Moments()
		} else {
			x, err := post.Prior.Sample(ctx, 256, engine.Split(seed, "balance.scale"))
			if err != nil {
				return nil, err
			}
			mean, std = moments(x)
		}
		add("", post.Shape(), mean, floored(std))
	}
	if post.Given != nil {
		mean, std := moments(*post.Given)
		for j, s := range std {
			if s <= 1e-6*math.Abs(mean[j]) { // all alike
				std[j] = 1
			}
		}
		add("given_", []int{len(mean)}, mean, std)
	}
	return out, nil
}

// floored lets values that hardly vary count as a tenth of the others.
func floored(std []float64) []float64 {
	sum := 0.
	for _, s := range std {
		sum += s * s
	}
	least := math.Max(.1*math.Sqrt(sum/float64(len(std))), 1e-6)
	out := make([]float64, len(std))
	for j, s := range std {
		out[j] = math.Max(s, least)
	}
	return out
}

func moments(x odslib.Array) (mean, std []float64) {
	r := odslib.Result{Samples: x}
	return r.Mean(), r.Std()
}
