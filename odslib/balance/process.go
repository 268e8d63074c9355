package balance

import (
	"context"
	"fmt"
	"math"
	"reflect"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"

	"odslab/odslib"
	"odslab/odslib/diffusion"
	"odslab/odslib/engine"
	"odslab/odslib/nn"
	"odslab/odslib/twist"
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

	post      odslib.Posterior
	guide     twist.Bound // whose gradient the network sees and scales; nil: none
	variances bool        // the network sets the variance of each step, too
}

// Drift is what a policy may do beyond correcting the prior's guess.
type Drift struct {
	// Guide is a twist whose gradient ∇log ψ_t(x_t) the network sees and scales: drift = NN₁ + (1+NN₂)·∇log ψ (the Langevin form of
	// Zhang & Chen 2022, 2111.15141, with twist.Point). Training then starts at the guided prior, without annealing unless Anneal asks
	// for it. Twists need log r as graph code, but twist.Kernel; and steps that are Gaussian.
	Guide twist.Twist `json:"-"`
	Seed  uint64      `json:",omitempty"` // of the random numbers that Guide draws once; a trainer sets it
	// Variances lets the network set the variance of each value at each step within a factor e⁴ of the prior's. Fixed ones keep the
	// paths of a sharp measurement from ever being the posterior's.
	Variances bool
}

func newCorrected(post odslib.Posterior, chain diffusion.Chain, net nn.Net, drift Drift, standard odslib.Params, who string) (*corrected, error) {
	base, err := chain.ProcessOf(post.Prior, who)
	if err != nil {
		return nil, err
	}
	if s, ok := base.(interface{ Stochastic() error }); ok {
		if err := s.Stochastic(); err != nil {
			return nil, err
		}
	}
	if c, ok := base.(*diffusion.Process); ok {
		// A prior that is not exact at every level knows the levels that it was trained on.
		if _, exact := c.Diffusion.(odslib.Marginal); !exact && !reflect.DeepEqual(c.Chain.Schedule, c.Schedule()) {
			return nil, fmt.Errorf("the chain has the schedule %T%+v, the prior %T%+v; a policy shares its prior's, so leave Chain.Schedule out", c.Chain.Schedule, c.Chain.Schedule, c.Schedule(), c.Schedule())
		}
	}
	p := &corrected{Process: base, net: net, standard: standard, post: post, variances: drift.Variances}
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
	given := 0
	if post.Given != nil {
		given = post.Given.Dim()
	}
	if a, ok := net.(adapter); ok {
		if err := p.checkAdapter(a, drift, given); err != nil {
			return nil, err
		}
	}
	if p.gaussian() == nil && (drift.Guide != nil || drift.Variances) {
		return nil, fmt.Errorf("the fields Guide and Variances need a process with Gaussian steps; got %T", base)
	}
	if drift.Guide != nil {
		if p.guide, err = drift.Guide.Bind(post, drift.Seed); err != nil {
			return nil, err
		}
		if _, ok := p.guide.(twist.Valued); !ok {
			if _, err := odslib.Need[odslib.Constraint](post, fmt.Sprintf("the Guide %T", drift.Guide)); err != nil {
				return nil, err
			}
		}
		if n := len(p.guide.Columns()); n > 0 {
			return nil, fmt.Errorf("the field Guide takes no twist with curves of t; %T has %d", drift.Guide, n)
		}
	}
	return p, nil
}

func (p *corrected) gaussian() odslib.GaussianSteps {
	g, _ := p.Process.(odslib.GaussianSteps)
	return g
}

// params are the numbers of the process and of the standardisation.
func (p *corrected) params() odslib.Params {
	out := append(odslib.ParamsOf(p.Process).Under("prior"), p.standard.Under("standard")...)
	if p.guide != nil {
		out = append(append(out, odslib.ParamsOf(p.post.Constraint).Under("constraint")...), p.guide.Params().Under("twist")...)
	}
	return out
}

// split takes a guess apart: the policy's own and the log of its std over the prior's, or nil; the prior's, and the gradient of
// the guide, or nil.
func (p *corrected) split(guess []*odslib.Node) (mine []*odslib.Node, wide *odslib.Node, prior []*odslib.Node, pull *odslib.Node) {
	if p.guide != nil {
		guess, pull = guess[:len(guess)-1], guess[len(guess)-1]
	}
	k := len(guess) / 2
	mine, prior = guess[:k], guess[len(guess)-k:]
	if p.variances {
		wide = guess[k]
	}
	return mine, wide, prior, pull
}

// Start implements odslib.Process: it is the prior's.
func (p *corrected) Start(scope *odslib.Scope, rng *odslib.Node, n int) (newRNG, x *odslib.Node) {
	return p.Process.Start(scope.At("prior"), rng, n)
}

// Guess implements odslib.Process.
func (p *corrected) Guess(scope *odslib.Scope, x *odslib.Node, at odslib.Level) []*odslib.Node {
	known := p.reference(scope, x, at)
	return append(p.correct(scope, known, x, at), known...)
}

// reference is what is known at x_t without the network, and without gradient: the prior's own guess, and the guide's gradient in
// units of the noise, −σ∇log ψ, at most mostPull times the noise in each value.
func (p *corrected) reference(scope *odslib.Scope, x *odslib.Node, at odslib.Level) []*odslib.Node {
	guess := p.Process.Guess(scope.At("prior"), x, p.ownGiven(at))
	var pull *odslib.Node
	if p.guide != nil {
		pull = graph.Gradient(graph.ReduceAllSum(p.guide.LogTwist(scope, x, guess[0], at)), x)[0]
		pull = graph.Mul(graph.Neg(diffusion.PerRow(at.Sigma, x)), pull)
		pull = graph.Where(graph.IsFinite(pull), pull, graph.ZerosLike(pull)) // where r is 0
		pull = graph.Div(pull, graph.Sqrt(graph.OnePlus(graph.MulScalar(graph.Square(pull), 1./(mostPull*mostPull)))))
	}
	out := make([]*odslib.Node, 0, len(guess)+1)
	for _, g := range guess {
		out = append(out, graph.StopGradient(g))
	}
	if pull != nil {
		out = append(out, graph.StopGradient(pull))
	}
	return out
}

// ownGiven is the level with the prior's own conditions alone.
func (p *corrected) ownGiven(at odslib.Level) odslib.Level {
	if p.own == 0 {
		at.Given = nil
	} else if at.Given != nil {
		at.Given = graph.Slice(at.Given, graph.AxisRange(), graph.AxisRange(0, p.own))
	}
	return at
}

const (
	mostPull = 20. // of the guide, in units of the noise
	mostWide = 2.  // of |log std_φ/std_ref|
)

// inputsOf is what the network sees.
func (p *corrected) inputsOf(standard *odslib.Scope, known []*odslib.Node, x *odslib.Node, at odslib.Level) *odslib.Node {
	if p.guide == nil {
		return p.how.Inputs(standard, known, x, at)
	}
	last := len(known) - 1
	return graph.Concatenate([]*odslib.Node{p.how.Inputs(standard, known[:last], x, at), known[last]}, -1)
}

// correct is the guess of the policy from what is known, and the log of its std over the prior's.
func (p *corrected) correct(scope *odslib.Scope, known []*odslib.Node, x *odslib.Node, at odslib.Level) []*odslib.Node {
	if a, ok := p.net.(adapter); ok {
		return p.adapt(a, scope, x, at)
	}
	s, prior := scope.At("standard"), known
	var pull *odslib.Node
	if p.guide != nil {
		prior, pull = known[:len(known)-1], known[len(known)-1]
	}
	at = diffusion.Common(at)
	if g := at.Given; g != nil {
		each := func(name string) *odslib.Node {
			return graph.BroadcastToShape(graph.ExpandAxes(engine.Var(s, x.Graph(), name), 0), g.Shape())
		}
		at.Given = graph.Div(graph.Sub(g, each("given_mean")), each("given_std"))
	}
	e := p.net.Apply(scope.At("policy"), p.inputsOf(s, known, x, at), at)
	part := func(i int) *odslib.Node {
		c := x.Shape().Dimensions[x.Rank()-1]
		return graph.Slice(e, graph.AxisRange().Spacer(), graph.AxisRange(i*c, (i+1)*c))
	}
	move := e
	if pull != nil {
		move = graph.Add(part(0), graph.Mul(graph.OnePlus(part(2)), pull))
	}
	out := p.how.Correct(prior, move, at)
	if p.variances {
		out = append(out, graph.MulScalar(graph.Tanh(graph.MulScalar(part(1), 1/mostWide)), mostWide))
	}
	return out
}

// mean is mean and std of a step of the policy.
func (p *corrected) mean(guess []*odslib.Node, x, row *odslib.Node) (mean, std *odslib.Node) {
	mine, wide, _, _ := p.split(guess)
	mean, std = p.gaussian().Mean(mine, x, row)
	std = graph.BroadcastToShape(std, x.Shape())
	if wide != nil {
		std = graph.Mul(std, graph.Exp(wide))
	}
	return mean, std
}

// Step implements odslib.Process.
func (p *corrected) Step(guess []*odslib.Node, x, row, rng *odslib.Node) (newRNG, next *odslib.Node) {
	mine, wide, _, _ := p.split(guess)
	if p.gaussian() == nil || p.explore == 0 && wide == nil {
		return p.Process.Step(mine, x, row, rng)
	}
	mean, std := p.mean(guess, x, row)
	rng, noise := engine.RandomNormal(rng, x.Shape().Dimensions...)
	if p.explore > 0 {
		std = graph.Sqrt(graph.Add(graph.Square(std), graph.BroadcastToShape(engine.Col(row, p.explore), std.Shape())))
	}
	return rng, graph.Add(mean, graph.Mul(noise, std))
}

// LogStep implements odslib.Process.
func (p *corrected) LogStep(guess []*odslib.Node, next, x, row *odslib.Node) *odslib.Node {
	mine, wide, _, _ := p.split(guess)
	if wide == nil {
		return p.Process.LogStep(mine, next, x, row)
	}
	mean, std := p.mean(guess, x, row)
	off := graph.Add(graph.Square(graph.Div(graph.Sub(next, mean), std)), graph.MulScalar(graph.Log(std), 2))
	return graph.MulScalar(rowSum(graph.AddScalar(off, 1.8378770664093453)), -.5) // log 2π
}

func rowSum(x *odslib.Node) *odslib.Node {
	return graph.ReduceSum(graph.Reshape(x, x.Shape().Dimensions[0], -1), -1)
}

// logRatio is log p_φ(next|x) − log p_ref(next|x), [B]: for Gaussian steps by the shift of the mean, which loses no digits.
func (p *corrected) logRatio(guess []*odslib.Node, next, x, row *odslib.Node) *odslib.Node {
	mine, wide, prior, _ := p.split(guess)
	g := p.gaussian()
	if g == nil {
		return graph.Sub(p.Process.LogStep(mine, next, x, row), p.Process.LogStep(prior, next, x, row))
	}
	mean, std := g.Mean(prior, x, row)
	moved, _ := g.Mean(mine, x, row)
	shift := graph.Sub(moved, mean)
	if wide != nil { // with u, v the shift and what is left of it, in units of the prior's std: ½(u+v)² − ½v²/w² − log w
		std = graph.BroadcastToShape(std, x.Shape())
		v := graph.Div(graph.Sub(next, moved), std)
		u := graph.Div(shift, std)
		grown := graph.MulScalar(graph.Mul(graph.Square(v), graph.OneMinus(graph.Exp(graph.MulScalar(wide, -2)))), .5)
		return rowSum(graph.Sub(graph.Add(grown, graph.Mul(u, graph.Add(v, graph.MulScalar(u, .5)))), wide))
	}
	d := graph.Sub(graph.MulScalar(graph.Sub(next, mean), 2), shift)
	sum := rowSum(graph.Mul(shift, d))
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
